//! The ticks: rows of the source `ticks`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::Result;
use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use pipeline_api::{Context, Plugin, RecordBatch, Source};
use pipeline_datagen::Ticks;
use serde_json::json;

use super::child;

/// The CSV with so many rows, which is written unless an earlier run left it. Whoever asks for it must know what to do when it is
/// started itself with `ticks`, a number of rows and a file: [`write_csv`].
pub(crate) fn csv(rows: u64) -> Result<PathBuf> {
    let folder = super::folder();
    fs::create_dir_all(&folder)?;
    let csv = folder.join(format!("ticks-{rows}.csv"));
    if !csv.exists() {
        let unfinished = folder.join("unfinished.csv");
        let mut writer = Command::new(super::this_program()?);
        child::run(writer.args(["ticks", &rows.to_string()]).arg(&unfinished), &folder)?;
        fs::rename(unfinished, &csv)?;
    }
    Ok(csv)
}

/// Generates rows into a CSV with a header.
pub(crate) fn write_csv(rows: u64, file: &Path) -> Result<()> {
    let mut writer = csv::Writer::from_writer(File::create(file)?);
    let mut with_header = true;
    each_batch(rows, SYMBOLS, |batch| {
        if std::mem::take(&mut with_header) {
            writer.write_record(batch.schema().fields().iter().map(|field| field.name()))?;
        }
        write_batch(batch, &mut writer)
    })?;
    Ok(writer.flush()?)
}

/// What the topic of a pipeline file says of the columns.
pub(crate) const SCHEMA: &str = "  schema:
    symbol: string not null
    event_time: timestamp not null
    open: double
    high: double
    low: double
    close: double
    volume: bigint
    trades: bigint
    vwap: double
";

/// How many symbols there are where nobody asks for another number.
pub(crate) const SYMBOLS: u32 = 50;

/// Generates rows of so many symbols, batch by batch.
pub(crate) fn each_batch(rows: u64, symbols: u32, mut take: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = serde_json::from_value(json!({ "rows": rows, "symbols": symbols }))?;
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
