//! The program over a real Kafka, one process and several.

mod broker_faults;
mod pauses;
mod schedules;
mod slow_store;
mod source_tasks;
mod transactions;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use pipeline_api::Delivery;
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::Broker;
use pipeline_testkit::kafka::KafkaServer;

use crate::ranges;
use crate::support::{Project, TICKS_TOPIC};

const FILE: &str = "\
name: ticks
sources:
  - type: ticks
    tasks: 2
    config: { rows: 6000, rate: 1500 }
";

const SINK: &str = "\
sinks:
  - name: parquet
    type: s3_parquet
    tasks: 2
    config: { url: out, partition_by: [symbol] }
    flush: { rows: 300, every: 200ms }
";

/// As fast as it goes.
const AT_ONCE: &str = "sources.0.config.rate=1e9";

/// Two source tasks and two sink tasks, for several processes to share.
fn text() -> String {
    format!("{FILE}{TICKS_TOPIC}{SINK}")
}

/// A pipeline's topic on the server that all tests share, and the pipeline's own name: both are nobody else's.
pub(crate) struct Topic {
    pub(crate) name: String,
    bootstrap: String,
}

impl Topic {
    pub(crate) fn on(server: &KafkaServer) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Self { name: format!("p{}", COUNT.fetch_add(1, Ordering::Relaxed)), bootstrap: server.bootstrap() }
    }

    /// The text of a pipeline file, with this topic in place of its own.
    pub(crate) fn moved_here(&self, text: &str) -> String {
        let name = |line: &str| line.split_once(':').map(|(key, _)| format!("{key}: {}", self.name)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let own = lines.iter().position(|line| line.starts_with("name: ")).unwrap();
        lines[own] = name(&lines[own]);
        let topic = lines.iter().position(|line| line == "topic:").unwrap() + 1;
        lines[topic] = format!("{}\n  create: {{ replication_factor: 1 }}", name(&lines[topic]));
        format!(
            "{}\nkafka:\n  bootstrap.servers: {}\n  consumer: {{ session.timeout.ms: 1500, heartbeat.interval.ms: 150 }}\n  producer: {{ transaction.timeout.ms: 5000 }}\n",
            lines.join("\n"),
            self.bootstrap
        )
    }

    /// How far a sink is: what it has committed, by partition, and where the partition ends.
    pub(crate) fn progress(&self, sink: &str) -> Vec<(i64, i64)> {
        let group = format!("{}.{sink}", self.name);
        self.ask(async |broker| {
            let bounds = broker.bounds(&self.name).await.unwrap();
            let committed = broker.committed(&group, &self.name).await.unwrap();
            let next = committed.into_iter().map(|committed| committed.map_or(0, |committed| committed.offset));
            next.zip(bounds.iter().map(|bounds| bounds.end)).collect()
        })
    }

    /// When each source task began to run, or ended, in milliseconds since 1970 UTC; none before there are any.
    fn source_tasks_since(&self) -> Vec<i64> {
        let (group, topic) = (format!("{}.source.tasks", self.name), format!("{}.source-offsets", self.name));
        self.ask(async |broker| {
            let notes = broker.committed(&group, &topic).await.unwrap_or_default();
            let at = |note: &str| note.rsplit_once(";at=").unwrap().1.parse().unwrap();
            notes.iter().flatten().map(|committed| at(&committed.metadata)).collect()
        })
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(&KafkaBroker) -> T) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let properties = BTreeMap::from([("bootstrap.servers".to_owned(), self.bootstrap.clone())]);
            let settings = KafkaSettings { properties, ..KafkaSettings::default() };
            let broker = KafkaBroker::open(&self.name, &settings, Delivery::ExactlyOnce).unwrap();
            question(&broker).await
        })
    }

    /// Whether a sink has committed everything that is on the topic.
    pub(crate) fn is_drained(&self, sink: &str) -> bool {
        self.progress(sink).iter().all(|(committed, end)| committed == end)
    }
}

/// Asserts that a sink has committed up to the end of the topic, and that its files are of ranges below, of which no two
/// overlap. Between ranges may be what is no record: Kafka's own marks of transactions.
#[track_caller]
pub(crate) fn assert_committed(project: &Project, folder: &str, sink: &str) {
    let progress = project.topic().progress(sink);
    assert!(progress.iter().all(|(committed, end)| committed == end), "{sink} has not committed all: {progress:?}");
    for (partition, ranges) in ranges::of_files(project, folder) {
        let (committed, _) = progress[usize::try_from(partition).unwrap()];
        let mut next = 0;
        for (start, end) in ranges {
            assert!(start >= next, "{folder}: files of partition {partition} overlap at {start}..{end}");
            next = end;
        }
        assert!(
            next <= committed,
            "{folder}: files of partition {partition} up to {next}, and {committed} is committed"
        );
    }
}
