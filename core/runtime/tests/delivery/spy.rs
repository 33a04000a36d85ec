//! The broker in memory, which records what is committed and fails on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pipeline_api::{Error, OffsetRange, Result, SourceOffsets};
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::broker::{
    Broker, CommitError, Committed, Consumer, Polled, ProducedRecords, Producer, ProducerId, TopicInfo, TopicSpec,
};
use pipeline_runtime::run::CommitNote;

use crate::state::{Call, Event, State, Step};

pub(crate) struct Spy {
    pub(crate) inner: Arc<EmbeddedBroker>,
    state: Arc<State>,
    /// The topic's id, if it is to be another than it is.
    pub(crate) topic_id: Mutex<Option<String>>,
    /// What every partition is said to hold, if it is to be something else than it does.
    pub(crate) bounds: Mutex<Option<OffsetRange>>,
}

impl Spy {
    pub(crate) fn new(inner: Arc<EmbeddedBroker>, state: Arc<State>) -> Self {
        Self { inner, state, topic_id: Mutex::default(), bounds: Mutex::default() }
    }
}

#[async_trait]
impl Broker for Spy {
    async fn ensure_topic(&self, topic: &TopicSpec) -> Result<TopicInfo> {
        let info = self.inner.ensure_topic(topic).await?;
        let id = self.topic_id.lock().unwrap().clone();
        Ok(TopicInfo { id: id.unwrap_or(info.id.clone()), ..info })
    }

    async fn examine_topic(&self, topic: &TopicSpec) -> Result<Option<TopicInfo>> {
        self.inner.examine_topic(topic).await
    }

    async fn find_topic(&self, topic: &str) -> Result<Option<TopicInfo>> {
        self.inner.find_topic(topic).await
    }

    async fn bounds(&self, topic: &str) -> Result<Vec<OffsetRange>> {
        self.state.act(Call::Bounds)?;
        self.inner.bounds(topic).await
    }

    async fn hold_records(&self, topic: &str, ranges: &[(i32, OffsetRange)]) -> Result<Vec<bool>> {
        self.inner.hold_records(topic, ranges).await
    }

    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<Option<Committed>>> {
        self.inner.committed(group, topic).await
    }

    async fn set_committed(&self, group: &str, topic: &str, offsets: &BTreeMap<i32, Committed>) -> Result<()> {
        self.inner.set_committed(group, topic, offsets).await
    }

    async fn source_offsets(&self, pipeline: &str, source: &str) -> Result<SourceOffsets> {
        self.inner.source_offsets(pipeline, source).await
    }

    async fn producer(&self, id: ProducerId) -> Result<Box<dyn Producer>> {
        Ok(Box::new(SpyProducer { inner: self.inner.producer(id).await?, state: self.state.clone() }))
    }

    async fn consumer(&self, group: &str, topic: &str) -> Result<Box<dyn Consumer>> {
        let inner = self.inner.consumer(group, topic).await?;
        let (group, topic) = (group.to_owned(), topic.to_owned());
        let (broker, state) = (self.inner.clone(), self.state.clone());
        let (member, bounds) = (state.next_member(), *self.bounds.lock().unwrap());
        Ok(Box::new(SpyConsumer {
            inner,
            broker,
            state,
            group,
            topic,
            member,
            held: Vec::new(),
            is_lost: false,
            bounds,
        }))
    }

    async fn source_tasks(&self, pipeline: &str, tasks: i32) -> Result<Box<dyn Consumer>> {
        self.inner.source_tasks(pipeline, tasks).await
    }

    async fn reset(&self, pipeline: &str, topic: &str) -> Result<()> {
        self.inner.reset(pipeline, topic).await
    }
}

struct SpyConsumer {
    inner: Box<dyn Consumer>,
    broker: Arc<EmbeddedBroker>,
    state: Arc<State>,
    group: String,
    topic: String,
    member: u64,
    held: Vec<i32>,
    /// It was replaced, and the next poll says so.
    is_lost: bool,
    bounds: Option<OffsetRange>,
}

#[async_trait]
impl Consumer for SpyConsumer {
    async fn poll(&mut self) -> Result<Polled> {
        if std::mem::take(&mut self.is_lost) {
            return Ok(Polled::Lost(std::mem::take(&mut self.held)));
        }
        let polled = self.inner.poll().await?;
        if let Polled::Assigned(partitions) = &polled {
            self.held.clone_from(partitions);
            self.state.record(Event::Assigned(self.member, partitions.clone()));
        }
        Ok(polled)
    }

    async fn bounds(&mut self, partition: i32) -> Result<OffsetRange> {
        let bounds = self.inner.bounds(partition).await?;
        Ok(self.bounds.unwrap_or(bounds))
    }

    async fn committed(&mut self, partitions: &[i32]) -> Result<BTreeMap<i32, Committed>> {
        self.inner.committed(partitions).await
    }

    async fn commit(&mut self, offsets: &BTreeMap<i32, Committed>) -> Result<(), CommitError> {
        let step = self.state.next(Call::GroupCommit);
        match step {
            Step::Fence => {
                self.inner = self.broker.consumer(&self.group, &self.topic).await?;
                self.is_lost = true;
                return Err(CommitError::Fenced("replaced as told".into()));
            }
            Step::Fail(kind) => return Err(Error::new(kind, "the commit fails as told").into()),
            Step::Wait => std::future::pending().await,
            Step::Pass | Step::Panic | Step::LoseAnswer | Step::Take(_) | Step::Block => {
                self.inner.commit(offsets).await?;
            }
        }
        let seen = |committed: &Committed| {
            let note = CommitNote::parse(&committed.metadata).unwrap();
            (committed.offset, note.and_then(|note| note.plan).map(|plan| plan.end))
        };
        self.state.record(Event::Committed(offsets.iter().map(|(p, committed)| (*p, seen(committed))).collect()));
        if step == Step::LoseAnswer { Err(Error::retriable("the answer is lost as told").into()) } else { Ok(()) }
    }

    async fn seek(&mut self, partition: i32, offset: i64) -> Result<()> {
        self.inner.seek(partition, offset).await
    }

    async fn pause(&mut self, partition: i32) -> Result<()> {
        self.inner.pause(partition).await
    }

    async fn resume(&mut self, partition: i32) -> Result<()> {
        self.inner.resume(partition).await
    }

    async fn close(&mut self) -> Result<()> {
        self.inner.close().await
    }
}

struct SpyProducer {
    inner: Box<dyn Producer>,
    state: Arc<State>,
}

#[async_trait]
impl Producer for SpyProducer {
    async fn source_offsets(&mut self) -> Result<SourceOffsets> {
        self.inner.source_offsets().await
    }

    async fn send(&mut self, topic: &str, records: ProducedRecords) -> Result<(), CommitError> {
        self.inner.send(topic, records).await
    }

    async fn commit(&mut self, offsets: &SourceOffsets) -> Result<(), CommitError> {
        self.state.wait_as_a_transaction_does().await;
        match self.state.next(Call::ProducerCommit) {
            Step::Fail(kind) => Err(Error::new(kind, "the transaction fails as told").into()),
            Step::Fence => Err(CommitError::Fenced("replaced as told".into())),
            Step::LoseAnswer => {
                self.inner.commit(offsets).await?;
                Err(Error::retriable("the answer is lost as told").into())
            }
            Step::Wait => std::future::pending().await,
            Step::Pass | Step::Panic | Step::Take(_) | Step::Block => self.inner.commit(offsets).await,
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
