//! A Kafka cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use pipeline_api::{Delivery, Error, OffsetRange, Result, SourceOffsets};
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::{Broker, CommitError, Committed, Consumer, Producer, ProducerId, TopicInfo, TopicSpec};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::admin::Admin;
use crate::blocking::blocking;
use crate::bystander::Bystander;
use crate::consumer::KafkaConsumer;
use crate::error::{commit_failed, failed};
use crate::places::Places;
use crate::probe::Probe;
use crate::producer::{KafkaProducer, Mode};
use crate::reach::reach;
use crate::settings;
use crate::source_offsets::{SourceOffsetsTopic, topic_name};
use crate::way::Door;

/// A Kafka cluster, as the broker of one pipeline file.
pub struct KafkaBroker {
    pipeline: String,
    settings: KafkaSettings,
    mode: Mode,
    admin: Arc<Admin>,
    members: Places,
    producers: Places,
    /// Of the clients that read, and of those that write.
    doors: [Door; 2],
    /// By group.
    bystanders: Mutex<BTreeMap<String, Arc<Bystander>>>,
    /// The pipelines whose topic of source offsets is there.
    prepared: Mutex<BTreeSet<String>>,
}

impl KafkaBroker {
    /// Makes the clients for a pipeline. Connects to nothing yet: the first call does.
    ///
    /// Errors: librdkafka refuses the settings.
    pub fn open(pipeline: &str, settings: &KafkaSettings, delivery: Delivery) -> Result<Arc<Self>> {
        let mode = match delivery {
            Delivery::ExactlyOnce => Mode::Transactions,
            _ => Mode::AsTheyCome,
        };
        Ok(Arc::new(Self {
            pipeline: pipeline.to_owned(),
            settings: settings.clone(),
            mode,
            admin: Arc::new(Admin::open(settings)?),
            members: Places::default(),
            producers: Places::default(),
            doors: Default::default(),
            bystanders: Mutex::default(),
            prepared: Mutex::default(),
        }))
    }

    /// What [`open`](Self::open) makes, once the cluster can be reached. It is waited for as long as `wait` says; `say` gets a
    /// line for a person if that takes more than a moment.
    ///
    /// Errors: librdkafka refuses the settings; the cluster is not reached in time: with its address, the last reason, and
    /// what to check.
    pub async fn connect(
        pipeline: &str,
        settings: &KafkaSettings,
        delivery: Delivery,
        wait: Duration,
        say: impl FnOnce(&str) + Send,
    ) -> Result<Arc<Self>> {
        reach(settings, wait, say).await?;
        Self::open(pipeline, settings, delivery)
    }

    /// Makes sure that the pipeline has a topic of source offsets.
    async fn prepare(&self, pipeline: &str) -> Result<()> {
        let is_prepared = || self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if is_prepared().contains(pipeline) {
            return Ok(());
        }
        self.admin.ensure_source_offsets(&topic_name(pipeline), 1).await?;
        is_prepared().insert(pipeline.to_owned());
        Ok(())
    }

    /// Errors: the pipeline knows another topic of this name, which is gone, and with it what was committed for it.
    async fn recognise(&self, topic: &str, id: &str) -> Result<()> {
        self.prepare(&self.pipeline).await?;
        let (state, topic, id) = (self.source_offsets_topic(&self.pipeline), topic.to_owned(), id.to_owned());
        let (producer, door) = (settings::producer(&self.settings, None), self.doors[1].clone());
        blocking(move || match state.topic_id(&topic)? {
            Some(known) if known == id => Ok(()),
            Some(_) => Err(made_anew(&topic)),
            None => state.remember(&topic, Some(&id), &producer, &door),
        })
        .await
    }

    fn source_offsets_topic(&self, pipeline: &str) -> SourceOffsetsTopic {
        SourceOffsetsTopic::new(pipeline, settings::consumer(&self.settings, "", None), self.doors[0].clone())
    }

    /// Kafka takes a commit of somebody who is no member if there is none, and of nobody else: then it says why.
    async fn commit_as_nobody(
        &self,
        group: &str,
        topic: &str,
        offsets: &BTreeMap<i32, Committed>,
    ) -> Result<Result<(), String>> {
        let context = format!("the offsets of group `{group}` are not set");
        let list = to_list(topic, offsets).map_err(|error| failed(&context, &error))?;
        let bystander = self.bystander(group)?;
        blocking(move || match bystander.commit(&list).map_err(|error| commit_failed(context, &error)) {
            Ok(()) => Ok(Ok(())),
            Err(CommitError::Fenced(reason)) => Ok(Err(reason)),
            Err(CommitError::Failed(error)) => Err(error),
        })
        .await
    }

    fn bystander(&self, group: &str) -> Result<Arc<Bystander>> {
        let mut bystanders = self.bystanders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bystander) = bystanders.get(group) {
            return Ok(bystander.clone());
        }
        let bystander = Arc::new(Bystander::new(&self.settings, group)?);
        bystanders.insert(group.to_owned(), bystander.clone());
        Ok(bystander)
    }
}

#[async_trait]
impl Broker for KafkaBroker {
    async fn ensure_topic(&self, topic: &TopicSpec) -> Result<TopicInfo> {
        let found = self.admin.ensure_topic(topic).await?;
        self.recognise(&topic.name, &found.id).await?;
        Ok(found)
    }

    async fn examine_topic(&self, topic: &TopicSpec) -> Result<Option<TopicInfo>> {
        self.find_topic(&topic.name).await?;
        self.admin.examine_topic(topic).await
    }

