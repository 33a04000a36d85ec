//! What `pipeline run` is given: files as people write them.

use std::path::Path;

use crate::measure::ticks::SCHEMA;

/// A pipeline from a topic on Kafka into the bucket of its name. Without sources it goes on until it is asked to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lake<'a> {
    pub(crate) name: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) partitions: i32,
    /// Columns besides those of a tick, a line each.
    pub(crate) columns: &'a str,
    /// `normal` or `low`.
    pub(crate) latency: &'a str,
    pub(crate) sink: &'a str,
    pub(crate) tasks: u32,
    /// The columns that make folders, divided by commas.
    pub(crate) partition_by: &'a str,
    /// What the sink's `flush` has.
    pub(crate) flush: &'a str,
}

impl<'a> Lake<'a> {
    /// Parquet in one task, as most of them are.
    pub(crate) fn of(name: &'a str, topic: &'a str, partitions: i32) -> Self {
        let (sink, latency, flush) = ("s3_parquet", "normal", "idle: 200ms");
        Self { name, topic, partitions, columns: "", latency, sink, tasks: 1, partition_by: "", flush }
    }

    pub(crate) fn group(&self) -> String {
        format!("{}.lake", self.name)
    }

    pub(crate) fn file(&self, bootstrap: &str) -> String {
        let Self { name, topic, partitions, columns, latency, sink, tasks, partition_by, flush } = self;
        format!(
            "\
name: {name}
delivery: exactly_once
topic:
  name: {topic}
  key: symbol
  partitions: {partitions}
{SCHEMA}{columns}kafka: {{ bootstrap.servers: {bootstrap}, latency: {latency} }}
sinks:
  - name: lake
    type: {sink}
    tasks: {tasks}
    config: {{ url: s3://{name}/ticks, compression: zstd, partition_by: [{partition_by}] }}
    flush: {{ {flush} }}
"
        )
    }
}

/// Whether a source ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Csv {
    /// At the end of its file.
    Ends,
    /// Never: more lines could come.
    Follows,
}

/// A pipeline from a CSV through the embedded broker into the folder `out` beside the file.
pub(crate) fn embedded(csv: &Path, kind: Csv) -> String {
    let follow = matches!(kind, Csv::Follows);
    format!(
        "\
name: embedded
sources:
  - type: csv
    config: {{ path: '{}', follow: {follow} }}
topic:
  name: ticks
  key: symbol
  partitions: 3
{SCHEMA}sinks:
  - name: lake
    type: s3_parquet
    config: {{ url: out, compression: zstd }}
    flush: {{ idle: 200ms }}
",
        csv.display()
    )
}
