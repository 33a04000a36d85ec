//! A process that stands still, as a whole or where it works, until others have its partitions, and then goes on where it was.

use crate::rows::{self, Row, assert_exactly};
use crate::support::{Project, Started, TICKS_TOPIC, becomes_true};

use super::assert_committed;

const ROWS: usize = 4000;

const SOURCE: &str = "\
name: ticks
sources:
  - type: ticks
    config: { rows: 4000 }
";

const SINK: &str = "\
sinks:
  - name: parquet
    type: s3_parquet
    tasks: 2
    config: { url: out, partition_by: [symbol] }
    flush: { rows: 200, every: 300ms }
";

/// The points of the sinks' side, in the order in which a flush passes them.
const POINTS: [&str; 11] = [
    "sink_assigned",
    "sink_before_commit",
    "kafka_before_group_commit",
    "kafka_after_group_commit",
    "sink_after_commit",
    "s3_before_put",
    "s3_after_first_put",
    "s3_after_put",
    "sink_before_hooks",
    "sink_before_commit:2",
    "kafka_before_group_commit:2",
];

/// A folder and a topic with records on it, and the rows that they are.
fn filled() -> (Project, Vec<Row>) {
    let project = Project::new(&format!("{SOURCE}{TICKS_TOPIC}{SINK}")).on_kafka();
    let file = project.read("pipeline.yaml");
    let writer = file.replace(SINK, "sinks: []\n");
    project.write("writer.yaml", writer);
    project.call(&["run", "writer.yaml"]).with_code(0);
    project
        .write("pipeline.yaml", file.replace(&file[file.find("sources:").unwrap()..file.find("topic:").unwrap()], ""));
    let expected = Project::new(&format!("{SOURCE}{TICKS_TOPIC}{SINK}"));
    expected.run(&[]).with_code(0);
    let expected = rows::parquet(&expected, "out");
    assert_eq!(expected.len(), ROWS);
    (project, expected)
}

/// Those at which the task, or the thread of its member, does not poll. librdkafka's own thread goes on, and says that the
/// process is alive.
const POLLING_POINTS: [&str; 6] = [
    "sink_assigned",
    "sink_before_commit",
    "kafka_before_group_commit",
    "kafka_after_group_commit",
    "sink_after_commit",
    "sink_before_commit:2",
];

/// One process hangs at the point, for longer than it may be silent, until another has done all the work. Then it goes on.
fn survives_a_hang_at(point: &str) {
    eprintln!("hung at {point}");
    let (project, expected) = filled();
    project.replace(
        "pipeline.yaml",
        "session.timeout.ms: 1500",
        "session.timeout.ms: 1500, max.poll.interval.ms: 2000",
    );
    let mut armed = project.runner(&[]);
    armed.env("PIPELINE_HANG", point).env("PIPELINE_LOG", "warn,pipeline_kafka=debug");
    let mut hung = Started::new(armed);
    assert!(becomes_true(|| hung.complaints().contains("hangs at") || hung.has_ended()), "{point} is not passed");
    assert!(!project.topic().is_drained("parquet"), "{point}: nothing is left to take over");
    let other = Started::new(project.runner(&[]));
    assert!(becomes_true(|| project.topic().is_drained("parquet")), "{point}: the other process does not take over");
    // It goes on with whatever it was about to do, and joins again.
    let joined = || hung.complaints().matches("change=Assigned").count();
    let before = joined();
    project.write(point.split_once(':').map_or(point, |(name, _)| name), "");
    assert!(becomes_true(|| joined() > before), "{point}: it does not come back");
    hung.signal("INT");
    other.signal("INT");
    hung.end().with_code(0);
    other.end().with_code(0);
    assert!(becomes_true(|| project.topic().is_drained("parquet")), "{point}: an offset went back for good");
    assert_exactly(&rows::parquet(&project, "out"), &expected, point);
    assert_committed(&project, "out", "parquet");
}

/// One process stands still at the point until another has done all the work. Then it goes on.
fn survives_a_pause_at(point: &str) {
    eprintln!("paused at {point}");
    let (project, expected) = filled();
    let mut armed = project.runner(&[]);
    armed.env("PIPELINE_PAUSE", point).env("PIPELINE_LOG", "info");
    let mut paused = Started::new(armed);
    assert!(becomes_true(|| paused.is_stopped() || paused.has_ended()), "{point} is not passed");
    let other = Started::new(project.runner(&[]));
    assert!(becomes_true(|| project.topic().is_drained("parquet")), "{point}: the other process does not take over");
    paused.signal("CONT");
    // It goes on with whatever it was about to do, and hears that it was replaced.
    assert!(becomes_true(|| !paused.is_stopped()));
    paused.signal("INT");
    let ended = paused.end();
    assert_eq!(ended.status.code(), Some(0), "{point}: {}\n{}", ended.out, ended.err);
    assert!(becomes_true(|| project.topic().is_drained("parquet")), "{point}: an offset went back for good");
    other.signal("INT");
    other.end().with_code(0);
    assert_exactly(&rows::parquet(&project, "out"), &expected, point);
    assert_committed(&project, "out", "parquet");
}

#[test]
fn a_sink_that_hangs_is_put_out_of_its_group_and_changes_nothing_when_it_goes_on() {
    std::thread::scope(|scope| {
        for points in POLLING_POINTS.chunks(2) {
            scope.spawn(|| points.iter().for_each(|point| survives_a_hang_at(point)));
        }
    });
}

#[test]
fn a_process_that_was_replaced_while_it_stood_still_changes_nothing() {
    // They wait most of the time.
    std::thread::scope(|scope| {
        for points in POINTS.chunks(POINTS.len().div_ceil(4)) {
            scope.spawn(move || points.iter().for_each(|point| survives_a_pause_at(point)));
        }
    });
}
