//! How long until the first object.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::bench::Bench;
use crate::measure::child::median;
use crate::measure::{child, ticks};
use crate::options::Options;
use crate::pipelines::{Csv, Lake, embedded};
use crate::report::{Section, at_most};
use crate::store::Store;

const TOPIC: &str = "start";
const PARTITIONS: i32 = 8;
const RECORDS: u64 = 10_000;
const FLUSH: &str = "rows: 1000";

/// A CSV that is small.
const ROWS: u64 = 1000;

/// Such runs are short, and vary more than others.
const TIMES_A_ROUND: usize = 3;

/// Seconds.
const EMBEDDED: f64 = 0.3;
const KAFKA: f64 = 1.5;

pub(crate) fn measure(bench: &Bench, options: &Options) -> Result<Vec<Section>> {
    let store = Store::start()?;
    bench.fill(TOPIC, PARTITIONS, RECORDS, ticks::SYMBOLS)?;
    let csv = ticks::csv(ROWS)?;
    let (mut embedded, mut kafka) = (Vec::new(), Vec::new());
    for round in 0..options.rounds * TIMES_A_ROUND {
        embedded.push(from_csv(bench, &csv)?);
        kafka.push(from_kafka(bench, &store, round)?);
    }
    let times = embedded.len();
    let title = format!("From the start of the process to the first object that others see; {times} times");
    let mut section = Section::new("start", title, &["", "least", "median", "most"]);
    for (title, goal, mut found) in
        [("CSV → embedded broker → files", EMBEDDED, embedded), ("Kafka → S3, joining a group", KAFKA, kafka)]
    {
        found.sort_by(f64::total_cmp);
        let (least, middle, most) = (found[0], median(found.clone()), found[found.len() - 1]);
        let ms = |seconds: f64| format!("{:.0} ms", seconds * 1000.0);
        section.add([title.to_owned(), ms(least), ms(middle), ms(most)], json!({ "title": title, "seconds": found }));
        section.verdicts.push(at_most(format!("start to first object (s), {title}"), goal, middle));
    }
    Ok(vec![section])
}

fn from_csv(bench: &Bench, csv: &Path) -> Result<f64> {
    let folder = bench.folder("start-embedded")?;
    let out = folder.join("out");
    let mut command = bench.pipeline(&folder, &embedded(csv, Csv::Ends))?;
    let mut first = None;
    let usage = child::run_until(&mut command, &folder, |elapsed, _| {
        // Closer than the looks of whoever calls: it is over before many of them.
        let looked = Instant::now();
        while first.is_none() && elapsed + looked.elapsed() < SOON {
            if has_object(&out)? {
                first = Some((elapsed + looked.elapsed()).as_secs_f64());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(false)
    })?;
    Ok(first.unwrap_or(usage.wall))
}

/// What takes longer is seen when it has ended.
const SOON: Duration = Duration::from_secs(5);

fn from_kafka(bench: &Bench, store: &Store, round: usize) -> Result<f64> {
    let name = format!("start-{round}");
    store.make_bucket(&name);
    let bucket = store.bucket(&name)?;
    let mut first = None;
    let lake = Lake { flush: FLUSH, ..Lake::of(&name, TOPIC, PARTITIONS) };
    bench.run(&lake, store, |elapsed, _| {
        if store.has_object(&bucket)? {
            first = Some(elapsed.as_secs_f64());
        }
        Ok(first.is_some())
    })?;
    first.context("it ended without an object")
}

/// Whether a finished file is in a folder or below.
pub(crate) fn has_object(folder: &Path) -> Result<bool> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(false) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && has_object(&path)? || path.extension().is_some_and(|extension| extension == "parquet") {
            return Ok(true);
        }
    }
    Ok(false)
}
