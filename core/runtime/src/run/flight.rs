//! A flush under way.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use pipeline_api::{Artifact, CheckOutcome, Error, Hook, PlannedRange, Ranges, Result, Verdict, crash_at};
use tokio::task::JoinHandle;
use tracing::warn;

use super::dead_letter::{DeadLetter, DeadLetterQueue};
use super::progress::{Progress, SinkProgress};

/// A flush under way: the sink's work, then the dead letters, then the hooks. The next range is consumed meanwhile.
pub(super) struct Flight {
    handle: JoinHandle<(AfterFlush, Result<Vec<Artifact>>)>,
    /// What is being made durable, by partition.
    pub(super) ranges: BTreeMap<i32, Leg>,
}

/// The range of one partition in a flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    pub(super) range: PlannedRange,
    /// The assignment under which it was read. Another one means that the partition was away meanwhile.
    pub(super) epoch: u64,
    /// How many records the sink took.
    pub(super) rows: u64,
    /// How many went to the dead letter topic.
    pub(super) rejected: u64,
}

/// What comes between a sink's work and the commit.
pub(super) struct AfterFlush {
    pub(super) hooks: Vec<Box<dyn Hook>>,
    pub(super) dead_letters: Option<DeadLetterQueue>,
    pub(super) progress: Arc<Progress>,
    pub(super) sink: usize,
}

/// How a flight ended.
pub(super) struct Landing {
    /// `None` if it panicked and took everything along.
    pub(super) after: Option<AfterFlush>,
    pub(super) ranges: BTreeMap<i32, Leg>,
    pub(super) result: Result<Vec<Artifact>>,
}

impl Flight {
    /// Starts one.
    pub(super) fn start(
        work: BoxFuture<'static, Result<Vec<Artifact>>>,
        mut after: AfterFlush,
        ranges: Ranges,
        legs: BTreeMap<i32, Leg>,
        letters: Vec<DeadLetter>,
    ) -> Self {
        let handle = tokio::spawn(async move {
            let result = after.fly(work, &ranges, &letters).await;
            (after, result)
        });
        Self { handle, ranges: legs }
    }

    /// Waits for its end. Dropping the call loses nothing.
    pub(super) async fn landed(flight: &mut Option<Self>) -> Landing {
        let Some(flying) = flight.as_mut() else { return std::future::pending().await };
        let end = (&mut flying.handle).await;
        let ranges = std::mem::take(&mut flying.ranges);
        *flight = None;
        match end {
            Ok((after, result)) => Landing { after: Some(after), ranges, result },
            Err(error) => {
                Landing { after: None, ranges, result: Err(Error::fatal("a flush panicked").with_source(error)) }
            }
        }
    }
}

/// Nothing goes on after its task has ended: what was not done comes again.
impl Drop for Flight {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl AfterFlush {
    async fn fly(
        &mut self,
        work: BoxFuture<'static, Result<Vec<Artifact>>>,
        ranges: &Ranges,
        letters: &[DeadLetter],
    ) -> Result<Vec<Artifact>> {
        let artifacts = work.await?;
        if let Some(queue) = &self.dead_letters {
            crash_at("sink_before_dead_letters");
            queue.send(letters, ranges).await?;
            crash_at("sink_after_dead_letters");
        }
        crash_at("sink_before_hooks");
        if !artifacts.is_empty() {
            for index in 0..self.hooks.len() {
                let outcomes = self.hooks[index].after_flush(&artifacts).await?;
                judge(&self.progress.sinks[self.sink], &outcomes)?;
                crash_at("sink_after_hook");
            }
        }
        Ok(artifacts)
    }

    /// The last checks of a run whose sources ended.
    pub(super) async fn at_end(&mut self) -> Result<()> {
        let rows = self.progress.sinks[self.sink].rows();
        for index in 0..self.hooks.len() {
            let outcomes = self.hooks[index].at_end(rows).await?;
            judge(&self.progress.sinks[self.sink], &outcomes)?;
        }
        Ok(())
    }
}

/// Notes what checks of a sink have found. Errors: one of them failed.
pub(super) fn judge(sink: &SinkProgress, outcomes: &[CheckOutcome]) -> Result<()> {
    sink.checked(outcomes);
    let mut failed = Vec::new();
    for CheckOutcome { check, found, expected, verdict } in outcomes {
        match verdict {
            Verdict::Passed => {}
            Verdict::Warned => warn!(%check, %found, %expected, "a check did not hold"),
            Verdict::Failed => failed.push(format!("{check}: found {found}, expected {expected}")),
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Error::fatal(format!("a check failed: {}", failed.join("; ")))),
    }
}
