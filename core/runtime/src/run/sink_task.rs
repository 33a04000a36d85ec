//! A task of a sink: from the partitions of the topic to committed flushes.
//!
//! The steps, by the names that the tests and the model use: *assign* a partition and read what is committed; *replay* a
//! planned range; *plan* the next one; *flush* it; run the *hooks*; *settle* it by a commit. At most one flush is under
//! way, and every decision to commit and the commit itself stand between two polls.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline_api::{
    Artifact, Context, Error, ErrorKind, OffsetRange, PlannedRange, Ranges, Result, Sink, SinkBatch, Task, Timestamp,
    TopicPartition, crash_at,
};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::commit_note::CommitNote;
use super::dead_letter::{DeadLetter, DeadLetterQueue, Stage};
use super::decode::Decoder;
use super::flight::{AfterFlush, Flight, Landing, Leg};
use super::flush_trigger::FlushTrigger;
use super::progress::{Progress, SinkProgress};
use super::retry::{Retry, retry};
use super::stop::Stop;
use super::worker::Finish;
use crate::broker::{Broker, CommitError, Committed, ConsumedRecords, Consumer, Polled};
use crate::plan::{Plan, SinkPlan, Tolerance};

/// A task of a sink, opened.
pub(super) struct SinkTask {
    plan: Arc<Plan>,
    index: usize,
    topic_id: String,
    progress: Arc<Progress>,
    consumer: Box<dyn Consumer>,
    decoder: Decoder,
    sink: Box<dyn Sink>,
    after: Option<AfterFlush>,
    partitions: BTreeMap<i32, Held>,
    flight: Option<Flight>,
    landed: Landed,
    trigger: FlushTrigger,
    attempts: Retry,
    epoch: u64,
    paused: bool,
    /// The record that stops the task, once everything before it is committed.
    poison: Option<Error>,
}

/// A partition that this task holds.
#[derive(Debug)]
struct Held {
    /// The assignment: a partition that was away and came back has another.
    epoch: u64,
    /// Where the range begins that is being put: everything below is flushed, or being flushed.
    start: i64,
    /// One past the last offset that was put.
    next: i64,
    /// The planned range that is being put again, exactly.
    replay: Option<PlannedRange>,
    /// Dead letters of the range that is being put.
    letters: Vec<DeadLetter>,
}

/// What was flushed and is not committed yet.
#[derive(Debug, Default)]
struct Landed {
    ends: BTreeMap<i32, i64>,
    artifacts: Vec<Artifact>,
    rejected: u64,
}

/// What became of a part of a batch that was offered to the sink.
enum Put {
    Taken,
    /// Somebody asked for a stop before the sink took it.
    Stopped,
}

/// What became of a commit.
enum Commit {
    Done,
    /// Somebody asked for a stop before the broker had it, or said so.
    Stopped,
}

impl Held {
    /// Whether the whole planned range was put again.
    fn is_replayed(&self) -> bool {
        self.replay.is_some_and(|replay| self.next >= replay.offsets.end)
    }
}

