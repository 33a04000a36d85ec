//! The broker inside the process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pipeline_api::{Error, OffsetRange, Result, SourceOffsets};
use pipeline_runtime::EmbeddedSettings;
use pipeline_runtime::broker::{Broker, Committed, Consumer, Producer, ProducerId, SoleMember, TopicInfo, TopicSpec};
use tokio::sync::watch;

use crate::consumer::EmbeddedConsumer;
use crate::group::Group;
use crate::lock::lock;
use crate::offsets::{delete_sources, read_committed, read_source, write_committed};
use crate::producer::{EmbeddedProducer, Epoch};
use crate::retention::Retention;
use crate::store::{Store, blocking, failed};
use crate::topic::Topic;

/// As Kafka's `session.timeout.ms`.
const SESSION_TIMEOUT: Duration = Duration::from_secs(45);

/// The broker inside the process: topics, groups and transactions on one file, or in memory.
///
/// One process at a time may open a folder. The file is released when the broker and all its producers and consumers are
/// dropped.
#[derive(Debug)]
pub struct EmbeddedBroker {
    shared: Arc<Shared>,
}

/// What the broker, its producers and its consumers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) retention: Retention,
    session_timeout: Duration,
    /// The topics that somebody has asked for.
    topics: Mutex<HashMap<String, Arc<Topic>>>,
    /// By topic and group.
    groups: Mutex<HashMap<(u64, String), Arc<Group>>>,
    /// The epoch of the latest producer of each id. As many receivers are there as producers.
    producers: Mutex<HashMap<ProducerId, watch::Sender<u64>>>,
}

impl EmbeddedBroker {
    /// Opens the store that the settings name. After a crash that takes as long as reading it once.
    ///
    /// Errors: another process holds it; it cannot be read or written.
    pub fn open(settings: &EmbeddedSettings) -> Result<Arc<Self>> {
        Self::open_with(settings, SESSION_TIMEOUT)
    }

    /// What [`open`](Self::open) would open, if it is there. Makes nothing; in memory there is nothing.
    ///
    /// Errors: those of `open`; or there is nothing, and its folder could not be made or written.
    pub fn find(settings: &EmbeddedSettings) -> Result<Option<Arc<Self>>> {
        match &settings.path {
            None => Ok(None),
            Some(folder) if Store::is_in(folder) => Self::open(settings).map(Some),
            Some(folder) => Store::examine_folder(folder).map(|()| None),
        }
    }

    /// The same with another session time-out than 45 s: after so long without a poll a member that holds up a rebalance
    /// is evicted.
    pub fn open_with(settings: &EmbeddedSettings, session_timeout: Duration) -> Result<Arc<Self>> {
        let shared = Shared {
            store: Store::open(settings.path.as_deref())?,
            retention: Retention::new(settings.retention.bytes()),
            session_timeout,
            topics: Mutex::default(),
            groups: Mutex::default(),
            producers: Mutex::default(),
        };
        Ok(Arc::new(Self { shared: Arc::new(shared) }))
    }
}

#[async_trait]
impl Broker for EmbeddedBroker {
    async fn ensure_topic(&self, spec: &TopicSpec) -> Result<TopicInfo> {
        let (shared, spec) = (self.shared.clone(), spec.clone());
        blocking(move || shared.ensure_topic(&spec)).await
    }

    async fn examine_topic(&self, spec: &TopicSpec) -> Result<Option<TopicInfo>> {
        check_new(spec)?;
        let found = self.shared.find_topic(&mut lock(&self.shared.topics), &spec.name)?;
        found.map(|topic| check(spec, &topic).map(|()| topic.info())).transpose()
    }

    async fn find_topic(&self, topic: &str) -> Result<Option<TopicInfo>> {
        let found = self.shared.find_topic(&mut lock(&self.shared.topics), topic)?;
        Ok(found.map(|topic| topic.info()))
    }

