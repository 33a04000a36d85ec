use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use pipeline_api::{Findings, Kind, Registry, Severity, parse_column};
use serde_json::json;

use super::*;

fn schema() -> Schema {
    let columns = [
        ("symbol", "string"),
        ("date", "date"),
        ("event_time", "timestamp"),
        ("price", "double"),
        ("raw", "binary"),
        ("tags", "array<string>"),
        ("amount", "decimal(18,6)"),
    ];
    Schema::new(columns.map(|(name, of)| parse_column(name, of).unwrap()).to_vec())
}

/// `pointer: message` of every finding, as the registry's door reports them.
fn findings(of: &str, settings: Value, records: &Schema) -> Vec<(Severity, String)> {
    let mut findings = Findings::default();
    Registry::linked().unwrap().get(Kind::Sink, of).unwrap().validate(settings, records, &mut findings);
    findings
        .into_iter()
        .map(|finding| (finding.severity, format!("{}: {}", finding.pointer, finding.message)))
        .collect()
}

fn assert_refused(settings: Value, expected: &[&str]) {
    let found = findings("s3_parquet", settings.clone(), &schema());
    assert_eq!(found.len(), expected.len(), "{settings}: {found:?}");
    for ((severity, text), expected) in found.iter().zip(expected) {
        assert_eq!(*severity, Severity::Error);
        let (pointer, part) = expected.split_once(": ").unwrap();
        assert!(text.starts_with(&format!("{pointer}: ")) && text.contains(part), "{settings}: {text}");
    }
}

#[test]
fn a_config_without_mistakes_is_taken() {
    for partition_by in [
        json!([]),
        json!(["symbol", "year(date)"]),
        json!(["date(event_time) as day", "hour(event_time)"]),
        json!(["date", "amount"]),
        json!(["date(kafka_time) as day"]),
    ] {
        let settings =
            json!({ "url": "s3://lake/x", "partition_by": partition_by, "metadata": { "timestamp": "kafka_time" } });
        assert_refused(settings.clone(), &[]);
    }
}

#[test]
fn all_mistakes_are_found_at_once() {
    assert_refused(
        json!({
            "url": "s3://lake//x",
            "partition_by": ["symbl", "price", "date(date) as d", "date(event_time)", "raw", "tags", "event_time", "hour(date)"],
            "metadata": { "offset": "Price", "key": "" },
            "max_partitions": 0,
            "multipart_above": "4MiB",
            "row_group_rows": 0,
            "region": "eu central 1",
            "endpoint": "http://minio.example.com",
            "access_key_id": "AKIA"
        }),
        &[
            "/url: empty folder name",
            "/max_partitions: at least 1",
            "/region: such as eu-central-1",
            "/multipart_above: expected 5MiB to 5GiB",
            "/endpoint: unencrypted",
            "/access_key_id: secret_access_key is missing",
            "/row_group_rows: at least 1 row",
            "/metadata/offset: a column `price` already",
            "/metadata/key: no name",
            "/partition_by/0: did you mean `symbol`",
            "/partition_by/1: is a double",
            "/partition_by/2: a date already, write `date` alone",
            "/partition_by/3: there is a column `date` already, write `… as event_time_date`",
            "/partition_by/4: is a binary",
            "/partition_by/5: is a array<string>",
            "/partition_by/6: write `date(event_time)`",
            "/partition_by/7: has no hour",
        ],
    );
}

#[test]
fn names_that_readers_take_for_one_or_skip_are_refused() {
    assert_refused(
        json!({ "url": "x", "partition_by": ["symbol", "symbol"] }),
        &["/partition_by/1: partition column `symbol` already"],
    );
    assert_refused(
        json!({ "url": "x", "partition_by": ["year(date)", "year(event_time)"] }),
        &["/partition_by/1: `year` already"],
    );
    assert_refused(json!({ "url": "x", "partition_by": ["symbol as _s"] }), &["/partition_by/0: write `… as s`"]);
    let all = ["symbol", "date", "amount"];
    let records = schema().project(&[0, 1, 6]).unwrap();
    let found = findings("s3_json", json!({ "url": "x", "partition_by": all }), &records);
    assert!(found.len() == 1 && found[0].1.contains("no column is left"), "{found:?}");
    let twins =
        Schema::new(vec![Field::new("Price", DataType::Int64, true), Field::new("price", DataType::Int64, true)]);
    let found = findings("s3_json", json!({ "url": "x" }), &twins);
    assert!(found.len() == 1 && found[0].1.contains("`Price` and `price`"), "{found:?}");
}

