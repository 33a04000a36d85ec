//! All partitions of a topic from their beginning, by librdkafka.
#![allow(unsafe_code, reason = "rdkafka wraps no reading in batches")]

use std::ptr::{self, NonNull};
use std::time::Duration;

use anyhow::{Result, bail};
use rdkafka::bindings::*;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::topic::PARTITIONS;

/// A consumer without a group.
pub(super) struct Reader {
    consumer: BaseConsumer,
    queue: NonNull<rd_kafka_queue_t>,
    batch: Vec<*mut rd_kafka_message_t>,
}

/// So many records a call: more gain nothing.
const BATCH: usize = 1000;

const WAIT: Duration = Duration::from_secs(1);

/// What keeps a loop busy. With librdkafka's own `fetch.queue.backoff.ms` of a second it waits most of the time.
const SETTINGS: [(&str, &str); 6] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("fetch.queue.backoff.ms", "5"),
    ("fetch.wait.max.ms", "100"),
    ("fetch.message.max.bytes", "4194304"),
    ("queued.min.messages", "50000"),
];

impl Reader {
    pub(super) fn new(bootstrap: &str, topic: &str) -> Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap).set("group.id", "bare-loop");
        config.extend(SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let consumer: BaseConsumer = config.create()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            list.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&list)?;
        // SAFETY: the client is alive. A consumer with a group's name has this queue.
        let queue = unsafe { NonNull::new(rd_kafka_queue_get_consumer(consumer.client().native_ptr())) };
        let Some(queue) = queue else { bail!("the consumer has no queue") };
        Ok(Self { consumer, queue, batch: vec![ptr::null_mut(); BATCH] })
    }

    /// The length of the next record, by `poll`.
    pub(super) fn poll(&self) -> Result<Option<usize>> {
        match self.consumer.poll(WAIT) {
            None => Ok(None),
            Some(message) => Ok(Some(message?.payload_len())),
        }
    }

    /// Gives each the next payloads where they lie, as many as a batch has.
    pub(super) fn read(&mut self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let wait = WAIT.as_millis() as i32;
        // SAFETY: the batch has room for so many, and all that are returned are destroyed here.
        unsafe {
            let count = rd_kafka_consume_batch_queue(self.queue.as_ptr(), wait, self.batch.as_mut_ptr(), BATCH);
            let mut outcome = Ok(());
            for &message in self.batch.iter().take(usize::try_from(count).unwrap_or(0)) {
                if outcome.is_ok() {
                    outcome = payload(&*message).and_then(&mut each);
                }
                rd_kafka_message_destroy(message);
            }
            outcome
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: this reference to the queue is ours, and the client goes after it.
        unsafe { rd_kafka_queue_destroy(self.queue.as_ptr()) }
    }
}

/// What the record holds, for as long as it is not destroyed.
fn payload(message: &rd_kafka_message_t) -> Result<&[u8]> {
    if message.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        bail!("the topic is not readable: {}", RDKafkaErrorCode::from(message.err));
    }
    if message.payload.is_null() {
        bail!("a record without a value");
    }
    // SAFETY: librdkafka gives a payload and its length.
    Ok(unsafe { std::slice::from_raw_parts(message.payload.cast(), message.len) })
}
