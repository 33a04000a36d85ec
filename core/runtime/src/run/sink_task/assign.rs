//! *Assign* and *revoke*: partitions come and go.

use pipeline_api::{Error, OffsetRange, PlannedRange, Ranges, Result, crash_at};
use tracing::{debug, info};

use super::SinkTask;
use super::held::Held;
use crate::broker::Committed;
use crate::run::commit_note::CommitNote;
use crate::run::retry::Retry;
use crate::run::stop::Stop;

impl SinkTask {
    /// Takes over a partition where its last owner left it, unless somebody asks for a stop before that is possible.
    pub(super) async fn assign(&mut self, partition: i32, stop: &mut Stop) -> Result<()> {
        let bounds = self.consumer.bounds(partition).await?;
        let committed = self.consumer.committed(&[partition]).await?.remove(&partition);
        self.epoch += 1;
        let held = match committed {
            None => Some(Held::at(bounds.start, self.epoch, None)),
            Some(committed) => self.resume(partition, &committed, bounds, stop).await?,
        };
        let Some(held) = held else { return Ok(()) };
        crash_at("sink_assigned");
        self.consumer.seek(partition, held.start).await?;
        if self.paused {
            self.consumer.pause(partition).await?;
        }
        let replay = held.replay.map(|replay| replay.offsets.end);
        info!(sink = %self.sink_plan().name, partition, offset = held.start, replay, "partition assigned");
        if self.partitions.insert(partition, held).is_none() {
            self.progress().assigned(partition);
        }
        Ok(())
    }

    /// What the note at a committed offset asks for: to go on there, or to replay the range that was planned. `None` if
    /// somebody asked for a stop meanwhile.
    async fn resume(
        &mut self,
        partition: i32,
        committed: &Committed,
        bounds: OffsetRange,
        stop: &mut Stop,
    ) -> Result<Option<Held>> {
        let topic = &self.plan.topic.name;
        let note = CommitNote::parse(&committed.metadata)?;
        if note.as_ref().is_some_and(|note| note.topic_id != self.topic_id) {
            return Err(Error::fatal(format!(
                "the topic {topic} was deleted and created again since the last run; `pipeline reset` starts over"
            )));
        }
        let plan = note.and_then(|note| note.plan);
        if let Some(plan) = plan.as_ref().filter(|plan| plan.end <= committed.offset) {
            return Err(Error::fatal(format!(
                "{topic}+{partition}: {} was committed as the next to read, beyond the planned end {}; does another program commit for this group? `pipeline reset` starts over",
                committed.offset, plan.end
            )));
        }
        let end = plan.as_ref().map_or(committed.offset, |plan| plan.end);
        let gone = match committed.offset < bounds.start {
            true => OffsetRange::new(committed.offset, bounds.start),
            false => OffsetRange::new(bounds.end, end),
        };
        if !gone.is_empty() {
            return Err(Error::fatal(format!(
                "records {gone} of {topic}+{partition} are gone: the topic holds {bounds}, and {} was committed as the next to read; `pipeline reset` starts over",
                committed.offset,
            )));
        }
        let Some(plan) = plan else { return Ok(Some(Held::at(committed.offset, self.epoch, None))) };
        let range = plan.range(committed.offset);
        if plan.fingerprint == self.sink_plan().fingerprint {
            return Ok(Some(Held::at(committed.offset, self.epoch, Some(range))));
        }
        let anew = Held { revision: range.revision + 1, ..Held::at(committed.offset, self.epoch, None) };
        Ok(self.discard(partition, range, stop).await?.then_some(anew))
    }

    /// Removes what is left of a range that was planned under another file; false if somebody asked for a stop before that
    /// was possible. Whoever is evicted meanwhile goes on with it beside the new owner: hence the revision, which sets apart
    /// what is planned afterwards.
    async fn discard(&mut self, partition: i32, range: PlannedRange, stop: &mut Stop) -> Result<bool> {
        info!(sink = %self.sink_plan().name, partition, range = %range.offsets, "the file changed since this range was planned: its objects are removed and written anew");
        let ranges = Ranges::from_iter([(self.topic_partition(partition), range)]);
        let mut attempts = Retry::new(self.plan.errors.retry);
        crash_at("sink_before_discard");
        while let Err(error) = self.sink.discard(&ranges).await {
            attempts.wait_after(error, stop).await?;
            if stop.is_requested() {
                return Ok(false);
            }
        }
        crash_at("sink_after_discard");
        Ok(true)
    }

    /// Forgets partitions that belong to somebody else now, with all that was put for them. Their flush, if one is under way,
    /// ends without a commit: its plan is the new owner's work list.
    pub(super) async fn give_up(&mut self, partitions: &[i32]) -> Result<()> {
        for partition in partitions {
            if self.partitions.remove(partition).is_some() {
                self.progress().revoked(*partition);
            }
            self.landed.ends.remove(partition);
        }
        crash_at("sink_revoked");
        self.sink.revoke(&self.topic_partitions(partitions)).await?;
        self.restart_trigger();
        debug!(sink = %self.sink_plan().name, ?partitions, "partitions given up");
        Ok(())
    }

    pub(super) fn restart_trigger(&mut self) {
        if !self.holds_unplanned() {
            self.trigger.restart();
        }
    }

    /// Whether something was put whose flush is not planned yet.
    pub(super) fn holds_unplanned(&self) -> bool {
        self.partitions.values().any(|held| held.replay.is_none() && held.next > held.start)
    }
}
