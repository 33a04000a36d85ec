//! What every case needs: names of its own, and records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{BinaryArray, TimestampMillisecondArray};
use pipeline_api::{Result, SourceOffsets};
use pipeline_runtime::broker::{
    Broker, CommitError, CreateTopic, ProducedRecords, Producer, ProducerId, Timestamps, TopicInfo, TopicSpec,
};

use super::member::Member;

/// A broker, and names on it that nobody else uses.
pub(super) struct Fixture {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) topic: String,
    pub(super) group: String,
    pub(super) pipeline: String,
}

impl Fixture {
    pub(super) fn new(broker: Arc<dyn Broker>) -> Self {
        let name = unique_name();
        let (topic, group) = (format!("topic-{name}"), format!("group-{name}"));
        Self { broker, topic, group, pipeline: format!("pipeline-{name}") }
    }

    /// Makes the case's topic.
    pub(super) async fn topic(&self, partitions: i32) -> Result<TopicInfo> {
        self.broker.ensure_topic(&self.spec(partitions)).await
    }

    pub(super) fn spec(&self, partitions: i32) -> TopicSpec {
        let create = Some(CreateTopic::default());
        TopicSpec {
            name: self.topic.clone(),
            partitions,
            timestamps: Timestamps::Clock,
            create,
            retained_for: vec![self.group.clone()],
        }
    }

    pub(super) async fn producer(&self, task: u32) -> Result<Box<dyn Producer>> {
        self.broker.producer(self.producer_id(task)).await
    }

    pub(super) fn producer_id(&self, task: u32) -> ProducerId {
        ProducerId { pipeline: self.pipeline.clone(), source: "source".to_owned(), task }
    }

    /// A new member of the case's group.
    pub(super) async fn member(&self) -> Result<Member> {
        self.member_of(&self.group).await
    }

    pub(super) async fn member_of(&self, group: &str) -> Result<Member> {
        Ok(Member::new(self.broker.consumer(group, &self.topic).await?))
    }

    /// Commits one transaction of records with these values.
    pub(super) async fn produce(
        &self,
        partition: i32,
        values: impl IntoIterator<Item = String>,
    ) -> Result<(), CommitError> {
        let mut producer = self.producer(0).await?;
        producer.send(&self.topic, records(partition, values)).await?;
        producer.commit(&SourceOffsets::new()).await
    }
}

/// Records of one partition with these values and no keys.
pub(super) fn records(partition: i32, values: impl IntoIterator<Item = String>) -> ProducedRecords {
    let values: BinaryArray = values.into_iter().map(Some).collect();
    let rows = arrow::array::Array::len(&values);
    ProducedRecords {
        partitions: vec![partition; rows],
        keys: BinaryArray::new_null(rows),
        values,
        timestamps: TimestampMillisecondArray::from(vec![0; rows]),
        headers: Vec::new(),
    }
}

/// The values `prefix-first` to `prefix-(last - 1)`.
pub(super) fn numbered(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{prefix}-{number}")).collect()
}

/// Source offsets with one position.
pub(super) fn offsets(partition: &str, position: u64) -> Result<SourceOffsets> {
    let mut offsets = SourceOffsets::new();
    offsets.set(partition, &position)?;
    Ok(offsets)
}

/// Different in every process and every call.
fn unique_name() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{nanos:x}-{}", CALLS.fetch_add(1, Ordering::Relaxed))
}
