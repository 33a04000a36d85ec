//! Topics: filled, looked at and counted.

use std::time::Duration;

use anyhow::{Result, ensure};
use arrow::array::AsArray;
use pipeline_json::{TimestampStyle, write_lines};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::{WAIT, config, producer, send};
use crate::measure::ticks;

/// What everybody reads.
pub(crate) const TICKS: &str = "ticks";
pub(crate) const PARTITIONS: i32 = 8;

/// Of the members of a tick the first is the key.
const KEY: usize = 0;

/// What this program starts itself as: the ticks as JSON, with their symbols as keys.
pub(crate) fn fill(bootstrap: &str, rows: u64) -> Result<()> {
    let producer = producer(bootstrap)?;
    let mut lines = Vec::new();
    ticks::each_batch(rows, ticks::SYMBOLS, |batch| {
        lines.clear();
        write_lines(batch, TimestampStyle::Iso, &mut lines)?;
        let symbols = batch.column(KEY).as_string::<i32>();
        let mut payloads = lines.split(|byte| *byte == b'\n');
        for (symbol, payload) in symbols.iter().flatten().zip(&mut payloads) {
            send(&producer, BaseRecord::to(TICKS).key(symbol.as_bytes()).payload(payload))?;
        }
        Ok(())
    })?;
    Ok(producer.flush(WAIT)?)
}

/// Sees the first record of a topic that is committed.
pub(crate) struct Arrival(BaseConsumer);

impl Arrival {
    pub(crate) fn new(bootstrap: &str, topic: &str) -> Result<Self> {
        let mut config = config(bootstrap, "arrival");
        // One record is enough, and whoever is measured shall not feel it.
        config.set("fetch.message.max.bytes", "1000").set("queued.min.messages", "1");
        let consumer: BaseConsumer = config.create()?;
        assign(&consumer, topic)?;
        Ok(Self(consumer))
    }

    pub(crate) fn is_there(&self) -> Result<bool> {
        match self.0.poll(Duration::ZERO) {
            None => Ok(false),
            Some(message) => {
                message?;
                self.0.unassign()?;
                Ok(true)
            }
        }
    }
}

/// What this program starts itself as: says how many committed records a topic has.
pub(crate) fn print_count(bootstrap: &str, topic: &str) -> Result<()> {
    let mut config = config(bootstrap, "count");
    config.set("enable.partition.eof", "true").set("fetch.queue.backoff.ms", "5");
    let consumer: BaseConsumer = config.create()?;
    assign(&consumer, topic)?;
    let (mut records, mut at_end) = (0_u64, 0);
    while at_end < PARTITIONS {
        match consumer.poll(WAIT) {
            Some(Ok(_)) => records += 1,
            Some(Err(KafkaError::PartitionEOF(_))) => at_end += 1,
            Some(Err(error)) => return Err(error.into()),
            None => ensure!(at_end == PARTITIONS, "topic {topic} does not end"),
        }
    }
    println!("{records}");
    Ok(())
}

fn assign(consumer: &BaseConsumer, topic: &str) -> Result<()> {
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    Ok(consumer.assign(&list)?)
}
