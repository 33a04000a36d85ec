//! The sinks over SeaweedFS, an S3 server that people run for real. What is there is read past S3, without the client that
//! wrote it.

use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStoreExt};
use pipeline_api::ErrorKind;
use pipeline_testkit::aws::SeaweedServer;
use pipeline_testkit::sink_conformance::{Stored, Subject, run};
use serde_json::json;

use super::conforming::{columns, lines, numbers};
use super::*;

const MIB: usize = 1024 * 1024;

/// The settings of a config whose files go to a bucket of the server, below `stocks`.
fn settings_at(server: &SeaweedServer, bucket: &str) -> Settings {
    let mut settings = settings(&format!("s3://{bucket}/stocks"));
    settings.endpoint = Some(server.endpoint());
    settings.access_key_id = Some(SeaweedServer::ACCESS_KEY_ID.into());
    settings.secret_access_key = Some(SeaweedServer::SECRET_ACCESS_KEY.into());
    settings.multipart_above = ByteSize::mib(5);
    settings
}

/// A store over a new bucket.
async fn store_in(bucket: &str) -> Store {
    SeaweedServer::shared().bucket(bucket);
    open(&settings_at(SeaweedServer::shared(), bucket)).await.unwrap()
}

async fn open(settings: &Settings) -> pipeline_api::Result<Store> {
    Store::open(settings, Path::new("/")).await
}

/// A client of somebody else.
fn client(bucket: &str) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(SeaweedServer::shared().endpoint())
        .with_allow_http(true)
        .with_bucket_name(bucket)
        .with_access_key_id(SeaweedServer::ACCESS_KEY_ID)
        .with_secret_access_key(SeaweedServer::SECRET_ACCESS_KEY)
        .build()
        .unwrap()
}

/// The part of a config that says where the server is; each time another place in the bucket.
fn place(bucket: &str) -> (String, Value) {
    static PLACES: AtomicUsize = AtomicUsize::new(0);
    let url = format!("s3://{bucket}/a b/{}", PLACES.fetch_add(1, Ordering::Relaxed));
    let config = json!({
        "url": url, "endpoint": SeaweedServer::shared().endpoint(), "access_key_id": SeaweedServer::ACCESS_KEY_ID,
        "secret_access_key": SeaweedServer::SECRET_ACCESS_KEY,
    });
    (url, config)
}

