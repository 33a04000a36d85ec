//! The converter `json`, both ways.

use anyhow::{Context, Result, ensure};
use arrow::array::BinaryArray;
use arrow_json::{LineDelimitedWriter, ReaderBuilder};
use criterion::Criterion;
use pipeline_api::Converter;
use pipeline_json::{JsonConverter, TimestampStyle, UnknownFields, write_lines};
use serde_json::{Map, Value};

use crate::Group;
use crate::decoder::Decoder;
use crate::rows::{BATCH_ROWS, Rows, joined};
use crate::structs;

/// JSON to columns.
pub(crate) fn measure_decode(criterion: &mut Criterion, rows: &Rows) -> Result<()> {
    let payloads = &rows.payloads[0];
    let backwards = changed(payloads, |tick| tick.into_iter().rev().collect())?;
    let unknown = changed(payloads, |mut tick| {
        tick.shift_insert(1, "exchange".into(), "XNYS".into());
        tick
    })?;
    let lines = joined(payloads);
    let converter = JsonConverter::new(rows.schema.clone(), UnknownFields::Ignore)?;
    let mut arrow = ReaderBuilder::new(rows.schema.clone()).with_batch_size(BATCH_ROWS).build_decoder()?;
    let mut bare = Decoder::default();

    let mut group = Group::new(criterion, "JSON to columns", BATCH_ROWS);
    let decoded = [
        group.add("pipeline", || converter.decode(payloads).map(|decoded| decoded.records))?,
        group.add("pipeline, another order", || converter.decode(&backwards).map(|decoded| decoded.records))?,
        group.add("pipeline, an unknown field", || converter.decode(&unknown).map(|decoded| decoded.records))?,
        group.add("arrow-json", || {
            arrow.decode(&lines)?;
            arrow.flush()?.context("there are no rows")
        })?,
        group.add("serde structs", || structs::decode(&rows.schema, payloads.iter().flatten()))?,
        group.add("bare loop", || {
            payloads.iter().flatten().try_for_each(|payload| bare.decode(payload))?;
            bare.finish()
        })?,
    ];
    ensure!(decoded.iter().all(|records| *records == rows.batches[0]), "not all have read the same");
    Ok(())
}

/// JSON to the lines of a file, with and without columns between them, beside payloads that are copied as they are.
pub(crate) fn measure_lines(criterion: &mut Criterion, rows: &Rows) -> Result<()> {
    let payloads = &rows.payloads[0];
    let converter = JsonConverter::new(rows.schema.clone(), UnknownFields::Ignore)?;
    let mut group = Group::new(criterion, "JSON to JSON lines", BATCH_ROWS);
    let checked = group.add("pipeline, checked and copied", || converter.lines(payloads).context("it has no lines"))?;
    let written = group.add("pipeline, decoded and written", || {
        let mut lines = Vec::new();
        write_lines(&converter.decode(payloads)?.records, TimestampStyle::Athena, &mut lines).map(|()| lines)
    })?;
    let copied = group.add("copied as they are", || {
        let mut lines = Vec::with_capacity(payloads.value_data().len() + BATCH_ROWS);
        for payload in payloads.iter().flatten() {
            lines.extend_from_slice(payload);
            lines.push(b'\n');
        }
        anyhow::Ok(lines)
    })?;
    ensure!(checked == written && line_count(&copied) == BATCH_ROWS, "not all have written the same");
    Ok(())
}

/// Columns to JSON.
pub(crate) fn measure_encode(criterion: &mut Criterion, rows: &Rows) -> Result<()> {
    let batch = &rows.batches[0];
    let converter = JsonConverter::new(rows.schema.clone(), UnknownFields::Ignore)?;
    let mut group = Group::new(criterion, "columns to JSON", BATCH_ROWS);
    let payloads = group.add("pipeline, payloads", || converter.encode(batch))?;
    let lines = group.add("pipeline, lines", || {
        let mut lines = Vec::new();
        write_lines(batch, TimestampStyle::Iso, &mut lines).map(|()| lines)
    })?;
    let theirs = group.add("arrow-json, lines", || {
        let mut writer = LineDelimitedWriter::new(Vec::new());
        writer.write(batch)?;
        writer.finish().map(|()| writer.into_inner())
    })?;
    ensure!(lines == joined(&payloads) && line_count(&theirs) == BATCH_ROWS, "not all have written the same");
    Ok(())
}

/// The same ticks, each written in another way.
fn changed(payloads: &BinaryArray, change: impl Fn(Map<String, Value>) -> Map<String, Value>) -> Result<BinaryArray> {
    let each = payloads.iter().flatten().map(|payload| serde_json::to_vec(&change(serde_json::from_slice(payload)?)));
    Ok(BinaryArray::from_iter_values(each.collect::<Result<Vec<_>, _>>()?))
}

fn line_count(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}
