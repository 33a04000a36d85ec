//! What a sink left behind, and how to read it.

use arrow::datatypes::SchemaRef;

use crate::{OffsetRange, TopicPartition};

/// One durable thing that a sink wrote: a file or an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its address: `file:///…` or `s3://bucket/key`. Begins with the [`Dataset::location`].
    pub url: String,
    /// The records in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The value of each partition column, in the order of [`Dataset::partition_columns`].
    pub partition_values: Vec<PartitionValue>,
    /// The partition of the topic that its records come from.
    pub partition: TopicPartition,
    /// The offsets that its flush covered. Several artifacts of one flush share them.
    pub offsets: OffsetRange,
}

/// The value of one partition column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionValue {
    /// The column's name.
    pub column: String,
    /// Its value as text, neither escaped nor encoded; `None` is null.
    pub value: Option<String>,
}

/// What a reader needs to know of what a sink writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Where it lies: a URL with a slash at its end. Everything below it is data.
    pub location: String,
    /// The form of each file.
    pub format: FileFormat,
    /// The columns that are in the files.
    pub columns: SchemaRef,
    /// The columns that are in the path, in its order: `<location>symbol=IBM/year=2012/`. Values are percent-encoded as Hive
    /// does it; null is `__HIVE_DEFAULT_PARTITION__`.
    pub partition_columns: SchemaRef,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line; `.gz` and `.zst` names are compressed.
    JsonLines,
}
