//! Whether there is a record somewhere.

use std::time::{Duration, Instant};

use pipeline_api::{Error, OffsetRange, Result};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};
use tracing::debug;

use crate::client::ClientLog;
use crate::error::failed;
use crate::login::LetIn;

/// How long the broker has for one look.
const LOOKING: Duration = Duration::from_secs(30);

/// Reads single records of a topic, and joins no group.
pub(crate) struct Probe {
    config: ClientConfig,
    topic: String,
}

impl Probe {
    /// `reader` makes consumers.
    pub(crate) fn new(mut reader: ClientConfig, topic: &str) -> Self {
        // One record is enough, and it is waited for.
        reader.set("fetch.min.bytes", "1").set("fetch.message.max.bytes", "65536");
        Self { config: reader, topic: topic.to_owned() }
    }

    /// Whether each of these ranges has a record that is committed, of what is held by partition. Blocks.
    pub(crate) fn hold_records(&self, holds: &[OffsetRange], ranges: &[(i32, OffsetRange)]) -> Result<Vec<bool>> {
        let client = LetIn::new(&self.config, ClientLog::new(&self.topic), BaseConsumer::client)?;
        let look = |(partition, range): &(i32, OffsetRange)| {
            let Some(holds) = usize::try_from(*partition).ok().and_then(|index| holds.get(index)) else {
                return Ok(false);
            };
            let held = OffsetRange::new(range.start.max(holds.start), range.end.min(holds.end));
            Ok(!held.is_empty()
                && self.first_record(&client, *partition, held.start)?.is_some_and(|first| first < held.end))
        };
        ranges.iter().map(look).collect()
    }

    /// The first record from `start` on, if there is one by now.
    fn first_record(&self, client: &BaseConsumer<ClientLog>, partition: i32, start: i64) -> Result<Option<i64>> {
        let context = || format!("{}+{partition} cannot be read from {start} on", self.topic);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(start))
            .and_then(|()| client.assign(&list))
            .map_err(|error| failed(context(), &error))?;
        let started = Instant::now();
        while started.elapsed() < LOOKING {
            match client.poll(Duration::from_millis(200)) {
                None => {}
                Some(Ok(message)) if message.partition() != partition || message.offset() < start => {}
                Some(Ok(message)) => return Ok(Some(message.offset())),
                Some(Err(KafkaError::PartitionEOF(ended))) if ended == partition => return Ok(None),
                Some(Err(error)) => debug!(topic = self.topic, partition, %error, "looking for a record"),
            }
        }
        Err(Error::retriable(format!("{} within {} s", context(), LOOKING.as_secs())))
    }
}
