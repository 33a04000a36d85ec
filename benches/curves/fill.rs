//! What this program starts itself as to write records to a topic.

use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use arrow::array::AsArray;
use pipeline_json::{TimestampStyle, write_lines};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::kafka::{WAIT, producer, send};
use crate::measure::ticks;

/// Of the members of a tick the first is the key.
const KEY: usize = 0;

/// So many records go to one partition before the next has its turn: then all partitions have records, and what the producer compresses
/// at once is as large with many partitions as with one.
const BLOCK: u64 = 1000;

/// Ticks as JSON, as fast as they go.
pub(crate) fn at_once(bootstrap: &str, topic: &str, partitions: i32, rows: u64, symbols: u32) -> Result<()> {
    let producer = producer(bootstrap)?;
    let mut lines = Vec::new();
    let mut sent = 0;
    ticks::each_batch(rows, symbols, |batch| {
        lines.clear();
        write_lines(batch, TimestampStyle::Iso, &mut lines)?;
        let symbols = batch.column(KEY).as_string::<i32>();
        let mut payloads = lines.split(|byte| *byte == b'\n');
        for (symbol, payload) in symbols.iter().flatten().zip(&mut payloads) {
            let partition = i32::try_from(sent / BLOCK % u64::try_from(partitions)?)?;
            send(&producer, BaseRecord::to(topic).partition(partition).key(symbol.as_bytes()).payload(payload))?;
            sent += 1;
        }
        Ok(())
    })?;
    Ok(producer.flush(WAIT)?)
}

/// So many records a second come steadily.
pub(crate) const RATE: u64 = 5000;

/// The column that says when a record was due, in microseconds since 1970.
pub(crate) const DUE: &str = "due";

/// Ticks that each say when they were due, by a schedule that does not wait for anybody: one that is sent late counts as late.
pub(crate) fn steadily(bootstrap: &str, topic: &str, rows: u64) -> Result<()> {
    let mut config = ClientConfig::new();
    // Without waiting for many, but not each for itself.
    config.set("bootstrap.servers", bootstrap).set("linger.ms", "5").set("partitioner", "murmur2_random");
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
    // It must not wait for that when the clock runs.
    producer.client().fetch_metadata(Some(topic), WAIT)?;
    let (start, began) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH)?);
    let mut payload = Vec::new();
    for row in 0..rows {
        let due = Duration::from_micros(row * 1_000_000 / RATE);
        while let Some(early) = due.checked_sub(start.elapsed()).filter(|early| !early.is_zero()) {
            std::thread::sleep(early);
        }
        let (symbol, due) = (format!("SYM{:03}", row % u64::from(ticks::SYMBOLS)), (began + due).as_micros());
        payload.clear();
        write!(
            payload,
            r#"{{"symbol":"{symbol}","event_time":"2026-01-05T09:30:00.000","open":101.25,"high":102.5,"low":100.75,"close":101.5,"#
        )?;
        write!(payload, r#""volume":{row},"trades":17,"vwap":101.3125,"{DUE}":{due}}}"#)?;
        send(&producer, BaseRecord::to(topic).key(symbol.as_bytes()).payload(&payload))?;
    }
    Ok(producer.flush(WAIT)?)
}
