//! Topics: filled, looked at and counted.

use std::time::Duration;

use anyhow::{Result, ensure};
use arrow::array::AsArray;
use pipeline_json::{TimestampStyle, write_lines};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::bare::csv_to_kafka::send;
use crate::measure::ticks;

/// What everybody reads.
pub(crate) const TICKS: &str = "ticks";
pub(crate) const PARTITIONS: i32 = 8;

/// Large batches, spread over partitions as Kafka's own client spreads them.
pub(crate) const PRODUCER: [(&str, &str); 6] = [
    ("compression.type", "lz4"),
    ("partitioner", "murmur2_random"),
    ("enable.idempotence", "true"),
    ("linger.ms", "50"),
    ("queue.buffering.max.messages", "500000"),
    ("queue.buffering.max.kbytes", "262144"),
];

const WAIT: Duration = Duration::from_secs(30);

/// Of the members of a tick the first is the key.
const KEY: usize = 0;

pub(crate) fn create(bootstrap: &str, topic: &str) -> Result<()> {
    let new = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1));
    administer(bootstrap, async |client| client.create_topics([&new], &AdminOptions::new()).await)
}

pub(crate) fn remove(bootstrap: &str, topic: &str) -> Result<()> {
    administer(bootstrap, async |client| client.delete_topics(&[topic], &AdminOptions::new()).await)
}

fn administer(
    bootstrap: &str,
    ask: impl AsyncFnOnce(&AdminClient<DefaultClientContext>) -> Result<Vec<rdkafka::admin::TopicResult>, KafkaError>,
) -> Result<()> {
    let client: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for answer in runtime.block_on(ask(&client))? {
        answer.map_err(|(topic, code)| anyhow::anyhow!("topic {topic}: {code}"))?;
    }
    Ok(())
}

/// What this program starts itself as: the ticks as JSON, with their symbols as keys. Outside of transactions, whose marks would
/// leave a lag that not every reader sees as none.
pub(crate) fn fill(bootstrap: &str, rows: u64) -> Result<()> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config.extend(PRODUCER.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
    let mut lines = Vec::new();
    ticks::each_batch(rows, |batch| {
        lines.clear();
        write_lines(batch, TimestampStyle::Iso, &mut lines)?;
        let symbols = batch.column(KEY).as_string::<i32>();
        let mut payloads = lines.split(|byte| *byte == b'\n');
        for (symbol, payload) in symbols.iter().flatten().zip(&mut payloads) {
            send(&producer, TICKS, symbol.as_bytes(), payload)?;
        }
        Ok(())
    })?;
    Ok(producer.flush(WAIT)?)
}

/// The offset behind the last record of each partition.
pub(crate) fn ends(bootstrap: &str, topic: &str) -> Result<Vec<i64>> {
    let consumer = consumer(bootstrap, "ends")?;
    (0..PARTITIONS).map(|partition| Ok(consumer.fetch_watermarks(topic, partition, WAIT)?.1)).collect()
}

/// How far a group is behind on the ticks.
pub(crate) struct Lag {
    consumer: BaseConsumer,
    ends: Vec<i64>,
}

impl Lag {
    pub(crate) fn new(bootstrap: &str, group: &str, ends: &[i64]) -> Result<Self> {
        Ok(Self { consumer: consumer(bootstrap, group)?, ends: ends.to_owned() })
    }

    /// A partition without a record has no lag, whatever is committed of it.
    pub(crate) fn is_zero(&self) -> Result<bool> {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(TICKS, 0, PARTITIONS - 1);
        let committed = self.consumer.committed_offsets(list, WAIT)?;
        let at_end = |partition: i32, end: i64| {
            let committed = committed.find_partition(TICKS, partition).map(|found| found.offset());
            end == 0 || committed == Some(Offset::Offset(end))
        };
        Ok((0..PARTITIONS).zip(&self.ends).all(|(partition, end)| at_end(partition, *end)))
    }
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

fn consumer(bootstrap: &str, group: &str) -> Result<BaseConsumer> {
    Ok(config(bootstrap, group).create()?)
}

fn config(bootstrap: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", group).set("enable.auto.commit", "false");
    config
}
