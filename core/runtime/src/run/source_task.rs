//! A task of a source: from its polls to committed transactions.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::Array;
use pipeline_api::{Error, Result, Source, SourceBatch, SourceOffsets, Task, crash_at};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::dead_letter::{self, DeadLetter, Origin, Stage};
use super::encode::Encoder;
use super::progress::{Progress, SourceProgress};
use super::retry::{Retry, retry};
use super::stop::Stop;
use crate::broker::{Broker, CommitError, ProducedRecords, Producer, ProducerId};
use crate::plan::{Plan, SourcePlan, Tolerance};

/// How many records one transaction holds at most, so that memory does not grow with the source.
const TRANSACTION_ROWS: u64 = 131_072;
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
        let transaction = Transaction::new(&plan, self.source, self.task, &self.progress, producer, attempts);
        let end = Session { plan: &plan, encoder, transaction, stop }.pump(source.as_mut()).await;
        if let Err(error) = source.close().await {
            let name = &plan.sources[self.source].name;
            warn!(source = %name, error = %format!("{error:#}"), "source does not close");
        }
        end
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
    encoder: Encoder,
    transaction: Transaction<'a>,
    stop: Stop,
}

impl Session<'_> {
    async fn pump(mut self, source: &mut dyn Source) -> Result<SourceEnd, CommitError> {
        let mut attempts = Retry::new(self.plan.errors.retry);
        loop {
            let batch = match self.next_batch(source).await {
                Ok(Next::Batch(batch)) => batch,
                Ok(Next::End(end)) => {
                    self.commit(source).await?;
                    return Ok(end);
                }
                Err(NextError::Broker(error)) => return Err(error),
                Err(NextError::Source(error)) => {
                    // What came before the failure is kept, whatever becomes of the source.
                    self.commit(source).await?;
                    attempts.wait_after(error, &mut self.stop).await?;
                    continue;
                }
            };
            attempts.succeeded();
            match self.prepare(batch, source) {
                Ok((records, letters, offsets)) => tokio::select! {
                    biased;
                    added = self.transaction.add(records, &letters, offsets) => added?,
                    // The topic is full. The open transaction comes again with the next run.
                    () = self.stop.requested() => return Ok(SourceEnd::Stopped),
                },
                Err(error) => {
                    // The batches before the one that nobody accepts are kept.
                    self.commit(source).await?;
                    return Err(error.into());
                }
            }
            if self.transaction.is_due() {
                self.commit(source).await?;
            }
        }
    }

    /// The next batch. Meanwhile the open transaction is committed when it is old enough.
    async fn next_batch(&mut self, source: &mut dyn Source) -> Result<Next, NextError> {
        let mut poll = source.poll();
        loop {
            let due = self.transaction.due_at();
            tokio::select! {
                biased;
                () = self.stop.requested() => return Ok(Next::End(SourceEnd::Stopped)),
                polled = &mut poll => return match polled.map_err(NextError::Source)? {
                    Some(batch) => Ok(Next::Batch(batch)),
                    None => Ok(Next::End(SourceEnd::Exhausted)),
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.transaction.commit().await.map_err(NextError::Broker)?;
                }
            }
        }
    }

    /// A batch as records of the topic and dead letters. Errors: a record that nobody accepts, where none may be lost.
    fn prepare(
        &mut self,
        batch: SourceBatch,
        source: &dyn Source,
    ) -> Result<(Vec<ProducedRecords>, Vec<DeadLetter>, SourceOffsets)> {
        let encoded = self.encoder.encode(&batch.records, source)?;
        let plugin = self.plan.sources[self.transaction.source].plugin.registration.type_name();
        let mut letters: Vec<DeadLetter> = batch
            .rejected
            .into_iter()
            .map(|rejected| DeadLetter {
                stage: Stage::TaskPoll,
                plugin,
                origin: Origin::Source(rejected.place),
                field: rejected.field,
                reason: rejected.reason,
                value: Some(rejected.record),
            })
            .collect();
        letters.extend(encoded.rejected);
        if let (Tolerance::None, Some(first)) = (&self.plan.errors.tolerance, letters.first()) {
            return Err(first.to_error());
        }
        Ok((encoded.records, letters, batch.offsets))
    }

    async fn commit(&mut self, source: &mut dyn Source) -> Result<(), CommitError> {
        self.transaction.commit().await?;
        if let Some(offsets) = self.transaction.acknowledged.take() {
            source.commit(&offsets).await?;
        }
        Ok(())
    }
}

enum Next {
    Batch(SourceBatch),
    End(SourceEnd),
}

enum NextError {
    Source(Error),
    Broker(CommitError),
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

    async fn add(
        &mut self,
        records: Vec<ProducedRecords>,
        letters: &[DeadLetter],
        offsets: SourceOffsets,
    ) -> Result<(), CommitError> {
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
