//! The ports through which the engine reaches a broker: what it needs of Kafka, and no more.

mod consumer;
mod producer;
mod records;
mod sole_member;

use std::collections::BTreeMap;

use async_trait::async_trait;
use pipeline_api::{Error, OffsetRange, Result, SourceOffsets};

pub use crate::plan::CreateTopic;
pub use consumer::{Committed, Consumer, Polled};
pub use producer::{Producer, ProducerId};
pub use records::{ConsumedRecords, Headers, ProducedRecords};
pub use sole_member::SoleMember;

/// A broker that topics live on.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Makes sure that the topic is there: creates it if it is missing, else checks that it has as many partitions.
    ///
    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if there is a topic of that name that does not fit.
    async fn ensure_topic(&self, topic: &TopicSpec) -> Result<TopicInfo>;

    /// What `ensure_topic` would come to: the topic as it is, or `None` if it would be made. Makes nothing.
    ///
    /// Errors: those of `ensure_topic`, and those of `find_topic`.
    async fn examine_topic(&self, topic: &TopicSpec) -> Result<Option<TopicInfo>>;

    /// What the broker says of a topic; `None` if there is none of that name. Makes nothing.
    ///
    /// Errors: it was made anew, as far as the broker remembers the last one.
    async fn find_topic(&self, topic: &str) -> Result<Option<TopicInfo>>;

    /// The offsets that each partition of the topic holds now, by partition: `start` is the oldest record's offset, `end`
    /// that of the next one to be written.
    async fn bounds(&self, topic: &str) -> Result<Vec<OffsetRange>>;

    /// Whether a consumer would get a record out of each of these ranges, by partition of the topic. What the topic does not hold
    /// has none. Joins no group.
    async fn hold_records(&self, topic: &str, ranges: &[(i32, OffsetRange)]) -> Result<Vec<bool>>;

    /// What the group has committed, by partition of the topic; `None` where it has committed nothing.
    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<Option<Committed>>>;

    /// Commits for a group as a person asks for it, all or none as far as the broker can, and only while the group has no
    /// members: where its next member begins. Partitions that are not named stay as they are.
    ///
    /// Errors: the group has members, and who they are, if that is known.
    async fn set_committed(&self, group: &str, topic: &str, offsets: &BTreeMap<i32, Committed>) -> Result<()>;

    /// The stored offsets of a source, over all its tasks; none if it has never produced. Disturbs nobody who produces.
    async fn source_offsets(&self, pipeline: &str, source: &str) -> Result<SourceOffsets>;

    /// A transactional producer. Whoever held the same id before is fenced, and its open transaction is aborted.
    async fn producer(&self, id: ProducerId) -> Result<Box<dyn Producer>>;

    /// A new member of a consumer group for the topic. Every call makes another member. It joins with its first poll: until then it
    /// holds up nobody.
    async fn consumer(&self, group: &str, topic: &str) -> Result<Box<dyn Consumer>>;

    /// A member for this process of the group that shares out a pipeline's source tasks among the processes that run its file:
    /// partition i stands for the i-th of `tasks`. It gives no records. A broker that only one process can use gives a
    /// [`SoleMember`].
    async fn source_tasks(&self, pipeline: &str, tasks: i32) -> Result<Box<dyn Consumer>>;

    /// Deletes the topic, all that is committed for it, and the source offsets of the pipeline, because a person starts
    /// over. Errors: somebody still uses it.
    async fn reset(&self, pipeline: &str, topic: &str) -> Result<()>;
}

/// What the engine asks of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// Where the timestamps of its records come from.
    pub timestamps: Timestamps,
    /// How it is made if it is missing. Without this a cluster that others share makes none.
    pub create: Option<CreateTopic>,
    /// The consumer groups that must have committed a record before it may be removed. If there is none, the broker keeps
    /// records as long as its own settings say.
    pub retained_for: Vec<String>,
}

/// Where the timestamps of a topic's records come from. A broker may remove records by their age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// From the clock, when a record is produced.
    Clock,
    /// From the data: a record may be of any age when it comes.
    Data,
}

/// What a broker says of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// Tells this topic from another one of the same name that was there before or comes later. 1 to 32 letters, digits,
    /// `-` or `_`.
    pub id: String,
    /// How many partitions it has.
    pub partitions: i32,
}

/// Why a commit did not happen, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else owns it now (illegal generation, unknown member, fenced producer): nothing was committed, and trying
    /// again is wrong.
    #[error("fenced: {0}")]
    Fenced(String),
    /// The outcome is unknown or the broker failed.
    #[error(transparent)]
    Failed(#[from] Error),
}
