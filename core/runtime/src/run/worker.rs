//! A whole pipeline: its tasks from the first to the last.

use std::sync::Arc;
use std::time::Duration;

use pipeline_api::{Error, OffsetRange, Result, Task};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tracing::error;

use super::finish::Finish;
use super::flight::AfterFlush;
use super::progress::Progress;
use super::reconcile_check::ReconcileCheck;
use super::retry::retry;
use super::sink_task::SinkTask;
use super::source_task::SourceEnd;
use super::source_tasks::SourceTasks;
use super::stop::{Stop, Stopper};
use crate::broker::{Broker, Timestamps, TopicSpec};
use crate::plan::{Plan, Tolerance};

/// How long tasks may take to flush and commit what they hold when the run stops.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The sources ended, and everything on the topic is in the sinks.
    Drained,
    /// It was asked to stop. What was put is committed, or, where a call kept failing, comes again with the next run.
    Stopped,
    /// It was asked to stop, and some flush took too long: the next run replays it.
    Interrupted,
}

/// Runs a plan until its sources end and the sinks have everything, or until it is asked to stop.
///
/// Errors: the first of any task. Before it is returned the others flush and commit what they hold; if it was a source
/// that failed, the sinks deliver all that the sources had committed to the topic.
pub async fn run(plan: Arc<Plan>, broker: Arc<dyn Broker>, progress: Arc<Progress>, stop: Stop) -> Result<End> {
    let mut asked = stop.clone();
    let (opened, at, shown) = (plan.clone(), broker.clone(), progress.clone());
    let (sinks, sources) = tokio::select! {
        opened = apart(async move { open(&opened, &at, &shown).await }) => opened?,
        () = asked.requested() => return Ok(End::Stopped),
    };
    Worker::start(plan, broker, &progress, stop, sinks, sources).finish().await
}

async fn open(
    plan: &Arc<Plan>,
    broker: &Arc<dyn Broker>,
    progress: &Arc<Progress>,
) -> Result<(Vec<(usize, SinkTask)>, Option<SourceTasks>)> {
    let topic_id = ensure_topics(plan, broker).await?;
    measure_backlog(plan, broker, progress).await?;
    let mut sinks = Vec::new();
    for (index, sink) in plan.sinks.iter().enumerate() {
        for task in tasks(sink.tasks) {
            sinks.push((index, SinkTask::open(plan, index, task, &topic_id, broker, progress).await?));
        }
    }
    Ok((sinks, SourceTasks::open(plan, broker, progress).await?))
}

/// Deletes the topics, everything that is committed for them, and what the sinks and hooks have written, because a person
/// starts over. Returns what was removed, a line each. Sinks first: where that fails, nothing is forgotten that a repeated
/// reset would need.
pub async fn reset(plan: &Plan, broker: &Arc<dyn Broker>) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    for sink in &plan.sinks {
        let context = plan.sink_context(sink, Task { index: 0, of: 1 });
        for plugin in std::iter::once(&sink.plugin).chain(&sink.hooks) {
            if let Some(what) = plugin.registration.reset(plugin.config.clone(), context.clone()).await? {
                removed.push(format!("{} of sink {}: {what}", plugin.registration.type_name(), sink.name));
            }
        }
    }
    for topic in topics(plan) {
        broker.reset(&plan.name, &topic.name).await?;
        removed.push(format!("topic {}, with its offsets", topic.name));
    }
    Ok(removed)
}

fn tasks(of: u32) -> impl Iterator<Item = Task> {
    (0..of).map(move |index| Task { index, of })
}

