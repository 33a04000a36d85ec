//! The member of a consumer group.

use std::collections::BTreeMap;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

use async_trait::async_trait;
use pipeline_api::{Error, OffsetRange, Result, crash_at};
use pipeline_runtime::broker::{CommitError, Committed, ConsumedRecords, Consumer, Polled};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::block::Block;
use crate::broker::Shared;
use crate::group::{Group, MemberId, PollGuard, Step};
use crate::log;
use crate::offsets::{read_committed, write_committed};
use crate::store::{blocking, failed};
use crate::topic::{Topic, TopicState};

/// One poll returns at most so many records of one partition,
const POLL_ROWS: usize = 8192;
/// and at most so many bytes of values, unless one record alone has more.
const POLL_BYTES: usize = 1 << 20;

/// Reads what it holds, one partition after the other in turn.
pub(crate) struct EmbeddedConsumer {
    shared: Arc<Shared>,
    group: Arc<Group>,
    group_name: String,
    topic: Arc<Topic>,
    group_changes: watch::Receiver<()>,
    topic_changes: watch::Receiver<TopicState>,
    membership: Membership,
    generation: u64,
    held: BTreeMap<i32, Reader>,
    /// The partition that had its turn last.
    last_read: i32,
}

/// Whether this is a member of its group.
#[derive(Clone, Copy, Debug)]
enum Membership {
    /// Not before its first poll: a member that does not poll holds up the others.
    Ahead,
    Member(MemberId),
    /// It was closed.
    Over,
}

/// Where a partition is being read.
#[derive(Debug, Default)]
struct Reader {
    /// `None` before the first seek.
    position: Option<i64>,
    paused: bool,
    block: Option<Block>,
}

impl EmbeddedConsumer {
    pub(crate) fn new(shared: Arc<Shared>, group: Arc<Group>, group_name: &str, topic: Arc<Topic>) -> Self {
        Self {
            group_changes: group.watch(),
            topic_changes: topic.watch(),
            membership: Membership::Ahead,
            group_name: group_name.to_owned(),
            shared,
            group,
            topic,
            generation: 0,
            held: BTreeMap::new(),
            last_read: -1,
        }
    }

    /// Enters the group for the time of a poll, with the first one as a new member.
    fn enter(&mut self) -> Result<(MemberId, PollGuard)> {
        let member = match self.membership {
            Membership::Ahead => self.group.join(),
            Membership::Member(member) => member,
            Membership::Over => {
                return Err(Error::fatal(format!("this member of group `{}` was closed", self.group_name)));
            }
        };
        self.membership = Membership::Member(member);
        Ok((member, self.group.enter(member)))
    }

    /// A poll as far as it needs no waiting: what there is to return, or when to look again at the latest.
    fn poll_now(&mut self, member: MemberId) -> Result<ControlFlow<Polled, Option<Instant>>> {
        match self.group.step(member) {
            Step::Stable => Ok(match self.fetch()? {
                Some(records) => Break(Polled::Records(Box::new(records))),
                None => Continue(None),
            }),
            Step::Revoked(partitions) => {
                self.held.clear();
                Ok(Break(Polled::Revoked(partitions)))
            }
            Step::Assigned(partitions, generation) => {
                self.generation = generation;
                self.held = partitions.iter().map(|&partition| (partition, Reader::default())).collect();
                // A member that got nothing has nothing to hear of.
                Ok(if partitions.is_empty() { Continue(None) } else { Break(Polled::Assigned(partitions)) })
            }
            Step::Wait(until) => Ok(Continue(until)),
            Step::Unknown => Ok(self.rejoin()),
        }
    }

    /// Becomes a new member after an eviction. The join is a change of the group, so a poll that waits looks again at once.
    fn rejoin(&mut self) -> ControlFlow<Polled, Option<Instant>> {
        self.membership = Membership::Member(self.group.join());
        self.generation = 0;
        let lost: Vec<i32> = std::mem::take(&mut self.held).into_keys().collect();
        if lost.is_empty() { Continue(None) } else { Break(Polled::Lost(lost)) }
    }

    /// Records of the next partition in turn that has some.
    fn fetch(&mut self) -> Result<Option<ConsumedRecords>> {
        let after = self.held.range(self.last_read + 1..).map(|(&partition, _)| partition);
        let before = self.held.range(..=self.last_read).map(|(&partition, _)| partition);
        let turns: Vec<i32> = after.chain(before).collect();
        for partition in turns {
            if let Some(records) = self.fetch_from(partition)? {
                self.last_read = partition;
                return Ok(Some(records));
            }
        }
        Ok(None)
    }

