//! A pipeline of numbers: its file, its broker, and what has become of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{Array, BinaryArray, TimestampMillisecondArray};
use pipeline_api::{ByteSize, Error, Result, SourceOffsets};
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::broker::{Broker, Committed, Polled, ProducedRecords, ProducerId};
use pipeline_runtime::file::{LoadOptions, load};
use pipeline_runtime::run::{CommitNote, End, Progress, Stopper, run};
use pipeline_runtime::{EmbeddedSettings, Plan};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::plugins::registry;
use crate::spy::Spy;
use crate::state::{Event, State};

/// What a test's pipeline file says.
#[derive(Clone)]
pub(crate) struct File {
    /// How many numbers the source has; `None` is a file without sources.
    pub(crate) rows: Option<i64>,
    pub(crate) batch: i64,
    /// Milliseconds between two batches. Longer than a transaction's age: each batch is a transaction of its own.
    pub(crate) pause: u64,
    pub(crate) endless: bool,
    pub(crate) source_tasks: u32,
    pub(crate) source_transforms: &'static str,
    pub(crate) partitions: i32,
    /// How many tasks the sink has; `None` is a file without sinks.
    pub(crate) tasks: Option<u32>,
    pub(crate) version: u32,
    pub(crate) transforms: &'static str,
    pub(crate) flush: &'static str,
    pub(crate) errors: &'static str,
}

impl Default for File {
    fn default() -> Self {
        Self {
            rows: Some(100),
            batch: 10,
            pause: 300,
            endless: false,
            source_tasks: 1,
            source_transforms: "[]",
            partitions: 1,
            tasks: Some(1),
            version: 1,
            transforms: "[]",
            flush: "{}",
            errors: "{}",
        }
    }
}

pub(crate) const DEAD_LETTERS: &str = "{ tolerance: all, dead_letter_topic: dead }";

pub(crate) struct World {
    pub(crate) file: File,
    pub(crate) state: Arc<State>,
    pub(crate) broker: Arc<Spy>,
    test: usize,
    progress: Mutex<Option<Arc<Progress>>>,
}

impl World {
    pub(crate) fn new(file: File) -> Self {
        Self::with_retention(file, ByteSize::mib(64))
    }

    pub(crate) fn with_retention(file: File, retention: ByteSize) -> Self {
        let (test, state) = State::register();
        let settings = EmbeddedSettings { path: None, retention };
        let broker = Arc::new(Spy::new(EmbeddedBroker::open(&settings).unwrap(), state.clone()));
        Self { file, state, broker, test, progress: Mutex::default() }
    }

    fn yaml(&self) -> String {
        let File {
            batch,
            pause,
            endless,
            source_tasks,
            source_transforms,
            partitions,
            version,
            transforms,
            flush,
            errors,
            ..
        } = &self.file;
        let test = self.test;
        let key = if *partitions > 1 { "key: n, " } else { "" };
        let sources = self.file.rows.map(|rows| {
            format!(
                "sources:\n  - type: numbers\n    tasks: {source_tasks}\n    transforms: {source_transforms}\n    \
                 config: {{ test: {test}, count: {rows}, batch: {batch}, endless: {endless}, pause: {pause} }}\n"
            )
        });
        let sinks = self.file.tasks.map(|tasks| {
            format!(
                "sinks:\n  - type: lake\n    tasks: {tasks}\n    config: {{ test: {test}, version: {version} }}\n    \
                 transforms: {transforms}\n    flush: {flush}\n    hooks: [{{ type: ledger, config: {{ test: {test} }} }}]\n"
            )
        });
        format!(
            "name: p\n{}topic: {{ name: t, partitions: {partitions}, {key}schema: {{ n: bigint not null }} }}\n{}errors: {errors}\n",
            sources.unwrap_or_default(),
            sinks.unwrap_or_default()
        )
    }

    async fn plan(&self) -> Plan {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.yaml");
        std::fs::write(&path, self.yaml()).unwrap();
        let loaded = load(&path, &LoadOptions::default(), &registry()).await;
        loaded.unwrap_or_else(|diagnostics| panic!("{diagnostics}")).plan
    }

    pub(crate) async fn start(&self) -> Running {
        let plan = Arc::new(self.plan().await);
        let progress = Arc::new(Progress::new(&plan));
        *self.progress.lock().unwrap() = Some(progress.clone());
        let (stopper, stop) = Stopper::new();
        let broker: Arc<dyn Broker> = self.broker.clone();
        Running { handle: tokio::spawn(run(plan, broker, progress, stop)), stopper, state: self.state.clone() }
    }

    pub(crate) async fn run(&self) -> Result<End> {
        self.start().await.end().await
    }

    /// The run ends as its sources do.
    pub(crate) async fn run_to_its_end(&self) {
        assert_eq!(self.run().await.unwrap(), End::Drained);
    }

    /// The run fails. Returns the whole message.
    pub(crate) async fn fail(&self) -> String {
        format!("{:#}", self.run().await.unwrap_err())
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.progress.lock().unwrap().clone().unwrap()
    }

    /// What is committed, by partition, with the end of the planned range.
    pub(crate) async fn committed(&self) -> BTreeMap<i32, (i64, Option<i64>)> {
        let found = self.broker.committed("p.lake", "t").await.unwrap();
        let read = |committed: Committed| {
            let note = CommitNote::parse(&committed.metadata).unwrap();
            (committed.offset, note.and_then(|note| note.plan).map(|plan| plan.end))
        };
        (0..).zip(found).filter_map(|(p, committed)| Some((p, read(committed?)))).collect()
    }

