//! A sink as the runtime drives it.

use std::ops::Range;

use arrow::array::{BinaryArray, Int64Array, TimestampMillisecondArray};
use pipeline_api::{
    Artifact, Metadata, OffsetRange, PlannedRange, Ranges, RecordBatch, Result, Sink, SinkBatch, Task, Timestamp,
    TopicPartition,
};
use serde_json::Value;

use super::{Fault, Subject};
use crate::records::records;

/// The offsets of some partitions.
pub(super) type Spans = [(i32, Range<i64>)];

/// The number of the record at an offset.
pub(super) fn number(partition: i32, offset: i64) -> i64 {
    i64::from(partition) * 1_000_000 + offset
}

impl Subject {
    pub(super) async fn open(&self) -> Result<Box<dyn Sink>> {
        self.open_task(Task { index: 0, of: 1 }).await
    }

    pub(super) async fn open_task(&self, task: Task) -> Result<Box<dyn Sink>> {
        let context = pipeline_api::Context { task, ..self.context() };
        self.plugin.registration.open_sink(self.plugin.config.clone(), context).await
    }

    pub(super) fn partition(&self, number: i32) -> TopicPartition {
        TopicPartition::new(self.topic.clone(), number)
    }

    pub(super) fn batch(&self, partition: i32, offsets: Range<i64>) -> SinkBatch {
        let numbers = offsets.clone().map(|offset| number(partition, offset));
        self.batch_of(partition, offsets.start, records(&self.plugin.schema, numbers))
    }

    pub(super) fn batch_of(&self, partition: i32, start: i64, records: RecordBatch) -> SinkBatch {
        let offsets = start..start + records.num_rows() as i64;
        SinkBatch {
            partition: self.partition(partition),
            offsets: OffsetRange::new(offsets.start, offsets.end),
            records,
            metadata: Metadata {
                offsets: Int64Array::from_iter_values(offsets.clone()),
                timestamps: TimestampMillisecondArray::from_iter_values(offsets.clone().map(|n| 1_000 * n)),
                keys: offsets.map(|n| (n % 4 != 0).then(|| format!("key-{n}"))).collect::<BinaryArray>(),
            },
        }
    }

    pub(super) fn ranges(&self, spans: &Spans) -> Ranges {
        self.ranges_of(0, spans)
    }

    /// The same, planned anew for the `revision`-th time.
    pub(super) fn ranges_of(&self, revision: u32, spans: &Spans) -> Ranges {
        let range = |offsets: &Range<i64>| PlannedRange {
            offsets: OffsetRange::new(offsets.start, offsets.end),
            // Long ago, as in a replay.
            at: Timestamp::UNIX_EPOCH,
            revision,
        };
        spans.iter().map(|(partition, offsets)| (self.partition(*partition), range(offsets))).collect()
    }

    /// Puts the records of these ranges in batches of so many, the partitions by turns.
    pub(super) async fn put(&self, sink: &mut dyn Sink, spans: &Spans, rows: i64) -> Result<()> {
        let longest = spans.iter().map(|(_, offsets)| offsets.end - offsets.start).max().unwrap_or(0);
        for step in (0..longest).step_by(rows as usize) {
            for (partition, offsets) in spans {
                let start = (offsets.start + step).min(offsets.end);
                let end = (start + rows).min(offsets.end);
                if start < end {
                    sink.put(self.batch(*partition, start..end)).await?;
                }
            }
        }
        Ok(())
    }

    /// Puts and flushes these ranges.
    pub(super) async fn write(&self, sink: &mut dyn Sink, spans: &Spans, rows: i64) -> Result<Vec<Artifact>> {
        self.put(sink, spans, rows).await?;
        sink.flush(self.ranges(spans)).await
    }

    /// Writes these ranges by a sink that was just opened, under a config that the file had before.
    pub(super) async fn write_before(&self, config: &Value, spans: &Spans) -> Result<(), Fault> {
        let before = self.before(config);
        before.write(before.open().await?.as_mut(), spans, ROWS).await?;
        Ok(())
    }
}

/// How many records a batch has where it does not matter.
pub(super) const ROWS: i64 = 16;
