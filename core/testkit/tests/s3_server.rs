//! The S3 server is one, and what is ordered of it happens.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, Error, MultipartUpload, ObjectStore, ObjectStoreExt, Result, RetryConfig};
use pipeline_testkit::s3::{Action, Fault, Refusal, Rule, S3Server};

const PART: usize = 5 * 1024 * 1024;

/// A client that tries once, with the secret that it is given.
fn client_with(server: &S3Server, secret: &str) -> AmazonS3 {
    let options = ClientOptions::new().with_allow_http(true).with_timeout(Duration::from_secs(2));
    AmazonS3Builder::new()
        .with_endpoint(server.endpoint())
        .with_bucket_name(S3Server::BUCKET)
        .with_access_key_id(S3Server::ACCESS_KEY_ID)
        .with_secret_access_key(secret)
        .with_client_options(options)
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
        .build()
        .unwrap()
}

fn client(server: &S3Server) -> AmazonS3 {
    client_with(server, S3Server::SECRET_ACCESS_KEY)
}

fn key() -> Path {
    Path::parse("k=a%3Ab/one.json").unwrap()
}

async fn put(server: &S3Server) -> Result<()> {
    client(server).put(&key(), "{}\n".into()).await.map(|_| ())
}

/// Whether the object of [`put`] is there.
fn is_there(server: &S3Server) -> bool {
    server.bucket().join(key().as_ref()).is_file()
}

#[tokio::test]
async fn objects_are_files_and_every_request_is_on_record() {
    let server = S3Server::start().unwrap();
    put(&server).await.unwrap();
    assert_eq!(fs::read(server.bucket().join("k=a%3Ab/one.json")).unwrap(), b"{}\n");
    let listed: Vec<_> = client(&server).list(None).try_collect().await.unwrap();
    assert_eq!(listed[0].location, key());
    client(&server).delete(&key()).await.unwrap();
    assert!(!is_there(&server));
    let seen: Vec<_> = server.requests().into_iter().map(|request| (request.action, request.key)).collect();
    let named = key().to_string();
    assert_eq!(seen, [(Action::Put, named), (Action::List, String::new()), (Action::Delete, String::new())]);
}

#[tokio::test]
async fn a_wrong_secret_and_a_bucket_that_is_not_there_are_refused() {
    let server = S3Server::start().unwrap();
    let error = client_with(&server, "guessed").put(&key(), "x".into()).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    fs::remove_dir(server.bucket()).unwrap();
    assert!(matches!(put(&server).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_rule_meets_the_requests_that_it_is_about_and_no_others() {
    let server = S3Server::start().unwrap();
    server.order(Rule::new(Fault::Refuse(Refusal::SLOW_DOWN)).on(Action::Put).key("one").after(1).times(2));
    let client = client(&server);
    let mut outcomes = Vec::new();
    for name in ["two", "one", "one", "two", "one", "one"] {
        outcomes.push(client.put(&Path::from(name), "x".into()).await.is_ok());
    }
    assert_eq!(outcomes, [true, true, false, true, false, true]);
    server.order(Rule::new(Fault::Refuse(Refusal::SLOW_DOWN)));
    assert!(put(&server).await.is_err());
    server.heal();
    put(&server).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_before_the_work_leave_nothing_and_faults_after_it_leave_everything() {
    for (fault, done) in [
        (Fault::Refuse(Refusal::INTERNAL_ERROR), false),
        (Fault::Cut, false),
        (Fault::Silence, false),
        (Fault::RefuseWhenDone(Refusal::INTERNAL_ERROR), true),
        (Fault::LoseAnswer, true),
    ] {
        let server = S3Server::start().unwrap();
        server.order(Rule::new(fault).times(1));
        put(&server).await.unwrap_err();
        server.wait_until_idle().unwrap();
        assert_eq!(is_there(&server), done, "{fault:?}");
        assert_eq!(server.requests()[0].fault, Some(fault));
        put(&server).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_held_back_until_it_is_let_go() {
    let server = Arc::new(S3Server::start().unwrap());
    server.order(Rule::new(Fault::HoldAnswer));
    let held = tokio::spawn({
        let server = Arc::clone(&server);
        async move { put(&server).await }
    });
    server.wait_until_held(1).unwrap();
    assert!(is_there(&server) && !held.is_finished());
    server.release();
    held.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_in_the_body_leaves_nothing_of_a_large_object() {
    let server = S3Server::start().unwrap();
    server.order(Rule::new(Fault::Cut));
    client(&server).put(&key(), vec![7; 3 * PART].into()).await.unwrap_err();
    server.wait_until_idle().unwrap();
    assert!(!is_there(&server));
}

#[tokio::test]
async fn a_drip_takes_its_time() {
    let server = S3Server::start().unwrap();
    let pause = Duration::from_millis(20);
    server.order(Rule::new(Fault::Drip(pause)));
    let start = Instant::now();
    client(&server).put(&key(), vec![7; 80 * 1024].into()).await.unwrap();
    assert!(start.elapsed() >= 5 * pause, "{:?}", start.elapsed());
    assert!(is_there(&server));
}

#[tokio::test]
async fn an_upload_in_parts_is_open_until_it_is_completed_or_aborted() {
    let server = S3Server::start().unwrap();
    let client = Arc::new(client(&server));
    for ending in [Action::CompleteUpload, Action::AbortUpload] {
        let mut upload = client.put_multipart(&key()).await.unwrap();
        upload.put_part(vec![7; PART].into()).await.unwrap();
        upload.put_part("end".into()).await.unwrap();
        let open = server.open_uploads().unwrap();
        assert_eq!(open.iter().map(|upload| upload.key.as_str()).collect::<Vec<_>>(), [key().as_ref()]);
        match ending {
            Action::CompleteUpload => drop(upload.complete().await.unwrap()),
            _ => upload.abort().await.unwrap(),
        }
        assert_eq!(server.open_uploads().unwrap(), []);
        assert!(matches!(upload.abort().await, Err(Error::NotFound { .. })), "{ending:?}");
    }
    assert!(is_there(&server));
}

#[tokio::test]
async fn an_upload_that_ends_in_200_with_an_error_leaves_no_object() {
    let server = S3Server::start().unwrap();
    server.order(Rule::new(Fault::ErrorInBody(Refusal::INTERNAL_ERROR)).on(Action::CompleteUpload));
    let mut upload = client(&server).put_multipart(&key()).await.unwrap();
    upload.put_part("all".into()).await.unwrap();
    upload.complete().await.unwrap_err();
    assert!(!is_there(&server));
    assert_eq!(server.open_uploads().unwrap().len(), 1);
}
