//! How far sources are: a compacted topic, written in one transaction with their records (KIP-618's idea).
//!
//! `<pipeline>.source-offsets` has everything in partition 0, so that its order is that of the commits: key
//! `["source","partition"]`, value the position, both JSON. Its partitions stand for the pipeline's source tasks besides: the
//! process that partition i is assigned to runs task i. And it remembers which topics the pipeline has used, by their ids, under
//! the name that no source has: what a group has committed for a topic goes with the topic.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pipeline_api::{Error, Result, SourceOffsets};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::Value;
use tracing::{debug, warn};

use crate::blocking::drop_aside;
use crate::client::{ANSWER, ClientLog, Voice, acquaint};
use crate::error::failed;
use crate::login::LetIn;
use crate::way::Door;

/// Where all offsets are.
pub(crate) const PARTITION: i32 = 0;
/// No source is called so.
const NO_SOURCE: &str = "";
/// How long the broker has for everything up to the end. A producer that died with an open transaction hides what comes after it until the broker
/// aborts it (`transaction.timeout.ms`).
const READING: Duration = Duration::from_secs(90);
/// How long a record takes to be stored, about.
const SOON: Duration = Duration::from_millis(5);
/// How long a client is waited for at once.
const LOOK_UP: Duration = Duration::from_millis(200);
/// How long between two looks at whether a transaction has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The topic of a pipeline's source offsets.
#[derive(Clone)]
pub(crate) struct SourceOffsetsTopic {
    name: String,
    /// Reads what is committed.
    committed: ClientConfig,
    /// Sees how much there is besides.
    everything: ClientConfig,
    door: Door,
}

