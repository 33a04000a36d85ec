//! Produces and consumes 3 M records of 155 bytes through a broker in a folder, and says what that costs.
//!
//! `cargo run --release -p pipeline-embedded --example throughput`

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::collections::BTreeMap;
use std::time::Instant;

use arrow::array::{Array, BinaryArray, BinaryBuilder, TimestampMillisecondArray};
use pipeline_api::{ByteSize, Result, SourceOffsets};
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::EmbeddedSettings;
use pipeline_runtime::broker::{
    Broker, CommitError, Committed, Polled, ProducedRecords, ProducerId, Timestamps, TopicSpec,
};

const RECORDS: usize = 3_000_000;
const TRANSACTION: usize = 100_000;
const BATCH: usize = 8192;
const PARTITIONS: i32 = 6;
const GROUP: &str = "throughput-sink";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), CommitError> {
    let folder = tempfile::tempdir().map_err(|error| pipeline_api::Error::fatal(error.to_string()))?;
    let broker = EmbeddedBroker::open(&EmbeddedSettings {
        path: Some(folder.path().to_owned()),
        retention: ByteSize::mib(2048),
    })?;
    let retained_for = vec![GROUP.to_owned()];
    broker
        .ensure_topic(&TopicSpec {
            name: "ticks".to_owned(),
            partitions: PARTITIONS,
            timestamps: Timestamps::Clock,
            create: None,
            retained_for,
        })
        .await?;
    // Built before the clock starts: a few batches in turn, so that the broker sees different bytes.
    let batches: Vec<ProducedRecords> = (0..16).map(|batch| ticks(batch * BATCH, BATCH)).collect();

    let meter = Meter::start();
    produce(&broker, &batches).await?;
    meter.stop("produced");
    println!(
        "file: {} MB",
        std::fs::metadata(folder.path().join("broker.redb")).map_or(0, |file| file.len() / 1_000_000)
    );
    let meter = Meter::start();
    consume(&broker).await?;
    meter.stop("consumed");
    println!("peak memory: {} MB", peak_memory_mb());
    Ok(())
}

async fn produce(broker: &EmbeddedBroker, batches: &[ProducedRecords]) -> Result<(), CommitError> {
    let id = ProducerId { pipeline: "throughput".to_owned(), source: "ticks".to_owned(), task: 0 };
    let mut producer = broker.producer(id).await?;
    let mut uncommitted = 0;
    for batch in batches.iter().cycle().take(RECORDS.div_ceil(BATCH)) {
        producer.send("ticks", batch.clone()).await?;
        uncommitted += BATCH;
        if uncommitted >= TRANSACTION {
            producer.commit(&SourceOffsets::new()).await?;
            uncommitted = 0;
        }
    }
    producer.commit(&SourceOffsets::new()).await
}

async fn consume(broker: &EmbeddedBroker) -> Result<(), CommitError> {
    let mut consumer = broker.consumer(GROUP, "ticks").await?;
    let (mut read, mut uncommitted) = (0, 0);
    let mut positions = BTreeMap::new();
    while read < RECORDS {
        match consumer.poll().await? {
            Polled::Assigned(partitions) => {
                for partition in partitions {
                    consumer.seek(partition, 0).await?;
                }
            }
            Polled::Records(records) => {
                read += records.values.len();
                uncommitted += records.values.len();
                positions.insert(records.partition, Committed { offset: records.range.end, metadata: String::new() });
            }
            Polled::Revoked(_) | Polled::Lost(_) => {}
        }
        if uncommitted >= TRANSACTION {
            consumer.commit(&positions).await?;
            uncommitted = 0;
        }
    }
    Ok(())
}

/// Ticks as JSON of 155 bytes or so.
fn ticks(first: usize, rows: usize) -> ProducedRecords {
    let mut values = BinaryBuilder::new();
    for row in first..first + rows {
        let price = 100.0 + (row.wrapping_mul(2_654_435_761) % 10_000) as f64 / 100.0;
        values.append_value(format!(
            "{{\"symbol\":\"SYM{:03}\",\"event_time\":\"2026-01-02 03:04:{:02}.{:03}\",\"open\":{price:.2},\"high\":{:.2},\
             \"low\":{:.2},\"close\":{:.2},\"volume\":{},\"trades\":{},\"vwap\":{:.4}}}",
            row % 50,
            row / 1000 % 60,
            row % 1000,
            price + 1.13,
            price - 0.87,
            price + 0.21,
            row.wrapping_mul(40_503) % 100_000,
            row % 997,
            price + 0.0345
        ));
    }
    ProducedRecords {
        partitions: (first..first + rows).map(|row| (row % 50) as i32 % PARTITIONS).collect(),
        keys: BinaryArray::from_iter_values((first..first + rows).map(|row| format!("SYM{:03}", row % 50))),
        values: values.finish(),
        timestamps: TimestampMillisecondArray::from_iter_values((first..first + rows).map(|row| row as i64)),
        headers: Vec::new(),
    }
}

/// Wall clock and CPU time from a start.
struct Meter {
    wall: Instant,
    cpu: f64,
}

impl Meter {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_seconds() }
    }

    fn stop(self, what: &str) {
        let (wall, cpu) = (self.wall.elapsed().as_secs_f64(), cpu_seconds() - self.cpu);
        println!("{what} {RECORDS} records: {wall:.2} s, {cpu:.2} s of CPU");
    }
}

/// The CPU time of this process, user and system, which Linux counts in hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15; the second field is a name in brackets that may hold blanks.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    peak.unwrap_or_default() / 1000
}