    async fn find_topic(&self, topic: &str) -> Result<Option<TopicInfo>> {
        let found = self.admin.find(topic).await?;
        let state = self.source_offsets_topic(&self.pipeline);
        if let Some(found) = &found
            && self.admin.find(state.name()).await?.is_some()
        {
            let (topic, id) = (topic.to_owned(), found.id.clone());
            blocking(move || {
                state.topic_id(&topic)?.filter(|known| *known != id).map_or(Ok(()), |_| Err(made_anew(&topic)))
            })
            .await?;
        }
        Ok(found.map(|topic| TopicInfo { id: topic.id, partitions: topic.partitions }))
    }

    async fn bounds(&self, topic: &str) -> Result<Vec<OffsetRange>> {
        let (bystander, topic) = (self.bystander(&self.pipeline)?, topic.to_owned());
        let partitions = self.admin.describe(&topic).await?.partitions;
        blocking(move || bystander.bounds(&topic, partitions)).await
    }

    async fn hold_records(&self, topic: &str, ranges: &[(i32, OffsetRange)]) -> Result<Vec<bool>> {
        let bounds = self.bounds(topic).await?;
        let probe = Probe::new(settings::consumer(&self.settings, &self.pipeline, None), topic);
        let ranges = ranges.to_vec();
        blocking(move || probe.hold_records(&bounds, &ranges)).await
    }

    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<Option<Committed>>> {
        let partitions = self.admin.describe(topic).await?.partitions;
        let (bystander, topic) = (self.bystander(group)?, topic.to_owned());
        let mut committed = blocking(move || bystander.committed(&topic, 0..partitions)).await?;
        Ok((0..partitions).map(|partition| committed.remove(&partition)).collect())
    }

    async fn set_committed(&self, group: &str, topic: &str, offsets: &BTreeMap<i32, Committed>) -> Result<()> {
        if self.commit_as_nobody(group, topic, offsets).await?.is_err() {
            let hosts = self.admin.hosts(group).await?;
            let in_use = |who| Error::fatal(format!("group `{group}` is in use: {who}"));
            if !hosts.is_empty() {
                return Err(in_use(format!("it has a member at {}", hosts.join(", "))));
            }
            // The last member has gone meanwhile, or Kafka does not show it.
            self.commit_as_nobody(group, topic, offsets).await?.map_err(in_use)?;
        }
        // One partition that is refused does not fail the commit of the others.
        let found = self.committed(group, topic).await?;
        let is_set = |(partition, wanted): (&i32, &Committed)| {
            usize::try_from(*partition).ok().and_then(|index| found.get(index)?.as_ref()) == Some(wanted)
        };
        match offsets.iter().find(|offset| !is_set(*offset)) {
            None => Ok(()),
            Some((partition, _)) => Err(Error::fatal(format!(
                "the offset of group `{group}` at {topic}+{partition} is not as it was set; does somebody else commit for it?"
            ))),
        }
    }

    async fn source_offsets(&self, pipeline: &str, source: &str) -> Result<SourceOffsets> {
        let (topic, source) = (self.source_offsets_topic(pipeline), source.to_owned());
        match self.admin.find(topic.name()).await? {
            Some(_) => blocking(move || topic.read(&source)).await,
            None => Ok(SourceOffsets::new()),
        }
    }

    async fn producer(&self, id: ProducerId) -> Result<Box<dyn Producer>> {
        self.prepare(&id.pipeline).await?;
        let place = self.producers.take(&id.pipeline);
        let transactional_id = id.to_string();
        let config = settings::producer(&self.settings, (self.mode == Mode::Transactions).then_some(&transactional_id));
        let offsets = self.source_offsets_topic(&id.pipeline);
        Ok(Box::new(KafkaProducer::open(&config, id, self.mode, offsets, place, &self.doors[1]).await?))
    }

    async fn consumer(&self, group: &str, topic: &str) -> Result<Box<dyn Consumer>> {
        let place = self.members.take(group);
        let instance = self.settings.instance.as_ref().map(|instance| format!("{group}.{instance}.{}", place.number));
        let config = settings::consumer(&self.settings, group, instance.as_deref());
        Ok(Box::new(KafkaConsumer::open(&config, group, topic, self.bystander(group)?, place)?))
    }

    async fn source_tasks(&self, pipeline: &str, tasks: i32) -> Result<Box<dyn Consumer>> {
        self.admin.ensure_source_offsets(&topic_name(pipeline), tasks).await?;
        // No sink's name has a dot, so no sink's group is called this.
        self.consumer(&format!("{pipeline}.source.tasks"), &topic_name(pipeline)).await
    }

    async fn reset(&self, pipeline: &str, topic: &str) -> Result<()> {
        if self.producers.is_taken(pipeline) {
            return Err(Error::fatal(format!("pipeline `{pipeline}` is in use: this process writes for it")));
        }
        self.admin.refuse_in_use(pipeline, topic).await?;
        self.admin.delete(pipeline, topic).await?;
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).remove(pipeline);
        if pipeline == self.pipeline {
            return Ok(());
        }
        self.prepare(&self.pipeline).await?;
        let (state, topic) = (self.source_offsets_topic(&self.pipeline), topic.to_owned());
        let (producer, door) = (settings::producer(&self.settings, None), self.doors[1].clone());
        blocking(move || state.remember(&topic, None, &producer, &door)).await
    }
}

/// With the topic everything is gone that was committed for it.
fn made_anew(topic: &str) -> Error {
    Error::fatal(format!(
        "the topic {topic} was deleted and created again since the last run; `pipeline reset` starts over"
    ))
}

fn to_list(topic: &str, offsets: &BTreeMap<i32, Committed>) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, Committed { offset, metadata }) in offsets {
        let mut element = list.add_partition(topic, *partition);
        element.set_offset(Offset::Offset(*offset))?;
        element.set_metadata(metadata);
    }
    Ok(list)
}
