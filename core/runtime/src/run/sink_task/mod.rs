//! A task of a sink: from the partitions of the topic to committed flushes.
//!
//! The steps, by the names that the tests and the model use: *assign* a partition and read what is committed; *replay* a
//! planned range; *plan* the next one; *flush* it; run the *hooks*; *settle* it by a commit. At most one flush is under
//! way, and every decision to commit and the commit itself stand between two polls.

mod assign;
mod flush;
mod held;
mod put;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline_api::{Error, Result, Sink, Task, TopicPartition};
use tokio::time::{Instant, sleep};
use tracing::warn;

use self::held::{Held, Landed};
use crate::broker::{Broker, Consumer, Polled};
use crate::plan::{Plan, SinkPlan, Tolerance};
use crate::run::dead_letter::DeadLetterQueue;
use crate::run::decode::Decoder;
use crate::run::finish::Finish;
use crate::run::flight::{AfterFlush, Flight};
use crate::run::flush_trigger::FlushTrigger;
use crate::run::patient::Patient;
use crate::run::progress::{Progress, SinkProgress};
use crate::run::retry::{Retry, retry};
use crate::run::stop::Stop;

/// How long between two looks at how far other tasks are.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

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

impl SinkTask {
    /// Opens the sink and its hooks, and makes a member of the group, which joins with its first poll: what takes long to open
    /// holds up nobody.
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
        let context = plan.sink_context(sink_plan, task);
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
            consumer: Box::new(Patient::new(consumer, plan.errors.retry)),
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
                () = sleep(LOOK_AGAIN), if at_rest && !ending && self.waits_for_others(finish) => self.look_at_others(finish).await?,
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
                    self.assign(partition, stop).await?;
                }
                Ok(())
            }
            Polled::Revoked(partitions) | Polled::Lost(partitions) => self.give_up(&partitions).await,
        }
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

    /// Whether all that is missing at the end is with other tasks, be it in this process or in another.
    fn waits_for_others(&self, finish: &Finish) -> bool {
        let missing = finish.missing();
        !missing.is_empty() && missing.iter().all(|(partition, _)| !self.partitions.contains_key(partition))
    }

    /// Asks the broker how far they are.
    async fn look_at_others(&mut self, finish: &Finish) -> Result<()> {
        let missing = finish.missing();
        let partitions: Vec<i32> = missing.iter().map(|(partition, _)| *partition).collect();
        let committed = self.consumer.committed(&partitions).await?;
        for (partition, end) in missing {
            let next = match committed.get(&partition) {
                Some(committed) => committed.offset,
                // Where there is no record there is nothing to commit.
                None => self.consumer.bounds(partition).await?.start,
            };
            finish.report((next >= end).then_some(partition).into_iter());
        }
        Ok(())
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

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
