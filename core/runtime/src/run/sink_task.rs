//! A task of a sink: from the partitions of the topic to committed flushes.
//!
//! The steps, by the names that the tests and the model use: *assign* a partition and read what is committed; *replay* a
//! planned range; *plan* the next one; *flush* it; run the *hooks*; *settle* it by a commit. At most one flush is under
//! way, and every decision to commit and the commit itself stand between two polls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use pipeline_api::{
    Artifact, Context, Error, ErrorKind, OffsetRange, PlannedRange, Ranges, Result, Sink, SinkBatch, Task, Timestamp,
    TopicPartition, crash_at,
};
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
                Some(DeadLetterQueue::new(broker.clone(), &plan.name, &sink_plan.name, task.index, topic))
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
            self.advance(ending || self.has_reached(finish)).await?;
            self.report(finish);
            let at_rest = self.flight.is_none();
            if at_rest && (ending || finish.is_complete()) {
                return Ok(());
            }
            let deadline = self.trigger.deadline().filter(|_| at_rest);
            tokio::select! {
                landing = Flight::landed(&mut self.flight) => self.land(landing, stop).await?,
                polled = self.consumer.poll(), if !ending => self.polled(polled?).await?,
                () = sleep_until(deadline), if deadline.is_some() => {}
                () = stop.requested(), if !ending => {}
                () = finish.changed() => {}
            }
        }
    }

    async fn close(&mut self) {
        for (what, closed) in [("consumer", self.consumer.close().await), ("sink", self.sink.close().await)] {
            if let Err(error) = closed {
                warn!(sink = %self.sink_plan().name, what, error = %format!("{error:#}"), "does not close");
            }
        }
    }

    async fn polled(&mut self, polled: Polled) -> Result<()> {
        match polled {
            Polled::Records(records) => self.consume(records).await,
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
        if committed.offset < bounds.start || end > bounds.end {
            return Err(Error::fatal(format!(
                "records {}..{} of {topic}+{partition} are gone: the topic holds {bounds}; they were committed as the next to read; `pipeline reset` starts over",
                committed.offset,
                if committed.offset < bounds.start { bounds.start } else { end },
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

    /// Unless something was put that is not being flushed.
    fn restart_trigger(&mut self) {
        if self.partitions.values().all(|held| held.replay.is_some() || held.next == held.start) {
            self.trigger.restart();
        }
    }

    async fn consume(&mut self, records: ConsumedRecords) -> Result<()> {
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
        self.put(&records, batch, letters).await?;
        if self.partitions.get(&partition).is_some_and(Held::is_replayed) {
            self.consumer.pause(partition).await?;
        }
        self.hold_back().await
    }

    /// Puts a batch, narrowed down around records that the sink does not accept.
    async fn put(&mut self, consumed: &ConsumedRecords, batch: SinkBatch, mut letters: Vec<DeadLetter>) -> Result<()> {
        let partition = consumed.partition;
        if let Some(first) = self.first_poison(&letters) {
            return self.put_before(consumed, &batch, first).await;
        }
        let mut parts = vec![batch.clone()];
        let mut received = 0;
        while let Some(part) = parts.pop() {
            let rows = part.records.num_rows();
            if rows == 0 {
                continue;
            }
            match self.sink.put(part.clone()).await {
                Ok(()) => received += rows as u64,
                Err(error) if error.kind() != ErrorKind::Data => return Err(error),
                Err(_) if rows > 1 => {
                    parts.extend([slice(&part, rows / 2, rows - rows / 2), slice(&part, 0, rows / 2)])
                }
                Err(error) => {
                    let offset = part.metadata.offsets.value(0);
                    let row = consumed.offsets.values().partition_point(|candidate| *candidate < offset);
                    let letter = self.decoder.dead_letter(consumed, row, Stage::TaskPut, format!("{error:#}"));
                    let letter = DeadLetter { plugin: self.sink_plan().plugin.registration.type_name(), ..letter };
                    if self.plan.errors.tolerance == Tolerance::None {
                        return self.poisoned(partition, offset, received, letter.to_error());
                    }
                    letters.push(letter);
                }
            }
        }
        self.advance_partition(partition, batch.offsets.end, received);
        if let Some(held) = self.partitions.get_mut(&partition) {
            held.letters.append(&mut letters);
        }
        Ok(())
    }

    /// The first offset that stops the task, if no record may go to a dead letter topic.
    fn first_poison(&self, letters: &[DeadLetter]) -> Option<(i64, Error)> {
        if self.plan.errors.tolerance != Tolerance::None {
            return None;
        }
        let first = letters.iter().min_by_key(|letter| letter.offset())?;
        Some((first.offset()?, first.to_error()))
    }

    /// Puts the records before the one that stops the task.
    async fn put_before(
        &mut self,
        consumed: &ConsumedRecords,
        batch: &SinkBatch,
        (offset, error): (i64, Error),
    ) -> Result<()> {
        let rows = batch.metadata.offsets.values().partition_point(|candidate| *candidate < offset);
        if rows > 0 {
            self.sink.put(slice(batch, 0, rows)).await?;
        }
        self.poisoned(consumed.partition, offset, rows as u64, error)
    }

    /// Everything before `offset` is put; what is at `offset` stops the task once that is committed. A planned range cannot
    /// be cut short: there it stops at once.
    fn poisoned(&mut self, partition: i32, offset: i64, received: u64, error: Error) -> Result<()> {
        if self.partitions.get(&partition).is_some_and(|held| held.replay.is_some()) {
            return Err(error);
        }
        self.advance_partition(partition, offset, received);
        self.poison = Some(error);
        Ok(())
    }

    fn advance_partition(&mut self, partition: i32, next: i64, rows: u64) {
        if let Some(held) = self.partitions.get_mut(&partition) {
            held.next = next;
        }
        self.trigger.put(rows, Instant::now());
        self.progress().put(rows);
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
    async fn advance(&mut self, all: bool) -> Result<()> {
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
        match self.commit(&legs).await {
            Ok(()) => self.launch(legs).await,
            Err(CommitError::Fenced(reason)) => {
                warn!(sink = %self.sink_plan().name, reason, "somebody else owns these partitions now: what was put is dropped");
                let held: Vec<i32> = self.partitions.keys().copied().collect();
                self.landed = Landed::default();
                self.give_up(&held).await
            }
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    /// Settles what has landed and notes what comes next.
    async fn commit(&mut self, legs: &BTreeMap<i32, Leg>) -> Result<(), CommitError> {
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
        if offsets.is_empty() {
            return Ok(());
        }
        crash_at("sink_before_commit");
        self.consumer.commit(&offsets).await?;
        crash_at("sink_after_commit");
        let landed = std::mem::take(&mut self.landed);
        self.progress().committed(&landed.artifacts, landed.rejected);
        Ok(())
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
                let pause = self.attempts.pause_after(error)?;
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.requested() => {}
                }
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

fn slice(batch: &SinkBatch, start: usize, rows: usize) -> SinkBatch {
    SinkBatch {
        partition: batch.partition.clone(),
        offsets: batch.offsets,
        records: batch.records.slice(start, rows),
        metadata: batch.metadata.slice(start, rows),
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