impl SinkTask {
    /// Opens the sink and its hooks and joins the group.
    pub(super) async fn open(
        plan: &Arc<Plan>,
        index: usize,
        task: Task,
        topic_id: &str,
        broker: &Arc<dyn Broker>,
        progress: &Arc<Progress>,
    ) -> Result<Self> {
        let sink_plan = &plan.sinks[index];
        let named = |error: Error| error.context(format!("sink `{}`", sink_plan.name));
        let context = context(plan, sink_plan, task);
        let decoder = Decoder::open(plan, sink_plan, &context).await?;
        let (config, registration) = (&sink_plan.plugin.config, sink_plan.plugin.registration);
        let sink = retry(plan.errors.retry, || registration.open_sink(config.clone(), context.clone()))
            .await
            .map_err(named)?;
        let mut hooks = Vec::with_capacity(sink_plan.hooks.len());
        for hook in &sink_plan.hooks {
            hooks.push(
                retry(plan.errors.retry, || hook.registration.open_hook(hook.config.clone(), context.clone()))
                    .await
                    .map_err(named)?,
            );
        }
        let dead_letters = match &plan.errors.tolerance {
            Tolerance::None => None,
            Tolerance::DeadLetterTopic(topic) => {
                Some(DeadLetterQueue::new(broker.clone(), plan, sink_plan, task.index, topic))
            }
        };
        let consumer =
            retry(plan.errors.retry, || broker.consumer(&sink_plan.group, &plan.topic.name)).await.map_err(named)?;
        Ok(Self {
            plan: plan.clone(),
            index,
            topic_id: topic_id.to_owned(),
            progress: progress.clone(),
            consumer,
            decoder,
            sink,
            after: Some(AfterFlush { hooks, dead_letters, progress: progress.clone(), sink: index }),
            partitions: BTreeMap::new(),
            flight: None,
            landed: Landed::default(),
            trigger: FlushTrigger::new(sink_plan.flush),
            attempts: Retry::new(plan.errors.retry),
            epoch: 0,
            paused: false,
            poison: None,
        })
    }

    /// Runs until somebody asks for a stop, or until the group has committed everything up to the ends of the topic, once
    /// these are known. Gives back the hooks.
    pub(super) async fn run(mut self, mut stop: Stop, mut finish: Finish) -> Result<AfterFlush> {
        let end = self.pump(&mut stop, &mut finish).await;
        let end = end.and(self.poison.take().map_or(Ok(()), Err));
        self.close().await;
        end?;
        self.after.ok_or_else(|| Error::fatal("a sink's hooks are gone"))
    }

    async fn pump(&mut self, stop: &mut Stop, finish: &mut Finish) -> Result<()> {
        loop {
            let ending = stop.is_requested() || self.poison.is_some();
            self.advance(ending || self.has_reached(finish), stop).await?;
            self.report(finish);
            let at_rest = self.flight.is_none();
            if at_rest && (ending || finish.is_complete()) {
                return Ok(());
            }
            let deadline = self.trigger.deadline().filter(|_| at_rest && self.holds_unplanned());
            tokio::select! {
                landing = Flight::landed(&mut self.flight) => self.land(landing, stop).await?,
                polled = self.consumer.poll(), if !ending => self.polled(polled?, stop).await?,
                () = sleep_until(deadline), if deadline.is_some() => {}
                () = stop.requested(), if !ending => {}
                () = finish.changed() => {}
            }
        }
    }

    async fn close(&mut self) {
        self.flight = None;
        for (what, closed) in [("consumer", self.consumer.close().await), ("sink", self.sink.close().await)] {
            if let Err(error) = closed {
                warn!(sink = %self.sink_plan().name, what, error = %format!("{error:#}"), "does not close");
            }
        }
    }

    async fn polled(&mut self, polled: Polled, stop: &mut Stop) -> Result<()> {
        match polled {
            Polled::Records(records) => self.consume(*records, stop).await,
            Polled::Assigned(partitions) => {
                for partition in partitions {
                    self.assign(partition).await?;
                }
                Ok(())
            }
            Polled::Revoked(partitions) | Polled::Lost(partitions) => self.give_up(&partitions).await,
        }
    }

    /// Takes over a partition where its last owner left it.
    async fn assign(&mut self, partition: i32) -> Result<()> {
        let bounds = self.consumer.bounds(partition).await?;
        let committed = self.consumer.committed(&[partition]).await?.remove(&partition);
        let (start, replay) = match committed {
            None => (bounds.start, None),
            Some(committed) => (committed.offset, self.resume(partition, &committed, bounds).await?),
        };
        crash_at("sink_assigned");
        self.consumer.seek(partition, start).await?;
        if self.paused {
            self.consumer.pause(partition).await?;
        }
        info!(sink = %self.sink_plan().name, partition, offset = start, replay = replay.map(|replay| replay.offsets.end), "partition assigned");
        self.epoch += 1;
        self.partitions.insert(partition, Held { epoch: self.epoch, start, next: start, replay, letters: Vec::new() });
        Ok(())
    }

