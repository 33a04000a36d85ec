//! Ticks by way of a struct, as a program with serde has them.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::{ArrayRef, Float64Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use pipeline_api::{RecordBatch, SchemaRef};
use serde::Deserialize;

#[derive(Deserialize)]
struct Tick<'a> {
    symbol: &'a str,
    event_time: &'a str,
    open: Option<f64>,
    high: Option<f64>,
    low: Option<f64>,
    close: Option<f64>,
    volume: Option<i64>,
    trades: Option<i64>,
    vwap: Option<f64>,
}

/// The rows of these payloads.
pub(crate) fn decode<'a>(schema: &SchemaRef, payloads: impl Iterator<Item = &'a [u8]>) -> Result<RecordBatch> {
    const NANOS_OF_MILLI: i64 = 1_000_000;
    let (mut symbol, mut event_time) = (StringBuilder::new(), TimestampMillisecondBuilder::new());
    let [mut open, mut high, mut low, mut close, mut vwap] = [(); 5].map(|()| Float64Builder::new());
    let [mut volume, mut trades] = [(); 2].map(|()| Int64Builder::new());
    for payload in payloads {
        let tick: Tick<'_> = serde_json::from_slice(payload)?;
        symbol.append_value(tick.symbol);
        event_time.append_value(string_to_timestamp_nanos(tick.event_time)? / NANOS_OF_MILLI);
        open.append_option(tick.open);
        high.append_option(tick.high);
        low.append_option(tick.low);
        close.append_option(tick.close);
        volume.append_option(tick.volume);
        trades.append_option(tick.trades);
        vwap.append_option(tick.vwap);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(symbol.finish()),
        Arc::new(event_time.finish()),
        Arc::new(open.finish()),
        Arc::new(high.finish()),
        Arc::new(low.finish()),
        Arc::new(close.finish()),
        Arc::new(volume.finish()),
        Arc::new(trades.finish()),
        Arc::new(vwap.finish()),
    ];
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}
