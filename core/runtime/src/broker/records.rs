//! Records as bytes: columns with one row per record.

use arrow::array::{BinaryArray, Int64Array, TimestampMillisecondArray};
use bytes::Bytes;
use pipeline_api::OffsetRange;

/// The headers of one record, in their order. A name may come twice.
pub type Headers = Vec<(String, Bytes)>;

/// Records on their way to a topic.
#[derive(Clone, Debug)]
pub struct ProducedRecords {
    /// The partition of each record.
    pub partitions: Vec<i32>,
    /// The key of each record; null is no key.
    pub keys: BinaryArray,
    /// The value of each record; null is a tombstone.
    pub values: BinaryArray,
    /// The timestamp of each record, in milliseconds since 1970 UTC.
    pub timestamps: TimestampMillisecondArray,
    /// The headers of each record, or empty if no record has any.
    pub headers: Vec<Headers>,
}

/// Consecutive records of one partition, as a poll returns them.
#[derive(Clone, Debug)]
pub struct ConsumedRecords {
    /// The partition.
    pub partition: i32,
    /// The offsets that these records cover, gaps included: the next poll of this partition begins at its `end`.
    pub range: OffsetRange,
    /// The offset of each record, ascending.
    pub offsets: Int64Array,
    /// The key of each record; null is no key.
    pub keys: BinaryArray,
    /// The value of each record; null is a tombstone.
    pub values: BinaryArray,
    /// The timestamp of each record, in milliseconds since 1970 UTC.
    pub timestamps: TimestampMillisecondArray,
    /// The headers of each record, or empty if no record has any.
    pub headers: Vec<Headers>,
}

impl ConsumedRecords {
    /// Only the records below `end`, which the range then ends at.
    #[must_use]
    pub fn until(mut self, end: i64) -> Self {
        if self.range.end <= end {
            return self;
        }
        let rows = self.offsets.values().partition_point(|offset| *offset < end);
        self.range.end = end;
        self.offsets = self.offsets.slice(0, rows);
        self.keys = self.keys.slice(0, rows);
        self.values = self.values.slice(0, rows);
        self.timestamps = self.timestamps.slice(0, rows);
        self.headers.truncate(rows);
        self
    }
}