impl SourceOffsetsTopic {
    /// Of this pipeline. `reader` makes consumers, which are let in by this door.
    pub(crate) fn new(pipeline: &str, mut reader: ClientConfig, door: Door) -> Self {
        reader.set("group.id", format!("{pipeline}.source.offsets"));
        // It is short, and nothing goes on before its end is known, which an answer without records tells.
        reader.set("fetch.min.bytes", "1");
        reader.set("fetch.wait.max.ms", "10");
        let mut everything = reader.clone();
        everything.set("isolation.level", "read_uncommitted");
        Self { name: topic_name(pipeline), committed: reader, everything, door }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The offsets of a source, over all its tasks. Blocks. What other producers have not committed by now is theirs to
    /// commit or to lose; everything that is committed is read.
    pub(crate) fn read(&self, source: &str) -> Result<SourceOffsets> {
        let consumer = self.consumer(&self.committed)?;
        let offsets = self.wait_for_open_transactions(&consumer).and_then(|()| self.scan(&consumer, source));
        drop_aside(consumer);
        offsets
    }

    /// The id of a topic that the pipeline has used, if it is known. Blocks. An open transaction may hide it.
    pub(crate) fn topic_id(&self, topic: &str) -> Result<Option<String>> {
        let consumer = self.consumer(&self.committed)?;
        let ids = self.scan(&consumer, NO_SOURCE);
        drop_aside(consumer);
        ids?.get(topic)
    }

    /// Remembers a topic by its id, or, without one, forgets it. Blocks.
    pub(crate) fn remember(&self, topic: &str, id: Option<&str>, producer: &ClientConfig, door: &Door) -> Result<()> {
        let refused = || format!("topic `{}` does not take what is to be remembered", self.name);
        let voice = Voice { log: ClientLog::behind(&self.name, door), own: Remembering };
        let mut config = producer.clone();
        // Twice is as good as once, and half a second passes before librdkafka asks for a producer id.
        config.set("enable.idempotence", "false");
        let client = LetIn::<BaseProducer<_>>::new(&config, voice, BaseProducer::client)?;
        let (key, value) = to_record(NO_SOURCE, topic, &Value::from(id));
        let record = BaseRecord::to(&self.name).partition(PARTITION).key(&key);
        let record = id.iter().fold(record, |record, _| record.payload(&value));
        client.send(record).map_err(|(error, _)| failed(refused(), &error))?;
        let (started, way) = (Instant::now(), client.context().log.way());
        // Only a failure is reported, so that this is not waited for in one go.
        while client.in_flight_count() > 0 {
            client.poll(SOON);
            if way.is_shut_out() || started.elapsed() > ANSWER {
                return Err(way.explain(Error::retriable(refused())));
            }
        }
        way.answered();
        Ok(())
    }

    /// What is committed of a source, from the first record to the last.
    fn scan(&self, consumer: &BaseConsumer<ClientLog>, source: &str) -> Result<SourceOffsets> {
        let context = || format!("the source offsets cannot be read from topic `{}`", self.name);
        acquaint(consumer.client(), &self.name);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, PARTITION, Offset::Beginning)
            .and_then(|()| consumer.assign(&list))
            .map_err(|error| failed(context(), &error))?;
        let (started, mut offsets) = (Instant::now(), BTreeMap::new());
        let way = consumer.context().way();
        while started.elapsed() < READING && !way.is_shut_out() {
            match consumer.poll(LOOK_UP) {
                None => {}
                Some(Ok(message)) => match from_record(source, message.key(), message.payload())? {
                    Some((partition, Some(position))) => _ = offsets.insert(partition, position),
                    Some((partition, None)) => _ = offsets.remove(&partition),
                    None => {}
                },
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    way.answered();
                    return Ok(offsets.into_iter().collect());
                }
                Some(Err(error)) => debug!(topic = self.name, %error, "reading source offsets"),
            }
        }
        Err(way.explain(Error::retriable(format!("{} in {:?}", context(), started.elapsed()))))
    }

    /// Waits until nothing hides what is committed by now: a transaction that is open hides all that comes after its begin.
    fn wait_for_open_transactions(&self, committed: &BaseConsumer<ClientLog>) -> Result<()> {
        let context = || format!("Kafka does not say what topic `{}` holds", self.name);
        let end_of = |consumer: &BaseConsumer<ClientLog>| consumer.fetch_watermarks(&self.name, PARTITION, ANSWER);
        let everything = self.consumer(&self.everything)?;
        let end = end_of(&everything).map_err(|error| failed(context(), &error));
        drop_aside(everything);
        let (_, end) = end?;
        let started = Instant::now();
        while end_of(committed).map_err(|error| failed(context(), &error))?.1 < end {
            if started.elapsed() > READING {
                return Err(Error::retriable(format!(
                    "an open transaction hides the end of topic `{}`; Kafka aborts it after its `transaction.timeout.ms`",
                    self.name
                )));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    fn consumer(&self, config: &ClientConfig) -> Result<LetIn<BaseConsumer<ClientLog>>> {
        LetIn::new(config, ClientLog::behind(&self.name, &self.door), BaseConsumer::client)
    }
}

/// One record is sent, and nobody waits for more than that.
struct Remembering;

impl ProducerContext for Voice<Remembering> {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            warn!(%error, "a topic is not remembered");
        }
    }
}

/// The topic's name.
pub(crate) fn topic_name(pipeline: &str) -> String {
    format!("{pipeline}.source-offsets")
}

/// The key and value of a position.
pub(crate) fn to_record(source: &str, partition: &str, position: &Value) -> (String, String) {
    (Value::from(vec![source, partition]).to_string(), position.to_string())
}

/// The partition and position that a record holds, if it is of this source; no position is one that was forgotten.
fn from_record(source: &str, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Option<(String, Option<Value>)>> {
    let damaged = |error| Error::fatal("the source offsets on Kafka are not as we write them").with_source(error);
    let Some(key) = key else { return Ok(None) };
    let [owner, partition]: [String; 2] = serde_json::from_slice(key).map_err(|error| damaged(error.to_string()))?;
    if owner != source {
        return Ok(None);
    }
    let position = value.map(serde_json::from_slice).transpose().map_err(|error| damaged(error.to_string()))?;
    Ok(Some((partition, position)))
}
