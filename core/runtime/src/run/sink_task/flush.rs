//! *Plan*, *flush*, *settle*: from what was put to what is committed.

use std::collections::BTreeMap;

use pipeline_api::{Error, Ranges, Result, Timestamp, crash_at};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::SinkTask;
use super::held::{Held, Landed};
use crate::broker::{CommitError, Committed};
use crate::run::commit_note::CommitNote;
use crate::run::flight::{Flight, Landing, Leg};
use crate::run::retry::Retry;
use crate::run::stop::Stop;

/// What became of a commit.
enum Commit {
    Done,
    /// Somebody asked for a stop before the broker had it, or said so.
    Stopped,
}

impl SinkTask {
    /// If no flush is under way: commits what has landed, plans the next ranges if they are due, both in one commit, and
    /// starts their flush.
    pub(super) async fn advance(&mut self, all: bool, stop: &mut Stop) -> Result<()> {
        if self.flight.is_some() {
            return Ok(());
        }
        let due = all || self.trigger.is_due(self.sink.buffered(), Instant::now());
        let at = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or(Timestamp::UNIX_EPOCH);
        let legs: BTreeMap<i32, Leg> =
            self.partitions.iter().filter_map(|(p, held)| Some((*p, held.leg(due, at)?))).collect();
        if legs.is_empty() && self.landed.ends.is_empty() {
            return Ok(());
        }
        match self.commit(&legs, stop).await {
            Ok(Commit::Done) => self.launch(legs).await,
            Ok(Commit::Stopped) => Ok(()),
            Err(CommitError::Fenced(reason)) => {
                warn!(sink = %self.sink_plan().name, reason, "somebody else owns these partitions now: what was put is dropped");
                let held: Vec<i32> = self.partitions.keys().copied().collect();
                self.landed = Landed::default();
                self.give_up(&held).await
            }
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    /// Settles what has landed and notes what comes next, until the broker has it or somebody asks for a stop.
    async fn commit(&mut self, legs: &BTreeMap<i32, Leg>, stop: &mut Stop) -> Result<Commit, CommitError> {
        let offsets = self.notes(legs);
        if offsets.is_empty() {
            return Ok(Commit::Done);
        }
        let mut attempts = Retry::new(self.plan.errors.retry);
        crash_at("sink_before_commit");
        while let Err(error) = self.consumer.commit(&offsets).await {
            let CommitError::Failed(error) = error else { return Err(error) };
            attempts.wait_after(error, stop).await?;
            if stop.is_requested() {
                return Ok(Commit::Stopped);
            }
        }
        crash_at("sink_after_commit");
        let landed = std::mem::take(&mut self.landed);
        self.progress().committed(landed.rows, landed.rejected, &landed.artifacts);
        Ok(Commit::Done)
    }

    fn notes(&self, legs: &BTreeMap<i32, Leg>) -> BTreeMap<i32, Committed> {
        let fingerprint = &self.sink_plan().fingerprint;
        let settled = CommitNote::settled(&self.topic_id).to_string();
        let mut offsets: BTreeMap<i32, Committed> = self
            .landed
            .ends
            .iter()
            .map(|(p, end)| (*p, Committed { offset: *end, metadata: settled.clone() }))
            .collect();
        for (partition, leg) in legs {
            let is_planned = self.partitions.get(partition).is_some_and(|held| held.replay.is_some());
            if !is_planned {
                let metadata = CommitNote::planned(&self.topic_id, &leg.range, fingerprint).to_string();
                offsets.insert(*partition, Committed { offset: leg.range.offsets.start, metadata });
            }
        }
        offsets
    }

    async fn launch(&mut self, legs: BTreeMap<i32, Leg>) -> Result<()> {
        if legs.is_empty() {
            return Ok(());
        }
        let after = self.after.take().ok_or_else(|| Error::fatal("a sink's hooks are gone"))?;
        let ranges: Ranges =
            legs.iter().map(|(partition, leg)| (self.topic_partition(*partition), leg.range)).collect();
        let mut letters = Vec::new();
        for (partition, leg) in &legs {
            let Some(held) = self.partitions.get_mut(partition) else { continue };
            letters.append(&mut held.letters);
            held.rows = 0;
            held.start = leg.range.offsets.end;
            held.revision = 0;
            if held.replay.take().is_some() {
                self.consumer.seek(*partition, held.start).await?;
                if !self.paused {
                    self.consumer.resume(*partition).await?;
                }
            }
        }
        debug!(sink = %self.sink_plan().name, ?legs, "flush");
        let work = self.sink.flush(ranges.clone());
        self.restart_trigger();
        self.flight = Some(Flight::start(work, after, ranges, legs, letters));
        Ok(())
    }

    /// A flush ended: what it made durable waits for its commit, or its ranges come again.
    pub(super) async fn land(&mut self, landing: Landing, stop: &mut Stop) -> Result<()> {
        let Landing { after, ranges, result } = landing;
        self.after = after;
        match result {
            Ok(artifacts) => {
                self.attempts.succeeded();
                let held: BTreeMap<i32, Leg> =
                    ranges.into_iter().filter(|(p, leg)| self.still_holds(*p, leg)).collect();
                self.landed = Landed {
                    ends: held.iter().map(|(partition, leg)| (*partition, leg.range.offsets.end)).collect(),
                    rows: held.values().map(|leg| leg.rows).sum(),
                    rejected: held.values().map(|leg| leg.rejected).sum(),
                    artifacts: artifacts
                        .into_iter()
                        .filter(|artifact| held.contains_key(&artifact.partition.partition))
                        .collect(),
                };
            }
            Err(error) => {
                self.attempts.wait_after(error, stop).await?;
                self.rewind(&ranges).await?;
            }
        }
        self.hold_back().await
    }

    /// A failed flush is a small crash: its planned ranges are consumed again.
    async fn rewind(&mut self, ranges: &BTreeMap<i32, Leg>) -> Result<()> {
        for (partition, leg) in ranges {
            if !self.still_holds(*partition, leg) {
                continue;
            }
            self.sink.revoke(&self.topic_partitions(&[*partition])).await?;
            let start = leg.range.offsets.start;
            self.consumer.seek(*partition, start).await?;
            if !self.paused {
                self.consumer.resume(*partition).await?;
            }
            self.partitions.insert(*partition, Held::at(start, leg.epoch, Some(leg.range)));
        }
        Ok(())
    }

    /// Whether the partition has not been away since the leg was read.
    fn still_holds(&self, partition: i32, leg: &Leg) -> bool {
        self.partitions.get(&partition).is_some_and(|held| held.epoch == leg.epoch)
    }
}
