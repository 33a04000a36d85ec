//! A topic, as this process knows it.

use pipeline_api::{OffsetRange, Result};
use pipeline_runtime::broker::TopicInfo;
use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use tokio::sync::watch;

use crate::offsets::committed_offset;
use crate::store::{GROUP_OFFSETS, LOG, PARTITIONS, Store, TOPICS};

/// A topic. Consumers and producers watch its state.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) partitions: i32,
    state: watch::Sender<TopicState>,
}

/// What changes while a topic is used.
#[derive(Clone, Debug)]
pub(crate) struct TopicState {
    partitions: Vec<PartitionState>,
    /// The groups that must have committed a record before it is removed. `None` until a run has said so: then nothing is
    /// removed.
    pub(crate) retained_for: Option<Vec<String>>,
}

/// What a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionState {
    pub(crate) range: OffsetRange,
    /// As stored: compressed.
    pub(crate) bytes: u64,
}

impl Topic {
    /// The topic of this name, if there is one.
    pub(crate) fn load(store: &Store, name: &str) -> Result<Option<Self>> {
        store.read(|transaction| {
            let Some(found) = transaction.open_table(TOPICS)?.get(name)? else { return Ok(None) };
            let (id, partitions, _) = found.value();
            Ok(Some(Self::new(id, name, read_partitions(transaction, id, partitions)?)))
        })
    }

    /// Makes a new topic.
    pub(crate) fn create(transaction: &WriteTransaction, name: &str, partitions: i32) -> Result<Self, redb::Error> {
        let id = rand::random();
        let created = pipeline_api::Timestamp::now().as_millisecond();
        transaction.open_table(TOPICS)?.insert(name, (id, partitions, created))?;
        Ok(Self::new(id, name, vec![PartitionState::EMPTY; partitions as usize]))
    }

    /// Deletes the topic with its records and all that is committed for it.
    pub(crate) fn delete(transaction: &WriteTransaction, name: &str, id: u64) -> Result<(), redb::Error> {
        transaction.open_table(TOPICS)?.remove(name)?;
        transaction.open_table(PARTITIONS)?.retain_in((id, i32::MIN)..=(id, i32::MAX), |_, _| false)?;
        transaction.open_table(LOG)?.retain_in((id, i32::MIN, 0)..=(id, i32::MAX, i64::MAX), |_, _| false)?;
        let mut offsets = transaction.open_table(GROUP_OFFSETS)?;
        match id.checked_add(1) {
            Some(next) => offsets.retain_in((id, "", i32::MIN)..(next, "", i32::MIN), |_, _| false)?,
            None => offsets.retain_in((id, "", i32::MIN).., |_, _| false)?,
        }
        Ok(())
    }

    /// Whether the topic is still there, and not another one of the same name.
    pub(crate) fn exists(&self, transaction: &WriteTransaction) -> Result<bool, redb::Error> {
        let topics = transaction.open_table(TOPICS)?;
        let id = topics.get(self.name.as_str())?.map(|found| found.value().0);
        Ok(id == Some(self.id))
    }

    /// The id as others see it.
    pub(crate) fn public_id(&self) -> String {
        format!("{:016x}", self.id)
    }

    /// The topic as others see it.
    pub(crate) fn info(&self) -> TopicInfo {
        TopicInfo { id: self.public_id(), partitions: self.partitions }
    }

    /// The offsets that each partition holds.
    pub(crate) fn bounds(&self) -> Vec<OffsetRange> {
        self.state.borrow().partitions.iter().map(|partition| partition.range).collect()
    }

    /// The offsets that a partition holds, or `None` if there is no such partition.
    pub(crate) fn range(&self, partition: i32) -> Option<OffsetRange> {
        self.state.borrow().partitions.get(usize::try_from(partition).ok()?).map(|partition| partition.range)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<TopicState> {
        self.state.subscribe()
    }

    pub(crate) fn state(&self) -> watch::Ref<'_, TopicState> {
        self.state.borrow()
    }

    /// These groups must have committed a record too before it is removed.
    pub(crate) fn retain_for(&self, groups: &[String]) {
        self.state.send_modify(|state| {
            let retained_for = state.retained_for.get_or_insert_default();
            retained_for
                .extend(groups.iter().filter(|group| !retained_for.contains(group)).cloned().collect::<Vec<_>>());
        });
    }

    /// Tells the watchers what was made durable: records up to `end`, in `bytes` more bytes. Calls may overtake each other.
    pub(crate) fn appended(&self, partition: i32, end: i64, bytes: u64) {
        self.state.send_modify(|state| {
            let partition = &mut state.partitions[partition as usize];
            partition.range.end = partition.range.end.max(end);
            partition.bytes += bytes;
        });
    }

    /// Tells the watchers what was removed: records before `start`, in `bytes` bytes. Calls may overtake each other.
    pub(crate) fn removed(&self, partition: i32, start: i64, bytes: u64) {
        self.state.send_modify(|state| {
            let partition = &mut state.partitions[partition as usize];
            partition.range.start = partition.range.start.max(start);
            partition.bytes = partition.bytes.saturating_sub(bytes);
        });
    }

    /// The least offset of each partition that one of `groups` has yet to commit.
    pub(crate) fn floors(&self, store: &Store, groups: &[String]) -> Result<Vec<i64>> {
        let bounds = self.bounds();
        store.read(|transaction| {
            let offsets = transaction.open_table(GROUP_OFFSETS)?;
            let mut floors = Vec::with_capacity(bounds.len());
            for (partition, bounds) in (0..).zip(&bounds) {
                let mut floor = bounds.end;
                for group in groups {
                    let committed = committed_offset(&offsets, self.id, group, partition)?;
                    floor = floor.min(committed.unwrap_or(bounds.start));
                }
                floors.push(floor.max(bounds.start));
            }
            Ok(floors)
        })
    }

    fn new(id: u64, name: &str, partitions: Vec<PartitionState>) -> Self {
        let count = partitions.len() as i32;
        let state = watch::Sender::new(TopicState { partitions, retained_for: None });
        Self { id, name: name.to_owned(), partitions: count, state }
    }
}

impl TopicState {
    pub(crate) fn partitions(&self) -> &[PartitionState] {
        &self.partitions
    }

    /// How many bytes the topic holds, as stored.
    pub(crate) fn bytes(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.bytes).sum()
    }
}

impl PartitionState {
    pub(crate) const EMPTY: Self = Self { range: OffsetRange { start: 0, end: 0 }, bytes: 0 };

    pub(crate) fn from_stored((start, end, bytes): (i64, i64, u64)) -> Self {
        Self { range: OffsetRange::new(start, end), bytes }
    }

    pub(crate) fn to_stored(self) -> (i64, i64, u64) {
        (self.range.start, self.range.end, self.bytes)
    }
}

fn read_partitions(transaction: &ReadTransaction, id: u64, count: i32) -> Result<Vec<PartitionState>, redb::Error> {
    let table = transaction.open_table(PARTITIONS)?;
    (0..count)
        .map(|partition| {
            let stored = table.get((id, partition))?.map(|stored| stored.value());
            Ok(stored.map_or(PartitionState::EMPTY, PartitionState::from_stored))
        })
        .collect()
}
