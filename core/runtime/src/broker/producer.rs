//! Writing to a topic, in transactions.

use std::fmt;

use async_trait::async_trait;
use pipeline_api::{Result, SourceOffsets};

use super::{CommitError, ProducedRecords};

/// A transactional producer. Driven by one task, one call at a time.
///
/// After any error but [`CommitError::Fenced`] the outcome of the open transaction is unknown: the engine drops the
/// producer, makes a new one of the same id, and resumes from the stored offsets.
#[async_trait]
pub trait Producer: Send {
    /// The stored offsets of this producer's source, over all its tasks.
    async fn source_offsets(&mut self) -> Result<SourceOffsets>;

    /// Adds records to the open transaction, and opens one if there is none. No reader sees them before the commit. Waits
    /// while the topic is full.
    async fn send(&mut self, topic: &str, records: ProducedRecords) -> Result<(), CommitError>;

    /// Makes what was sent visible and the offsets stored, both or neither. A commit without records is one too.
    async fn commit(&mut self, offsets: &SourceOffsets) -> Result<(), CommitError>;

    /// Forgets what was sent and not committed.
    async fn abort(&mut self) -> Result<()>;
}

/// Who produces. Shown as the transactional id: `pipeline.source.task`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProducerId {
    /// The pipeline's name.
    pub pipeline: String,
    /// The source's name. Its tasks share one set of offsets.
    pub source: String,
    /// The task's number.
    pub task: u32,
}

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.pipeline, self.source, self.task)
    }
}
