//! Plugins that do as they are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, BooleanArray, Int64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use pipeline_api::{
    Artifact, BoxFuture, Buffered, CheckOutcome, Context, Error, Hook, OffsetRange, PlannedRange, Plugin, Ranges,
    RecordBatch, Registration, Registry, Result, SchemaRef, Sink, SinkBatch, SinkLines, Source, SourceBatch,
    SourceOffsets, Task, TopicPartition, Transform, async_trait,
};
use pipeline_json::JsonConverter;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::state::{Call, Event, Object, State, Step};

pub(crate) fn registry() -> Registry {
    static PLUGINS: [Registration; 5] = [
        Registration::source::<Numbers>("fakes"),
        Registration::transform::<Below>("fakes"),
        Registration::converter::<JsonConverter>("fakes"),
        Registration::sink::<Lake>("fakes"),
        Registration::hook::<Ledger>("fakes"),
    ];
    Registry::of(&PLUGINS).unwrap()
}

/// The numbers from 0 on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumbersConfig {
    /// The test.
    test: usize,
    /// How many.
    count: i64,
    /// So many at once.
    batch: i64,
    /// Whether it waits for more after the last one.
    endless: bool,
    /// How many milliseconds lie between two batches.
    pause: u64,
}

pub(crate) struct Numbers {
    config: NumbersConfig,
    state: Arc<State>,
    task: Task,
    next: i64,
}

impl Numbers {
    fn partition(&self) -> String {
        format!("part-{}", self.task.index)
    }
}

#[async_trait]
impl Plugin for Numbers {
    const TYPE: &'static str = "numbers";
    type Config = NumbersConfig;

    async fn open(config: NumbersConfig, context: Context) -> Result<Self> {
        let state = State::find(config.test);
        state.perform(Call::OpenSource).await?;
        let mut source = Self { config, state, task: context.task, next: 0 };
        source.next = context.offsets.get(&source.partition())?.unwrap_or(0);
        source.state.record(Event::SourceOpened(source.next));
        Ok(source)
    }
}

#[async_trait]
impl Source for Numbers {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    async fn poll(&mut self) -> Result<Option<SourceBatch>> {
        self.state.was_polled();
        self.state.perform(Call::Poll).await?;
        if self.next >= self.config.count {
            if self.config.endless {
                std::future::pending::<()>().await;
            }
            return Ok(None);
        }
        if self.next > 0 {
            tokio::time::sleep(Duration::from_millis(self.config.pause)).await;
        }
        let end = (self.next + self.config.batch).min(self.config.count);
        let own = (self.next..end).filter(|n| n % i64::from(self.task.of) == i64::from(self.task.index));
        let records = numbers(own);
        self.next = end;
        let mut offsets = SourceOffsets::new();
        offsets.set(self.partition(), &end)?;
        Ok(Some(SourceBatch { records, offsets, rejected: Vec::new() }))
    }

    async fn commit(&mut self, offsets: &SourceOffsets) -> Result<()> {
        self.state.record(Event::SourceTold(offsets.get(&self.partition())?.unwrap_or(0)));
        Ok(())
    }
}

/// Only the numbers below a bound.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BelowConfig {
    /// The bound.
    bound: i64,
    /// A number that makes it fail for the data.
    #[serde(default)]
    fails_on: Option<i64>,
    /// A number that makes it panic.
    #[serde(default)]
    panics_on: Option<i64>,
}

pub(crate) struct Below(BelowConfig, SchemaRef);

#[async_trait]
impl Plugin for Below {
    const TYPE: &'static str = "below";
    type Config = BelowConfig;

    async fn open(config: BelowConfig, context: Context) -> Result<Self> {
        Ok(Self(config, context.schema))
    }
}

