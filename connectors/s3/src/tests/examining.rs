//! What is tried before a run, and that nothing of it stays.

use std::time::Duration;

use arrow::array::Int64Array;
use pipeline_api::{Examined, Sink};
use pipeline_testkit::aws::SeaweedServer;
use pipeline_testkit::s3::{Action, Fault, Refusal, Rule, S3Server};
use serde_json::json;

use super::*;

fn columns() -> SchemaRef {
    records([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).schema()
}

/// What is tried with the settings, and what it came to: `write an object: ok`.
async fn examined(settings: Value, folder: &Path) -> Vec<String> {
    let url = settings["url"].as_str().unwrap().to_owned();
    let tell = |Examined { what, outcome }: Examined| {
        let what = what.strip_prefix(&format!("{url}: ")).unwrap().to_owned();
        match outcome {
            Ok(None) => format!("{what}: ok"),
            Ok(Some(fact)) => format!("{what}: ok, {fact}"),
            Err(error) => format!("{what}: {error:#}"),
        }
    };
    S3Json::examine(config(settings), context(columns(), folder)).await.into_iter().map(tell).collect()
}

fn at(server: &S3Server, more: Value) -> Value {
    let mut settings = json!({
        "url": "s3://lake/stocks", "endpoint": server.endpoint(), "access_key_id": S3Server::ACCESS_KEY_ID,
        "secret_access_key": S3Server::SECRET_ACCESS_KEY, "timeout": "2s",
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

const ALL_FINE: [&str; 5] =
    ["reach it: ok, the clocks agree", "write an object: ok", "read it: ok", "remove it: ok", "list what is there: ok"];

#[tokio::test]
async fn a_bucket_is_written_read_listed_and_left_as_it_was() {
    let server = S3Server::start().unwrap();
    fs::create_dir(server.bucket().join("stocks")).unwrap();
    fs::write(server.bucket().join("stocks/t+0+1-2.json"), "{}\n").unwrap();
    let before = files_in(&server.bucket());
    assert_eq!(examined(at(&server, json!({})), Path::new("/")).await, ALL_FINE);
    assert_eq!(files_in(&server.bucket()), before);
    let put: Vec<String> = server
        .requests()
        .into_iter()
        .filter(|request| request.action == Action::Put)
        .map(|request| request.key)
        .collect();
    // Where readers look, under a name that they skip.
    assert!(put.len() == 1 && put[0].starts_with("stocks/_pipeline-probe-"), "{put:?}");
}

#[tokio::test]
async fn seaweed_is_written_read_listed_and_left_as_it_was() {
    let server = SeaweedServer::shared();
    server.bucket("examined");
    let settings = json!({
        "url": "s3://examined", "endpoint": server.endpoint(), "access_key_id": SeaweedServer::ACCESS_KEY_ID,
        "secret_access_key": SeaweedServer::SECRET_ACCESS_KEY, "objects": { "tags": { "team": "market" } },
    });
    assert_eq!(examined(settings.clone(), Path::new("/")).await, ALL_FINE);
    assert_eq!(server.objects("examined"), [].into());
    let mut elsewhere = settings.clone();
    elsewhere["url"] = json!("s3://not-there/x");
    let found = examined(elsewhere, Path::new("/")).await;
    assert_eq!(found[0], ALL_FINE[0]);
    assert!(found[1].contains("the bucket does not exist; create it"), "{found:?}");
    let mut stranger = settings;
    stranger["secret_access_key"] = json!("canary");
    let found = examined(stranger, Path::new("/")).await;
    assert!(found[1].contains("does not know these credentials; check access_key_id"), "{found:?}");
    assert!(!found.join("\n").contains("canary"), "{found:?}");
    assert_eq!(server.objects("examined"), [].into());
}

#[tokio::test]
async fn each_permission_that_is_missing_is_named_and_the_rest_is_tried() {
    for (action, place, what, permission) in [
        (Action::Put, 1, "write an object", "s3:PutObject and s3:AbortMultipartUpload"),
        (Action::Get, 2, "read it", "s3:GetObject"),
        (Action::Delete, 3, "remove it", "s3:DeleteObject"),
        (Action::List, 4, "list what is there", "s3:ListBucket"),
    ] {
        let server = S3Server::start().unwrap();
        server.order(Rule::new(Fault::Refuse(Refusal::ACCESS_DENIED)).on(action));
        let mut found = examined(at(&server, json!({})), Path::new("/")).await;
        if action == Action::Put {
            // Nothing is there to be read or removed.
            assert_eq!((found.len(), &*found[2]), (3, ALL_FINE[4]));
            assert_eq!((server.count(Action::Get), server.count(Action::Delete)), (0, 0));
        } else {
            let wrong = found.remove(place);
            found.insert(place, ALL_FINE[place].to_owned());
            assert_eq!(found, ALL_FINE, "{action:?}");
            found[place] = wrong;
        }
        let wrong = found.remove(place);
        assert!(wrong.starts_with(&format!("{what}: ")), "{wrong}");
        assert!(wrong.contains(&format!("permission denied; the credentials need {permission} there")), "{wrong}");
        assert_eq!(files_in(&server.bucket()).len(), usize::from(action == Action::Delete), "what stays");
        assert_eq!(wrong.contains("it stays there, where readers skip it"), action == Action::Delete, "{wrong}");
    }
}

#[tokio::test]
async fn a_write_of_which_nobody_heard_is_removed_all_the_same() {
    let server = S3Server::start().unwrap();
    server.order(Rule::new(Fault::RefuseWhenDone(Refusal::INTERNAL_ERROR)).on(Action::Put));
    let found = examined(at(&server, json!({})), Path::new("/")).await;
    assert!(found[1].starts_with("write an object: ") && found[1].contains("the store failed"), "{found:?}");
    assert_eq!((server.count(Action::Delete), files_in(&server.bucket()).len()), (1, 0));
}

#[tokio::test]
async fn a_store_in_another_region_says_so() {
    let server = S3Server::start().unwrap();
    server.order(Rule::new(Fault::Refuse(Refusal { status: 301, code: "PermanentRedirect" })));
    let found = examined(at(&server, json!({})), Path::new("/")).await;
    assert_eq!(found[0], ALL_FINE[0]);
    assert!(found[1].contains("the bucket is in another region; set `region`"), "{found:?}");
}

#[tokio::test]
async fn a_clock_that_the_store_refuses_is_explained() {
    let server = S3Server::start().unwrap();
    server.order(Rule::new(Fault::Refuse(Refusal::REQUEST_TIME_TOO_SKEWED)));
    let found = examined(at(&server, json!({})), Path::new("/")).await;
    assert!(found[1].contains("this machine's clock and the store's differ too much; set the clock"), "{found:?}");
}

#[tokio::test]
async fn of_a_server_that_does_not_answer_nothing_more_is_asked() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = S3Server::start().unwrap();
    let found = examined(at(&server, json!({ "endpoint": format!("http://{closed}") })), Path::new("/")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("reach it: the server does not answer; check that it runs, `endpoint`, and the network: "),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_ten_seconds() {
    let server = S3Server::start().unwrap();
    server.order(Rule::new(Fault::Silence));
    let started = std::time::Instant::now();
    let found = examined(at(&server, json!({ "timeout": "1m" })), Path::new("/")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("reach it: no answer within 10 s; check the address"), "{found:?}");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_folder_is_tried_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let fine: Vec<String> = ALL_FINE.iter().map(|line| line.replace(", the clocks agree", "")).collect();
    for url in ["there", "a/b/c"] {
        fs::create_dir_all(folder.path().join("there")).unwrap();
        assert_eq!(examined(json!({ "url": url }), folder.path()).await, fine);
        assert_eq!(paths_in(folder.path()), [""; 0]);
        assert!(!folder.path().join("a").exists());
    }
    fs::write(folder.path().join("file"), "").unwrap();
    for url in ["file", "file/below"] {
        let found = examined(json!({ "url": url }), folder.path()).await;
        assert!(found[1].contains("a file is in the way of a folder; remove it, or choose another `url`"), "{found:?}");
    }
    assert_eq!(paths_in(folder.path()), ["file"]);
}
