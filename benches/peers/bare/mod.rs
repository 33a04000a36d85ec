//! The same work as loops that promise nothing: no group, no offsets, no checks of what the values are, one process that ends.
//!
//! Each is the shortest way that the parts allow, in the allocator that the program `pipeline` has, so that what a pipeline adds to
//! its parts can be told.

use anyhow::{Context, Result, bail, ensure};

use self::decoder::Decoder;
use self::files::Files;
use self::reader::Reader;

mod reader;

mod decoder;
mod files;
mod uploads;

pub(crate) mod csv_to_kafka;

/// How far a loop goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loop {
    /// rdkafka's `poll`, record by record.
    Poll,
    /// `rd_kafka_consume_batch_queue`, by the thousand. So do all below.
    Batch,
    /// Keys in the expected order, values straight into Arrow's builders.
    Decode,
    /// The same, and Parquet on a second thread.
    Parquet,
    /// The same, and one PUT for each file.
    ParquetPut,
    /// Payloads as they are, a line each, zstd on a second thread.
    Json,
    /// The same, and one PUT for each file.
    JsonPut,
}

impl Loop {
    pub(crate) const ALL: [Self; 7] =
        [Self::Poll, Self::Batch, Self::Decode, Self::Parquet, Self::ParquetPut, Self::Json, Self::JsonPut];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Poll => "bare_poll",
            Self::Batch => "bare_batch",
            Self::Decode => "bare_decode",
            Self::Parquet => "bare_parquet",
            Self::ParquetPut => "bare_parquet_put",
            Self::Json => "bare_json",
            Self::JsonPut => "bare_json_put",
        }
    }
}

/// What this program starts itself as. The store is that of AWS' environment variables.
pub(crate) fn run(name: &str, bootstrap: &str, topic: &str, records: u64, bucket: &str) -> Result<()> {
    let found = Loop::ALL.into_iter().find(|each| each.name() == name).with_context(|| format!("{name} is no loop"))?;
    let mut reader = Reader::new(bootstrap, topic)?;
    match found {
        Loop::Poll => poll(&reader, records),
        Loop::Batch => batch(&mut reader, records),
        Loop::Decode => decode(&mut reader, records),
        Loop::Parquet => parquet(&mut reader, records, Files::parquet(None)?),
        Loop::ParquetPut => parquet(&mut reader, records, Files::parquet(Some(bucket))?),
        Loop::Json => json(&mut reader, records, Files::json(None)?),
        Loop::JsonPut => json(&mut reader, records, Files::json(Some(bucket))?),
    }
}

/// So many rows fit the cache, and are what Parquet's writer is given at once.
const BATCH_ROWS: usize = 8192;

fn poll(reader: &Reader, records: u64) -> Result<()> {
    let (mut read, mut bytes) = (0, 0);
    while read < records {
        if let Some(length) = reader.poll()? {
            read += 1;
            bytes += length;
        }
    }
    ensure!(bytes > 0, "the records are empty");
    Ok(())
}

fn batch(reader: &mut Reader, records: u64) -> Result<()> {
    let (mut read, mut bytes) = (0, 0);
    while read < records {
        reader.read(|payload| {
            read += 1;
            bytes += payload.len();
            Ok(())
        })?;
    }
    ensure!(bytes > 0, "the records are empty");
    Ok(())
}

fn decode(reader: &mut Reader, records: u64) -> Result<()> {
    let mut decoder = Decoder::default();
    let (mut read, mut rows) = (0, 0);
    while read < records {
        reader.read(|payload| {
            read += 1;
            decoder.decode(payload)?;
            if decoder.rows() == BATCH_ROWS {
                rows += decoder.finish()?.num_rows() as u64;
            }
            Ok(())
        })?;
    }
    rows += decoder.finish()?.num_rows() as u64;
    ensure!(rows == read, "{rows} rows of {read} records");
    Ok(())
}

fn parquet(reader: &mut Reader, records: u64, files: Files<arrow::array::RecordBatch>) -> Result<()> {
    let mut decoder = Decoder::default();
    let mut read = 0;
    while read < records {
        reader.read(|payload| {
            read += 1;
            decoder.decode(payload)?;
            match decoder.rows() {
                BATCH_ROWS => files.write(decoder.finish()?, BATCH_ROWS),
                _ => Ok(()),
            }
        })?;
    }
    let rows = decoder.rows();
    files.write(decoder.finish()?, rows)?;
    files.close()
}

fn json(reader: &mut Reader, records: u64, files: Files<Vec<u8>>) -> Result<()> {
    const CHUNK: usize = 1 << 20;
    const ROOM: usize = CHUNK + (64 << 10);
    let (mut read, mut lines, mut text) = (0, 0, Vec::with_capacity(ROOM));
    while read < records {
        reader.read(|payload| {
            read += 1;
            lines += 1;
            text.extend_from_slice(payload);
            text.push(b'\n');
            match text.len() {
                ..CHUNK => Ok(()),
                _ => files.write(std::mem::replace(&mut text, Vec::with_capacity(ROOM)), std::mem::take(&mut lines)),
            }
        })?;
    }
    if read > records {
        bail!("{read} records of {records}");
    }
    files.write(text, lines)?;
    files.close()
}
