//! The sinks of files: what they are given until it is durable.
//!
//! What they write goes to a folder in memory where the system has one: the disk would be most of it, and no two runs alike.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use arrow::array::{BinaryArray, Int64Array, TimestampMillisecondArray};
use criterion::Criterion;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use pipeline_api::{
    Artifact, Context, Metadata, OffsetRange, PlannedRange, Plugin, Ranges, RecordBatch, Sink, SinkBatch, Timestamp,
    TopicPartition,
};
use pipeline_s3::{S3Json, S3Parquet};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Group;
use crate::rows::{BATCH_ROWS, Rows, joined};

/// Columns to Parquet, zstd at level 1.
pub(crate) fn measure_parquet(criterion: &mut Criterion, rows: &Rows) -> Result<()> {
    let folder = folder()?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
    let mut group = Group::new(criterion, "columns to Parquet", rows.count());
    measure_sink::<S3Parquet>(&mut group, rows, "pipeline", json!({ "url": url(&folder) }))?;
    group.add("parquet", || {
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema.clone(), Some(properties.clone()))?;
        rows.batches.iter().try_for_each(|batch| writer.write(batch))?;
        write(folder.path(), &writer.into_inner()?)
    })
}

/// Columns to JSON lines, zstd at level 1, beside zstd of lines that are there already.
pub(crate) fn measure_json(criterion: &mut Criterion, rows: &Rows) -> Result<()> {
    let folder = folder()?;
    let texts: Vec<Vec<u8>> = rows.payloads.iter().map(joined).collect();
    let mut group = Group::new(criterion, "columns to JSON lines, zstd", rows.count());
    measure_sink::<S3Json>(&mut group, rows, "pipeline", json!({ "url": url(&folder), "compression": "zstd" }))?;
    group.add("zstd of the payloads", || {
        let mut writer = zstd::Encoder::new(Vec::new(), 1)?;
        texts.iter().try_for_each(|text| writer.write_all(text))?;
        write(folder.path(), &writer.finish()?)
    })
}

fn measure_sink<S: Sink + Plugin>(group: &mut Group<'_>, rows: &Rows, name: &str, config: Value) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let context = Context::new("ticks", rows.schema.clone());
    let mut sink = runtime.block_on(S::open(serde_json::from_value(config)?, context))?;
    let partition = TopicPartition::new("ticks", 0);
    let batches = sink_batches(rows, &partition);
    let offsets = OffsetRange::new(0, rows.count() as i64);
    let range = PlannedRange { offsets, at: Timestamp::UNIX_EPOCH, revision: 0 };
    let ranges: Ranges = [(partition, range)].into_iter().collect();
    // The same range each time, so that the file replaces itself.
    let artifacts: Vec<Artifact> = group.add(name, || {
        runtime.block_on(async {
            for batch in &batches {
                sink.put(batch.clone()).await?;
            }
            sink.flush(ranges.clone()).await
        })
    })?;
    ensure!(artifacts.iter().map(|artifact| artifact.rows).sum::<u64>() == rows.count() as u64, "rows are missing");
    Ok(())
}

fn sink_batches(rows: &Rows, partition: &TopicPartition) -> Vec<SinkBatch> {
    let batch = |(index, records): (usize, &RecordBatch)| {
        let start = (index * BATCH_ROWS) as i64;
        let end = start + BATCH_ROWS as i64;
        SinkBatch {
            partition: partition.clone(),
            offsets: OffsetRange::new(start, end),
            records: records.clone(),
            metadata: Metadata {
                offsets: Int64Array::from_iter_values(start..end),
                timestamps: TimestampMillisecondArray::from_value(0, BATCH_ROWS),
                keys: BinaryArray::new_null(BATCH_ROWS),
            },
        }
    };
    rows.batches.iter().enumerate().map(batch).collect()
}

fn folder() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.context("no folder for the files")
}

fn url(folder: &TempDir) -> String {
    format!("file://{}", folder.path().display())
}

/// Writes a file so that it would survive a power cut, as the sinks do.
fn write(folder: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(folder.join("bare"))?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}
