//! The servers that do what AWS does are up when they say so, do it, and leave nothing behind.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{ClientOptions, Error, MultipartUpload, ObjectStore, ObjectStoreExt, RetryConfig};
use pipeline_testkit::aws::{MinistackServer, MotoServer, SeaweedServer};
use serde_json::{Value, json};

use crate::api::{call, done};

mod api;

fn client(server: &SeaweedServer, bucket: &str, secret: &str) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(server.endpoint())
        .with_bucket_name(bucket)
        .with_access_key_id(SeaweedServer::ACCESS_KEY_ID)
        .with_secret_access_key(secret)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
        .build()
        .unwrap()
}

#[tokio::test]
async fn seaweedfs_keeps_objects_by_their_keys_and_a_new_bucket_is_empty() {
    let server = SeaweedServer::shared();
    server.bucket("kept");
    let client = client(server, "kept", SeaweedServer::SECRET_ACCESS_KEY);
    let listed = async || client.list(None).map_ok(|object| object.location).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(listed().await, []);
    let key = Key::parse("a b/k=a%3Ab/one.json").unwrap();
    client.put(&key, "{}\n".into()).await.unwrap();
    assert_eq!(client.get(&key).await.unwrap().bytes().await.unwrap(), "{}\n");
    assert_eq!(listed().await, std::slice::from_ref(&key));
    assert_eq!(server.objects("kept"), [(key.to_string(), b"{}\n".to_vec())].into());
}

#[tokio::test]
async fn seaweedfs_shows_an_upload_in_parts_until_it_is_completed_or_aborted() {
    let server = SeaweedServer::shared();
    server.bucket("parts");
    let client = client(server, "parts", SeaweedServer::SECRET_ACCESS_KEY);
    let key = Key::parse("k=a%3Ab/large.json").unwrap();
    let bytes = vec![7; 5 * 1024 * 1024];
    let mut aborted = client.put_multipart(&key).await.unwrap();
    let mut completed = client.put_multipart(&key).await.unwrap();
    assert_eq!(server.open_uploads("parts"), [key.as_ref(); 2]);
    aborted.put_part("x".into()).await.unwrap();
    aborted.abort().await.unwrap();
    assert_eq!(server.open_uploads("parts"), [key.as_ref()]);
    completed.put_part(bytes.clone().into()).await.unwrap();
    assert_eq!(server.objects("parts"), [].into());
    completed.complete().await.unwrap();
    assert_eq!(server.open_uploads("parts"), [""; 0]);
    assert!(server.objects("parts") == [(key.to_string(), bytes)].into());
}

#[test]
fn a_killed_seaweedfs_comes_back_with_its_objects_and_a_paused_one_is_silent() {
    let mut server = SeaweedServer::start();
    server.bucket("kept");
    let put = |server: &SeaweedServer, key: &str, patience| {
        let client = client(server, "kept", SeaweedServer::SECRET_ACCESS_KEY);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let put = async { tokio::time::timeout(patience, client.put(&Key::from(key), "x".into())).await };
        runtime.block_on(put).is_ok_and(|put| put.is_ok())
    };
    let (soon, ever) = (Duration::from_secs(1), Duration::from_secs(30));
    assert!(put(&server, "one", ever));
    let first = server.pid();
    server.kill();
    assert!(!runs(first) && !put(&server, "two", ever));
    server.restart();
    assert_ne!(server.pid(), first);
    server.pause();
    assert!(!put(&server, "three", soon));
    server.resume();
    assert!(put(&server, "four", ever));
    let objects = server.objects("kept");
    assert!(objects.contains_key("one") && objects.contains_key("four") && !objects.contains_key("two"), "{objects:?}");
}

