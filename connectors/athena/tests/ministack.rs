//! The hook and an Athena that runs the queries, over files in an S3, neither of which has any code of ours. It does not know
//! `"$path"`, so that `row_count` is of the whole table here.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use aws_sdk_glue::types::{Column, DatabaseInput, SerDeInfo, StorageDescriptor, TableInput};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use pipeline_api::{CheckOutcome, Context, Dataset, ErrorKind, FileFormat, Hook, Plugin, Verdict};
use pipeline_athena::{AthenaCheck, query};
use pipeline_aws::AwsSettings;
use pipeline_testkit::aws::{AwsServer, Fault, MinistackServer, Rule};
use serde_json::{Value, json};

fn aws(server: &AwsServer) -> Value {
    json!({
        "region": "us-east-1", "endpoint": server.endpoint(), "access_key_id": "testkit", "secret_access_key": "testkit",
    })
}

fn column(name: &str, of: &str) -> Column {
    Column::builder().name(name).r#type(of).build().unwrap()
}

/// A table of JSON lines in a database and a bucket of its own, which has one partition.
async fn table(server: &AwsServer, name: &str, lines: &str) {
    MinistackServer::shared().bucket(name);
    let store = AmazonS3Builder::new().with_endpoint(MinistackServer::shared().endpoint()).with_bucket_name(name);
    let store = store.with_allow_http(true).with_access_key_id("testkit").with_secret_access_key("testkit");
    let store: Arc<dyn ObjectStore> = Arc::new(store.build().unwrap());
    store.put(&Key::parse("stocks/date=2026-01-31/a.json").unwrap(), lines.to_owned().into()).await.unwrap();
    let settings: AwsSettings = serde_json::from_value(aws(server)).unwrap();
    let glue = aws_sdk_glue::Client::new(&settings.load("GLUE").await.unwrap());
    let database = DatabaseInput::builder().name(name).build().unwrap();
    glue.create_database().database_input(database).send().await.unwrap();
    let storage = StorageDescriptor::builder()
        .columns(column("id", "bigint"))
        .columns(column("close", "double"))
        .columns(column("at", "timestamp"))
        .location(format!("s3://{name}/stocks/"))
        .input_format("org.apache.hadoop.mapred.TextInputFormat")
        .output_format("org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat")
        .serde_info(SerDeInfo::builder().serialization_library("org.openx.data.jsonserde.JsonSerDe").build());
    let table = TableInput::builder()
        .name("stocks")
        .table_type("EXTERNAL_TABLE")
        .partition_keys(column("date", "date"))
        .storage_descriptor(storage.build());
    glue.create_table().database_name(name).table_input(table.build().unwrap()).send().await.unwrap();
}

const RIGHT: &str = r#"{"id":1,"close":1.5,"at":"2026-01-31 10:00:00.000"}
{"id":2,"close":2.5,"at":"2026-01-31 11:00:00.000"}
"#;

const BROKEN: &str = r#"{"id":1,"close":-1.5,"at":"2026-01-31 10:00:00.000"}
{"id":1,"close":200.0,"at":"2026-01-31 11:00:00.000"}
{"close":2.5,"at":"2026-01-31 11:00:00.000"}
"#;

fn all() -> Value {
    json!([
        { "row_count": {} },
        { "not_null": ["id", "close", "date"] },
        { "unique": ["id"] },
        { "between": { "column": "close", "min": 0, "max": 100 } },
        { "between": { "column": "at", "min": "2026-01-01T00:00:00Z", "max": "2026-12-31" } },
        { "between": { "column": "date", "min": "2026-01-01" } },
        { "freshness": { "column": "at", "max_age": "30000d" } },
        { "unique": ["date", "id"] },
        { "sql": { "name": "high", "query": "select count(*) from stocks where close > 100", "expect": 0 } },
    ])
}

