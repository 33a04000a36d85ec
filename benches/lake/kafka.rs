//! What moving ticks from a real Kafka into files costs, beside a bare loop that only reads them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use pipeline_api::Delivery;
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::Broker;
use pipeline_testkit::kafka::KafkaServer;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::Extent;
use crate::files;
use crate::measure::child::{self, Usage};
use crate::measure::ticks::SCHEMA;
use crate::measure::{folder, grouped, this_program};
use crate::report::{print_row, print_table_head};

const TOPIC: &str = "ticks";
const PARTITIONS: i32 = 8;

/// What is measured.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// `pipeline run`: the source `ticks` into the topic.
    Fill,
    /// `pipeline run`: the topic, Parquet.
    Parquet,
    /// `pipeline run`: the topic, JSON lines.
    JsonLines,
    /// librdkafka's `poll`, and nothing behind it.
    BareLoop,
}

impl Work {
    fn title(self) -> &'static str {
        match self {
            Self::Fill => "`pipeline run`: ticks → Kafka",
            Self::Parquet => "`pipeline run`: Kafka → Parquet",
            Self::JsonLines => "`pipeline run`: Kafka → JSON lines",
            Self::BareLoop => "bare loop: Kafka → nothing",
        }
    }
}

/// A Kafka with ticks on it.
struct Bench {
    server: KafkaServer,
    rows: u64,
    folder: PathBuf,
}

/// Fills a topic once, and reads it again and again.
pub(crate) fn measure(Extent { rows, repeats }: Extent) -> Result<()> {
    let folder = folder().join("kafka");
    fs::create_dir_all(&folder)?;
    let bench = Bench { server: KafkaServer::start(), rows, folder };
    println!(
        "{} ticks of 9 columns as JSON on Apache Kafka, on the same machine; the median of {repeats}\n",
        grouped(rows)
    );
    let fill = bench.fill()?;
    let works = [Work::Parquet, Work::JsonLines, Work::BareLoop];
    let mut usages = works.map(|_| Vec::new());
    for round in 0..repeats {
        for (work, usages) in works.iter().zip(&mut usages) {
            usages.push(bench.read(*work, round)?);
        }
    }
    print_table_head();
    print_row(Work::Fill.title(), rows, &fill);
    let medians = usages.map(|usages| Usage::median(&usages));
    for (work, usage) in works.iter().zip(&medians) {
        print_row(work.title(), rows, usage);
    }
    let [parquet, json, bare] = &medians;
    println!(
        "\nCPU time beside the bare loop: Parquet {:.2} times, JSON lines {:.2} times",
        parquet.cpu / bare.cpu,
        json.cpu / bare.cpu
    );
    Ok(())
}

/// What this program starts itself as: reads the topic to its end by `poll`, with settings that keep the loop busy.
pub(crate) fn bare_loop(bootstrap: &str, rows: u64) -> Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "bare-loop")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.queue.backoff.ms", "5")
        .set("queued.min.messages", "50000")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(TOPIC, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let (mut read, mut bytes) = (0, 0);
    while read < rows {
        match consumer.poll(Duration::from_secs(1)) {
            None | Some(Err(KafkaError::PartitionEOF(_))) => {}
            Some(Ok(message)) => {
                read += 1;
                bytes += message.payload_len();
            }
            Some(Err(error)) => return Err(error.into()),
        }
    }
    ensure!(bytes > 0, "the records are empty");
    Ok(())
}

impl Bench {
    fn fill(&self) -> Result<Usage> {
        let source = format!("sources:\n  - type: ticks\n    config: {{ rows: {}, symbols: 50 }}\n", self.rows);
        let file = self.file("fill", &source)?;
        child::run(Command::new(env!("CARGO_BIN_EXE_pipeline")).arg("run").arg(file), &self.folder)
    }

    fn read(&self, work: Work, round: usize) -> Result<Usage> {
        let out = self.folder.join("out");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let (usage, arrived) = match work {
            Work::Parquet => (self.sink("s3_parquet", round)?, files::parquet_rows(&out)?),
            Work::JsonLines => (self.sink("s3_json", round)?, files::json_lines(&out)?),
            Work::BareLoop => {
                let (bootstrap, rows) = (self.server.bootstrap(), self.rows.to_string());
                let mut bare_loop = Command::new(this_program()?);
                (child::run(bare_loop.args(["poll-loop", &bootstrap, &rows]), &self.folder)?, self.rows)
            }
            Work::Fill => bail!("the topic is filled once"),
        };
        ensure!(arrived == self.rows, "{arrived} of {} rows arrived by {}", self.rows, work.title());
        Ok(usage)
    }

    /// Without sources a run goes on until it is asked to stop: here as soon as everything is committed.
    fn sink(&self, sink: &str, round: usize) -> Result<Usage> {
        let name = format!("{sink}-{round}");
        let file = self.file(&name, &format!("sinks:\n  - type: {sink}\n    config: {{ url: out, compression: zstd }}\n    flush: {{ idle: 200ms }}\n"))?;
        let group = format!("{name}.{sink}");
        let mut program = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        child::run_until(program.arg("run").arg(file), &self.folder, |_, _| self.is_drained(&name, &group))
    }

    fn is_drained(&self, name: &str, group: &str) -> Result<bool> {
        let properties = BTreeMap::from([("bootstrap.servers".to_owned(), self.server.bootstrap())]);
        let settings = KafkaSettings { properties, ..KafkaSettings::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let broker: Arc<KafkaBroker> = KafkaBroker::open(name, &settings, Delivery::ExactlyOnce)?;
            let ends = broker.bounds(TOPIC).await?.into_iter().map(|bounds| bounds.end);
            let committed = broker.committed(group, TOPIC).await?.into_iter();
            Ok(committed.map(|committed| committed.map_or(0, |committed| committed.offset)).eq(ends))
        })
    }

    fn file(&self, name: &str, parts: &str) -> Result<PathBuf> {
        let file = self.folder.join(format!("{name}.yaml"));
        let bootstrap = self.server.bootstrap();
        let text = format!(
            "\
name: {name}
topic:
  name: {TOPIC}
  key: symbol
  partitions: {PARTITIONS}
  create: {{ replication_factor: 1 }}
{SCHEMA}kafka: {{ bootstrap.servers: {bootstrap} }}
{parts}"
        );
        fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(file)
    }
}
