//! What is on a dead letter topic.

use std::collections::BTreeMap;

use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::BrokerSettings;
use pipeline_runtime::broker::{Broker, Polled};

use crate::support::Project;

/// A dead letter: its headers, and the record as it was found.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) record: String,
}

impl Letter {
    /// The header of Kafka Connect's name, without what all of these names begin with.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(&format!("__connect.errors.{name}")).map_or("", String::as_str)
    }
}

/// The dead letters in partition 0 of a topic, in their order.
pub(crate) fn read(project: &Project, store: &str, topic: &str) -> Vec<Letter> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let settings = BrokerSettings { path: Some(project.path(store)), retention: "1GiB".parse().unwrap() };
        let broker = EmbeddedBroker::open(&settings).unwrap();
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
                        record: text(value.unwrap_or_default()),
                    }));
                }
                other => panic!("{other:?}"),
            }
        }
        letters
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
