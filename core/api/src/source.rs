//! Where records come from.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use bytes::Bytes;

use crate::{Context, Examined, Plugin, Result, SourceOffsets};

/// Reads records from an outside system. One task calls it, one call at a time.
#[async_trait]
pub trait Source: Send {
    /// Tries what a source with this config will need of the outside world, because a person wants to know whether a run would
    /// work. Called in place of `open`; changes nothing that stays, and tasks of the same source may run meanwhile. Goes on after
    /// what fails. Nothing where there is nothing to try.
    async fn examine(_config: Self::Config, _context: Context) -> Vec<Examined>
    where
        Self: Plugin,
    {
        Vec::new()
    }

    /// How many records a second there will be over all tasks, if the config says so. Pure.
    fn rate(_config: &Self::Config) -> Option<f64>
    where
        Self: Plugin,
    {
        None
    }

    /// The first records, about `rows` of them, if they lie on this machine: for a person who thinks about a run beforehand.
    /// Called in place of `open`; connects to nothing, waits for nothing and changes nothing. `None` if they lie elsewhere.
    async fn sample(_config: Self::Config, _context: Context, _rows: usize) -> Result<Option<RecordBatch>>
    where
        Self: Plugin,
    {
        Ok(None)
    }

    /// The schema of every batch that `poll` returns. Called once, after `open`.
    fn schema(&self) -> SchemaRef;

    /// The next batch; `None` means that there will never be more.
    ///
    /// Waits as long as it must (a rate, a schedule, a growing file): the runtime commits what came before meanwhile, and
    /// drops the call when the pipeline stops. A call that is dropped loses nothing: its records come with the next one, or
    /// when the source is opened again. A few thousand rows a batch are right for a fast source.
    ///
    /// Errors: [`Retriable`](crate::ErrorKind::Retriable) is tried again with back-off on the same source. A single record
    /// that cannot be read is no error but goes into [`SourceBatch::rejected`].
    async fn poll(&mut self) -> Result<Option<SourceBatch>>;

    /// Where a row of the batch that the last `poll` returned was found, for a person: `stocks.csv:17`. Called when a
    /// transform or the topic refuses the row.
    fn place(&self, _row: usize) -> Option<String> {
        None
    }

    /// These offsets are durable now, together with the records before them. Called in order, not for every batch. A
    /// place to acknowledge at the origin.
    async fn commit(&mut self, _offsets: &SourceOffsets) -> Result<()> {
        Ok(())
    }

    /// The last call, also after an error.
    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What one `poll` returns.
#[derive(Clone, Debug)]
pub struct SourceBatch {
    /// The records, in the source's schema.
    pub records: RecordBatch,
    /// Where to resume after these records and the rejected ones. Partitions that did not move may be left out.
    pub offsets: SourceOffsets,
    /// Records that could not be read, with why. They go to the dead letter topic, or stop the pipeline.
    pub rejected: Vec<Rejected>,
}

/// A record that could not be read, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where it was found, for a person: `stocks.csv:17:4`.
    pub place: String,
    /// The field that did not fit, if it was one.
    pub field: Option<String>,
    /// What did not fit, and what would be right: ```abc` is not a double``.
    pub reason: String,
    /// The record as it was found.
    pub record: Bytes,
}
