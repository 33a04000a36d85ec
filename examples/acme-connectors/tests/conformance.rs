//! What the engine relies on in a source, asked of ours: no case of it is written here.

use acme_connectors::Weekdays;
use pipeline_testkit::{schema, source_conformance};
use serde_json::json;

#[tokio::test]
async fn the_source_conforms() {
    let topic = schema(&[("date", "date not null"), ("weekday", "string not null")]);
    let config = json!({ "from": "2026-01-01", "to": "2027-12-31" });
    source_conformance::run(source_conformance::Subject::of::<Weekdays>(config, topic)).await;
}
