//! What the tests of this folder share.

#![allow(dead_code, clippy::unwrap_used, reason = "every test file uses a part of it")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, BinaryArray, TimestampMillisecondArray};
use pipeline_api::{ByteSize, SourceOffsets};
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::EmbeddedSettings;
use pipeline_runtime::broker::{
    Broker, CommitError, Committed, Consumer, Polled, ProducedRecords, Producer, ProducerId, Timestamps, TopicSpec,
};

pub(crate) const TOPIC: &str = "ticks";
pub(crate) const GROUP: &str = "pipeline-sink";

/// A broker with the topic on it.
pub(crate) async fn open(folder: Option<&Path>, retention: u64) -> Arc<EmbeddedBroker> {
    let settings = match folder {
        Some(folder) => in_folder(folder, retention),
        None => EmbeddedSettings { path: None, retention: size(retention) },
    };
    let broker = EmbeddedBroker::open(&settings).unwrap();
    broker.ensure_topic(&spec()).await.unwrap();
    broker
}

pub(crate) fn in_folder(folder: &Path, retention: u64) -> EmbeddedSettings {
    EmbeddedSettings { path: Some(folder.to_owned()), retention: size(retention) }
}

pub(crate) fn spec() -> TopicSpec {
    TopicSpec {
        name: TOPIC.to_owned(),
        partitions: 1,
        timestamps: Timestamps::Clock,
        create: None,
        retained_for: vec![GROUP.to_owned()],
    }
}

pub(crate) fn producer_id() -> ProducerId {
    ProducerId { pipeline: "pipeline".to_owned(), source: "source".to_owned(), task: 0 }
}

pub(crate) async fn producer(broker: &Arc<EmbeddedBroker>) -> Box<dyn Producer> {
    broker.producer(producer_id()).await.unwrap()
}

pub(crate) async fn produce(broker: &Arc<EmbeddedBroker>, numbers: Range<usize>) {
    let mut producer = producer(broker).await;
    producer.send(TOPIC, records(0, numbers)).await.unwrap();
    producer.commit(&SourceOffsets::new()).await.unwrap();
}

/// A member of the group that holds partition 0.
pub(crate) async fn assigned(broker: &Arc<EmbeddedBroker>) -> Box<dyn Consumer> {
    let mut consumer = broker.consumer(GROUP, TOPIC).await.unwrap();
    assert!(matches!(consumer.poll().await.unwrap(), Polled::Assigned(partitions) if partitions == [0]));
    consumer
}

pub(crate) async fn commit(consumer: &mut Box<dyn Consumer>, offset: i64, metadata: &str) -> Result<(), CommitError> {
    let committed = Committed { offset, metadata: metadata.to_owned() };
    consumer.commit(&BTreeMap::from([(0, committed)])).await
}

/// The values from `offset` to the end, read by a group of its own.
pub(crate) async fn read_all(broker: &Arc<EmbeddedBroker>, offset: i64) -> Vec<Vec<u8>> {
    let end = broker.bounds(TOPIC).await.unwrap()[0].end;
    let mut consumer = broker.consumer("reader", TOPIC).await.unwrap();
    consumer.poll().await.unwrap();
    consumer.seek(0, offset).await.unwrap();
    let (mut next, mut values) = (offset, Vec::new());
    while next < end {
        let Polled::Records(records) = consumer.poll().await.unwrap() else { continue };
        values.extend(records.values.iter().map(|value| value.unwrap().to_vec()));
        next = records.range.end;
    }
    values
}

pub(crate) fn offsets(position: usize) -> SourceOffsets {
    let mut offsets = SourceOffsets::new();
    offsets.set("file", &position).unwrap();
    offsets
}

pub(crate) fn records(partition: i32, numbers: Range<usize>) -> ProducedRecords {
    of_values(partition, values(numbers).into_iter().map(Some).collect())
}

pub(crate) fn values(numbers: Range<usize>) -> Vec<Vec<u8>> {
    numbers.map(|number| format!("value {number}").into_bytes()).collect()
}

/// About 1 MiB that does not compress, in 16 records.
pub(crate) fn noise(seed: u64) -> ProducedRecords {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut byte = || {
        // Xorshift (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    of_values(0, (0..16).map(|_| Some((0..64 << 10).map(|_| byte()).collect::<Vec<u8>>())).collect())
}

fn of_values(partition: i32, values: BinaryArray) -> ProducedRecords {
    let rows = values.len();
    ProducedRecords {
        partitions: vec![partition; rows],
        keys: BinaryArray::new_null(rows),
        values,
        timestamps: TimestampMillisecondArray::from(vec![0; rows]),
        headers: Vec::new(),
    }
}

fn size(bytes: u64) -> ByteSize {
    bytes.to_string().parse().unwrap()
}
