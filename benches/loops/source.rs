//! The source `csv`.

use std::fs::File;
use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow::csv::ReaderBuilder;
use criterion::Criterion;
use csv::ByteRecord;
use pipeline_api::{Context, Plugin, Source};
use pipeline_csv::CsvSource;
use serde_json::json;

use crate::Group;
use crate::measure::ticks;
use crate::rows::BATCH_ROWS;

const ROWS: usize = 100_000;

/// A CSV to columns, each time from the opening of the file to its end.
pub(crate) fn measure(criterion: &mut Criterion) -> Result<()> {
    let file = ticks::csv(ROWS as u64)?;
    let schema = Arc::new(crate::columns::schema());
    let context = Context { folder: crate::measure::folder(), ..Context::new("ticks", schema.clone()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut group = Group::new(criterion, "CSV to columns", ROWS);
    let counts = [
        group.add("pipeline", || {
            runtime.block_on(async {
                let config = serde_json::from_value(json!({ "path": file }))?;
                let mut source = CsvSource::open(config, context.clone()).await?;
                let mut rows = 0;
                while let Some(batch) = source.poll().await? {
                    rows += batch.records.num_rows();
                }
                anyhow::Ok(rows)
            })
        })?,
        group.add("arrow-csv", || {
            let reader = ReaderBuilder::new(schema.clone()).with_header(true).with_batch_size(BATCH_ROWS);
            let mut batches = reader.build(File::open(&file)?)?;
            batches.try_fold(0, |rows, batch| anyhow::Ok(rows + batch?.num_rows()))
        })?,
        // No value is looked at.
        group.add("csv, records alone", || {
            let mut reader = csv::Reader::from_path(&file)?;
            let (mut record, mut rows) = (ByteRecord::new(), 0);
            while reader.read_byte_record(&mut record)? {
                rows += 1;
            }
            anyhow::Ok(rows)
        })?,
    ];
    ensure!(counts == [ROWS; 3], "not all have read the same: {counts:?}");
    Ok(())
}
