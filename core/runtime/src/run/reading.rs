//! A source, batch by batch, as records of the topic.

use std::future::poll_fn;

use pipeline_api::{BoxFuture, Error, Result, Source, SourceBatch, SourceOffsets};

use super::dead_letter::{DeadLetter, Origin, Stage};
use super::encode::Encoder;
use crate::broker::ProducedRecords;
use crate::plan::Tolerance;

/// Reads a source while its task does something else.
pub(super) struct Reading<'a>(State<'a>);

enum State<'a> {
    Idle(Reader<'a>),
    /// A poll is under way. It is never dropped as long as the source is to be polled again.
    Busy(BoxFuture<'a, (Reader<'a>, Read)>),
    /// Only within a call.
    Between,
}

/// What came of one poll.
pub(super) enum Read {
    Batch(Prepared),
    /// There will never be more.
    Exhausted,
    /// The source cannot be read now, or never.
    Failed(Error),
    /// A record that nobody accepts, where none may be lost.
    Refused(Error),
}

/// A batch on its way to the topic.
pub(super) struct Prepared {
    pub(super) records: Vec<ProducedRecords>,
    pub(super) letters: Vec<DeadLetter>,
    pub(super) offsets: SourceOffsets,
}

/// A source, and what turns its batches into records of the topic.
pub(super) struct Reader<'a> {
    pub(super) source: &'a mut dyn Source,
    pub(super) source_type: &'static str,
    pub(super) encoder: Encoder,
    pub(super) tolerance: &'a Tolerance,
}

impl<'a> Reading<'a> {
    pub(super) fn new(reader: Reader<'a>) -> Self {
        Self(State::Idle(reader))
    }

    /// What comes next. A call that is dropped loses nothing: the next one goes on with it.
    pub(super) async fn next(&mut self) -> Read {
        self.0 = match std::mem::replace(&mut self.0, State::Between) {
            State::Idle(reader) => State::Busy(Box::pin(reader.read())),
            state => state,
        };
        let (reader, read) = poll_fn(|context| match &mut self.0 {
            State::Busy(read) => read.as_mut().poll(context),
            State::Idle(_) | State::Between => std::task::Poll::Pending,
        })
        .await;
        self.0 = State::Idle(reader);
        read
    }

    /// The source, unless it is being polled.
    pub(super) fn source(&mut self) -> Option<&mut dyn Source> {
        match &mut self.0 {
            State::Idle(reader) => Some(reader.source),
            State::Busy(_) | State::Between => None,
        }
    }
}

impl Read {
    /// How much it has for the topic.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Batch(batch) => batch
                .records
                .iter()
                .map(|records| records.keys.value_data().len() + records.values.value_data().len())
                .sum(),
            Self::Exhausted | Self::Failed(_) | Self::Refused(_) => 0,
        }
    }
}

impl<'a> Reader<'a> {
    async fn read(mut self) -> (Self, Read) {
        let read = match self.source.poll().await {
            Ok(Some(batch)) => self.prepare(batch).map_or_else(Read::Refused, Read::Batch),
            Ok(None) => Read::Exhausted,
            Err(error) => Read::Failed(error),
        };
        (self, read)
    }

    /// A batch as records of the topic and dead letters. Errors: a record that nobody accepts, where none may be lost.
    fn prepare(&mut self, batch: SourceBatch) -> Result<Prepared> {
        let encoded = self.encoder.encode(&batch.records, self.source)?;
        let mut letters: Vec<DeadLetter> = batch
            .rejected
            .into_iter()
            .map(|rejected| DeadLetter {
                stage: Stage::TaskPoll,
                plugin: self.source_type,
                origin: Origin::Source(rejected.place),
                field: rejected.field,
                reason: rejected.reason,
                value: Some(rejected.record),
            })
            .collect();
        letters.extend(encoded.rejected);
        if let (Tolerance::None, Some(first)) = (self.tolerance, letters.first()) {
            return Err(first.to_error());
        }
        Ok(Prepared { records: encoded.records, letters, offsets: batch.offsets })
    }
}