/// The topics that a plan uses: its own, then the one for dead letters.
pub(super) fn topics(plan: &Plan) -> Vec<TopicSpec> {
    let retained_for = plan.sinks.iter().map(|sink| sink.group.clone()).collect();
    let create = plan.topic.create.clone();
    let (name, partitions) = (plan.topic.name.to_string(), plan.topic.partitions);
    // What others produce has whatever timestamps they give it.
    let timestamps = match plan.topic.timestamp {
        Some(_) if !plan.sources.is_empty() => Timestamps::Data,
        _ => Timestamps::Clock,
    };
    let mut topics = vec![TopicSpec { name, partitions, timestamps, create: create.clone(), retained_for }];
    if let Tolerance::DeadLetterTopic(name) = &plan.errors.tolerance {
        topics.push(TopicSpec {
            name: name.clone(),
            partitions: 1,
            timestamps: Timestamps::Clock,
            create,
            retained_for: Vec::new(),
        });
    }
    topics
}

async fn ensure_topics(plan: &Plan, broker: &Arc<dyn Broker>) -> Result<String> {
    let mut ids = Vec::new();
    for topic in topics(plan) {
        ids.push(retry(plan.errors.retry, || broker.ensure_topic(&topic)).await?.id);
    }
    ids.into_iter().next().ok_or_else(|| Error::fatal("a pipeline without a topic"))
}

async fn measure_backlog(plan: &Plan, broker: &Arc<dyn Broker>, progress: &Progress) -> Result<()> {
    let topic = &plan.topic.name;
    let bounds = bounds(plan, broker).await?;
    for (sink, progress) in plan.sinks.iter().zip(&progress.sinks) {
        let committed = retry(plan.errors.retry, || broker.committed(&sink.group, topic)).await?;
        let next = committed.into_iter().map(|committed| committed.map(|committed| committed.offset));
        progress.waiting(
            bounds.iter().zip(next).map(|(range, next)| OffsetRange { start: next.unwrap_or(range.start), ..*range }),
        );
    }
    Ok(())
}

/// What the topic holds. A cluster may not say it right after the topic was made, or while its brokers change places.
async fn bounds(plan: &Plan, broker: &Arc<dyn Broker>) -> Result<Vec<OffsetRange>> {
    retry(plan.errors.retry, || broker.bounds(&plan.topic.name)).await
}

/// The running tasks of a plan.
struct Worker {
    plan: Arc<Plan>,
    broker: Arc<dyn Broker>,
    stop: Stop,
    stop_sources: Stopper,
    stop_sinks: Stopper,
    sources: JoinSet<Result<SourceEnd>>,
    sinks: JoinSet<Result<(usize, AfterFlush)>>,
    reconciles: Vec<ReconcileCheck>,
    /// Those of them that are checked while the run goes on.
    checks: JoinSet<Result<()>>,
    ends: watch::Sender<Option<Arc<[i64]>>>,
    failure: Option<Error>,
}

impl Worker {
    fn start(
        plan: Arc<Plan>,
        broker: Arc<dyn Broker>,
        progress: &Arc<Progress>,
        stop: Stop,
        opened: Vec<(usize, SinkTask)>,
        source_tasks: Option<SourceTasks>,
    ) -> Self {
        let ((stop_sources, sources_stop), (stop_sinks, sinks_stop)) = (Stopper::new(), Stopper::new());
        let (ends, ends_known) = watch::channel(None);
        let (mut sources, mut sinks) = (JoinSet::new(), JoinSet::new());
        let finishes: Vec<Finish> = plan.sinks.iter().map(|_| Finish::new(ends_known.clone())).collect();
        for (index, task) in opened {
            let (stop, finish) = (sinks_stop.clone(), finishes[index].clone());
            sinks.spawn(async move { task.run(stop, finish).await.map(|after| (index, after)) });
        }
        if let Some(tasks) = source_tasks {
            sources.spawn(tasks.run(sources_stop));
        }
        let (reconciles, mut checks) = (ReconcileCheck::all(&plan, &broker, progress), JoinSet::new());
        for check in &reconciles {
            checks.spawn(check.clone().run());
        }
        Self { plan, broker, stop, stop_sources, stop_sinks, sources, sinks, reconciles, checks, ends, failure: None }
    }