impl Transform for Below {
    fn schema(&self) -> SchemaRef {
        self.1.clone()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        let column = records.column_by_name("n").unwrap().as_primitive::<Int64Type>();
        if let Some(guilty) = column.values().iter().find(|n| Some(**n) == self.0.fails_on) {
            return Err(Error::data(format!("{guilty} does not transform")));
        }
        assert!(!column.values().iter().any(|n| Some(*n) == self.0.panics_on), "a transform panics as told");
        let kept: BooleanArray = column.iter().map(|n| n.map(|n| n < self.0.bound)).collect();
        filter_record_batch(&records, &kept).map_err(|error| Error::fatal(error.to_string()))
    }
}

/// Keeps objects of numbers in memory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LakeConfig {
    /// The test.
    test: usize,
    /// Shapes the objects.
    version: u32,
}

/// A row counts as 10 encoded bytes and as 100 bytes of memory.
pub(crate) struct Lake {
    state: Arc<State>,
    version: u32,
    buffers: BTreeMap<TopicPartition, Vec<(i64, i64)>>,
}

impl Lake {
    fn rows(&self) -> u64 {
        self.buffers.values().map(|rows| rows.len() as u64).sum()
    }
}

#[async_trait]
impl Plugin for Lake {
    const TYPE: &'static str = "lake";
    type Config = LakeConfig;

    async fn open(config: LakeConfig, _: Context) -> Result<Self> {
        let state = State::find(config.test);
        state.perform(Call::OpenSink).await?;
        Ok(Self { state, version: config.version, buffers: BTreeMap::new() })
    }
}

#[async_trait]
impl Sink for Lake {
    async fn put(&mut self, batch: SinkBatch) -> Result<()> {
        self.state.perform(Call::Put).await?;
        let numbers = batch.records.column_by_name("n").unwrap().as_primitive::<Int64Type>().values();
        if let Some(refused) = numbers.iter().find(|n| self.state.is_refused(**n)) {
            return Err(Error::data(format!("{refused} is refused")));
        }
        let offsets = batch.metadata.offsets.values();
        assert_eq!(offsets.len(), numbers.len());
        assert!(offsets.iter().all(|offset| batch.offsets.contains(*offset)), "{} holds {offsets:?}", batch.offsets);
        let buffer = self.buffers.entry(batch.partition.clone()).or_default();
        assert!(buffer.last().is_none_or(|(last, _)| *last < batch.offsets.start), "records come again");
        buffer.extend(offsets.iter().copied().zip(numbers.iter().copied()));
        self.state.record(Event::Put(batch.partition.partition, offsets.len()));
        self.state.holds(self.rows());
        Ok(())
    }

    fn takes_lines(&self) -> bool {
        self.state.takes_lines()
    }

    async fn put_lines(&mut self, lines: SinkLines) -> Result<()> {
        self.state.perform(Call::Put).await?;
        let records: Vec<serde_json::Value> =
            serde_json::Deserializer::from_slice(&lines.lines).into_iter().collect::<Result<_, _>>().unwrap();
        let numbers: Vec<i64> = records.iter().map(|record| record["n"].as_i64().unwrap()).collect();
        assert_eq!(numbers.len() as u64, lines.rows);
        if numbers.iter().any(|n| self.state.is_refused(*n)) {
            return Err(Error::data("one of these lines is refused"));
        }
        let buffer = self.buffers.entry(lines.partition.clone()).or_default();
        assert!(buffer.last().is_none_or(|(last, _)| *last < lines.offsets.start), "records come again");
        // Lines do not say their offsets, but lie in their range.
        buffer.extend((lines.offsets.start..lines.offsets.end).zip(numbers));
        self.state.record(Event::PutLines(lines.partition.partition, records.len()));
        self.state.holds(self.rows());
        Ok(())
    }

    fn buffered(&self) -> Buffered {
        Buffered { encoded: self.rows() * 10, memory: self.rows() * 100 }
    }

