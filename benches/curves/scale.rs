//! What a record costs with more tasks, partitions and open files.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::bench::{Bench, Found};
use crate::kafka::{self, Lag};
use crate::measure::child::Usage;
use crate::measure::{grouped, ticks};
use crate::options::Options;
use crate::pipelines::Lake;
use crate::report::{Section, at_most};
use crate::store::Store;

/// How far a cost may go up and still be called flat.
const FLAT: f64 = 1.25;

/// Megabytes.
const MEMORY: f64 = 256.0;

/// One pipeline among those that are compared.
struct Case {
    title: String,
    /// Which of the topics it reads.
    topic: usize,
    tasks: u32,
    partition_by: &'static str,
    flush: &'static str,
    runs: Vec<(Usage, Found)>,
}

/// A topic with as many records as the others.
struct Topic {
    name: String,
    partitions: i32,
    symbols: u32,
}

impl Case {
    fn new(title: String, topic: usize, flush: &'static str) -> Self {
        Self { title, topic, tasks: 1, partition_by: "", flush, runs: Vec::new() }
    }

    fn usage(&self) -> Usage {
        Usage::median(&self.runs.iter().map(|(usage, _)| *usage).collect::<Vec<_>>())
    }
}

pub(crate) fn tasks(bench: &Bench, options: &Options) -> Result<Vec<Section>> {
    let topics = [Topic { name: "tasks".to_owned(), partitions: 8, symbols: ticks::SYMBOLS }];
    let case = |tasks| Case { tasks, ..Case::new(format!("`tasks: {tasks}`"), 0, DEFAULTS) };
    let cases = compare(bench, options, "tasks", &topics, [1, 2].map(case).into())?;
    let title = "Kafka → Parquet zstd on S3, 8 partitions, `flush` with its defaults";
    Ok(vec![section("tasks", title, options, &cases)])
}

/// What is left when nothing more comes is flushed soon; all else is as it is by default.
const DEFAULTS: &str = "idle: 200ms";

/// Everything is in one flush, whatever it takes.
const ROOM: &str = "bytes: 1GiB, memory: 1GiB, idle: 200ms";

pub(crate) fn partitions(bench: &Bench, options: &Options) -> Result<Vec<Section>> {
    let of = |partitions| Topic { name: format!("partitions-{partitions}"), partitions, symbols: ticks::SYMBOLS };
    let topics = [1, 8, 32, 100].map(of);
    let case = |(index, topic): (usize, &Topic)| Case::new(number(topic.partitions, "partition"), index, DEFAULTS);
    let cases = compare(bench, options, "partitions", &topics, topics.iter().enumerate().map(case).collect())?;
    let title = "Kafka → Parquet zstd on S3, by partitions, `flush` with its defaults";
    let mut section = section("partitions", title, options, &cases);
    judge_cost(&mut section, &cases);
    Ok(vec![section])
}

pub(crate) fn files(bench: &Bench, options: &Options) -> Result<Vec<Section>> {
    let of = |symbols| Topic { name: format!("files-{symbols}"), partitions: 1, symbols };
    let topics = [1, 50, 500].map(of);
    let cases = [(DEFAULTS, "default `flush`"), (ROOM, "one flush")].into_iter().flat_map(|(flush, how)| {
        topics.iter().enumerate().map(move |(index, topic)| Case {
            partition_by: "symbol",
            ..Case::new(format!("{}, {how}", number(topic.symbols, "open file")), index, flush)
        })
    });
    let cases = compare(bench, options, "files", &topics, cases.collect())?;
    let title = "Kafka → Parquet zstd on S3, `partition_by: [symbol]` on one partition, `flush` with its defaults and with room for all";
    let mut section = section("files", title, options, &cases);
    for cases in cases.chunks(topics.len()) {
        judge_cost(&mut section, cases);
        if let Some(case) = cases.last() {
            let found = case.usage().peak_memory as f64 / 1e6;
            section.verdicts.push(at_most(format!("peak memory (MB), {}", case.title), MEMORY, found));
        }
    }
    Ok(vec![section])
}

/// Of the last against the first.
fn judge_cost(section: &mut Section, cases: &[Case]) {
    if let [first, .., last] = cases {
        let title = format!("CPU per record, {} over {}", last.title, first.title);
        section.verdicts.push(at_most(title, FLAT, last.usage().cpu / first.usage().cpu));
    }
}

fn number(number: impl Into<i64>, of: &str) -> String {
    match number.into() {
        1 => format!("1 {of}"),
        number => format!("{number} {of}s"),
    }
}

/// Fills the topics and runs each case in turn, so that what else the machine does at a time falls on all of them.
fn compare(
    bench: &Bench,
    options: &Options,
    series: &str,
    topics: &[Topic],
    mut cases: Vec<Case>,
) -> Result<Vec<Case>> {
    let records = options.records;
    let fill = |topic: &Topic| bench.fill(&topic.name, topic.partitions, records, topic.symbols);
    let ends = topics.iter().map(fill).collect::<Result<Vec<_>>>()?;
    for round in 1..=options.rounds {
        let store = Store::start()?;
        for (index, case) in cases.iter_mut().enumerate() {
            let topic = &topics[case.topic];
            let name = format!("{series}-{index}-{round}");
            let tasks = Lake { tasks: case.tasks, ..Lake::of(&name, &topic.name, topic.partitions) };
            let lake = Lake { partition_by: case.partition_by, flush: case.flush, ..tasks };
            store.make_bucket(&name);
            let lag = Lag::new(&bench.bootstrap(), &lake.group(), &topic.name, &ends[case.topic])?;
            let usage = bench.run(&lake, &store, |_, _| lag.is_zero())?;
            let found = bench.count(&name, &store)?;
            ensure!(found.rows == records, "{} left {} rows of {records}", case.title, found.rows);
            eprintln!("round {round} of {}: {} in {:.2} s", options.rounds, case.title, usage.wall);
            case.runs.push((usage, found));
        }
    }
    topics.iter().try_for_each(|topic| kafka::remove(&bench.bootstrap(), &topic.name))?;
    Ok(cases)
}

fn section(name: &'static str, title: &str, options: &Options, cases: &[Case]) -> Section {
    let (records, rounds) = (options.records, options.rounds);
    let title = format!("{title}; {} records, medians of {rounds}", grouped(records));
    let mut section =
        Section::new(name, title, &["", "records/s", "CPU-s per million", "peak memory", "objects", "rows an object"]);
    for case in cases {
        let Usage { cpu, wall, peak_memory } = case.usage();
        let rate = records as f64 / wall;
        let cost = cpu / records as f64 * 1e6;
        let objects = case.runs.iter().map(|(_, found)| found.objects).max().unwrap_or(0);
        let row = [
            case.title.clone(),
            grouped((rate / 1000.0).round() as u64 * 1000),
            format!("{cost:.2}"),
            format!("{} MB", peak_memory / 1_000_000),
            grouped(objects),
            grouped(records / objects.max(1)),
        ];
        let figures = json!({
            "title": case.title,
            "records_per_second": rate,
            "cpu_seconds_per_million": cost,
            "peak_memory_bytes": peak_memory,
            "objects": objects,
        });
        section.add(row, figures);
    }
    section
}
