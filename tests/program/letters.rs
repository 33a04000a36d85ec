//! A topic with records that its reader does not accept, and what is on a dead letter topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{BinaryArray, TimestampMillisecondArray};
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::EmbeddedSettings;
use pipeline_runtime::broker::{Broker, Polled, ProducedRecords, ProducerId, Timestamps, TopicSpec};

use crate::support::Project;

/// Reads a topic that others write, and adds to it.
pub(crate) const READER: &str = "\
name: reader
sources:
  - type: csv
    config: { path: more.csv }
topic: { name: numbers, schema: { id: bigint, number: bigint } }
sinks:
  - type: s3_json
    config: { url: out, compression: none }
embedded: { path: store }
";

pub(crate) const DEAD_LETTERS: &str = "errors: { tolerance: all, dead_letter_topic: dead_letters }\n";

/// Writes texts where the reader wants numbers.
const WRITER: &str = "\
name: writer
sources:
  - type: csv
    config: { path: written.csv }
topic: { name: numbers, schema: { id: bigint, number: string } }
embedded: { path: store }
";

/// A [`READER`] whose topic holds the lines `id,number` that somebody else wrote, and that adds the line `more`.
pub(crate) fn reader(pipeline: &str, written: &str, more: &str) -> Project {
    let project = Project::new(pipeline);
    project.write("writer.yaml", WRITER);
    project.write("written.csv", format!("id,number\n{written}"));
    project.write("more.csv", format!("id,number\n{more}"));
    project.call(&["run", "writer.yaml"]).with_code(0);
    project
}

/// Writes payloads to a topic of one partition, as another program may.
pub(crate) fn produce(project: &Project, store: &str, topic: &str, payloads: &[Option<&[u8]>]) {
    with_broker(project, store, async |broker| {
        let spec = TopicSpec {
            name: topic.to_owned(),
            partitions: 1,
            timestamps: Timestamps::Clock,
            create: None,
            retained_for: Vec::new(),
        };
        broker.ensure_topic(&spec).await.unwrap();
        let id = ProducerId { pipeline: "another".into(), source: "program".into(), task: 0 };
        let mut producer = broker.producer(id).await.unwrap();
        let records = ProducedRecords {
            partitions: vec![0; payloads.len()],
            keys: BinaryArray::new_null(payloads.len()),
            values: BinaryArray::from_iter(payloads),
            timestamps: TimestampMillisecondArray::from_value(0, payloads.len()),
            headers: Vec::new(),
        };
        producer.send(topic, records).await.unwrap();
        producer.commit(&Default::default()).await.unwrap();
    });
}

/// A dead letter: its headers, and the record as it was found.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) headers: BTreeMap<String, String>,
    /// `None` is a tombstone.
    pub(crate) record: Option<Vec<u8>>,
}

impl Letter {
    /// The header of Kafka Connect's name, without what all of these names begin with.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(&format!("__connect.errors.{name}")).map_or("", String::as_str)
    }
}

/// The dead letters in partition 0 of a topic, in their order.
pub(crate) fn read(project: &Project, store: &str, topic: &str) -> Vec<Letter> {
    with_broker(project, store, async |broker| {
        let end = broker.bounds(topic).await.unwrap()[0].end;
        let mut consumer = broker.consumer("reader-of-letters", topic).await.unwrap();
        let mut letters = Vec::new();
        let mut next = 0;
        while next < end {
            match consumer.poll().await.unwrap() {
                Polled::Assigned(partitions) => {
                    for partition in partitions {
                        consumer.seek(partition, 0).await.unwrap();
                    }
                }
                Polled::Records(records) => {
                    next = records.range.end;
                    letters.extend(records.values.iter().zip(records.headers).map(|(value, headers)| Letter {
                        headers: headers.into_iter().map(|(name, value)| (name, text(&value))).collect(),
                        record: value.map(<[u8]>::to_vec),
                    }));
                }
                other => panic!("{other:?}"),
            }
        }
        letters
    })
}

/// The records of dead letters that are texts.
pub(crate) fn texts(letters: &[Letter]) -> Vec<String> {
    letters.iter().map(|letter| text(letter.record.as_deref().unwrap())).collect()
}

/// Opens the broker of a pipeline that does not run.
fn with_broker<T>(project: &Project, store: &str, work: impl AsyncFnOnce(Arc<EmbeddedBroker>) -> T) -> T {
    let settings = EmbeddedSettings { path: Some(project.path(store)), retention: "1GiB".parse().unwrap() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { work(EmbeddedBroker::open(&settings).unwrap()).await })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
