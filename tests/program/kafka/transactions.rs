//! Producers whose transactions end otherwise than they meant.

use std::thread;
use std::time::Duration;

use crate::rows::{self, assert_exactly};
use crate::support::{Project, Started, TICKS_TOPIC, becomes_true};

use super::assert_committed;

const FILE: &str = "\
name: ticks
sources:
  - type: ticks
    config: { rows: 3000, rate: 3000 }
";

const SINK: &str = "\
sinks:
  - name: parquet
    type: s3_parquet
    config: { url: out }
    flush: { every: 200ms }
";

/// Kafka aborts it, and then tells its producer the same as one that was replaced, if librdkafka has not given up before: but
/// the task is still ours.
#[test]
fn a_transaction_that_takes_too_long_comes_again_in_the_same_process() {
    let text = format!("{FILE}{TICKS_TOPIC}{SINK}");
    let untouched = Project::new(&text);
    untouched.run(&[]).with_code(0);
    let project = Project::new(&text).on_kafka();
    project.replace("pipeline.yaml", "transaction.timeout.ms: 5000", "transaction.timeout.ms: 1000");
    project.replace("pipeline.yaml", "session.timeout.ms: 1500", "session.timeout.ms: 30000");
    let mut armed = project.runner(&[]);
    armed.env("PIPELINE_PAUSE", "source_before_commit:3").env("PIPELINE_LOG", "info");
    let mut run = Started::new(armed);
    assert!(becomes_true(|| run.is_stopped() || run.has_ended()));
    // Longer than the transaction may take, and than the broker takes to notice.
    thread::sleep(Duration::from_secs(4));
    run.signal("CONT");
    let ended = run.end().with_code(0);
    assert_eq!(ended.err.matches("source opened").count(), 2, "it was not aborted:\n{}", ended.err);
    assert_exactly(&rows::parquet(&project, "out"), &rows::parquet(&untouched, "out"), "after the time-out");
    assert_committed(&project, "out", "parquet");
}

const LARGE: &str = "\
name: large
sources:
  - type: csv
    config: { path: large.csv }
topic:
  name: large
  schema: { id: bigint, text: string }
sinks: []
";

#[test]
fn a_record_that_is_too_large_for_the_client_stops_the_run_with_what_to_change() {
    let project = Project::new(LARGE).on_kafka();
    project.write("large.csv", format!("id,text\n1,small\n2,{}\n", "x".repeat(1_020_000)));
    project.run(&[]).with_code(1).complaining("a record is larger than `message.max.bytes`");
    project.replace("pipeline.yaml", "  consumer: {", "  message.max.bytes: 2000000\n  consumer: {");
    project.run(&[]).with_code(0).saying("2 records in");
}

#[test]
fn a_record_that_is_too_large_for_the_topic_stops_the_run_with_what_to_change() {
    let project = Project::new(LARGE).on_kafka();
    let limited = "replication_factor: 1, config: { max.message.bytes: 300000 }";
    project.replace("pipeline.yaml", "replication_factor: 1", limited);
    // No compression makes it small.
    let text: String =
        (0..60_000u64).map(|n| format!("{:010x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24)).collect();
    project.write("large.csv", format!("id,text\n1,small\n2,{text}\n"));
    project.run(&[]).with_code(1).complaining("`max.message.bytes` to be raised");
}