    /// Waits for the end. Once the sources have ended, the sinks go on to the end of the topic; also if a source failed, so
    /// that what it had committed before is delivered.
    async fn finish(mut self) -> Result<End> {
        let mut hooks = Vec::new();
        while !(self.sources.is_empty() && self.sinks.is_empty()) {
            let mut stopped = false;
            tokio::select! {
                Some(ended) = self.sources.join_next() => if let Err(error) = flatten(ended) {
                    self.stop_sources.stop();
                    self.fail(error);
                },
                Some(ended) = self.sinks.join_next() => match flatten(ended) {
                    Ok(after) => hooks.push(after),
                    Err(error) => {
                        self.fail(error);
                        stopped = true;
                    }
                },
                Some(failed) = self.checks.join_next() => if let Err(error) = flatten(failed) {
                    self.fail(error);
                    stopped = true;
                },
                () = self.stop.requested() => stopped = true,
            }
            if stopped {
                return self.drain().await;
            }
            if self.sources.is_empty() && !self.plan.sources.is_empty() && self.ends.borrow().is_none() {
                let bounds = tokio::select! {
                    bounds = bounds(&self.plan, &self.broker) => bounds,
                    () = self.stop.requested() => return self.drain().await,
                };
                match bounds {
                    Ok(bounds) => drop(self.ends.send_replace(Some(bounds.iter().map(|range| range.end).collect()))),
                    Err(error) => {
                        self.fail(error);
                        return self.drain().await;
                    }
                }
            }
        }
        self.checks.abort_all();
        match self.failure.take() {
            Some(error) => Err(error),
            None => {
                let mut asked = self.stop.clone();
                tokio::select! {
                    checked = self.check_at_end(hooks) => checked.map(|()| End::Drained),
                    // Everything is committed, and a check may take for ever.
                    () = asked.requested() => Ok(End::Stopped),
                }
            }
        }
    }

    /// Stops all tasks, and waits until they have flushed and committed what they hold, for as long as that may take.
    async fn drain(mut self) -> Result<End> {
        self.stop_sources.stop();
        self.stop_sinks.stop();
        let drained = timeout(DRAIN_LIMIT, async {
            while let Some(ended) = self.sources.join_next().await {
                flatten(ended).map_or_else(|error| self.fail(error), |_| ());
            }
            while let Some(ended) = self.sinks.join_next().await {
                flatten(ended).map_or_else(|error| self.fail(error), |_| ());
            }
        })
        .await;
        match (self.failure, drained) {
            (Some(error), _) => Err(error),
            (None, Ok(())) => Ok(End::Stopped),
            (None, Err(_)) => Ok(End::Interrupted),
        }
    }

    /// The checks that look at a sink's whole table, once per sink.
    async fn check_at_end(&self, mut hooks: Vec<(usize, AfterFlush)>) -> Result<()> {
        hooks.sort_by_key(|(sink, _)| *sink);
        hooks.dedup_by_key(|(sink, _)| *sink);
        let mut failure = Ok(());
        for (_, mut after) in hooks {
            // Every sink is checked, so that a person sees all that is wrong.
            failure = failure.and(apart(async move { after.at_end().await }).await);
        }
        for check in &self.reconciles {
            let check = check.clone();
            failure = failure.and(apart(async move { check.now().await }).await);
        }
        failure
    }

    /// The first failure is what the run fails with.
    fn fail(&mut self, error: Error) {
        match self.failure {
            None => self.failure = Some(error),
            Some(_) => error!(pipeline = %self.plan.name, error = %format!("{error:#}"), "another task failed as well"),
        }
    }
}

/// Calls plugins in a task of its own, so that one that holds its thread or panics stops nothing but that. Dropped, it ends where
/// it next waits.
pub(super) async fn apart<T: Send + 'static>(calls: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let mut task = JoinSet::new();
    task.spawn(calls);
    match task.join_next().await {
        Some(ended) => flatten(ended),
        None => Err(Error::fatal("a task ended without an answer")),
    }
}

fn flatten<T>(ended: Result<Result<T>, JoinError>) -> Result<T> {
    match ended {
        Ok(result) => result,
        Err(error) => Err(Error::fatal("a task panicked").with_source(error)),
    }
}