async fn open(server: &AwsServer, database: &str, checks: Value) -> AthenaCheck {
    let records = Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("close", DataType::Float64, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, None), true),
    ]);
    let dataset = Dataset {
        location: format!("s3://{database}/stocks/"),
        format: FileFormat::JsonLines,
        columns: Arc::new(records.clone()),
        partition_columns: Arc::new(Schema::new(vec![Field::new("date", DataType::Date32, true)])),
    };
    let context = Context { dataset: Some(dataset), ..Context::new("lake", Arc::new(records)) };
    let config = json!({
        "database": database, "table": "stocks", "output_location": format!("s3://{database}/answers/"),
        "aws": aws(server), "checks": checks,
    });
    AthenaCheck::open(serde_json::from_value(config).unwrap(), context).await.unwrap()
}

fn found(outcomes: &[CheckOutcome]) -> Vec<(&str, Verdict)> {
    outcomes.iter().map(|outcome| (outcome.found.as_str(), outcome.verdict)).collect()
}

#[tokio::test]
async fn every_check_is_answered_by_an_engine_over_the_files() {
    let server = AwsServer::ministack().unwrap();
    table(&server, "athena-right", RIGHT).await;
    let outcomes = open(&server, "athena-right", all()).await.at_end(2).await.unwrap();
    for outcome in &outcomes {
        assert_eq!(outcome.verdict, Verdict::Passed, "{outcome:?}");
    }
    assert_eq!((outcomes.len(), outcomes[0].found.as_str()), (9, "2 rows"));
    assert_eq!(outcomes[3].found, "1.5 to 2.5, 0 outside");
    assert!(outcomes[6].found.starts_with("2026-01-31T11:00:00Z, "), "{}", outcomes[6].found);
    // One query for all that are none themselves.
    assert_eq!(server.calls("StartQueryExecution"), 2);

    table(&server, "athena-broken", BROKEN).await;
    let outcomes = open(&server, "athena-broken", all()).await.at_end(4).await.unwrap();
    let found = found(&outcomes);
    assert_eq!(
        found[..4],
        [
            ("3 rows", Verdict::Failed),
            ("1 in id nulls", Verdict::Failed),
            ("1 keys more than once", Verdict::Failed),
            ("-1.5 to 200.0, 2 outside", Verdict::Failed),
        ]
    );
    assert_eq!(found[7..], [("1 keys more than once", Verdict::Failed), ("1", Verdict::Failed)]);
}

#[tokio::test]
async fn answers_that_are_lost_on_the_way_are_asked_for_again() {
    let server = AwsServer::ministack().unwrap();
    table(&server, "athena-lost", RIGHT).await;
    for operation in ["StartQueryExecution", "GetQueryExecution", "GetQueryResults"] {
        server.order(Rule::new(Fault::LoseAnswer).on(operation).times(1));
    }
    let mut check = open(&server, "athena-lost", json!([{ "unique": ["id"] }])).await;
    assert_eq!(found(&check.at_end(2).await.unwrap()), [("0 keys more than once", Verdict::Passed)]);
    assert_eq!(server.calls("StartQueryExecution"), 2);
}

#[tokio::test]
async fn what_the_engine_refuses_is_told_with_its_reason_and_the_query() {
    let server = AwsServer::ministack().unwrap();
    table(&server, "athena-refused", RIGHT).await;
    let checks = json!([{ "sql": { "name": "prices", "query": "select sum(prize) from stocks", "expect": 0 } }]);
    let error = open(&server, "athena-refused", checks).await.at_end(2).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.starts_with("athena-refused.stocks: prices: Athena's query ") && text.contains("prize"), "{text}");
    assert!(text.ends_with("; it was select sum(prize) from stocks") && !text.contains('\n'), "{text}");
}

#[tokio::test]
async fn a_person_is_answered_too() {
    let server = AwsServer::ministack().unwrap();
    table(&server, "athena-asked", RIGHT).await;
    let hook = json!({
        "database": "athena-asked", "table": "stocks", "aws": aws(&server),
        "output_location": "s3://athena-asked/answers/",
    });
    let answer = query(&hook, "select id, close, \"date\" from stocks order by id").await.unwrap();
    let types: Vec<_> = answer[0].schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!((types, answer[0].num_rows()), (vec![DataType::Int64, DataType::Float64, DataType::Utf8], 2));
    let error = query(&hook, "select nothing from stocks").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal, "{error:#}");
}
