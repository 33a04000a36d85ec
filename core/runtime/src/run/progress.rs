//! How far a run is, for whoever looks at it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use pipeline_api::{Artifact, CheckOutcome, OffsetRange};

use crate::broker::ConsumedRecords;
use crate::plan::Plan;

/// How far a run is: counted while it goes on, and its summary at the end.
#[derive(Debug)]
pub struct Progress {
    /// The sources, in the order of the file.
    pub sources: Vec<SourceProgress>,
    /// The sinks, in the order of the file.
    pub sinks: Vec<SinkProgress>,
}

/// How far a source is, over its tasks.
#[derive(Debug)]
pub struct SourceProgress {
    /// Its name.
    pub name: Arc<str>,
    produced: AtomicU64,
    rejected: AtomicU64,
    resumed: AtomicBool,
}

/// How far a sink is, over its tasks.
#[derive(Debug)]
pub struct SinkProgress {
    /// Its name.
    pub name: Arc<str>,
    backlog: Mutex<Backlog>,
    received: AtomicU64,
    rejected: AtomicU64,
    rows: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    checks: Mutex<IndexMap<String, CheckOutcome>>,
    /// How many of its tasks hold the topic's first partition: one, or none while it is handed over or with another process.
    first_partition: AtomicU64,
}

impl Progress {
    /// Nothing has happened yet.
    pub fn new(plan: &Plan) -> Self {
        Self {
            sources: plan.sources.iter().map(|source| SourceProgress::new(source.name.clone())).collect(),
            sinks: plan.sinks.iter().map(|sink| SinkProgress::new(sink.name.clone())).collect(),
        }
    }

    /// Records that all sources have put on the topic.
    pub fn produced(&self) -> u64 {
        self.sources.iter().map(SourceProgress::produced).sum()
    }
}

impl SourceProgress {
    fn new(name: Arc<str>) -> Self {
        Self { name, produced: AtomicU64::new(0), rejected: AtomicU64::new(0), resumed: AtomicBool::new(false) }
    }

    /// Records that it has put on the topic in this run.
    pub fn produced(&self) -> u64 {
        self.produced.load(Ordering::Relaxed)
    }

    /// Records that went to the dead letter topic in this run.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Whether it goes on where an earlier run stopped.
    pub fn resumed(&self) -> bool {
        self.resumed.load(Ordering::Relaxed)
    }

    pub(super) fn committed(&self, produced: u64, rejected: u64) {
        self.produced.fetch_add(produced, Ordering::Relaxed);
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
    }

    pub(super) fn resumes(&self) {
        self.resumed.store(true, Ordering::Relaxed);
    }
}

impl SinkProgress {
    fn new(name: Arc<str>) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            name,
            backlog: Mutex::default(),
            received: zero(),
            rejected: zero(),
            rows: zero(),
            files: zero(),
            bytes: zero(),
            checks: Mutex::default(),
            first_partition: zero(),
        }
    }

    /// Records that waited on the topic when the run began: its offsets, less those that turned out to hold none, such as the
    /// markers that Kafka puts behind a transaction.
    pub fn backlog(&self) -> u64 {
        self.lock_backlog().offsets
    }

    /// Records that it has received from the topic, committed or not. Records that were replayed count again.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Records that went to the dead letter topic.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Rows that it has committed.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Files that it has committed.
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes of those files.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What was checked: the last outcome of each check, the first check first.
    pub fn checks(&self) -> Vec<CheckOutcome> {
        self.lock_checks().values().cloned().collect()
    }

    /// Whether this process has the topic's first partition, as one of all that run the file.
    pub(super) fn holds_first_partition(&self) -> bool {
        self.first_partition.load(Ordering::Relaxed) > 0
    }

    /// A task holds this partition from now on.
    pub(super) fn assigned(&self, partition: i32) {
        if partition == 0 {
            self.first_partition.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A task no longer holds this partition, which it did.
    pub(super) fn revoked(&self, partition: i32) {
        if partition == 0 {
            self.first_partition.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// What waits on the topic, by partition.
    pub(super) fn waiting(&self, ranges: impl IntoIterator<Item = OffsetRange>) {
        *self.lock_backlog() = Backlog::new(ranges.into_iter().collect());
    }

    /// These records came from the topic.
    pub(super) fn consumed(&self, records: &ConsumedRecords) {
        self.lock_backlog().consumed(records.partition, records.range, records.offsets.values());
    }

    pub(super) fn put(&self, records: u64) {
        self.received.fetch_add(records, Ordering::Relaxed);
    }

    pub(super) fn committed(&self, rows: u64, rejected: u64, artifacts: &[Artifact]) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
        self.files.fetch_add(artifacts.len() as u64, Ordering::Relaxed);
        self.bytes.fetch_add(artifacts.iter().map(|artifact| artifact.bytes).sum(), Ordering::Relaxed);
    }

    pub(super) fn checked(&self, outcomes: &[CheckOutcome]) {
        let mut checks = self.lock_checks();
        for outcome in outcomes {
            checks.insert(outcome.check.clone(), outcome.clone());
        }
    }

    fn lock_backlog(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_checks(&self) -> MutexGuard<'_, IndexMap<String, CheckOutcome>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waited on the topic when a run began.
#[derive(Debug, Default)]
struct Backlog {
    /// How many offsets, less those that are known to hold no record.
    offsets: u64,
    /// The offsets of each partition of which nothing is known yet.
    unseen: Vec<OffsetRange>,
}

impl Backlog {
    fn new(unseen: Vec<OffsetRange>) -> Self {
        Self { offsets: unseen.iter().map(length).sum(), unseen }
    }

    /// The offsets `range` of a partition hold records at `offsets`, and nothing between them. What comes again is known, and
    /// what came to the topic since is none of it.
    fn consumed(&mut self, partition: i32, range: OffsetRange, offsets: &[i64]) {
        let Some(unseen) = usize::try_from(partition).ok().and_then(|index| self.unseen.get_mut(index)) else { return };
        let seen = OffsetRange::new(range.start.max(unseen.start), range.end.min(unseen.end));
        if seen.is_empty() {
            return;
        }
        let below = |end: i64| offsets.partition_point(|offset| *offset < end);
        let records = (below(seen.end) - below(seen.start)) as u64;
        self.offsets = self.offsets.saturating_sub(length(&seen).saturating_sub(records));
        unseen.start = seen.end;
    }
}

fn length(range: &OffsetRange) -> u64 {
    u64::try_from(range.end - range.start).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_that_hold_no_record_do_not_wait() {
        let mut backlog = Backlog::new(vec![OffsetRange::new(10, 20), OffsetRange::new(0, 4)]);
        assert_eq!(backlog.offsets, 14);
        backlog.consumed(0, OffsetRange::new(10, 15), &[10, 11, 12, 13]);
        assert_eq!(backlog.offsets, 13, "14 is no record");
        backlog.consumed(0, OffsetRange::new(10, 15), &[10, 11, 12, 13]);
        assert_eq!(backlog.offsets, 13, "a replay tells nothing new");
        backlog.consumed(0, OffsetRange::new(13, 25), &[13, 15, 16, 17, 18, 20, 21, 22, 23]);
        assert_eq!(backlog.offsets, 12, "19 is no record, and 24 did not wait");
        backlog.consumed(1, OffsetRange::new(0, 4), &[]);
        backlog.consumed(7, OffsetRange::new(0, 4), &[]);
        assert_eq!(backlog.offsets, 8);
    }
}
