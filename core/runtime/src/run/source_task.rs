//! A task of a source: from its polls to committed transactions.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::Array;
use pipeline_api::{Result, Source, SourceOffsets, Task, crash_at};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::dead_letter;
use super::encode::Encoder;
use super::progress::{Progress, SourceProgress};
use super::reading::{Prepared, Read, Reader, Reading};
use super::retry::{Retry, retry};
use super::stop::Stop;
use crate::broker::{Broker, CommitError, Producer, ProducerId};
use crate::plan::{Plan, SourcePlan, Tolerance};

/// How many records one transaction holds at most, so that memory does not grow with the source.
const TRANSACTION_ROWS: u64 = 131_072;
/// As many bytes are read while a transaction is committed, and a batch more at most: what a fast source has by then.
const BYTES_AHEAD: usize = 8 * 1024 * 1024;
/// How long a record waits at most for the commit of its transaction.
const TRANSACTION_AGE: Duration = Duration::from_millis(250);

/// A task of a source.
pub(super) struct SourceTask {
    pub(super) plan: Arc<Plan>,
    pub(super) source: usize,
    pub(super) task: Task,
    pub(super) broker: Arc<dyn Broker>,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Stop,
}

/// Why a source's task ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceEnd {
    /// There will never be more records.
    Exhausted,
    /// Somebody asked for it.
    Stopped,
    /// Its producer was replaced: another process runs the task, or the broker thought that it was gone.
    Fenced,
}

impl SourceTask {
    /// Runs to the end. When the broker fails, the transaction's outcome is unknown: a new producer and a newly opened
    /// source resume from the stored offsets.
    pub(super) async fn run(mut self) -> Result<SourceEnd> {
        let mut attempts = Retry::new(self.plan.errors.retry);
        loop {
            match self.session(&mut attempts).await {
                Ok(end) => return Ok(end),
                Err(CommitError::Fenced(reason)) => {
                    warn!(source = %self.plan.sources[self.source].name, task = self.task.index, reason, "the producer was replaced");
                    return Ok(SourceEnd::Fenced);
                }
                Err(CommitError::Failed(error)) => attempts.wait_after(error, &mut self.stop).await?,
            }
            if self.stop.is_requested() {
                return Ok(SourceEnd::Stopped);
            }
        }
    }

    /// From the stored offsets to the end of the source, or to the first error of the broker.
    async fn session(&mut self, attempts: &mut Retry) -> Result<SourceEnd, CommitError> {
        let (plan, mut stop) = (self.plan.clone(), self.stop.clone());
        let opened = tokio::select! {
            opened = self.open(&plan.sources[self.source]) => opened?,
            () = stop.requested() => return Ok(SourceEnd::Stopped),
        };
        let Opened { producer, mut source, encoder } = opened;
        let source_type = plan.sources[self.source].plugin.registration.type_name();
        let reader = Reader { source: source.as_mut(), source_type, encoder, tolerance: &plan.errors.tolerance };
        let transaction = Transaction::new(&plan, self.source, self.task, &self.progress, producer, attempts);
        let mut session =
            Session { plan: &plan, reading: Reading::new(reader), ahead: VecDeque::new(), transaction, stop };
        let end = session.pump().await;
        let untold = session.transaction.acknowledged.take();
        drop(session);
        let told = match untold {
            Some(offsets) => source.commit(&offsets).await,
            None => Ok(()),
        };
        if let Err(error) = source.close().await {
            let name = &plan.sources[self.source].name;
            warn!(source = %name, error = %format!("{error:#}"), "source does not close");
        }
        let end = end?;
        told?;
        Ok(end)
    }

    async fn open(&self, source: &SourcePlan) -> Result<Opened> {
        let plan = &self.plan;
        let id = ProducerId { pipeline: plan.name.to_string(), source: source.name.to_string(), task: self.task.index };
        let mut producer = self.broker.producer(id).await?;
        let offsets = producer.source_offsets().await?;
        if !offsets.is_empty() {
            self.progress.sources[self.source].resumes();
        }
        let context = plan.source_context(source, self.task, offsets);
        let (config, registration) = (&source.plugin.config, source.plugin.registration);
        let opened = retry(plan.errors.retry, || registration.open_source(config.clone(), context.clone())).await?;
        let encoder = Encoder::open(plan, source, opened.schema(), &context).await?;
        info!(source = %source.name, task = self.task.index, "source opened");
        Ok(Opened { producer, source: opened, encoder })
    }
}

/// A source at the place where it resumes.
struct Opened {
    producer: Box<dyn Producer>,
    source: Box<dyn Source>,
    encoder: Encoder,
}

/// One life of an opened source and its producer.
struct Session<'a> {
    plan: &'a Plan,
    reading: Reading<'a>,
    /// What was read while a transaction was committed.
    ahead: VecDeque<Read>,
    transaction: Transaction<'a>,
    stop: Stop,
}

