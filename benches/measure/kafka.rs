//! Topics of a Kafka, and the groups that read them.

use std::time::Duration;

use anyhow::Result;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// Large batches, spread over partitions as Kafka's own client spreads them.
pub(crate) const PRODUCER: [(&str, &str); 6] = [
    ("compression.type", "lz4"),
    ("partitioner", "murmur2_random"),
    ("enable.idempotence", "true"),
    ("linger.ms", "50"),
    ("queue.buffering.max.messages", "500000"),
    ("queue.buffering.max.kbytes", "262144"),
];

/// How long an answer may take.
pub(crate) const WAIT: Duration = Duration::from_secs(30);

/// How long to wait where the queue of a producer is full.
const WHILE_FULL: Duration = Duration::from_millis(1);

pub(crate) fn create(bootstrap: &str, topic: &str, partitions: i32) -> Result<()> {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    administer(bootstrap, async |client| client.create_topics([&new], &AdminOptions::new()).await)
}

pub(crate) fn remove(bootstrap: &str, topic: &str) -> Result<()> {
    administer(bootstrap, async |client| client.delete_topics(&[topic], &AdminOptions::new()).await)
}

fn administer(
    bootstrap: &str,
    ask: impl AsyncFnOnce(&AdminClient<DefaultClientContext>) -> Result<Vec<TopicResult>, KafkaError>,
) -> Result<()> {
    let client: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for answer in runtime.block_on(ask(&client))? {
        answer.map_err(|(topic, code)| anyhow::anyhow!("topic {topic}: {code}"))?;
    }
    Ok(())
}

/// A producer outside of transactions, whose marks would leave a lag that not every reader sees as none.
pub(crate) fn producer(bootstrap: &str) -> Result<ThreadedProducer<DefaultProducerContext>> {
    let mut config = ClientConfig::new();
    config.extend(PRODUCER.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Ok(config.set("bootstrap.servers", bootstrap).create()?)
}

/// Where the producer's queue is full, waits until it is not.
pub(crate) fn send(
    producer: &ThreadedProducer<DefaultProducerContext>,
    mut record: BaseRecord<'_, [u8], [u8]>,
) -> Result<()> {
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
            Err((error, _)) => return Err(error.into()),
        }
        std::thread::sleep(WHILE_FULL);
    }
}

/// The offset behind the last record of each partition.
pub(crate) fn ends(bootstrap: &str, topic: &str, partitions: i32) -> Result<Vec<i64>> {
    let consumer: BaseConsumer = config(bootstrap, "ends").create()?;
    (0..partitions).map(|partition| Ok(consumer.fetch_watermarks(topic, partition, WAIT)?.1)).collect()
}

/// How far a group is behind on a topic.
pub(crate) struct Lag {
    consumer: BaseConsumer,
    topic: String,
    ends: Vec<i64>,
}

impl Lag {
    pub(crate) fn new(bootstrap: &str, group: &str, topic: &str, ends: &[i64]) -> Result<Self> {
        Ok(Self { consumer: config(bootstrap, group).create()?, topic: topic.to_owned(), ends: ends.to_owned() })
    }

    /// A partition without a record has no lag, whatever is committed of it.
    pub(crate) fn is_zero(&self) -> Result<bool> {
        let mut list = TopicPartitionList::new();
        for (partition, _) in (0..).zip(&self.ends) {
            list.add_partition(&self.topic, partition);
        }
        let committed = self.consumer.committed_offsets(list, WAIT)?;
        let at_end = |partition: i32, end: i64| {
            let committed = committed.find_partition(&self.topic, partition).map(|found| found.offset());
            end == 0 || committed == Some(Offset::Offset(end))
        };
        Ok((0..).zip(&self.ends).all(|(partition, end)| at_end(partition, *end)))
    }
}

/// Of a consumer that commits nothing.
pub(crate) fn config(bootstrap: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", group).set("enable.auto.commit", "false");
    config
}
