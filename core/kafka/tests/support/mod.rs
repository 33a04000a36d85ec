//! A broker's ports, used as the engine uses them.

#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{BinaryArray, TimestampMillisecondArray};
use pipeline_api::{Delivery, Result};
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::{
    Broker, ConsumedRecords, Consumer, CreateTopic, Headers, Polled, ProducedRecords, Producer, ProducerId, Timestamps,
    TopicSpec,
};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// When the records of the tests were produced: not now, and not so long ago that Kafka removes them.
pub(crate) fn produced_at() -> i64 {
    pipeline_api::Timestamp::now().as_millisecond() - 3_600_000
}

pub(crate) fn settings(properties: &[(&str, &str)]) -> KafkaSettings {
    let properties: BTreeMap<_, _> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    KafkaSettings { properties, ..KafkaSettings::default() }
}

pub(crate) fn open(properties: &[(&str, &str)]) -> Result<Arc<KafkaBroker>> {
    KafkaBroker::open("tests", &settings(properties), Delivery::ExactlyOnce)
}

/// A topic that is made if it is missing.
pub(crate) fn topic(name: &str, partitions: i32) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions,
        timestamps: Timestamps::Clock,
        create: Some(CreateTopic::default()),
        retained_for: Vec::new(),
    }
}

/// A producer of a pipeline that is called as the topic is.
pub(crate) async fn producer(broker: &KafkaBroker, topic: &str) -> Result<Box<dyn Producer>> {
    broker.producer(ProducerId { pipeline: topic.to_owned(), source: "source".to_owned(), task: 0 }).await
}

/// A record on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) timestamp: i64,
    pub(crate) headers: Vec<(String, String)>,
}

impl Record {
    pub(crate) fn new(partition: i32, key: Option<&str>, value: Option<&str>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self { partition, key: owned(key), value: owned(value), timestamp: produced_at(), headers: Vec::new() }
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

pub(crate) fn produced(records: &[Record]) -> ProducedRecords {
    let bytes = |text: &Option<String>| text.clone().map(String::into_bytes);
    let headers = |record: &Record| -> Headers {
        record.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes().into())).collect()
    };
    ProducedRecords {
        partitions: records.iter().map(|record| record.partition).collect(),
        keys: records.iter().map(|record| bytes(&record.key)).collect::<BinaryArray>(),
        values: records.iter().map(|record| bytes(&record.value)).collect::<BinaryArray>(),
        timestamps: records.iter().map(|record| Some(record.timestamp)).collect::<TimestampMillisecondArray>(),
        headers: records.iter().map(headers).collect(),
    }
}

fn consumed(records: &ConsumedRecords) -> Vec<Record> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let record = |row: usize| Record {
        partition: records.partition,
        key: records.keys.iter().nth(row).flatten().map(text),
        value: records.values.iter().nth(row).flatten().map(text),
        timestamp: records.timestamps.value(row),
        headers: records
            .headers
            .get(row)
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    };
    (0..records.offsets.values().len()).map(record).collect()
}

/// A member that reads every partition from its start.
pub(crate) async fn member(broker: &KafkaBroker, group: &str, topic: &str) -> Result<Box<dyn Consumer>> {
    let mut member = broker.consumer(group, topic).await?;
    loop {
        if let Polled::Assigned(partitions) = member.poll().await? {
            for partition in partitions {
                let start = member.bounds(partition).await?.start;
                member.seek(partition, start).await?;
            }
            return Ok(member);
        }
    }
}

/// So many records, in the order of each partition.
pub(crate) async fn read(member: &mut dyn Consumer, count: usize) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    while records.len() < count {
        if let Polled::Records(more) = member.poll().await? {
            records.extend(consumed(&more));
        }
    }
    Ok(records)
}
