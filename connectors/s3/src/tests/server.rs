//! The store over HTTP, against a server that is one.

use pipeline_api::ErrorKind;
use pipeline_testkit::s3::{Action, Fault, Refusal, Rule, S3Server};

use super::*;

/// The settings of a config whose files go to the server, below `stocks`. What takes long is given up soon, and what is
/// large is small.
pub(super) fn settings_at(server: &S3Server) -> Settings {
    let mut settings = settings("s3://lake/stocks");
    settings.endpoint = Some(server.endpoint());
    settings.access_key_id = Some(S3Server::ACCESS_KEY_ID.into());
    settings.secret_access_key = Some(S3Server::SECRET_ACCESS_KEY.into());
    settings.timeout = HumanDuration::millis(500);
    settings.multipart_above = ByteSize::mib(5);
    settings
}

pub(super) async fn store_at(server: &S3Server) -> Store {
    Store::open(&settings_at(server), Path::new("/")).await.unwrap()
}

#[tokio::test]
async fn a_key_holds_the_percent_signs_of_hive_once() {
    let server = S3Server::start().unwrap();
    store_at(&server).await.put("k=a%3Ab ü/t+0+1-2.json", b"{}\n".to_vec()).await.unwrap();
    assert_eq!(files_in(&server.bucket())["stocks/k=a%3Ab ü/t+0+1-2.json"], b"{}\n");
}

#[tokio::test]
async fn what_a_server_refuses_for_good_is_fatal_at_once_and_says_what_to_check() {
    let refusal = |status, code| Refusal { status, code };
    for (refusal, part) in [
        (
            Refusal::ACCESS_DENIED,
            "permission denied; the credentials need s3:PutObject and s3:AbortMultipartUpload there",
        ),
        (refusal(403, "SignatureDoesNotMatch"), "does not know these credentials"),
        (refusal(401, "Unauthorized"), "does not know these credentials"),
        (Refusal::REQUEST_TIME_TOO_SKEWED, "set the clock"),
        (Refusal::EXPIRED_TOKEN, "the session token has expired; get new credentials"),
        (refusal(403, "ExpiredToken"), "the session token has expired; get new credentials"),
        (Refusal::NO_SUCH_BUCKET, "the bucket does not exist; create it"),
        (Refusal::PRECONDITION_FAILED, "status 412 (PreconditionFailed)"),
        (refusal(400, "InvalidRequest"), "status 400 (InvalidRequest)"),
        (refusal(501, "NotImplemented"), "status 501 (NotImplemented)"),
        (refusal(301, "PermanentRedirect"), "another region; set `region`"),
    ] {
        let server = S3Server::start().unwrap();
        server.order(Rule::new(Fault::Refuse(refusal)));
        let error = store_at(&server).await.put("t+0+1-2.json", b"{}\n".to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal, "{refusal:?}: {error:#}");
        assert!(error.to_string().starts_with("s3://lake/stocks/t+0+1-2.json: "), "{error}");
        assert!(error.to_string().contains(part), "{refusal:?}: {error}");
        assert!(!format!("{error:?}").contains(S3Server::SECRET_ACCESS_KEY));
        // A server that cannot do it is asked again; who says no is not.
        assert!(server.count(Action::Put) == 1 || refusal.status == 501, "{refusal:?}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_found_by_the_server_and_not_shown() {
    let server = S3Server::start().unwrap();
    let settings = Settings { secret_access_key: Some("canary".into()), ..settings_at(&server) };
    let store = Store::open(&settings, Path::new("/")).await.unwrap();
    let error = store.put("t+0+1-2.json", b"{}\n".to_vec()).await.unwrap_err();
    assert!(error.to_string().contains("does not know these credentials"), "{error:#}");
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn what_listing_and_deleting_lack_is_named() {
    for (action, permission) in [(Action::List, "s3:ListBucket there"), (Action::Delete, "s3:DeleteObject there")] {
        let server = S3Server::start().unwrap();
        let store = store_at(&server).await;
        store.put("t+0+1-2.json", b"{}\n".to_vec()).await.unwrap();
        server.order(Rule::new(Fault::Refuse(Refusal::ACCESS_DENIED)).on(action));
        let error = store.remove(|_| true).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal);
        let message = format!("s3://lake/stocks/: permission denied; the credentials need {permission}");
        assert_eq!(error.to_string(), message);
    }
}