    /// What the note at a committed offset asks for: the planned range that must be replayed, if there is one.
    async fn resume(
        &mut self,
        partition: i32,
        committed: &Committed,
        bounds: OffsetRange,
    ) -> Result<Option<PlannedRange>> {
        let topic = &self.plan.topic.name;
        let note = CommitNote::parse(&committed.metadata)?;
        if note.as_ref().is_some_and(|note| note.topic_id != self.topic_id) {
            return Err(Error::fatal(format!(
                "the topic {topic} was deleted and created again since the last run; `pipeline reset` starts over"
            )));
        }
        let plan = note.and_then(|note| note.plan);
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
        let Some(plan) = plan else { return Ok(None) };
        let range = plan.range(committed.offset);
        if plan.fingerprint == self.sink_plan().fingerprint {
            return Ok(Some(range));
        }
        info!(sink = %self.sink_plan().name, partition, range = %range.offsets, "the file changed since this range was planned: its objects are removed and written anew");
        let ranges = Ranges::from_iter([(self.topic_partition(partition), range)]);
        crash_at("sink_before_discard");
        self.sink.discard(&ranges).await?;
        crash_at("sink_after_discard");
        Ok(None)
    }

    /// Forgets partitions that belong to somebody else now, with all that was put for them. Their flush, if one is under way,
    /// ends without a commit: its plan is the new owner's work list.
    async fn give_up(&mut self, partitions: &[i32]) -> Result<()> {
        for partition in partitions {
            self.partitions.remove(partition);
            self.landed.ends.remove(partition);
        }
        crash_at("sink_revoked");
        self.sink.revoke(&self.topic_partitions(partitions)).await?;
        self.restart_trigger();
        debug!(sink = %self.sink_plan().name, ?partitions, "partitions given up");
        Ok(())
    }

    fn restart_trigger(&mut self) {
        if !self.holds_unplanned() {
            self.trigger.restart();
        }
    }

    /// Whether something was put whose flush is not planned yet.
    fn holds_unplanned(&self) -> bool {
        self.partitions.values().any(|held| held.replay.is_none() && held.next > held.start)
    }

    async fn consume(&mut self, records: ConsumedRecords, stop: &mut Stop) -> Result<()> {
        let partition = records.partition;
        let Some(held) = self.partitions.get(&partition) else { return Ok(()) };
        let replay = held.replay;
        if self.poison.is_some() || held.is_replayed() {
            return Ok(());
        }
        let records = match replay {
            Some(replay) => records.until(replay.offsets.end),
            None => records,
        };
        let (batch, letters) = self.decoder.decode(&records)?;
        self.put(&records, batch, letters, stop).await?;
        if self.partitions.get(&partition).is_some_and(Held::is_replayed) {
            self.consumer.pause(partition).await?;
        }
        self.hold_back().await
    }

    /// Puts a batch, narrowed down around records that the sink does not accept, up to the first one that stops the task.
    async fn put(
        &mut self,
        consumed: &ConsumedRecords,
        batch: SinkBatch,
        mut letters: Vec<DeadLetter>,
        stop: &mut Stop,
    ) -> Result<()> {
        let mut poison = self.first_poison(&mut letters);
        let mut end = poison.as_ref().map_or(batch.offsets.end, |(offset, _)| *offset);
        let rows = batch.metadata.offsets.values().partition_point(|offset| *offset < end);
        let offsets = OffsetRange::new(batch.offsets.start, end);
        let mut parts = vec![SinkBatch { offsets, ..slice(&batch, 0, rows) }];
        let mut received = 0;
        while let Some(part) = parts.pop() {
            let rows = part.records.num_rows();
            if rows == 0 {
                continue;
            }
            match self.put_part(&part, stop).await {
                Ok(Put::Taken) => received += rows as u64,
                Ok(Put::Stopped) => {
                    (end, poison) = (part.offsets.start, None);
                    break;
                }
                Err(error) if error.kind() != ErrorKind::Data => return Err(error),
                Err(_) if rows > 1 => {
                    parts.extend([slice(&part, rows / 2, rows - rows / 2), slice(&part, 0, rows / 2)]);
                }
                Err(error) => {
                    let mut refused = vec![self.refused(consumed, part.metadata.offsets.value(0), &error)];
                    poison = self.first_poison(&mut refused).or(poison);
                    letters.append(&mut refused);
                    if let Some((offset, _)) = &poison
                        && *offset < end
                    {
                        end = *offset;
                        break;
                    }
                }
            }
        }
        self.took(consumed.partition, end, received, letters, poison.map(|(_, error)| error))
    }

