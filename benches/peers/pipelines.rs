//! What `pipeline run` is given: files as people write them, with the settings that every file has which says nothing else.

use std::path::Path;

use crate::measure::ticks::SCHEMA;
use crate::topic::{PARTITIONS, TICKS};
use crate::work::{Ours, Work};

/// A pipeline file of this name. Sinks write into the bucket of that name, a CSV goes to the topic of that name.
pub(crate) fn file(ours: Ours, name: &str, bootstrap: &str, csv: &Path) -> String {
    let topic = if ours == Ours::Csv { name } else { TICKS };
    let parts = match ours {
        Ours::Json => sink("s3_json", name, ""),
        Ours::Parquet => sink("s3_parquet", name, ""),
        Ours::Transform => sink("s3_parquet", name, TRANSFORM),
        Ours::Csv => source(csv),
    };
    format!(
        "\
name: {name}
delivery: exactly_once
topic:
  name: {topic}
  key: symbol
  partitions: {PARTITIONS}
{SCHEMA}kafka: {{ bootstrap.servers: {bootstrap} }}
{parts}"
    )
}

/// The consumer group that reads for a work.
pub(crate) fn group(work: Work, name: &str) -> String {
    match work {
        Work::Ours(_) => format!("{name}.lake"),
        _ => name.to_owned(),
    }
}

const TRANSFORM: &str = "    transforms:
      - { type: sql, config: { query: 'SELECT *, high - low AS spread FROM input' } }
";

/// Without sources a run goes on until it is asked to stop. What is left when nothing more comes is flushed soon.
fn sink(kind: &str, bucket: &str, transforms: &str) -> String {
    format!(
        "\
sinks:
  - name: lake
    type: {kind}
    config: {{ url: s3://{bucket}/ticks, compression: zstd }}
    flush: {{ idle: 200ms }}
{transforms}"
    )
}

fn source(csv: &Path) -> String {
    format!("sources:\n  - type: csv\n    config: {{ path: '{}' }}\n", csv.display())
}
