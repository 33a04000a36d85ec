//! What a member has for the engine.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pipeline_api::Result;
use pipeline_runtime::broker::Polled;
use tokio::sync::Notify;

/// What a member's thread has read and the engine has not taken yet, in order. What is in here may still be taken back: by
/// a seek, or because its partition went away.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Result<Polled>>,
    /// The engine wants nothing of these partitions for now.
    paused: BTreeSet<i32>,
}

impl Outbox {
    /// The next thing that the engine wants, if there is one.
    pub(super) fn take(&self) -> Option<Result<Polled>> {
        let State { waiting, paused } = &mut *self.state();
        let index = waiting.iter().position(|polled| !is_of(polled, paused))?;
        waiting.remove(index)
    }

    /// Waits for it. Dropping the call loses nothing.
    pub(super) async fn next(&self) -> Result<Polled> {
        loop {
            let filled = self.filled.notified();
            if let Some(polled) = self.take() {
                return polled;
            }
            filled.await;
        }
    }

    /// Whether there is something that the engine wants.
    pub(super) fn is_filled(&self) -> bool {
        let state = self.state();
        state.waiting.iter().any(|polled| !is_of(polled, &state.paused))
    }

    pub(super) fn put(&self, polled: Result<Polled>) {
        self.state().waiting.push_back(polled);
        self.filled.notify_one();
    }

    pub(super) fn pause(&self, partition: i32) {
        self.state().paused.insert(partition);
    }

    pub(super) fn resume(&self, partition: i32) {
        self.state().paused.remove(&partition);
    }

    pub(super) fn is_paused(&self, partition: i32) -> bool {
        self.state().paused.contains(&partition)
    }

    /// Takes back changes of partitions that the engine has not heard of; whether it was about to be given some.
    pub(super) fn take_back_changes(&self) -> bool {
        let waiting = &mut self.state().waiting;
        let is_assigned = waiting.iter().any(|polled| matches!(polled, Ok(Polled::Assigned(_))));
        waiting.retain(|polled| matches!(polled, Err(_) | Ok(Polled::Records(_))));
        is_assigned
    }

    /// Takes back the records of a partition.
    pub(super) fn take_back(&self, partition: i32) {
        self.state().waiting.retain(|polled| !is_of(polled, &BTreeSet::from([partition])));
    }

    /// Takes back all records, and forgets which partitions are paused: they belong to nobody here.
    pub(super) fn take_back_all(&self) {
        let mut state = self.state();
        state.waiting.retain(|polled| !matches!(polled, Ok(Polled::Records(_))));
        state.paused.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether these are records of one of the partitions.
fn is_of(polled: &Result<Polled>, partitions: &BTreeSet<i32>) -> bool {
    matches!(polled, Ok(Polled::Records(records)) if partitions.contains(&records.partition))
}