    async fn bounds(&self, topic: &str) -> Result<Vec<OffsetRange>> {
        Ok(self.shared.topic(topic)?.bounds())
    }

    async fn hold_records(&self, topic: &str, ranges: &[(i32, OffsetRange)]) -> Result<Vec<bool>> {
        let bounds = self.shared.topic(topic)?.bounds();
        let holds = |partition: i32| usize::try_from(partition).ok().and_then(|index| bounds.get(index));
        // Every offset is a record.
        let common = |(partition, range): &(i32, OffsetRange)| {
            holds(*partition).is_some_and(|holds| range.start.max(holds.start) < range.end.min(holds.end))
        };
        Ok(ranges.iter().map(common).collect())
    }

    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<Option<Committed>>> {
        let topic = self.shared.topic(topic)?;
        self.shared.store.read(|transaction| {
            (0..topic.partitions).map(|partition| read_committed(transaction, topic.id, group, partition)).collect()
        })
    }

    async fn set_committed(&self, group: &str, topic: &str, offsets: &BTreeMap<i32, Committed>) -> Result<()> {
        let (shared, group) = (self.shared.clone(), group.to_owned());
        let (topic, offsets) = (shared.topic(topic)?, offsets.clone());
        blocking(move || shared.set_committed(&group, &topic, &offsets)).await
    }

    async fn source_offsets(&self, pipeline: &str, source: &str) -> Result<SourceOffsets> {
        let id = ProducerId { pipeline: pipeline.to_owned(), source: source.to_owned(), task: 0 };
        self.shared.store.read(|transaction| read_source(transaction, &id))
    }

    async fn producer(&self, id: ProducerId) -> Result<Box<dyn Producer>> {
        let (shared, new) = (self.shared.clone(), id.clone());
        let epoch = blocking(move || shared.next_epoch(new)).await?;
        Ok(Box::new(EmbeddedProducer::new(self.shared.clone(), id, epoch)))
    }

    async fn consumer(&self, group: &str, topic: &str) -> Result<Box<dyn Consumer>> {
        let topic = self.shared.topic(topic)?;
        let members = self.shared.group(group, &topic);
        Ok(Box::new(EmbeddedConsumer::new(self.shared.clone(), members, group, topic)))
    }

    async fn source_tasks(&self, _: &str, tasks: i32) -> Result<Box<dyn Consumer>> {
        Ok(Box::new(SoleMember::new(tasks)))
    }

    async fn reset(&self, pipeline: &str, topic: &str) -> Result<()> {
        let (shared, pipeline, topic) = (self.shared.clone(), pipeline.to_owned(), topic.to_owned());
        blocking(move || shared.reset(&pipeline, &topic)).await
    }
}

impl Shared {
    /// The topic of this name. Errors: there is none.
    pub(crate) fn topic(&self, name: &str) -> Result<Arc<Topic>> {
        let found = self.find_topic(&mut lock(&self.topics), name)?;
        found.ok_or_else(|| Error::config(format!("there is no topic `{name}` on the embedded broker")))
    }

    /// Removes what nobody needs. What asked for it is done by then, so a failure is only logged.
    pub(crate) fn enforce_retention(&self, topic: &Topic) {
        if let Err(error) = self.retention.enforce(&self.store, topic) {
            tracing::warn!(topic = topic.name, error = format!("{error:#}"), "cannot remove old records");
        }
    }

    fn find_topic(&self, topics: &mut HashMap<String, Arc<Topic>>, name: &str) -> Result<Option<Arc<Topic>>> {
        if let Some(topic) = topics.get(name) {
            return Ok(Some(topic.clone()));
        }
        let Some(topic) = Topic::load(&self.store, name)?.map(Arc::new) else { return Ok(None) };
        topics.insert(name.to_owned(), topic.clone());
        Ok(Some(topic))
    }