    fn fetch_from(&mut self, partition: i32) -> Result<Option<ConsumedRecords>> {
        let Some(reader) = self.held.get_mut(&partition).filter(|reader| !reader.paused) else { return Ok(None) };
        let Some(position) = reader.position else { return Ok(None) };
        if !reader.block.as_ref().is_some_and(|block| block.contains(position)) {
            reader.block = None;
            let Some(range) = self.topic.range(partition).filter(|range| position < range.end) else { return Ok(None) };
            let read = log::read(&self.shared.store, &self.topic, partition, position, POLL_ROWS, POLL_BYTES)?;
            if read.is_none() {
                let start = self.topic.range(partition).unwrap_or(range).start;
                return Err(log::gone(&self.topic, partition, position, start));
            }
            reader.block = read;
        }
        let Some(block) = &reader.block else { return Ok(None) };
        let records = block.slice(partition, position, POLL_ROWS, POLL_BYTES);
        reader.position = Some(records.range.end);
        if records.range.end == block.end() {
            reader.block = None;
        }
        Ok(Some(records))
    }

    fn reader(&mut self, partition: i32) -> Result<&mut Reader> {
        let Self { held, topic, group_name, .. } = self;
        held.get_mut(&partition).ok_or_else(|| {
            Error::fatal(format!("{}+{partition} is not assigned to this member of group `{group_name}`", topic.name))
        })
    }

    fn range(&self, partition: i32) -> Result<OffsetRange> {
        self.topic.range(partition).ok_or_else(|| {
            let Topic { name, partitions, .. } = &*self.topic;
            Error::fatal(format!("topic `{name}` has no partition {partition}, but 0 to {}", partitions - 1))
        })
    }
}

#[async_trait]
impl Consumer for EmbeddedConsumer {
    async fn poll(&mut self) -> Result<Polled> {
        tokio::task::coop::consume_budget().await;
        loop {
            let (member, _polling) = self.enter()?;
            // What changes after these two lines ends the wait below.
            self.group_changes.mark_unchanged();
            self.topic_changes.mark_unchanged();
            let until = match self.poll_now(member)? {
                Break(polled) => return Ok(polled),
                Continue(until) => until,
            };
            tokio::select! {
                _ = self.group_changes.changed() => {}
                _ = self.topic_changes.changed() => {}
                () = sleep_until(until) => {}
            }
        }
    }

    async fn bounds(&mut self, partition: i32) -> Result<OffsetRange> {
        self.range(partition)
    }

    async fn committed(&mut self, partitions: &[i32]) -> Result<BTreeMap<i32, Committed>> {
        self.shared.store.read(|transaction| {
            let mut found = BTreeMap::new();
            for &partition in partitions {
                if let Some(committed) = read_committed(transaction, self.topic.id, &self.group_name, partition)? {
                    found.insert(partition, committed);
                }
            }
            Ok(found)
        })
    }

    async fn commit(&mut self, offsets: &BTreeMap<i32, Committed>) -> Result<(), CommitError> {
        for (&partition, committed) in offsets {
            self.range(partition)?;
            committed.check_metadata()?;
        }
        let member = match self.membership {
            Membership::Ahead => return Err(CommitError::Fenced("unknown member: it has not joined yet".to_owned())),
            Membership::Member(member) => member,
            Membership::Over => return Err(CommitError::Fenced("unknown member: it was closed".to_owned())),
        };
        let guard = self.group.begin_commit(member, self.generation).map_err(CommitError::Fenced)?;
        let (shared, topic, group) = (self.shared.clone(), self.topic.clone(), self.group_name.clone());
        let offsets = offsets.clone();
        blocking(move || {
            crash_at("broker_before_group_commit");
            shared
                .store
                .write(|transaction| write_committed(transaction, topic.id, &group, &offsets).map_err(failed))?;
            crash_at("broker_after_group_commit");
            drop(guard);
            shared.enforce_retention(&topic);
            Ok(())
        })
        .await
    }

    async fn seek(&mut self, partition: i32, offset: i64) -> Result<()> {
        let range = self.range(partition)?;
        if offset < range.start {
            return Err(log::gone(&self.topic, partition, offset, range.start));
        }
        if offset > range.end {
            return Err(Error::fatal(format!(
                "{}+{partition} ends at {}, before offset {offset}: the topic is shorter than what was committed for it",
                self.topic.name, range.end
            )));
        }
        let reader = self.reader(partition)?;
        reader.position = Some(offset);
        Ok(())
    }

    async fn pause(&mut self, partition: i32) -> Result<()> {
        self.reader(partition)?.paused = true;
        Ok(())
    }

    async fn resume(&mut self, partition: i32) -> Result<()> {
        self.reader(partition)?.paused = false;
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        self.leave();
        Ok(())
    }
}

impl EmbeddedConsumer {
    fn leave(&mut self) {
        if let Membership::Member(member) = std::mem::replace(&mut self.membership, Membership::Over) {
            self.group.leave(member);
        }
        self.held.clear();
    }
}

impl Drop for EmbeddedConsumer {
    fn drop(&mut self) {
        self.leave();
    }
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
