//! Records that nobody accepts.

use std::sync::Arc;

use arrow::array::{BinaryArray, TimestampMillisecondArray};
use bytes::Bytes;
use pipeline_api::{Error, Ranges, Result, SourceOffsets, Timestamp, TopicPartition};
use serde::{Deserialize, Serialize};

use crate::Redactor;
use crate::broker::{Broker, CommitError, Headers, ProducedRecords, ProducerId};
use crate::plan::{Plan, SinkPlan};

/// A record that nobody accepts, and why.
#[derive(Clone, Debug)]
pub(super) struct DeadLetter {
    /// Where in the life of a record it failed, in Kafka Connect's words.
    pub(super) stage: Stage,
    /// The type of the plugin that refused it.
    pub(super) plugin: &'static str,
    /// Where it was found.
    pub(super) origin: Origin,
    /// The field that did not fit, if it was one.
    pub(super) field: Option<String>,
    /// What was found, and what would be right.
    pub(super) reason: String,
    /// The record as it was found.
    pub(super) value: Option<Bytes>,
}

/// Where a record was found.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// In a source, at a place for a person: `stocks.csv:17:4`.
    Source(String),
    /// On the topic.
    Topic(TopicPartition, i64),
}

/// The stages of a record's life, as Kafka Connect's `__connect.errors.stage` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    TaskPoll,
    Transformation,
    ValueConverter,
    TaskPut,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::TaskPoll => "TASK_POLL",
            Self::Transformation => "TRANSFORMATION",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::TaskPut => "TASK_PUT",
        }
    }
}

impl DeadLetter {
    /// The error that stops the pipeline where no record may be lost to a dead letter topic.
    pub(super) fn to_error(&self) -> Error {
        let place = match &self.origin {
            Origin::Source(place) => place.clone(),
            Origin::Topic(of, offset) => format!("topic {}, partition {}, offset {offset}", of.topic, of.partition),
        };
        let field = self.field.as_ref().map(|field| format!("field `{field}`: ")).unwrap_or_default();
        Error::data(format!(
            "{place}: {field}{} (errors.tolerance: all sends such records to a dead letter topic)",
            self.reason
        ))
    }

    /// Its offset, if it was on the topic.
    pub(super) fn offset(&self) -> Option<i64> {
        match &self.origin {
            Origin::Source(_) => None,
            Origin::Topic(_, offset) => Some(*offset),
        }
    }

    fn is_of(&self, partition: &TopicPartition) -> bool {
        matches!(&self.origin, Origin::Topic(of, _) if of == partition)
    }

    fn key(&self) -> String {
        match &self.origin {
            Origin::Source(place) => place.clone(),
            Origin::Topic(of, offset) => format!("{of}+{offset}"),
        }
    }

    /// Kafka Connect's own headers.
    fn headers(&self, connector: &str, task: u32, secrets: &Redactor) -> Headers {
        let mut headers = vec![
            ("connector.name", connector.to_owned()),
            ("task.id", task.to_string()),
            ("stage", self.stage.name().to_owned()),
            ("class.name", self.plugin.to_owned()),
            ("exception.message", secrets.redact(&self.reason)),
        ];
        if let Some(field) = &self.field {
            headers.push(("field", field.clone()));
        }
        match &self.origin {
            Origin::Source(place) => headers.push(("place", secrets.redact(place))),
            Origin::Topic(of, offset) => headers.extend([
                ("topic", of.topic.to_string()),
                ("partition", of.partition.to_string()),
                ("offset", offset.to_string()),
            ]),
        }
        headers.into_iter().map(|(name, value)| (format!("__connect.errors.{name}"), Bytes::from(value))).collect()
    }
}

/// Dead letters as records of their topic. No header holds a secret; the record itself is as it was found.
pub(super) fn records<'a>(
    letters: impl Iterator<Item = &'a DeadLetter> + Clone,
    connector: &str,
    task: u32,
    secrets: &Redactor,
) -> ProducedRecords {
    let now = Timestamp::now().as_millisecond();
    let headers: Vec<Headers> = letters.clone().map(|letter| letter.headers(connector, task, secrets)).collect();
    ProducedRecords {
        partitions: vec![0; headers.len()],
        keys: BinaryArray::from_iter_values(letters.clone().map(DeadLetter::key)),
        values: letters.map(|letter| letter.value.as_deref()).collect(),
        timestamps: TimestampMillisecondArray::from_value(now, headers.len()),
        headers,
    }
}

/// The way of a sink's dead letters to their topic: each once, however often their range is replayed and whoever replays it,
/// because how far they are is stored in one transaction with them, by a producer that every partition has one of: a new one
/// fences that of the partition's last owner.
pub(super) struct DeadLetterQueue {
    broker: Arc<dyn Broker>,
    pipeline: Arc<str>,
    sink: Arc<str>,
    fingerprint: String,
    task: u32,
    topic: String,
    secrets: Redactor,
}

/// How far the dead letters of a partition are.
#[derive(Debug, Deserialize, Serialize)]
struct Sent {
    /// Those below this offset are sent,
    end: i64,
    /// if they were found under this config: another one finds others.
    cfg: String,
}

impl DeadLetterQueue {
    /// For one task of a sink. Connects to nothing yet.
    pub(super) fn new(broker: Arc<dyn Broker>, plan: &Plan, sink: &SinkPlan, task: u32, topic: &str) -> Self {
        let (pipeline, name, fingerprint) = (plan.name.clone(), sink.name.clone(), sink.fingerprint.clone());
        let secrets = plan.secrets.clone();
        Self { broker, pipeline, sink: name, fingerprint, task, topic: topic.to_owned(), secrets }
    }

    /// Sends the dead letters of these ranges, if an earlier attempt has not done so.
    pub(super) async fn send(&self, letters: &[DeadLetter], ranges: &Ranges) -> Result<()> {
        for (partition, range) in ranges.iter() {
            let own: Vec<&DeadLetter> = letters.iter().filter(|letter| letter.is_of(partition)).collect();
            if !own.is_empty() {
                self.send_of(partition, &own, range.offsets.end).await?;
            }
        }
        Ok(())
    }

    async fn send_of(&self, partition: &TopicPartition, letters: &[&DeadLetter], end: i64) -> Result<()> {
        let (source, key) = (format!("{}.dead-letters", self.sink), partition.to_string());
        let id = ProducerId { pipeline: self.pipeline.to_string(), source, task: partition.partition.unsigned_abs() };
        let mut producer = self.broker.producer(id).await?;
        let sent = producer.source_offsets().await?.get::<Sent>(&key)?.filter(|sent| sent.cfg == self.fingerprint);
        let is_missing = |letter: &&DeadLetter| {
            letter.offset().is_some_and(|offset| sent.as_ref().is_none_or(|sent| offset >= sent.end))
        };
        let missing: Vec<&DeadLetter> = letters.iter().copied().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut offsets = SourceOffsets::new();
        offsets.set(key, &Sent { end, cfg: self.fingerprint.clone() })?;
        let records = records(missing.into_iter(), &self.sink, self.task, &self.secrets);
        producer.send(&self.topic, records).await.map_err(|error| taken_over(partition, error))?;
        producer.commit(&offsets).await.map_err(|error| taken_over(partition, error))
    }
}

/// Another task that flushes the same range has sent its dead letters or does so now. If it is still ours, it comes again.
fn taken_over(partition: &TopicPartition, error: CommitError) -> Error {
    match error {
        CommitError::Fenced(reason) => Error::retriable(format!("another task flushes {partition} now: {reason}")),
        CommitError::Failed(error) => error,
    }
}