#[test]
fn types_that_readers_misread_are_refused_and_microseconds_warn() {
    let foreign = Schema::new(vec![
        Field::new("unsigned", DataType::UInt32, true),
        Field::new("nanos", DataType::Timestamp(TimeUnit::Nanosecond, None), true),
        Field::new("zoned", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), true),
        Field::new("list", DataType::new_list(DataType::Float16, true), true),
        Field::new("long", DataType::UInt64, true),
        Field::new("clock", DataType::Time32(TimeUnit::Millisecond), true),
        Field::new("micros", DataType::Timestamp(TimeUnit::Microsecond, None), true),
    ]);
    let found = findings("s3_parquet", json!({ "url": "x" }), &foreign);
    let severities: Vec<Severity> = found.iter().map(|(severity, _)| *severity).collect();
    let expected = [[Severity::Error; 6].as_slice(), &[Severity::Warning]].concat();
    assert_eq!(severities, expected, "{found:?}");
    assert!(found[6].1.contains("rounded to milliseconds"));
    assert_eq!(findings("s3_json", json!({ "url": "x" }), &foreign), found);
}

#[test]
fn an_unknown_field_or_a_compression_of_the_other_format_is_refused() {
    let (_, message) = &findings("s3_parquet", json!({ "url": "x", "compression": "gzip" }), &schema())[0];
    assert!(message.starts_with("/compression: ") && message.contains("snappy"), "{message}");
    let (_, message) = &findings("s3_json", json!({ "url": "x", "compression": "snappy" }), &schema())[0];
    assert!(message.contains("gzip"), "{message}");
    let (_, message) = &findings("s3_json", json!({ "url": "x", "row_group_rows": 5 }), &schema())[0];
    assert!(message.contains("unknown field `row_group_rows`"), "{message}");
}

#[test]
fn settings_of_s3_beside_a_local_folder_warn() {
    let found = findings("s3_json", json!({ "url": "out", "region": "eu-central-1" }), &schema());
    assert_eq!(found.iter().map(|(severity, _)| *severity).collect::<Vec<_>>(), [Severity::Warning]);
}

#[test]
fn no_secret_shows_in_debug_output_or_findings() {
    let settings = json!({
        "url": "s3://lake/x", "endpoint": "https://me:canary@s3.example.com", "secret_access_key": "canary", "session_token": "canary"
    });
    let found = format!("{:?}", findings("s3_json", settings.clone(), &schema()));
    let debug = format!("{:?}", config::<crate::S3JsonConfig>(settings));
    assert!(!found.contains("canary"), "{found}");
    assert!(!debug.replace("https://me:canary@", "").contains("canary"), "{debug}");
}

#[test]
fn the_schema_of_the_config_shows_docs_and_defaults() {
    let registry = Registry::linked().unwrap();
    let schema = registry.get(Kind::Sink, "s3_parquet").unwrap().config_schema();
    assert!(schema["description"].as_str().unwrap().contains("```yaml"));
    assert_eq!(schema["properties"]["compression"]["default"], "zstd");
    assert_eq!(schema["properties"]["row_group_rows"]["default"], 1_048_576);
    assert_eq!(schema["properties"]["max_partitions"]["default"], 1000);
    assert_eq!(schema["properties"]["multipart_above"]["default"], "64MiB");
    assert_eq!(schema["properties"]["timeout"]["default"], "1m");
    for (name, property) in schema["properties"].as_object().unwrap() {
        assert!(property["description"].is_string(), "{name} has no description");
    }
}

#[test]
fn what_no_object_can_be_said_to_be_is_refused() {
    let with = |objects: Value| json!({ "url": "s3://lake/x", "objects": objects });
    let many: serde_json::Map<_, _> = (0..11).map(|number| (format!("t{number}"), json!("v"))).collect();
    for (objects, expected) in [
        (json!({ "storage_class": "cold" }), &["/objects/storage_class: `cold` is no storage class"][..]),
        (json!({ "kms_key_id": "k" }), &["/objects/kms_key_id: needs `encryption: kms`"]),
        (json!({ "encryption": "s3", "kms_key_id": "k" }), &["/objects/kms_key_id: needs `encryption: kms`"]),
        (json!({ "tags": many }), &["/objects/tags: 11 tags"]),
        (json!({ "tags": { "k": "v".repeat(257) } }), &["/objects/tags/k: its value at most 256"]),
        (json!({ "encryption": "kms_twice", "kms_key_id": "k", "tags": { "k": "v" }, "metadata": true }), &[]),
    ] {
        assert_refused(with(objects), expected);
    }
}
