//! A client that belongs to a group and never joins it.

use std::collections::BTreeMap;

use pipeline_api::{OffsetRange, Result};
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::Committed;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::attended::Attended;
use crate::client::{ANSWER, ClientLog, acquaint};
use crate::error::failed;
use crate::login::LetIn;
use crate::settings;

/// Asks what a group has committed. A member could not: while its group is being divided anew, Kafka answers nothing on its
/// connection.
pub(crate) struct Bystander {
    group: String,
    client: Attended<LetIn<BaseConsumer<ClientLog>>>,
}

impl Bystander {
    pub(crate) fn new(settings: &KafkaSettings, group: &str) -> Result<Self> {
        let config = settings::consumer(settings, group, None);
        let client = LetIn::<BaseConsumer<_>>::new(&config, ClientLog::new(group), BaseConsumer::client)?;
        Ok(Self { group: group.to_owned(), client: Attended::new(client, |client| client.client())? })
    }

    /// What the group has committed for these partitions; those without a commit are left out. Blocks.
    pub(crate) fn committed(
        &self,
        topic: &str,
        partitions: impl IntoIterator<Item = i32>,
    ) -> Result<BTreeMap<i32, Committed>> {
        self.read(topic, partitions).map_err(|error| {
            let context = format!("Kafka does not say what group `{}` has committed for topic `{topic}`", self.group);
            self.client.context().way().explain(failed(context, &error))
        })
    }

    fn read(
        &self,
        topic: &str,
        partitions: impl IntoIterator<Item = i32>,
    ) -> Result<BTreeMap<i32, Committed>, KafkaError> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(topic, partition);
        }
        let found = self.client.committed_offsets(list, ANSWER)?;
        let mut committed = BTreeMap::new();
        for element in found.elements() {
            element.error()?;
            if let Offset::Offset(offset) = element.offset() {
                let metadata = element.metadata().to_owned();
                committed.insert(element.partition(), Committed { offset, metadata });
            }
        }
        Ok(committed)
    }

    /// What the partitions 0 to `partitions`, exclusive, hold. Blocks.
    pub(crate) fn bounds(&self, topic: &str, partitions: i32) -> Result<Vec<OffsetRange>> {
        acquaint(self.client.client(), topic);
        let bounds = |partition| self.client.fetch_watermarks(topic, partition, ANSWER);
        let found: Result<Vec<_>, KafkaError> = (0..partitions)
            .map(|partition| bounds(partition).map(|(start, end)| OffsetRange::new(start, end)))
            .collect();
        found.map_err(|error| {
            let error = failed(format!("Kafka does not say what topic `{topic}` holds"), &error);
            self.client.context().way().explain(error)
        })
    }

    /// Kafka takes a commit of somebody who is no member if there is none, and of nobody else. Blocks.
    pub(crate) fn commit(&self, list: &TopicPartitionList) -> Result<(), KafkaError> {
        self.client.commit(list, CommitMode::Sync)
    }
}
