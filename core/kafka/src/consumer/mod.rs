//! A member of a consumer group.
//!
//! librdkafka's consumer lives on a thread of its own (`member`), which does one thing after the other: it answers
//! the engine's calls, and reads when the engine polls. So the decision to commit and the commit stand between two polls of
//! one thread, and an engine that does not poll loses its partitions, as Kafka means it (`max.poll.interval.ms`).

mod member;
mod outbox;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;

use async_trait::async_trait;
use pipeline_api::{Error, OffsetRange, Result};
use pipeline_runtime::broker::{CommitError, Committed, Consumer, Polled};
use rdkafka::ClientConfig;
use tokio::sync::oneshot;

use self::member::{Command, Member};
use self::outbox::Outbox;
use crate::blocking::blocking;
use crate::bystander::Bystander;
use crate::places::Place;
use crate::signal::Signal;

/// The engine's side of a member of a group.
pub(crate) struct KafkaConsumer {
    group: String,
    topic: String,
    bystander: Arc<Bystander>,
    commands: mpsc::Sender<Command>,
    signal: Arc<Signal>,
    outbox: Arc<Outbox>,
    /// Whether the engine has been told of a change of its partitions: its next poll says that it has seen to it.
    unanswered: bool,
    closed: bool,
    /// Given back when this member is gone.
    _place: Place,
}

impl KafkaConsumer {
    /// A member that joins with its first poll. Errors: no client or thread can be made of these settings.
    pub(crate) fn open(
        config: &ClientConfig,
        group: &str,
        topic: &str,
        bystander: Arc<Bystander>,
        place: Place,
    ) -> Result<Self> {
        let (commands, received) = mpsc::channel();
        let (signal, outbox) = (Arc::new(Signal::default()), Arc::new(Outbox::default()));
        let member = Member::new(config, group, topic, signal.clone(), outbox.clone())?;
        std::thread::Builder::new()
            .name(format!("kafka {group}"))
            .spawn(move || member.run(&received))
            .map_err(|error| Error::fatal("no thread can be started for a Kafka consumer").with_source(error))?;
        let (group, topic) = (group.to_owned(), topic.to_owned());
        Ok(Self { group, topic, bystander, commands, signal, outbox, unanswered: false, closed: false, _place: place })
    }

    fn send(&self, command: Command) -> Result<()> {
        if self.closed || self.commands.send(command).is_err() {
            return Err(Error::fatal(format!("this member of group `{}` was closed", self.group)));
        }
        self.signal.set();
        Ok(())
    }

    /// Sends a command and waits for what it gives.
    async fn call<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply))?;
        answer.await.map_err(|_| Error::fatal(format!("the thread of a member of group `{}` is gone", self.group)))
    }

    /// What the engine is given, with what follows from its having it.
    fn give(&mut self, polled: Result<Polled>) -> Result<Polled> {
        match &polled {
            Ok(Polled::Records(_)) => self.send(Command::ReadOn)?,
            Ok(Polled::Assigned(_) | Polled::Revoked(_) | Polled::Lost(_)) => self.unanswered = true,
            Err(_) => {}
        }
        polled
    }
}

#[async_trait]
impl Consumer for KafkaConsumer {
    async fn poll(&mut self) -> Result<Polled> {
        if std::mem::take(&mut self.unanswered) {
            self.send(Command::Answer)?;
        }
        if let Some(polled) = self.outbox.take() {
            tokio::task::coop::consume_budget().await;
            return self.give(polled);
        }
        self.send(Command::Poll)?;
        let polled = self.outbox.next().await;
        self.give(polled)
    }

    async fn bounds(&mut self, partition: i32) -> Result<OffsetRange> {
        self.call(|reply| Command::Bounds { partition, reply }).await?
    }

    async fn committed(&mut self, partitions: &[i32]) -> Result<BTreeMap<i32, Committed>> {
        let (bystander, topic, partitions) = (self.bystander.clone(), self.topic.clone(), partitions.to_vec());
        blocking(move || bystander.committed(&topic, partitions)).await
    }

    async fn commit(&mut self, offsets: &BTreeMap<i32, Committed>) -> Result<(), CommitError> {
        if self.closed {
            return Err(CommitError::Fenced("unknown member: it was closed".to_owned()));
        }
        let offsets = offsets.clone();
        self.call(|reply| Command::Commit { offsets, reply }).await?
    }

    async fn seek(&mut self, partition: i32, offset: i64) -> Result<()> {
        self.call(|reply| Command::Seek { partition, offset, reply }).await?
    }

    async fn pause(&mut self, partition: i32) -> Result<()> {
        self.outbox.pause(partition);
        Ok(())
    }

    async fn resume(&mut self, partition: i32) -> Result<()> {
        self.outbox.resume(partition);
        self.send(Command::Resume { partition })
    }

    async fn close(&mut self) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let closed = self.call(|reply| Command::Close { reply }).await;
        self.closed = true;
        closed
    }
}
