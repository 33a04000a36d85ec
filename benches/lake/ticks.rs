//! The ticks: rows of the source `ticks`.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use pipeline_api::{Context, Plugin, RecordBatch, Source};
use pipeline_datagen::Ticks;
use serde_json::json;

/// Generates rows and drops them.
pub(crate) fn discard(rows: u64) -> Result<()> {
    let mut made = 0;
    each_batch(rows, |batch| {
        made += batch.num_rows() as u64;
        Ok(())
    })?;
    ensure!(made == rows, "the source made {made} rows");
    Ok(())
}

/// Generates rows into a CSV with a header.
pub(crate) fn write_csv(rows: u64, file: &Path) -> Result<()> {
    let mut writer = csv::Writer::from_writer(File::create(file)?);
    let mut with_header = true;
    each_batch(rows, |batch| {
        if std::mem::take(&mut with_header) {
            writer.write_record(batch.schema().fields().iter().map(|field| field.name()))?;
        }
        write_batch(batch, &mut writer)
    })?;
    Ok(writer.flush()?)
}

fn each_batch(rows: u64, mut take: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = serde_json::from_value(json!({ "rows": rows, "symbols": 50 }))?;
        let mut source = Ticks::open(config, Context::new("ticks", Arc::new(Schema::empty()))).await?;
        while let Some(batch) = source.poll().await? {
            take(&batch.records)?;
        }
        Ok(())
    })
}

fn write_batch(batch: &RecordBatch, writer: &mut csv::Writer<File>) -> Result<()> {
    let options = FormatOptions::default();
    let columns = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options))
        .collect::<Result<Vec<_>, _>>()?;
    for row in 0..batch.num_rows() {
        for column in &columns {
            writer.write_field(column.value(row).to_string())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    Ok(())
}