    /// Offers a part of a batch until the sink takes or refuses it, or somebody asks for a stop.
    async fn put_part(&mut self, part: &SinkBatch, stop: &mut Stop) -> Result<Put> {
        let mut attempts = Retry::new(self.plan.errors.retry);
        loop {
            match self.sink.put(part.clone()).await {
                Ok(()) => return Ok(Put::Taken),
                Err(error) if error.kind() == ErrorKind::Data => return Err(error),
                Err(error) => attempts.wait_after(error, stop).await?,
            }
            if stop.is_requested() {
                return Ok(Put::Stopped);
            }
        }
    }

    fn refused(&self, consumed: &ConsumedRecords, offset: i64, error: &Error) -> DeadLetter {
        let row = consumed.offsets.values().partition_point(|candidate| *candidate < offset);
        let letter = self.decoder.dead_letter(consumed, row, Stage::TaskPut, format!("{error:#}"));
        DeadLetter { plugin: self.sink_plan().plugin.registration.type_name(), ..letter }
    }

    /// Takes, if no record may go to a dead letter topic, the letters away and says which is the first record that stops the
    /// task.
    fn first_poison(&self, letters: &mut Vec<DeadLetter>) -> Option<(i64, Error)> {
        if self.plan.errors.tolerance != Tolerance::None {
            return None;
        }
        let letters = std::mem::take(letters);
        let first = letters.iter().min_by_key(|letter| letter.offset())?;
        Some((first.offset()?, first.to_error()))
    }

    /// Everything before `end` is put. What is there may stop the task once that is committed; a planned range cannot be cut
    /// short, so that there it stops at once.
    fn took(
        &mut self,
        partition: i32,
        end: i64,
        received: u64,
        letters: Vec<DeadLetter>,
        poison: Option<Error>,
    ) -> Result<()> {
        let held = self.partitions.get_mut(&partition);
        if let Some(error) = poison {
            if held.as_ref().is_some_and(|held| held.replay.is_some()) {
                return Err(error);
            }
            self.poison = Some(error);
        }
        if let Some(held) = held {
            held.next = end;
            held.letters
                .extend(letters.into_iter().filter(|letter| letter.offset().is_some_and(|offset| offset < end)));
        }
        self.trigger.put(received, Instant::now());
        self.progress().put(received);
        Ok(())
    }

    /// Stops the flow of records while a flush is under way and the sink is full, and lets it go on afterwards.
    async fn hold_back(&mut self) -> Result<()> {
        let full = self.flight.is_some() && self.trigger.is_full(self.sink.buffered());
        if full == self.paused {
            return Ok(());
        }
        self.paused = full;
        for (partition, held) in &self.partitions {
            match full {
                true => self.consumer.pause(*partition).await?,
                false if held.is_replayed() => {}
                false => self.consumer.resume(*partition).await?,
            }
        }
        Ok(())
    }

