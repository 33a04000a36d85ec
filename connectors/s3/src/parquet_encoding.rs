//! Records as Parquet.

use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use pipeline_api::{Buffered, Error, FileFormat, RecordBatch, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::encoding::{Encoding, OpenFile};
use crate::repetition::comes_again;

/// How the pages of a Parquet file are compressed. Athena reads all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParquetCompression {
    /// Not at all.
    None,
    /// Snappy: larger files, a little less CPU time to read.
    Snappy,
    /// Zstandard at level 1: level 3 costs more and gains next to nothing on prices.
    #[default]
    Zstd,
}

/// The entry of a footer that says how many rows the file's flush left of the topic partition, in all of its files: if one of
/// them is missing, the others tell.
pub(crate) const FLUSHED: &str = "pipeline.flushed";

/// Parquet with pages of version 1, dictionaries where values come again, and nothing in it that only Arrow understands.
pub struct ParquetEncoding {
    properties: WriterProperties,
}

/// A Parquet file that is being written.
pub struct ParquetFile {
    schema: SchemaRef,
    properties: WriterProperties,
    /// Rows that wait until they make up a block.
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    pending_bytes: usize,
    /// Made with the first block: most files of a flush over many partitions never need it before their end.
    writer: Option<ArrowWriter<Vec<u8>>>,
}

/// The writer gets rows in blocks of exactly this many. Page boundaries depend on the sizes of what it is given: so
/// they do not depend on how the rows came, and a replay leaves the same bytes. It also spares it the cost of tiny
/// batches.
const BLOCK_ROWS: usize = 4096;

/// A piece of fewer rows takes much more memory than they do: so few such pieces wait at most before they are joined.
const SMALL_ROWS: usize = 128;
const MOST_SMALL: usize = 8;

impl ParquetEncoding {
    pub(crate) fn new(compression: ParquetCompression, row_group_rows: usize) -> Self {
        let compression = match compression {
            ParquetCompression::None => Compression::UNCOMPRESSED,
            ParquetCompression::Snappy => Compression::SNAPPY,
            ParquetCompression::Zstd => Compression::ZSTD(ZstdLevel::default()),
        };
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_row_count(Some(row_group_rows.max(1)))
            .build();
        Self { properties }
    }
}

impl Encoding for ParquetEncoding {
    type Block = RecordBatch;
    type File = ParquetFile;
    const FORMAT: FileFormat = FileFormat::Parquet;

    fn extension(&self) -> &'static str {
        ".parquet"
    }

    fn prepare(&self, records: RecordBatch) -> Result<RecordBatch> {
        Ok(records)
    }

    fn start(&self, schema: &SchemaRef) -> ParquetFile {
        ParquetFile {
            schema: Arc::clone(schema),
            properties: self.properties.clone(),
            pending: Vec::new(),
            pending_rows: 0,
            pending_bytes: 0,
            writer: None,
        }
    }
}

impl OpenFile for ParquetFile {
    type Block = RecordBatch;

    fn write(&mut self, mut records: RecordBatch) -> Result<()> {
        let whole = records.num_rows();
        while self.pending_rows + records.num_rows() >= BLOCK_ROWS {
            let missing = BLOCK_ROWS - self.pending_rows;
            self.pending.push(records.slice(0, missing));
            records = records.slice(missing, records.num_rows() - missing);
            self.write_pending()?;
        }
        if records.num_rows() > 0 {
            // A slice would keep the memory of the whole batch.
            let records = if records.num_rows() < whole { copy(&records)? } else { records };
            self.pending_rows += records.num_rows();
            self.pending_bytes += records.get_array_memory_size();
            self.pending.push(records);
        }
        self.join_small_pieces()
    }

    fn buffered(&self) -> Buffered {
        let (encoded, memory) = match &self.writer {
            Some(writer) => {
                let done = writer.bytes_written();
                (done + writer.in_progress_size(), writer.inner().capacity() + writer.memory_size())
            }
            None => (0, 0),
        };
        // Encoded, rows take about a third of what they take in memory.
        let (encoded, memory) = (encoded + self.pending_bytes / 3, memory + self.pending_bytes);
        Buffered { encoded: encoded as u64, memory: memory as u64 }
    }

    fn finish(mut self, flushed: u64) -> Result<Vec<u8>> {
        self.write_pending()?;
        match self.writer {
            Some(mut writer) => {
                // All at once, instead of twice as much again and again.
                let rest = writer.in_progress_size();
                writer.inner_mut().reserve_exact(rest);
                writer.append_key_value_metadata(KeyValue::new(FLUSHED.to_owned(), flushed.to_string()));
                writer.into_inner().map_err(broken)
            }
            None => Err(Error::fatal("a file without rows was flushed")),
        }
    }
}

impl ParquetFile {
    fn join_small_pieces(&mut self) -> Result<()> {
        let small = self.pending.iter().rev().take_while(|piece| piece.num_rows() < SMALL_ROWS).count();
        if small < MOST_SMALL {
            return Ok(());
        }
        let pieces = self.pending.split_off(self.pending.len() - small);
        let joined = join(&self.schema, &pieces)?;
        self.pending_bytes -= pieces.iter().map(RecordBatch::get_array_memory_size).sum::<usize>();
        self.pending_bytes += joined.get_array_memory_size();
        self.pending.push(joined);
        Ok(())
    }

    fn write_pending(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        (self.pending_rows, self.pending_bytes) = (0, 0);
        let records = match &pending[..] {
            [] => return Ok(()),
            [records] => records.clone(),
            _ => join(&self.schema, &pending)?,
        };
        let writer = match &mut self.writer {
            Some(writer) => writer,
            writer => writer.insert(start_writer(&records, &self.properties)?),
        };
        writer.write(&records).map_err(broken)
    }
}

fn copy(records: &RecordBatch) -> Result<RecordBatch> {
    let rows = UInt32Array::from_iter_values(0..records.num_rows() as u32);
    take_record_batch(records, &rows).map_err(|error| Error::fatal("records cannot be copied").with_source(error))
}

fn join(schema: &SchemaRef, pieces: &[RecordBatch]) -> Result<RecordBatch> {
    concat_batches(schema, pieces).map_err(|error| Error::fatal("batches cannot be joined").with_source(error))
}

/// A writer for a file that begins with these records.
fn start_writer(records: &RecordBatch, properties: &WriterProperties) -> Result<ArrowWriter<Vec<u8>>> {
    let schema = records.schema();
    // A dictionary of values that hardly ever come again costs time, and takes as much as they do.
    let unique = schema.fields().iter().zip(records.columns()).filter(|(_, column)| !comes_again(column));
    let properties = unique.fold(properties.clone().into_builder(), |properties, (field, _)| {
        properties.set_column_dictionary_enabled(ColumnPath::new(vec![field.name().clone()]), false)
    });
    // Without the Arrow schema in it the file says the same to every reader.
    let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(Vec::new(), schema, options).map_err(broken)
}

fn broken(error: parquet::errors::ParquetError) -> Error {
    Error::fatal("records cannot be encoded as Parquet").with_source(error)
}