    /// Every one of these numbers is in the sink, each once; the ranges of its objects lie one behind the other without a
    /// hole, and are committed up to the end of the topic.
    pub(crate) async fn assert_exactly_once(&self, numbers: Range<i64>) {
        let objects = self.state.objects();
        let mut found: Vec<i64> = objects.iter().flat_map(|object| object.numbers.clone()).collect();
        found.sort_unstable();
        assert_eq!(found, numbers.collect::<Vec<_>>());
        let committed = self.committed().await;
        for (partition, bounds) in (0..).zip(self.broker.inner.bounds("t").await.unwrap()) {
            let mut next = 0;
            for object in objects.iter().filter(|object| object.partition == partition) {
                assert_eq!(object.offsets.start, next, "partition {partition}: {objects:#?}");
                next = object.offsets.end;
            }
            assert_eq!(next, bounds.end, "partition {partition}");
            if bounds.end > 0 {
                assert_eq!(committed.get(&partition), Some(&(bounds.end, None)), "partition {partition}");
            }
        }
    }

    /// Puts values on the topic as somebody else would.
    pub(crate) async fn produce(&self, values: &[&str]) {
        self.produce_to(0, values).await;
    }

    pub(crate) async fn produce_to(&self, partition: i32, values: &[&str]) {
        self.broker.ensure_topic(&self.topic()).await.unwrap();
        let id = ProducerId { pipeline: "other".into(), source: "somebody".into(), task: 0 };
        let mut producer = self.broker.inner.producer(id).await.unwrap();
        let records = ProducedRecords {
            partitions: vec![partition; values.len()],
            keys: BinaryArray::new_null(values.len()),
            values: BinaryArray::from_iter_values(values),
            timestamps: TimestampMillisecondArray::from_value(0, values.len()),
            headers: Vec::new(),
        };
        producer.send("t", records).await.unwrap();
        producer.commit(&SourceOffsets::new()).await.unwrap();
    }

    pub(crate) fn topic(&self) -> pipeline_runtime::broker::TopicSpec {
        pipeline_runtime::broker::TopicSpec {
            name: "t".into(),
            partitions: self.file.partitions,
            timestamps: pipeline_runtime::broker::Timestamps::Clock,
            create: None,
            retained_for: vec!["p.lake".into()],
        }
    }

    /// Commits as another member of the sink's group would.
    pub(crate) async fn commit_as_somebody_else(&self, offset: i64, note: &str) {
        let mut member = self.broker.inner.consumer("p.lake", "t").await.unwrap();
        while !matches!(member.poll().await.unwrap(), Polled::Assigned(_)) {}
        let committed = Committed { offset, metadata: note.to_owned() };
        member.commit(&BTreeMap::from([(0, committed)])).await.unwrap();
    }

    /// The records of the dead letter topic: value and headers.
    pub(crate) async fn dead_letters(&self) -> Vec<(String, BTreeMap<String, String>)> {
        let waiting = self.broker.inner.bounds("dead").await.unwrap()[0].end;
        let mut reader = self.broker.inner.consumer("reader", "dead").await.unwrap();
        let (mut letters, mut read) = (Vec::new(), 0);
        while read < waiting {
            match reader.poll().await.unwrap() {
                Polled::Assigned(partitions) => reader.seek(partitions[0], 0).await.unwrap(),
                Polled::Records(records) => {
                    read = records.range.end;
                    for row in 0..records.values.len() {
                        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                        let headers = records.headers[row].iter();
                        let headers = headers.map(|(name, value)| (name.replace("__connect.errors.", ""), text(value)));
                        letters.push((text(records.values.value(row)), headers.collect()));
                    }
                }
                Polled::Revoked(_) | Polled::Lost(_) => {}
            }
        }
        letters
    }
}

/// A run that goes on.
pub(crate) struct Running {
    handle: JoinHandle<Result<End>>,
    stopper: Stopper,
    state: Arc<State>,
}

impl Running {
    pub(crate) fn stop(&self) {
        self.stopper.stop();
    }

    /// How it ends. Panics if it hangs.
    pub(crate) async fn end(self) -> Result<End> {
        match timeout(Duration::from_secs(24 * 3600), self.handle).await {
            Ok(ended) => ended.unwrap_or_else(|error| Err(Error::fatal("the run itself panicked").with_source(error))),
            Err(_) => panic!("the run hangs after {:#?}", self.state.events()),
        }
    }

    /// Ends it as a crash would: nothing more is flushed or committed.
    pub(crate) async fn kill(self) {
        self.handle.abort();
        // It may have ended before.
        let _ = self.handle.await;
    }
}

/// The ranges of all flushes that have begun, in their order.
pub(crate) fn flushed(state: &State) -> Vec<BTreeMap<i32, (i64, i64)>> {
    let events = state.events().into_iter();
    events
        .filter_map(|event| match event {
            Event::FlushBegan(ranges) => {
                Some(ranges.into_iter().map(|(p, range)| (p, (range.start, range.end))).collect())
            }
            _ => None,
        })
        .collect()
}

/// The same for a topic of one partition.
pub(crate) fn flushed_of_one(state: &State) -> Vec<(i64, i64)> {
    flushed(state).iter().map(|ranges| ranges[&0]).collect()
}

/// Whether the work of a flush began.
pub(crate) fn is_flush(event: &Event) -> bool {
    matches!(event, Event::FlushBegan(_))
}
