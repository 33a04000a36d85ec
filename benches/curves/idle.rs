//! What a pipeline costs while nothing comes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::bench::Bench;
use crate::kafka::Lag;
use crate::measure::{child, ticks};
use crate::options::Options;
use crate::pipelines::{Csv, Lake, embedded};
use crate::report::{Section, at_most};
use crate::start::has_object;
use crate::store::Store;

const TOPIC: &str = "idle";
const PARTITIONS: i32 = 8;
const RECORDS: u64 = 10_000;

/// Percent of a core.
const GOAL: f64 = 0.5;

/// What was begun comes to its end meanwhile.
const SETTLING: Duration = Duration::from_secs(2);

pub(crate) fn measure(bench: &Bench, options: &Options) -> Result<Vec<Section>> {
    let mut section = Section::new(
        "idle",
        format!("A pipeline that has read everything, over {} s", options.watched.as_secs()),
        &["", "CPU", "wake-ups/s"],
    );
    let store = Store::start()?;
    let ends = bench.fill(TOPIC, PARTITIONS, RECORDS, ticks::SYMBOLS)?;
    let mut found = Vec::new();
    for (name, latency) in [("idle-normal", "normal"), ("idle-low", "low")] {
        store.make_bucket(name);
        let lake = Lake { latency, ..Lake::of(name, TOPIC, PARTITIONS) };
        let lag = Lag::new(&bench.bootstrap(), &lake.group(), TOPIC, &ends)?;
        let mut watch = Watch::new(options.watched);
        bench.run(&lake, &store, |_, process| watch.look(process, || lag.is_zero()))?;
        found.push((format!("Kafka → S3, `latency: {latency}`"), watch.rest()?));
    }
    let folder = bench.folder("idle-embedded")?;
    let mut command = bench.pipeline(&folder, &embedded(&ticks::csv(RECORDS)?, Csv::Follows))?;
    let mut watch = Watch::new(options.watched);
    let out = folder.join("out");
    child::run_until(&mut command, &folder, |_, process| watch.look(process, || has_object(&out)))?;
    found.push(("CSV that is followed → embedded broker → files".to_owned(), watch.rest()?));

    for (title, Rest { cores, wakes }) in found {
        let percent = cores * 100.0;
        section.add(
            [title.clone(), format!("{percent:.2} %"), format!("{wakes:.0}")],
            json!({ "title": title, "cores": cores, "wakes_per_second": wakes }),
        );
        section.verdicts.push(at_most(format!("idle: % of a core, {title}"), GOAL, percent));
    }
    Ok(vec![section])
}

/// What a process used per second while it had nothing to do.
#[derive(Clone, Copy)]
struct Rest {
    cores: f64,
    /// How often one of its threads began to run.
    wakes: f64,
}

/// Waits until a process is done, and then for a while.
struct Watch {
    span: Duration,
    done: Option<Instant>,
    before: Option<(Instant, Ran)>,
    rest: Option<Rest>,
}

impl Watch {
    fn new(span: Duration) -> Self {
        Self { span, done: None, before: None, rest: None }
    }

    /// Whether it was watched for long enough.
    fn look(&mut self, process: u32, is_done: impl FnOnce() -> Result<bool>) -> Result<bool> {
        let Some(done) = self.done else {
            self.done = is_done()?.then(Instant::now);
            return Ok(false);
        };
        match self.before {
            None if done.elapsed() < SETTLING => {}
            None => self.before = Some((Instant::now(), Ran::of(process)?)),
            Some((since, _)) if since.elapsed() < self.span => {}
            Some((since, before)) => {
                let (after, seconds) = (Ran::of(process)?, since.elapsed().as_secs_f64());
                let cores = after.seconds - before.seconds;
                let wakes = (after.times - before.times) as f64;
                self.rest = Some(Rest { cores: cores / seconds, wakes: wakes / seconds });
            }
        }
        Ok(self.rest.is_some())
    }

    fn rest(&self) -> Result<Rest> {
        self.rest.context("it ended before it was watched")
    }
}

/// How long, and how often, the threads of a process that are there now have run.
#[derive(Clone, Copy)]
struct Ran {
    seconds: f64,
    times: u64,
}

impl Ran {
    fn of(process: u32) -> Result<Self> {
        let mut ran = Self { seconds: 0.0, times: 0 };
        let threads = Path::new("/proc").join(process.to_string()).join("task");
        for thread in fs::read_dir(threads).context("only Linux says what a process used meanwhile")? {
            // Nanoseconds on a core, nanoseconds of waiting for one, and how many times.
            let said = fs::read_to_string(thread?.path().join("schedstat"))?;
            let numbers = said.split_whitespace().map(|number| Ok(number.parse()?)).collect::<Result<Vec<u64>>>()?;
            let [nanoseconds, _, times] = numbers[..] else { continue };
            ran.seconds += nanoseconds as f64 / 1e9;
            ran.times += times;
        }
        Ok(ran)
    }
}
