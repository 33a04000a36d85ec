//! How records become the bytes of a file.

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use pipeline_api::{Buffered, FileFormat, RecordBatch, Result};

/// A form of files, with its settings.
pub trait Encoding: Send + Sync + 'static {
    /// Records of one file, ready to be written.
    type Block: Send;

    /// A file that is being written.
    type File: OpenFile<Block = Self::Block>;

    /// The form, for readers.
    const FORMAT: FileFormat;

    /// What the names of such files end with, with its dot.
    fn extension(&self) -> &'static str;

    /// Does all that can fail because of a record, so that a batch is taken whole or not at all.
    fn prepare(&self, records: RecordBatch) -> Result<Self::Block>;

    /// A block of records that are JSON lines, if files of this form are made of such.
    fn block_of_lines(&self, _lines: Bytes) -> Option<Self::Block> {
        None
    }

    /// A new file. Its bytes follow from its rows alone, not from the batches in which they come.
    fn start(&self, schema: &SchemaRef) -> Self::File;
}

/// A file that is being written, in memory.
pub trait OpenFile: Send + 'static {
    /// What it takes.
    type Block;

    /// Takes the next records.
    fn write(&mut self, block: Self::Block) -> Result<()>;

    /// How much it holds.
    fn buffered(&self) -> Buffered;

    /// The whole file, of a flush that leaves so many rows of the topic partition in all of its files. May take long: it
    /// compresses what is left.
    fn finish(self, flushed: u64) -> Result<Vec<u8>>;
}
