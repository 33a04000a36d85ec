//! The source tasks of a plan, as far as this process runs them.
//!
//! Processes that run the same file share its source tasks as they share partitions: task i runs where partition i of the
//! group is assigned. What a task has committed is in the broker, so whoever gets it next goes on from there; a producer that
//! was replaced is fenced, whatever its process believes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use pipeline_api::{Error, Result, Task, Timestamp};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::patient::Patient;
use super::progress::Progress;
use super::retry::{Retry, retry};
use super::source_task::{SourceEnd, SourceTask};
use super::stop::{Stop, Stopper};
use crate::broker::{Broker, CommitError, Committed, Consumer, Polled};
use crate::plan::Plan;

/// How long between two looks at whether the tasks of other processes have ended.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The source tasks that this process runs.
pub(super) struct SourceTasks {
    plan: Arc<Plan>,
    broker: Arc<dyn Broker>,
    progress: Arc<Progress>,
    /// Source and task of each number.
    tasks: Vec<(usize, Task)>,
    member: Box<dyn Consumer>,
    running: BTreeMap<i32, Running>,
    ends: JoinSet<(i32, Result<SourceEnd>)>,
    /// Those that will never have more records.
    ended: BTreeSet<i32>,
    since: Timestamp,
    /// The pauses between two starts of a task that was replaced while it is ours.
    fenced: Retry,
}

/// A task that runs.
struct Running {
    stopper: Stopper,
    abort: AbortHandle,
}

impl SourceTasks {
    /// Makes a member of the group, which joins with its first poll. `None` if the plan has no sources.
    pub(super) async fn open(
        plan: &Arc<Plan>,
        broker: &Arc<dyn Broker>,
        progress: &Arc<Progress>,
    ) -> Result<Option<Self>> {
        let tasks: Vec<(usize, Task)> = plan
            .sources
            .iter()
            .enumerate()
            .flat_map(|(source, spec)| (0..spec.tasks).map(move |index| (source, Task { index, of: spec.tasks })))
            .collect();
        if tasks.is_empty() {
            return Ok(None);
        }
        let count = i32::try_from(tasks.len()).unwrap_or(i32::MAX);
        let member = retry(plan.errors.retry, || broker.source_tasks(&plan.name, count)).await?;
        Ok(Some(Self {
            plan: plan.clone(),
            broker: broker.clone(),
            progress: progress.clone(),
            tasks,
            member: Box::new(Patient::new(member, plan.errors.retry)),
            running: BTreeMap::new(),
            ends: JoinSet::new(),
            ended: BTreeSet::new(),
            since: Timestamp::now(),
            fenced: Retry::new(plan.errors.retry),
        }))
    }

    /// Runs what is assigned until all tasks of the plan have ended, wherever they ran, or until somebody asks for a stop.
    pub(super) async fn run(mut self, mut stop: Stop) -> Result<SourceEnd> {
        let end = self.pump(&mut stop).await;
        let halted = self.halt(self.running.keys().copied().collect()).await;
        if let Err(error) = self.member.close().await {
            warn!(pipeline = %self.plan.name, error = %format!("{error:#}"), "the group of source tasks is not left");
        }
        match (end, halted) {
            (Ok(end), halted) => halted.map(|()| end),
            (Err(error), Ok(())) => Err(error),
            (Err(error), Err(other)) => {
                error!(pipeline = %self.plan.name, error = %format!("{other:#}"), "another task failed as well");
                Err(error)
            }
        }
    }