    fn flush(&mut self, ranges: Ranges) -> BoxFuture<'static, Result<Vec<Artifact>>> {
        if let Err(error) = self.state.act(Call::Flush) {
            return Box::pin(async { Err(error) });
        }
        let (state, version) = (self.state.clone(), self.version);
        let objects: Vec<(TopicPartition, String, Object)> = ranges
            .iter()
            .map(|(of, range)| {
                let rows = self.buffers.remove(of).unwrap_or_default();
                assert!(rows.iter().all(|(offset, _)| range.offsets.contains(*offset)), "{rows:?} in {range:?}");
                let numbers = rows.into_iter().map(|(_, n)| n).collect();
                let object = Object { partition: of.partition, offsets: range.offsets, numbers, version };
                (of.clone(), name(of, range), object)
            })
            .collect();
        Box::pin(work(state, objects))
    }

    async fn revoke(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.buffers.retain(|of, _| !partitions.contains(of));
        self.state.record(Event::Revoked(partitions.iter().map(|of| of.partition).collect()));
        Ok(())
    }

    async fn discard(&mut self, ranges: &Ranges) -> Result<()> {
        match self.state.next(Call::Discard) {
            Step::Take(time) => tokio::time::sleep(time).await,
            Step::Fail(kind) => return Err(Error::new(kind, "the discard fails as told")),
            _ => {}
        }
        for (of, range) in ranges.iter() {
            self.state.remove(&name(of, range));
            self.state.record(Event::Discarded(of.partition, range.offsets));
        }
        Ok(())
    }
}

/// Fails, if it is told to, after it has made its first range durable.
async fn work(state: Arc<State>, objects: Vec<(TopicPartition, String, Object)>) -> Result<Vec<Artifact>> {
    let ranges: BTreeMap<i32, OffsetRange> =
        objects.iter().map(|(of, _, object)| (of.partition, object.offsets)).collect();
    state.record(Event::FlushBegan(ranges.clone()));
    state.pass_gate().await;
    let mut artifacts = Vec::new();
    for (of, name, object) in objects {
        let (offsets, rows) = (object.offsets, object.numbers.len() as u64);
        state.store(name.clone(), object);
        state.perform(Call::FlushWork).await?;
        if rows > 0 {
            artifacts.push(Artifact {
                url: format!("memory:///{name}"),
                rows,
                bytes: rows * 10,
                partition_values: Vec::new(),
                partition: of,
                offsets,
            });
        }
    }
    state.record(Event::Durable(ranges));
    Ok(artifacts)
}

fn name(of: &TopicPartition, range: &PlannedRange) -> String {
    let PlannedRange { offsets, revision, .. } = range;
    format!("{of}+{:020}-{}+{revision}", offsets.start, offsets.end)
}

/// Takes note of flushes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerConfig {
    /// The test.
    test: usize,
}

pub(crate) struct Ledger(Arc<State>);

#[async_trait]
impl Plugin for Ledger {
    const TYPE: &'static str = "ledger";
    type Config = LedgerConfig;

    async fn open(config: LedgerConfig, _: Context) -> Result<Self> {
        Ok(Self(State::find(config.test)))
    }
}

#[async_trait]
impl Hook for Ledger {
    async fn after_flush(&mut self, artifacts: &[Artifact]) -> Result<Vec<CheckOutcome>> {
        self.0.perform(Call::Hook).await?;
        self.0.record(Event::Hook(artifacts.len()));
        let found = |verdict| CheckOutcome { check: "sum".into(), found: "3".into(), expected: "4".into(), verdict };
        Ok(self.0.next_verdict().map(found).into_iter().collect())
    }

    async fn at_end(&mut self, _rows: u64) -> Result<Vec<CheckOutcome>> {
        self.0.perform(Call::HookAtEnd).await?;
        self.0.record(Event::HookAtEnd);
        Ok(Vec::new())
    }
}

pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

fn numbers(numbers: impl Iterator<Item = i64>) -> RecordBatch {
    RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from_iter_values(numbers))]).unwrap()
}
