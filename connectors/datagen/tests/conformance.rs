//! The source does what the engine relies on.

use pipeline_datagen::Ticks;
use pipeline_testkit::schema;
use pipeline_testkit::source_conformance::{Subject, run};
use serde_json::json;

#[tokio::test]
async fn ticks_conform() {
    run(Subject::of::<Ticks>(json!({ "rows": 25_000, "symbols": 21 }), schema(&[("open", "decimal(9,2)")]))).await;
}

#[tokio::test(start_paused = true)]
async fn ticks_at_a_rate_conform() {
    let config = json!({ "rows": 1000, "symbols": 3, "rate": 2000.0 });
    run(Subject::of::<Ticks>(config, schema(&[]))).await;
}
