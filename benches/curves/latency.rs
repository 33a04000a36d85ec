//! How long from a record to its row.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::bench::Bench;
use crate::fill::{DUE, RATE};
use crate::kafka;
use crate::measure::this_program;
use crate::options::Options;
use crate::pipelines::Lake;
use crate::report::{Section, at_most};
use crate::store::Store;

const PARTITIONS: i32 = 8;

/// The group is being joined, and every part meets its first record: that is what `start` measures.
const WARM_UP: u64 = 3 * RATE;

/// A flush each second, and a quarter of it for all else.
const GOAL: f64 = 1.25;

pub(crate) fn measure(bench: &Bench, options: &Options) -> Result<Vec<Section>> {
    let mut section = Section::new(
        "latency",
        format!(
            "From a record to the row that a reader of its own returns: Kafka → S3, {RATE} records/s for {} s, `flush: {{ every: 1s }}`, `latency: low`",
            options.watched.as_secs()
        ),
        &["", "p50", "p99", "most", "objects", "CPU of the pipeline"],
    );
    let store = Store::start()?;
    for (sink, title) in [("s3_parquet", "Parquet zstd"), ("s3_json", "JSON lines zstd")] {
        let landed = follow(bench, &store, sink, WARM_UP + RATE * options.watched.as_secs())?;
        let Landed { middle, most, all, objects, cpu } = landed;
        let ms = |seconds: f64| format!("{:.0} ms", seconds * 1000.0);
        let row =
            [title.to_owned(), ms(middle), ms(most), ms(all), objects.to_string(), format!("{:.1} %", cpu * 100.0)];
        let figures = json!({ "sink": sink, "p50_seconds": middle, "p99_seconds": most, "most_seconds": all, "objects": objects, "cores": cpu });
        section.add(row, figures);
        section.verdicts.push(at_most(format!("record to row, p99 (s), {title}"), GOAL, most));
    }
    Ok(vec![section])
}

/// Of the rows of one run; seconds.
struct Landed {
    middle: f64,
    /// Of 99 of 100.
    most: f64,
    all: f64,
    objects: u64,
    /// How many cores the pipeline kept busy.
    cpu: f64,
}

fn follow(bench: &Bench, store: &Store, sink: &str, rows: u64) -> Result<Landed> {
    let name = format!("latency-{}", sink.replace('_', "-"));
    kafka::create(&bench.bootstrap(), &name, PARTITIONS)?;
    store.make_bucket(&name);
    let columns = format!("    {DUE}: bigint not null\n");
    let low =
        Lake { latency: "low", sink, flush: "every: 1s", columns: &columns, ..Lake::of(&name, &name, PARTITIONS) };
    let (rows, skip) = (rows.to_string(), WARM_UP.to_string());
    let mut reader =
        Aside::start(Command::new(this_program()?).args(["watch", &name, &rows, &skip]).envs(store.environment()))?;
    let mut producer =
        Aside::start(Command::new(this_program()?).args(["fill-steadily", &bench.bootstrap(), &name, &rows]))?;
    let usage = bench.run(&low, store, |_, _| Ok(producer.has_ended()? && reader.has_ended()?))?;
    let said = reader.said()?;
    let numbers = said.split_whitespace().map(|number| Ok(number.parse()?)).collect::<Result<Vec<u64>>>()?;
    let [middle, most, all, objects] = numbers[..] else { bail!("the reader says {said}") };
    let seconds = |micros: u64| micros as f64 / 1e6;
    let (middle, most, all) = (seconds(middle), seconds(most), seconds(all));
    Ok(Landed { middle, most, all, objects, cpu: usage.cpu / usage.wall })
}

/// A process that runs beside what is measured, and does not outlive this.
struct Aside(Child);

impl Aside {
    fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?))
    }

    /// Errors: it failed.
    fn has_ended(&mut self) -> Result<bool> {
        let Some(status) = self.0.try_wait()? else { return Ok(false) };
        ensure!(status.success(), "a process beside the pipeline failed, {status}");
        Ok(true)
    }

    /// What it said, once it has ended.
    fn said(mut self) -> Result<String> {
        let output = self.0.stdout.take().context("it was asked before")?;
        Ok(std::io::read_to_string(output)?)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What fails here cannot be helped: it has ended, or something else has failed before.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}