#[tokio::test]
async fn seaweedfs_refuses_a_wrong_secret_and_a_bucket_that_is_not_there() {
    let server = SeaweedServer::shared();
    server.bucket("refusing");
    let error = client(server, "refusing", "guessed").put(&Key::from("x"), "x".into()).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    let absent = client(server, "absent", SeaweedServer::SECRET_ACCESS_KEY);
    let error = absent.put(&Key::from("x"), "x".into()).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[test]
fn moto_has_the_glue_api() {
    let glue = MotoServer::shared().endpoint();
    done(&glue, "AWSGlue.CreateDatabase", &json!({ "DatabaseInput": { "Name": "market" } }));
    let database = done(&glue, "AWSGlue.GetDatabase", &json!({ "Name": "market" }));
    assert_eq!(database["Database"]["Name"], "market");
    let (status, output) =
        call(&glue, "AWSGlue.GetTable", &json!({ "DatabaseName": "market", "Name": "stocks" })).unwrap();
    assert_eq!((status, &output["__type"]), (400, &json!("EntityNotFoundException")));
}

#[tokio::test]
async fn ministack_runs_queries_over_the_files_of_a_table() {
    let server = MinistackServer::shared();
    let aws = server.endpoint();
    server.bucket("lake");
    let put = AmazonS3Builder::new().with_endpoint(&aws).with_bucket_name("lake").with_allow_http(true);
    let put = put.with_access_key_id("testkit").with_secret_access_key("testkit").build().unwrap();
    put.put(&Key::from("stocks/one.json"), "{\"n\": 1}\n{\"n\": 41}\n".into()).await.unwrap();
    done(&aws, "AWSGlue.CreateDatabase", &json!({ "DatabaseInput": { "Name": "market" } }));
    let storage = json!({
        "Columns": [{ "Name": "n", "Type": "bigint" }], "Location": "s3://lake/stocks/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": { "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe" },
    });
    let table = json!({ "Name": "stocks", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage });
    done(&aws, "AWSGlue.CreateTable", &json!({ "DatabaseName": "market", "TableInput": table }));

    assert_eq!(query(&aws, "SELECT sum(n) FROM stocks").unwrap(), json!([[{ "VarCharValue": "42" }]]));
    assert!(query(&aws, "SELECT nothing FROM stocks").unwrap_err().contains("nothing"));
}

/// The rows of a query without their header. Errors: why it failed.
fn query(aws: &str, sql: &str) -> Result<Value, String> {
    let input = json!({
        "QueryString": sql, "QueryExecutionContext": { "Database": "market" },
        "ResultConfiguration": { "OutputLocation": "s3://lake/results/" },
    });
    let started = done(aws, "AmazonAthena.StartQueryExecution", &input);
    let id = json!({ "QueryExecutionId": started["QueryExecutionId"] });
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let status = done(aws, "AmazonAthena.GetQueryExecution", &id)["QueryExecution"]["Status"].clone();
        match status["State"].as_str().unwrap() {
            "SUCCEEDED" => break,
            "FAILED" => return Err(status["StateChangeReason"].to_string()),
            state => assert!(Instant::now() < deadline, "{state}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
    let results = done(aws, "AmazonAthena.GetQueryResults", &id);
    let rows = results["ResultSet"]["Rows"].as_array().unwrap();
    Ok(rows.iter().skip(1).map(|row| row["Data"].clone()).collect())
}

/// The variable that makes the next test the process that is to be killed.
const VICTIM: &str = "PIPELINE_TEST_VICTIM";

#[test]
fn servers_and_what_they_leave_end_with_the_process_that_started_them() {
    if env::var_os(VICTIM).is_some() {
        let (seaweed, moto, ministack) = (SeaweedServer::start(), MotoServer::start(), MinistackServer::start());
        let pids = [seaweed.pid(), moto.pid(), ministack.pid()];
        writeln!(io::stdout(), "\nservers {pids:?} {}", seaweed.data().display()).unwrap();
        loop {
            thread::park();
        }
    }
    let mut victim = Command::new(env::current_exe().unwrap());
    victim.args(["--exact", "servers_and_what_they_leave_end_with_the_process_that_started_them"]);
    let mut victim = victim.env(VICTIM, "1").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let servers = lines.find_map(|line| line.unwrap().strip_prefix("servers ").map(str::to_owned)).unwrap();
    let (pids, folder) = servers.rsplit_once(' ').unwrap();
    let pids: Vec<u32> = serde_json::from_str(pids).unwrap();
    let litter = std::fs::read_to_string(Path::new(folder).join("litter")).unwrap();
    let left: Vec<PathBuf> = litter.lines().chain([folder]).map(PathBuf::from).collect();
    assert!(pids.iter().all(|pid| runs(*pid)));
    assert!(left.iter().all(|path| path.exists()), "{left:?}");
    victim.kill().unwrap();
    victim.wait().unwrap();

    let deadline = Instant::now() + Duration::from_secs(20);
    while pids.iter().any(|pid| runs(*pid)) || left.iter().any(|path| path.exists()) {
        assert!(Instant::now() < deadline, "one of the processes {pids:?} or of {left:?} is still there");
        thread::sleep(Duration::from_millis(10));
    }
}

fn runs(pid: u32) -> bool {
    Command::new("sh").args(["-c", &format!("kill -0 {pid}")]).stderr(Stdio::null()).status().unwrap().success()
}