    fn ensure_topic(&self, spec: &TopicSpec) -> Result<TopicInfo> {
        let TopicSpec { name, partitions, timestamps: _, create: _, retained_for } = spec;
        check_new(spec)?;
        let mut topics = lock(&self.topics);
        let topic = match self.find_topic(&mut topics, name)? {
            Some(topic) => topic,
            None => {
                let created =
                    self.store.write(|transaction| Topic::create(transaction, name, *partitions).map_err(failed))?;
                topics.entry(name.clone()).or_insert(Arc::new(created)).clone()
            }
        };
        check(spec, &topic)?;
        topic.retain_for(retained_for);
        Ok(topic.info())
    }

    fn group(&self, name: &str, topic: &Topic) -> Arc<Group> {
        let mut groups = lock(&self.groups);
        let new = || Arc::new(Group::new(topic.partitions, self.session_timeout));
        groups.entry((topic.id, name.to_owned())).or_insert_with(new).clone()
    }

    fn set_committed(&self, name: &str, topic: &Topic, offsets: &BTreeMap<i32, Committed>) -> Result<()> {
        // Nobody joins a group meanwhile.
        let groups = lock(&self.groups);
        if groups.get(&(topic.id, name.to_owned())).is_some_and(|group| !group.is_empty()) {
            return Err(Error::fatal(format!(
                "group `{name}` is in use: this process reads topic `{}` as it",
                topic.name
            )));
        }
        for (partition, committed) in offsets {
            if topic.range(*partition).is_none() {
                return Err(Error::config(format!("topic `{}` has no partition {partition}", topic.name)));
            }
            committed.check_metadata()?;
        }
        self.store.write(|transaction| write_committed(transaction, topic.id, name, offsets).map_err(failed))
    }

    /// The next epoch of the producers of this id. What the one before is committing ends first, or is refused.
    fn next_epoch(&self, id: ProducerId) -> Result<Epoch> {
        self.store.between_writes(|| Epoch::next(lock(&self.producers).entry(id).or_default()))
    }

    fn reset(&self, pipeline: &str, name: &str) -> Result<()> {
        let mut topics = lock(&self.topics);
        let topic = self.find_topic(&mut topics, name)?;
        self.refuse_reset_in_use(pipeline, name, topic.as_deref())?;
        self.store.write(|transaction| {
            if let Some(topic) = &topic {
                Topic::delete(transaction, name, topic.id).map_err(failed)?;
            }
            delete_sources(transaction, pipeline).map_err(failed)
        })?;
        topics.remove(name);
        Ok(())
    }

    fn refuse_reset_in_use(&self, pipeline: &str, name: &str, topic: Option<&Topic>) -> Result<()> {
        let groups = lock(&self.groups);
        let reader =
            groups.iter().find(|((id, _), group)| Some(*id) == topic.map(|topic| topic.id) && !group.is_empty());
        if let Some(((_, group), _)) = reader {
            return Err(Error::fatal(format!("topic `{name}` is in use: group `{group}` reads it")));
        }
        let producers = lock(&self.producers);
        let writer = producers.iter().find(|(id, latest)| id.pipeline == pipeline && latest.receiver_count() > 0);
        if let Some((id, _)) = writer {
            return Err(Error::fatal(format!("pipeline `{pipeline}` is in use: producer `{id}` is open")));
        }
        Ok(())
    }
}

/// Errors: nobody can make such a topic.
fn check_new(TopicSpec { name, partitions, .. }: &TopicSpec) -> Result<()> {
    if *partitions < 1 {
        return Err(Error::config(format!("topic `{name}` would have {partitions} partitions, expected 1 or more")));
    }
    Ok(())
}

/// Errors: the topic that is there is another one.
fn check(TopicSpec { name, partitions, .. }: &TopicSpec, topic: &Topic) -> Result<()> {
    if topic.partitions != *partitions {
        return Err(Error::config(format!(
            "topic `{name}` has {} partitions, the file says {partitions}: say {0}, or start over with another topic",
            topic.partitions
        )));
    }
    Ok(())
}