    /// If no flush is under way: commits what has landed, plans the next ranges if they are due, both in one commit, and
    /// starts their flush.
    async fn advance(&mut self, all: bool, stop: &mut Stop) -> Result<()> {
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
        self.progress().committed(&landed.artifacts, landed.rejected);
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
            held.start = leg.range.offsets.end;
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
    async fn land(&mut self, landing: Landing, stop: &mut Stop) -> Result<()> {
        let Landing { after, ranges, rejected, result } = landing;
        self.after = after;
        match result {
            Ok(artifacts) => {
                self.attempts.succeeded();
                let held = |partition: &i32, leg: &Leg| {
                    self.partitions.get(partition).is_some_and(|held| held.epoch == leg.epoch)
                };
                let ends: BTreeMap<i32, i64> =
                    ranges.iter().filter(|(p, leg)| held(p, leg)).map(|(p, leg)| (*p, leg.range.offsets.end)).collect();
                let artifacts =
                    artifacts.into_iter().filter(|artifact| ends.contains_key(&artifact.partition.partition)).collect();
                self.landed = Landed { ends, artifacts, rejected };
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
            if self.partitions.get(partition).is_none_or(|held| held.epoch != leg.epoch) {
                continue;
            }
            self.sink.revoke(&self.topic_partitions(&[*partition])).await?;
            let start = leg.range.offsets.start;
            self.consumer.seek(*partition, start).await?;
            if !self.paused {
                self.consumer.resume(*partition).await?;
            }
            let held = Held { epoch: leg.epoch, start, next: start, replay: Some(leg.range), letters: Vec::new() };
            self.partitions.insert(*partition, held);
        }
        Ok(())
    }

    /// Whether every partition that this task holds was put up to the topic's end.
    fn has_reached(&self, finish: &Finish) -> bool {
        finish.ends().is_some_and(|ends| {
            self.partitions.iter().all(|(p, held)| ends.get(*p as usize).is_some_and(|end| held.next >= *end))
        })
    }

    /// Tells the other tasks of this sink which partitions are committed up to the topic's end.
    fn report(&self, finish: &mut Finish) {
        if self.flight.is_some() || !self.landed.ends.is_empty() {
            return;
        }
        let Some(ends) = finish.ends() else { return };
        let done = self
            .partitions
            .iter()
            .filter(|(p, held)| held.replay.is_none() && ends.get(**p as usize).is_some_and(|end| held.start >= *end));
        finish.report(done.map(|(partition, _)| *partition));
    }

    fn sink_plan(&self) -> &SinkPlan {
        &self.plan.sinks[self.index]
    }

    fn progress(&self) -> &SinkProgress {
        &self.progress.sinks[self.index]
    }

    fn topic_partition(&self, partition: i32) -> TopicPartition {
        TopicPartition::new(self.plan.topic.name.clone(), partition)
    }

    fn topic_partitions(&self, partitions: &[i32]) -> Vec<TopicPartition> {
        partitions.iter().map(|partition| self.topic_partition(*partition)).collect()
    }
}

impl Held {
    /// What is to be flushed of this partition: a range that was replayed, or, if a flush is due, what was put.
    fn leg(&self, due: bool, at: Timestamp) -> Option<Leg> {
        let range = match self.replay {
            Some(replay) if self.is_replayed() => replay,
            None if due && self.next > self.start => {
                PlannedRange { offsets: OffsetRange::new(self.start, self.next), at }
            }
            _ => return None,
        };
        Some(Leg { range, epoch: self.epoch })
    }
}

/// What a sink and its hooks learn when they are opened.
pub(super) fn context(plan: &Plan, sink: &SinkPlan, task: Task) -> Context {
    Context {
        pipeline: plan.name.clone(),
        topic: plan.topic.name.clone(),
        name: sink.name.clone(),
        task,
        schema: sink.schema.clone(),
        offsets: pipeline_api::SourceOffsets::new(),
        dataset: sink.dataset.clone(),
        folder: plan.folder.clone(),
    }
}

/// The `rows` rows from `start`. The offsets between two neighbours belong to the first.
fn slice(batch: &SinkBatch, start: usize, rows: usize) -> SinkBatch {
    let offsets = batch.metadata.offsets.values();
    let first = if start == 0 { batch.offsets.start } else { offsets[start] };
    let end = offsets.get(start + rows).copied().unwrap_or(batch.offsets.end);
    SinkBatch {
        partition: batch.partition.clone(),
        offsets: OffsetRange::new(first, end),
        records: batch.records.slice(start, rows),
        metadata: batch.metadata.slice(start, rows),
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
