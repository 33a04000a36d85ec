//! A CSV to a topic in transactions, and nothing that says how far it got.
#![allow(unsafe_code, reason = "rdkafka commits a transaction in steps of 100 ms")]

use std::ffi::CStr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use csv::ByteRecord;
use rdkafka::ClientConfig;
use rdkafka::bindings::*;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::columns::{schema, write_json};
use crate::kafka::{PRODUCER, send};

/// A transaction takes so many records.
const RECORDS: u64 = 100_000;

const WAIT: Duration = Duration::from_secs(30);

/// What this program starts itself as.
pub(crate) fn run(bootstrap: &str, topic: &str, csv: &Path) -> Result<()> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("transactional.id", "bare-loop");
    config.extend(PRODUCER.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
    producer.init_transactions(WAIT)?;
    producer.begin_transaction()?;
    let schema = schema();
    let mut reader = csv::Reader::from_path(csv)?;
    let (mut record, mut json, mut sent) = (ByteRecord::new(), Vec::new(), 0);
    while reader.read_byte_record(&mut record)? {
        json.clear();
        write_json(&schema, &record, &mut json);
        send(&producer, BaseRecord::to(topic).key(&record[0]).payload(&json))?;
        sent += 1;
        if sent % RECORDS == 0 {
            commit(&producer)?;
            producer.begin_transaction()?;
        }
    }
    commit(&producer)
}

fn commit(producer: &ThreadedProducer<DefaultProducerContext>) -> Result<()> {
    // SAFETY: the client is alive, and the error is ours.
    unsafe {
        let error = rd_kafka_commit_transaction(producer.client().native_ptr(), WAIT.as_millis() as i32);
        if error.is_null() {
            return Ok(());
        }
        let reason = CStr::from_ptr(rd_kafka_error_string(error)).to_string_lossy().into_owned();
        rd_kafka_error_destroy(error);
        bail!("the transaction is not committed: {reason}")
    }
}
