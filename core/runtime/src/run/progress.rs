//! How far a run is, for whoever looks at it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use pipeline_api::{Artifact, CheckOutcome};

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
    backlog: AtomicU64,
    received: AtomicU64,
    rejected: AtomicU64,
    rows: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    checks: Mutex<IndexMap<String, CheckOutcome>>,
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
            backlog: zero(),
            received: zero(),
            rejected: zero(),
            rows: zero(),
            files: zero(),
            bytes: zero(),
            checks: Mutex::default(),
        }
    }

    /// Records that waited on the topic when the run began.
    pub fn backlog(&self) -> u64 {
        self.backlog.load(Ordering::Relaxed)
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

    pub(super) fn waiting(&self, records: u64) {
        self.backlog.store(records, Ordering::Relaxed);
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

    fn lock_checks(&self) -> MutexGuard<'_, IndexMap<String, CheckOutcome>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