fn with(mut config: Value, more: Value) -> Value {
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

/// The objects of the bucket below a URL.
fn stored(bucket: &str, url: &str) -> Vec<Stored> {
    let objects = SeaweedServer::shared().objects(bucket).into_iter();
    let objects = objects.map(|(key, bytes)| (format!("s3://{bucket}/{key}"), bytes));
    let ours = objects.filter(|(found, _)| found.starts_with(&format!("{url}/")));
    ours.map(|(url, bytes)| Stored { numbers: numbers(&url, &bytes), url, bytes }).collect()
}

#[tokio::test]
async fn parquet_objects_conform() {
    SeaweedServer::shared().bucket("parquet");
    run(|| {
        let (url, config) = place("parquet");
        let former = with(config.clone(), json!({ "partition_by": ["day"], "compression": "zstd" }));
        let config = with(config, json!({ "partition_by": ["symbol"] }));
        Subject::of::<S3Parquet>(config, columns(), move |_| stored("parquet", &url)).formerly(former)
    })
    .await;
}

#[tokio::test]
async fn json_objects_conform() {
    SeaweedServer::shared().bucket("json");
    run(|| {
        let (url, config) = place("json");
        let former = with(config.clone(), json!({ "partition_by": ["symbol"] }));
        let config = with(config, json!({ "compression": "gzip" }));
        Subject::of::<S3Json>(config, columns(), move |_| stored("json", &url)).formerly(former).with_lines(lines)
    })
    .await;
}

#[tokio::test]
async fn a_key_holds_the_percent_signs_of_hive_once() {
    let store = store_in("keys").await;
    store.put("k=a%3Ab ü/t+0+1-2.json", b"{}\n".to_vec()).await.unwrap();
    let objects = SeaweedServer::shared().objects("keys");
    assert_eq!(objects, [("stocks/k=a%3Ab ü/t+0+1-2.json".to_owned(), b"{}\n".to_vec())].into());
    assert_eq!(store.remove(|name| name == "t+0+1-2.json").await.unwrap(), 1);
    assert_eq!(SeaweedServer::shared().objects("keys"), [].into());
}

/// Three parts of 5 MiB and a small one, with each mebibyte told apart.
fn large_file() -> Vec<u8> {
    let mut bytes = vec![7; 15 * MIB + 3];
    for (number, mebibyte) in (0u8..).zip(bytes.chunks_mut(MIB)) {
        mebibyte[0] = number;
    }
    bytes
}

#[tokio::test]
async fn a_large_file_goes_up_in_parts_is_whole_and_replaces_what_was_there() {
    let store = store_in("large").await;
    store.put("k=a%3Ab/large.json", b"small".to_vec()).await.unwrap();
    let etag = async || client("large").head(&Key::parse("stocks/k=a%3Ab/large.json").unwrap()).await.unwrap().e_tag;
    assert!(!etag().await.unwrap().contains('-'));
    store.put("k=a%3Ab/large.json", large_file()).await.unwrap();
    assert!(etag().await.unwrap().contains("-4"), "{:?}", etag().await);
    assert!(
        SeaweedServer::shared().objects("large") == [("stocks/k=a%3Ab/large.json".to_owned(), large_file())].into()
    );
    assert_eq!(SeaweedServer::shared().open_uploads("large"), [""; 0]);
}

/// Begins an upload in parts as a process does that is killed.
async fn leave_upload(bucket: &str, key: &str) {
    let mut upload = client(bucket).put_multipart(&Key::parse(key).unwrap()).await.unwrap();
    upload.put_part("cut off".into()).await.unwrap();
}

#[tokio::test]
async fn what_a_killed_process_left_of_an_upload_is_aborted_once_the_file_is_there() {
    let store = store_in("left").await;
    for key in ["stocks/k=a b/t+0+1-2.json", "stocks/k=a b/t+0+1-2.json", "stocks/k=a b/t+0+1-2.json.gz"] {
        leave_upload("left", key).await;
    }
    store.put("k=a b/t+0+1-2.json", large_file()).await.unwrap();
    assert_eq!(SeaweedServer::shared().open_uploads("left"), ["stocks/k=a b/t+0+1-2.json.gz"]);
    assert!(SeaweedServer::shared().objects("left") == [("stocks/k=a b/t+0+1-2.json".to_owned(), large_file())].into());
}

#[tokio::test]
async fn removing_files_aborts_the_uploads_of_such_files_below_the_prefix_alone() {
    let store = store_in("removed").await;
    for key in ["stocks/k=a b/mine", "stocks/k=b&c/mine", "stocks/k=d+e/mine", "stocks/other", "stocks2/mine"] {
        leave_upload("removed", key).await;
    }
    store.put("k=a b/mine", b"{}\n".to_vec()).await.unwrap();
    assert_eq!(store.remove(|name| name == "mine").await.unwrap(), 1);
    assert_eq!(SeaweedServer::shared().open_uploads("removed"), ["stocks/other", "stocks2/mine"]);
}

#[tokio::test]
async fn a_wrong_secret_and_a_bucket_that_is_not_there_are_fatal_and_say_what_to_do() {
    let server = SeaweedServer::shared();
    server.bucket("refusing");
    let wrong = Settings { secret_access_key: Some("canary".into()), ..settings_at(server, "refusing") };
    for (settings, part) in [
        (wrong, "does not know these credentials"),
        (settings_at(server, "absent"), "the bucket does not exist; create it"),
    ] {
        for size in [3, 15 * MIB] {
            let error = open(&settings).await.unwrap().put("t+0+1-2.json", vec![b'x'; size]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Fatal, "{error:#}");
            assert!(error.to_string().contains(part), "{error}");
            assert!(!format!("{error:?}").contains("canary"));
        }
    }
}

#[tokio::test]
async fn a_server_that_stands_still_or_is_gone_is_one_that_may_come_back() {
    let mut server = SeaweedServer::start();
    server.bucket("lake");
    let store = open(&settings_at(&server, "lake")).await.unwrap();
    let impatient = Settings { timeout: HumanDuration::millis(500), ..settings_at(&server, "lake") };
    let impatient = open(&impatient).await.unwrap();
    let put = async |store: &Store, name: &str| store.put(name, b"{}\n".to_vec()).await;
    put(&store, "one").await.unwrap();
    server.pause();
    assert_eq!(put(&impatient, "two").await.unwrap_err().kind(), ErrorKind::Retriable);
    server.resume();
    put(&store, "two").await.unwrap();
    server.kill();
    assert_eq!(put(&store, "three").await.unwrap_err().kind(), ErrorKind::Retriable);
    server.restart();
    put(&store, "three").await.unwrap();
    let keys: Vec<_> = server.objects("lake").into_keys().collect();
    assert_eq!(keys, ["stocks/one", "stocks/three", "stocks/two"]);
}

#[tokio::test]
async fn an_object_says_what_the_file_asks_for_whole_and_in_parts() {
    let server = SeaweedServer::shared();
    server.bucket("said");
    let objects =
        serde_json::json!({ "storage_class": "STANDARD_IA", "tags": { "team": "market data" }, "metadata": true });
    let settings = Settings { objects: serde_json::from_value(objects).unwrap(), ..settings_at(server, "said") };
    let store = open(&settings).await.unwrap();
    for (name, bytes) in [("small", b"{}\n".to_vec()), ("large", vec![b'x'; 6 * MIB])] {
        store.write(name, bytes, store.attributes(3, OffsetRange::new(40, 45))).await.unwrap();
        let said = server.said_of("said", &format!("stocks/{name}"));
        for (header, value) in [
            ("x-amz-meta-rows", "3"),
            ("x-amz-meta-first-offset", "40"),
            ("x-amz-meta-end-offset", "45"),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-tagging-team", "market data"),
        ] {
            assert_eq!(said.get(header).map(String::as_str), Some(value), "{name}: {said:?}");
        }
    }
}