impl Session<'_> {
    async fn pump(&mut self) -> Result<SourceEnd, CommitError> {
        let mut attempts = Retry::new(self.plan.errors.retry);
        loop {
            let Some(read) = self.next().await? else {
                self.commit().await?;
                return Ok(SourceEnd::Stopped);
            };
            match read {
                Read::Batch(batch) => {
                    attempts.succeeded();
                    tokio::select! {
                        biased;
                        added = self.transaction.add(batch) => added?,
                        // The topic is full. The open transaction comes again with the next run.
                        () = self.stop.requested() => return Ok(SourceEnd::Stopped),
                    }
                    if self.transaction.is_due() {
                        self.commit_reading_ahead().await?;
                    }
                }
                // What came before is kept, whatever becomes of the source.
                Read::Exhausted => {
                    self.commit().await?;
                    return Ok(SourceEnd::Exhausted);
                }
                Read::Failed(error) => {
                    self.commit().await?;
                    attempts.wait_after(error, &mut self.stop).await?;
                }
                Read::Refused(error) => {
                    self.commit().await?;
                    return Err(error.into());
                }
            }
        }
    }

    /// What was read next; `None` if somebody asks for a stop. Meanwhile the open transaction is committed when it is old enough.
    async fn next(&mut self) -> Result<Option<Read>, CommitError> {
        loop {
            if self.stop.is_requested() {
                return Ok(None);
            }
            if let Some(read) = self.ahead.pop_front() {
                return Ok(Some(read));
            }
            let due = self.transaction.due_at();
            tokio::select! {
                biased;
                () = self.stop.requested() => return Ok(None),
                read = self.reading.next() => return Ok(Some(read)),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.commit_reading_ahead().await?,
            }
        }
    }

    /// Commits the open transaction, and reads on while the broker is at it.
    async fn commit_reading_ahead(&mut self) -> Result<(), CommitError> {
        {
            let mut commit = pin!(self.transaction.commit());
            loop {
                let bytes: usize = self.ahead.iter().map(Read::bytes).sum();
                let reads_on = self.ahead.back().is_none_or(|last| matches!(last, Read::Batch(_)));
                tokio::select! {
                    biased;
                    committed = &mut commit => break committed?,
                    read = self.reading.next(), if bytes < BYTES_AHEAD && reads_on => self.ahead.push_back(read),
                }
            }
        }
        self.tell().await
    }

    async fn commit(&mut self) -> Result<(), CommitError> {
        self.transaction.commit().await?;
        self.tell().await
    }

    /// Tells the source what is committed, unless it is being polled: then it hears of it later.
    async fn tell(&mut self) -> Result<(), CommitError> {
        if let Some(source) = self.reading.source()
            && let Some(offsets) = self.transaction.acknowledged.take()
        {
            source.commit(&offsets).await?;
        }
        Ok(())
    }
}

/// The open transaction of a producer.
struct Transaction<'a> {
    plan: &'a Plan,
    source: usize,
    task: Task,
    progress: &'a SourceProgress,
    producer: Box<dyn Producer>,
    /// The attempts of the task to get on: one that commits gets on.
    attempts: &'a mut Retry,
    offsets: SourceOffsets,
    rows: u64,
    rejected: u64,
    since: Option<Instant>,
    /// What was committed and not yet told to the source.
    acknowledged: Option<SourceOffsets>,
}

impl<'a> Transaction<'a> {
    fn new(
        plan: &'a Plan,
        source: usize,
        task: Task,
        progress: &'a Progress,
        producer: Box<dyn Producer>,
        attempts: &'a mut Retry,
    ) -> Self {
        Self {
            plan,
            source,
            task,
            progress: &progress.sources[source],
            producer,
            attempts,
            offsets: SourceOffsets::new(),
            rows: 0,
            rejected: 0,
            since: None,
            acknowledged: None,
        }
    }

    async fn add(&mut self, batch: Prepared) -> Result<(), CommitError> {
        let Prepared { records, letters, offsets } = batch;
        crash_at("source_before_send");
        self.since.get_or_insert_with(Instant::now);
        for records in records {
            self.rows += records.values.len() as u64;
            self.producer.send(&self.plan.topic.name, records).await?;
        }
        if let (Tolerance::DeadLetterTopic(topic), false) = (&self.plan.errors.tolerance, letters.is_empty()) {
            self.rejected += letters.len() as u64;
            let name = &self.plan.sources[self.source].name;
            let records = dead_letter::records(letters.iter(), name, self.task.index, &self.plan.secrets);
            self.producer.send(topic, records).await?;
        }
        self.offsets.merge(offsets);
        crash_at("source_after_send");
        Ok(())
    }

    fn due_at(&self) -> Option<Instant> {
        self.since.map(|since| since + TRANSACTION_AGE)
    }

    fn is_due(&self) -> bool {
        self.rows >= TRANSACTION_ROWS || self.due_at().is_some_and(|due| Instant::now() >= due)
    }

    async fn commit(&mut self) -> Result<(), CommitError> {
        if self.since.take().is_none() {
            return Ok(());
        }
        crash_at("source_before_commit");
        self.producer.commit(&self.offsets).await?;
        crash_at("source_after_commit");
        self.attempts.succeeded();
        self.progress.committed(std::mem::take(&mut self.rows), std::mem::take(&mut self.rejected));
        self.acknowledged.get_or_insert_default().merge(std::mem::take(&mut self.offsets));
        Ok(())
    }
}
