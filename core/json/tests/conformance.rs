//! The converter does what the engine relies on.

use pipeline_json::JsonConverter;
use pipeline_testkit::all_types;
use pipeline_testkit::converter_conformance::{Subject, run};
use serde_json::json;

#[tokio::test]
async fn json_conforms() {
    run(Subject::of::<JsonConverter>(json!({}), all_types())).await;
}

#[tokio::test]
async fn strict_json_conforms() {
    run(Subject::of::<JsonConverter>(json!({ "unknown_fields": "strict" }), all_types())).await;
}
