//! Every transform does what the engine relies on.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use pipeline_api::{Plugin, RecordBatch, Transform};
use pipeline_testkit::transform_conformance::{Subject, run};
use pipeline_testkit::{all_types, records};
use pipeline_transforms::{Cast, Drop, Flatten, InsertField, MaskField, Rename, Select};
use serde_json::{Value, json};

async fn conforms<P: Plugin + Transform>(config: Value) {
    run(Subject::of::<P>(config, records(&all_types(), 0..60))).await;
}

#[tokio::test]
async fn select_conforms() {
    conforms::<Select>(json!({ "fields": ["quote", "id", "sizes", "price"] })).await;
}

#[tokio::test]
async fn drop_conforms() {
    conforms::<Drop>(json!({ "fields": ["note", "levels", "active"] })).await;
}

#[tokio::test]
async fn rename_conforms() {
    conforms::<Rename>(json!({ "fields": { "name": "note", "note": "name", "quote": "q" } })).await;
}

#[tokio::test]
async fn flatten_conforms() {
    conforms::<Flatten>(json!({})).await;
    conforms::<Flatten>(json!({ "fields": ["quote"], "separator": "." })).await;
}

#[tokio::test]
async fn insert_field_conforms() {
    let fields = json!({
        "exchange": { "value": "NYSE" },
        "fee": { "value": "0.10", "type": "decimal(9,4)" },
        "kafka_offset": { "metadata": "offset" },
        "kafka_key": { "metadata": "key" },
    });
    conforms::<InsertField>(json!({ "fields": fields })).await;
}

#[tokio::test]
async fn mask_field_conforms() {
    let fields = ["name", "note", "tiny", "price", "amount", "day", "event_time", "raw", "active"];
    conforms::<MaskField>(json!({ "fields": fields })).await;
    conforms::<MaskField>(json!({ "fields": ["name", "note"], "replacement": "***" })).await;
}

#[tokio::test]
async fn cast_conforms() {
    let fields = json!({
        "id": "decimal(38,2)",
        "active": "string",
        "tiny": "double",
        "medium": "tinyint",
        "large": { "type": "timestamp", "format": "unix_s" },
        "single": "double",
        "price": "decimal(18,6)",
        "amount": "string",
        "day": "timestamp",
        "event_time": { "type": "string", "format": "%Y-%m-%d %H:%M:%S%.f", "zone": "America/New_York" },
        "exact_time": { "type": "bigint", "format": "unix_us" },
    });
    conforms::<Cast>(json!({ "fields": fields })).await;
}

#[tokio::test]
async fn cast_of_texts_conforms() {
    let texts = |text: fn(usize) -> String| -> ArrayRef {
        Arc::new((0..60).map(|row| (row % 7 != 3).then(|| text(row))).collect::<StringArray>())
    };
    let columns = [
        ("whole", texts(|row| format!("-{row}"))),
        ("number", texts(|row| format!("{row}.25e-1"))),
        ("exact", texts(|row| format!("{row}.125"))),
        ("flag", texts(|row| (row % 2 == 0).to_string())),
        ("day", texts(|row| format!("2026-01-{:02}", row % 28 + 1))),
        ("time", texts(|row| format!("01/02/2026 {:02}:30", row % 24))),
    ];
    let fields = json!({
        "whole": "bigint",
        "number": "double",
        "exact": "decimal(9,3)",
        "flag": "boolean",
        "day": "date",
        "time": { "type": "timestamp", "format": "%m/%d/%Y %H:%M", "zone": "America/New_York" },
    });
    let columns = columns.map(|(name, column)| (name, column, true));
    let input = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    run(Subject::of::<Cast>(json!({ "fields": fields }), input)).await;
}
