//! A store that is slower than the group is patient.

use std::time::{Duration, Instant};

use pipeline_testkit::s3::{Action, Fault, Rule};

use crate::rows::{self, assert_exactly};
use crate::support::{Project, Started, TICKS_TOPIC, becomes_true};

use super::assert_committed;

const MAX_POLL_INTERVAL: Duration = Duration::from_secs(3);

/// Sixteen megabytes for a sink that holds one. They come over two seconds, in many batches.
fn text() -> String {
    let wide = "x".repeat(2048);
    let topic = TICKS_TOPIC.replace("partitions: 4", "partitions: 4\n  key: symbol");
    format!(
        "\
name: ticks
sources:
  - type: ticks
    config: {{ rows: 8000, rate: 4000 }}
{topic}\
sinks:
  - name: parquet
    type: s3_parquet
    config: {{ url: out }}
    flush: {{ every: 1h, memory: 1MiB }}
    transforms:
      - {{ type: insert_field, config: {{ fields: {{ text: {{ value: {wide} }} }} }} }}
"
    )
}

#[test]
fn a_put_that_takes_longer_than_a_member_may_be_silent_holds_back_records_and_not_the_member() {
    let expected = Project::new(&text());
    expected.run(&[]).with_code(0);
    let expected = rows::parquet(&expected, "out");

    let project = Project::new(&text()).on_s3().on_kafka();
    let patience = format!("session.timeout.ms: 1500, max.poll.interval.ms: {}", MAX_POLL_INTERVAL.as_millis());
    project.replace("pipeline.yaml", "session.timeout.ms: 1500", &patience);
    project.server().order(Rule::new(Fault::HoldAnswer).on(Action::Put).times(1));
    let mut command = project.runner(&[]);
    command.env("PIPELINE_LOG", "warn,pipeline_kafka=debug,pipeline_runtime=debug");
    let run = Started::new(command);
    project.server().wait_until_held(1).unwrap();
    let held = Instant::now();
    assert!(becomes_true(|| run.complaints().contains("holding back records")), "the sink has room for everything");
    let before = project.server().count(Action::Put);
    assert!(becomes_true(|| held.elapsed() > 2 * MAX_POLL_INTERVAL));
    assert_eq!(project.server().count(Action::Put), before, "a second flush has begun");
    let group = format!("group=\"{}.parquet\"", project.topic().name);
    let changes = |log: &str| log.lines().filter(|line| line.contains(&group) && line.contains("change=")).count();
    let log = run.complaints();
    assert_eq!(changes(&log), 1, "more than the first assignment:\n{log}");
    assert!(!log.contains("no poll for longer"), "{log}");
    project.server().release();
    let ended = run.end().with_code(0);
    assert!(!ended.err.contains("no poll for longer") && !ended.err.contains("Lost"), "{}", ended.err);
    assert_exactly(&rows::parquet(&project, "out"), &expected, "a slow store");
    assert_committed(&project, "out", "parquet");
}