    async fn pump(&mut self, stop: &mut Stop) -> Result<SourceEnd> {
        while self.ended.len() < self.tasks.len() {
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(SourceEnd::Stopped),
                Some(ended) = self.ends.join_next() => {
                    // An aborted task is somebody else's by now.
                    if let Some((number, end)) = unless_aborted(ended)? {
                        self.landed(number, end?).await?;
                    }
                }
                polled = self.member.poll() => self.polled(polled?).await?,
                () = sleep(LOOK_AGAIN), if self.running.is_empty() => self.look_at_others().await?,
            }
        }
        Ok(SourceEnd::Exhausted)
    }

    async fn polled(&mut self, polled: Polled) -> Result<()> {
        match polled {
            Polled::Assigned(numbers) => {
                for number in numbers {
                    if !self.ended.contains(&number) && self.note(number, Note::Runs).await? {
                        self.start(number, Duration::ZERO);
                    }
                }
            }
            Polled::Revoked(numbers) => self.halt(numbers).await?,
            Polled::Lost(numbers) => {
                for number in numbers {
                    if let Some(running) = self.running.remove(&number) {
                        running.abort.abort();
                    }
                }
            }
            Polled::Records(_) => {}
        }
        Ok(())
    }

    fn start(&mut self, number: i32, pause: Duration) {
        let Some((source, task)) = usize::try_from(number).ok().and_then(|index| self.tasks.get(index)) else { return };
        let (stopper, stop) = Stopper::new();
        let task = SourceTask {
            plan: self.plan.clone(),
            source: *source,
            task: *task,
            broker: self.broker.clone(),
            progress: self.progress.clone(),
            stop,
        };
        let abort = self.ends.spawn(async move {
            sleep(pause).await;
            (number, task.run().await)
        });
        self.running.insert(number, Running { stopper, abort });
    }

    /// Stops tasks and waits until they have committed what they have. Errors: the first of any, once all have ended.
    async fn halt(&mut self, numbers: Vec<i32>) -> Result<()> {
        for number in &numbers {
            if let Some(running) = self.running.get(number) {
                running.stopper.stop();
            }
        }
        let mut halted = Ok(());
        while numbers.iter().any(|number| self.running.contains_key(number)) {
            let Some(ended) = self.ends.join_next().await else { break };
            if let Some((number, end)) = unless_aborted(ended)? {
                self.running.remove(&number);
                halted = halted.and(end.map(|_| ()));
            }
        }
        halted
    }

    async fn landed(&mut self, number: i32, end: SourceEnd) -> Result<()> {
        self.running.remove(&number);
        match end {
            SourceEnd::Exhausted => {
                self.ended.insert(number);
                self.note(number, Note::Ended).await.map(|_| ())
            }
            SourceEnd::Stopped => Ok(()),
            // A transaction that took too long looks the same as a task that runs elsewhere now: the group knows.
            SourceEnd::Fenced => {
                if self.note(number, Note::Runs).await? {
                    let error = Error::retriable(format!("source task {number} was replaced, and is still ours"));
                    let pause = self.fenced.pause_after(error)?;
                    self.start(number, pause);
                }
                Ok(())
            }
        }
    }

    /// Tells the other processes about a task; false if it is not ours any more.
    async fn note(&mut self, number: i32, note: Note) -> Result<bool> {
        let metadata = format!("v1;{};at={}", note.word(), Timestamp::now().as_millisecond());
        let offsets = BTreeMap::from([(number, Committed { offset: 0, metadata })]);
        let mut attempts = Retry::new(self.plan.errors.retry);
        loop {
            match self.member.commit(&offsets).await {
                Ok(()) => return Ok(true),
                Err(CommitError::Fenced(reason)) => {
                    info!(task = number, reason, "a source task runs in another process now");
                    return Ok(false);
                }
                Err(CommitError::Failed(error)) => sleep(attempts.pause_after(error)?).await,
            }
        }
    }

    /// Learns which tasks have ended in other processes since this one began.
    async fn look_at_others(&mut self) -> Result<()> {
        let open: Vec<i32> = (0..).take(self.tasks.len()).filter(|number| !self.ended.contains(number)).collect();
        for (number, committed) in self.member.committed(&open).await? {
            let ended_at = committed.metadata.strip_prefix("v1;ended;at=").and_then(|at| at.parse::<i64>().ok());
            if ended_at.is_some_and(|at| at >= self.since.as_millisecond()) {
                self.ended.insert(number);
            }
        }
        Ok(())
    }
}

/// What a process tells the others about a task.
#[derive(Clone, Copy, Debug)]
enum Note {
    Runs,
    Ended,
}

impl Note {
    fn word(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Ended => "ended",
        }
    }
}

fn unless_aborted<T>(ended: Result<T, tokio::task::JoinError>) -> Result<Option<T>> {
    match ended {
        Ok(end) => Ok(Some(end)),
        Err(error) if error.is_cancelled() => Ok(None),
        Err(error) => Err(Error::fatal("a task panicked").with_source(error)),
    }
}
