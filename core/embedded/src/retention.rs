//! Removing records that nobody needs any more.

use pipeline_api::{Result, crash_at};

use crate::log;
use crate::store::{Store, failed};
use crate::topic::{Topic, TopicState};

/// Below this it is not worth a transaction, unless a producer waits.
const WORTHWHILE_BYTES: u64 = 16 << 20;

/// How much a topic may hold, and what makes room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// In bytes, as stored.
    limit: u64,
}

impl Retention {
    /// Topics may hold `limit` bytes.
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit }
    }

    /// Whether producers wait. A topic that is kept for nobody never fills up: its oldest records go.
    pub(crate) fn is_full(self, topic: &TopicState) -> bool {
        let kept_for_groups = topic.retained_for.as_ref().is_some_and(|groups| !groups.is_empty());
        kept_for_groups && topic.bytes() >= self.limit
    }

    /// Removes what all groups have committed, or, in a topic that is kept for nobody, the oldest above the limit, if
    /// there is enough of it to be worth a transaction. Blocks.
    pub(crate) fn enforce(self, store: &Store, topic: &Topic) -> Result<()> {
        let state = topic.state().clone();
        match &state.retained_for {
            None => Ok(()),
            Some(groups) if groups.is_empty() => self.remove_oldest(store, topic, &state),
            Some(groups) => self.remove_committed(store, topic, &state, groups),
        }
    }

    fn remove_committed(self, store: &Store, topic: &Topic, state: &TopicState, groups: &[String]) -> Result<()> {
        let floors = topic.floors(store, groups)?;
        let removable = estimate(state, &floors);
        let worthwhile = WORTHWHILE_BYTES.min(self.limit / 4).max(1);
        if removable == 0 || (removable < worthwhile && !self.is_full(state)) {
            return Ok(());
        }
        let removals = (0..).zip(floors).map(|(partition, floor)| (partition, floor, u64::MAX));
        remove(store, topic, removals.collect())
    }

    /// Goes down to seven eighths of the limit, so as not to be back at once, and takes of each partition in proportion
    /// to what it holds.
    fn remove_oldest(self, store: &Store, topic: &Topic, state: &TopicState) -> Result<()> {
        let held = state.bytes();
        if held <= self.limit {
            return Ok(());
        }
        let excess = held - self.limit / 8 * 7;
        let removals = (0..).zip(state.partitions()).map(|(partition, held_here)| {
            let share = u128::from(excess) * u128::from(held_here.bytes) / u128::from(held);
            (partition, held_here.range.end, share as u64)
        });
        remove(store, topic, removals.collect())
    }
}

/// About how many bytes lie below `floors`, as if all records of a partition were of one size.
fn estimate(state: &TopicState, floors: &[i64]) -> u64 {
    let below = state.partitions().iter().zip(floors).map(|(partition, floor)| {
        let rows = (partition.range.end - partition.range.start).max(1) as u128;
        let removable = (floor - partition.range.start).max(0) as u128;
        (u128::from(partition.bytes) * removable / rows) as u64
    });
    below.sum()
}

/// Removes from each partition what ends at or before an offset, up to so many bytes.
fn remove(store: &Store, topic: &Topic, removals: Vec<(i32, i64, u64)>) -> Result<()> {
    crash_at("broker_before_retention");
    let removed = store.write(|transaction| {
        if !topic.exists(transaction).map_err(failed)? {
            return Ok(Vec::new());
        }
        let mut removed = Vec::with_capacity(removals.len());
        for (partition, floor, bytes) in removals {
            let (start, freed) = log::remove(transaction, topic, partition, floor, bytes).map_err(failed)?;
            removed.push((partition, start, freed));
        }
        Ok::<_, pipeline_api::Error>(removed)
    })?;
    crash_at("broker_after_retention");
    for (partition, start, freed) in removed {
        topic.removed(partition, start, freed);
        tracing::debug!(topic = topic.name, partition, start, freed, "removed records that nobody needs");
    }
    Ok(())
}
