//! Where records go.

use arrow::array::{BinaryArray, Int64Array, RecordBatch, TimestampMillisecondArray};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;

use crate::{
    Artifact, Context, CountRows, Dataset, Error, Examined, Found, OffsetRange, Plugin, Ranges, Result, TopicPartition,
};

/// Makes records durable in an outside system. One task calls it, one call at a time.
///
/// The runtime plans a range of offsets, tells the broker of it, and only then calls `flush`. After a crash it replays
/// exactly the planned range. So a flush whose names and contents follow from the ranges and their records alone
/// delivers each record exactly once.
#[async_trait]
pub trait Sink: Send {
    /// Where the records will lie and how to read them, for the hooks behind this sink. Pure: called before anything runs.
    /// The folder of its context is absolute. `None` if nothing is left that could be read back.
    ///
    /// Errors: [`Config`](crate::ErrorKind::Config) for what only the context tells, such as a topic that nothing can be
    /// named after.
    fn dataset(_config: &Self::Config, _context: &Context) -> Result<Option<Dataset>>
    where
        Self: Plugin,
    {
        Ok(None)
    }

    /// Removes everything that a sink with this config has ever written for this topic, because a person starts over.
    /// Called in place of `open`, and works whatever was changed in the file since. Returns what was removed, for that
    /// person: `70 files below file:///data/out`. `None` if there was nothing.
    async fn reset(_config: Self::Config, _context: Context) -> Result<Option<String>>
    where
        Self: Plugin,
    {
        Ok(None)
    }

    /// Lists what readers find where a sink with this config writes: what its flushes left, and what anybody else put there. What
    /// readers skip is left out. Called in place of `open`, because a person wants to know whether all is there; changes
    /// nothing, and tasks of the same sink may write meanwhile. `None` if nothing is left that could be listed.
    async fn list(_config: Self::Config, _context: Context, _count: CountRows) -> Result<Option<Vec<Found>>>
    where
        Self: Plugin,
    {
        Ok(None)
    }

    /// Tries what a sink with this config will need of the outside world, because a person wants to know whether a run would
    /// work. Called in place of `open`; changes nothing that stays, and tasks of the same sink may run meanwhile. Goes on after
    /// what fails. Nothing where there is nothing to try.
    async fn examine(_config: Self::Config, _context: Context) -> Vec<Examined>
    where
        Self: Plugin,
    {
        Vec::new()
    }

    /// What a flush of these records alone would leave, for a person who thinks about a run beforehand: artifacts with their
    /// addresses, rows and partition values, and 0 bytes. Pure. The records are some of the data, or made up: then those
    /// columns are null that have no plain text. Nothing if nothing is left that could be read back.
    fn outlook(_config: &Self::Config, _context: &Context, _batch: &SinkBatch) -> Result<Vec<Artifact>>
    where
        Self: Plugin,
    {
        Ok(Vec::new())
    }

    /// The requests that it takes to make an artifact of so many bytes durable, by their names: `("PUT", 1)`. Pure. Nothing
    /// where nobody counts them.
    fn requests(_config: &Self::Config, _bytes: u64) -> Vec<(&'static str, u64)>
    where
        Self: Plugin,
    {
        Vec::new()
    }

    /// Takes the next records of one partition. Nothing need be durable yet. After an error nothing of this batch was
    /// taken.
    ///
    /// Errors: [`Data`](crate::ErrorKind::Data) if a record can never be accepted; the runtime then offers parts of the
    /// batch.
    async fn put(&mut self, batch: SinkBatch) -> Result<()>;

    /// Whether this sink also takes records as JSON lines. Asked before each batch. Then those that nobody needs columns of come
    /// by [`put_lines`](Self::put_lines), where the topic's converter can make lines of them at less cost, and the others by `put`.
    fn takes_lines(&self) -> bool {
        false
    }

    /// Takes the next records of one partition as lines, in place of `put`. The same is left as if they had been put, to the byte.
    /// After an error nothing of them was taken.
    ///
    /// Errors: [`Data`](crate::ErrorKind::Data) if it does not take these as lines; the runtime then puts them.
    async fn put_lines(&mut self, _lines: SinkLines) -> Result<()> {
        Err(Error::data("this sink takes no lines"))
    }

    /// How much was put and not flushed yet, for the flush policy.
    fn buffered(&self) -> Buffered;

    /// Detaches what was put for these ranges as work that makes it durable, under names that follow from `ranges` alone.
    /// The next ranges are put while that work goes on.
    ///
    /// The same ranges with the same records must leave the same end state, however often they come. The only clock that
    /// may be looked at is [`PlannedRange::at`](crate::PlannedRange). A range without records still gets a call, and
    /// leaves nothing. If the work fails, the runtime puts and flushes the same ranges again.
    fn flush(&mut self, ranges: Ranges) -> BoxFuture<'static, Result<Vec<Artifact>>>;

    /// Forgets what was put for these partitions and not flushed. They belong to somebody else now, or come again.
    async fn revoke(&mut self, partitions: &[TopicPartition]) -> Result<()>;

    /// Removes whatever an interrupted flush of exactly these ranges left behind, made under another config. Called before
    /// their records are put under this one.
    ///
    /// The same offsets with another [`revision`](crate::PlannedRange::revision) are another range: they may have been made
    /// durable by the partition's new owner while this call still goes on.
    async fn discard(&mut self, ranges: &Ranges) -> Result<()>;

    /// The last call, also after an error.
    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Consecutive records of one partition.
#[derive(Clone, Debug)]
pub struct SinkBatch {
    /// The partition that they come from.
    pub partition: TopicPartition,
    /// The offsets that the batch covers: also those of records that a transform dropped.
    pub offsets: OffsetRange,
    /// The records, in the sink's schema.
    pub records: RecordBatch,
    /// What the topic says of each record.
    pub metadata: Metadata,
}

/// Consecutive records of one partition, as JSON lines.
#[derive(Clone, Debug)]
pub struct SinkLines {
    /// The partition that they come from.
    pub partition: TopicPartition,
    /// The offsets that they cover.
    pub offsets: OffsetRange,
    /// How many lines there are.
    pub rows: u64,
    /// The lines, each ended by a newline, as [`Converter::lines`](crate::Converter::lines) makes them.
    pub lines: Bytes,
}

/// What the topic says of each record of a batch: columns as long as the batch.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// Its offset.
    pub offsets: Int64Array,
    /// Its timestamp, in milliseconds since 1970 UTC.
    pub timestamps: TimestampMillisecondArray,
    /// Its key, if it has one.
    pub keys: BinaryArray,
}

impl Metadata {
    /// The `length` rows from `start`, without a copy.
    #[must_use]
    pub fn slice(&self, start: usize, length: usize) -> Self {
        Self {
            offsets: self.offsets.slice(start, length),
            timestamps: self.timestamps.slice(start, length),
            keys: self.keys.slice(start, length),
        }
    }
}

/// How much a sink holds that is not flushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buffered {
    /// Bytes as they would be written now, an estimate.
    pub encoded: u64,
    /// Bytes of memory in use, an estimate.
    pub memory: u64,
}
