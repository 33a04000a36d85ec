//! What is said of it.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::measure::grouped;
use crate::options::Options;
use crate::result::{Results, Run};
use crate::verdict::{self, Verdict};

/// How wide the first column is.
const TITLE: usize = 48;

/// Tables of what was measured, and of what that is beside the goals.
pub(crate) fn print(machine: &Machine, options: &Options, results: &Results, verdicts: &[Verdict]) {
    let (records, rounds) = (grouped(options.records), options.rounds);
    println!("{records} ticks of 9 fields as JSON, 8 partitions, lz4; medians of {rounds}; {}", machine.date);
    println!("{machine}\n");

    println!("| {:<TITLE$} | records/s | CPU-s per million | peak memory | first landed | rows found | objects |", "");
    println!("|:{:-<TITLE$}-|----------:|------------------:|------------:|-------------:|-----------:|--------:|", "");
    for (work, _) in results.iter() {
        let Some(Run { usage, first, found }) = results.median(work) else { continue };
        let rate = grouped((options.records as f64 / usage.wall / 1000.0).round() as u64 * 1000);
        let cpu = usage.cpu / options.records as f64 * 1e6;
        let memory = usage.peak_memory / 1_000_000;
        let first = first.map_or(String::new(), |first| format!("{first:.2} s"));
        let rows = found.map_or(String::new(), |found| grouped(found.rows));
        let objects = found.and_then(|found| found.objects).map_or(String::new(), grouped);
        println!("| {:<TITLE$} | {rate} | {cpu:.2} | {memory} MB | {first} | {rows} | {objects} |", work.title());
    }

    println!();
    verdict::print(verdicts);
}

/// The same, every run of it.
pub(crate) fn write_json(
    file: &Path,
    machine: &Machine,
    options: &Options,
    results: &Results,
    verdicts: &[Verdict],
) -> Result<()> {
    let works: Vec<Value> = results
        .iter()
        .map(|(work, runs)| {
            let median = results.median(work).map(|run| figures(&run, options.records));
            let runs: Vec<Value> = runs.iter().map(|run| figures(run, options.records)).collect();
            json!({ "name": work.name(), "title": work.title(), "median": median, "runs": runs })
        })
        .collect();
    let found = [("works", json!(works)), ("goals", json!(verdict::figures(verdicts)))];
    machine.write_json(file, options.records, options.rounds, found)
}

fn figures(Run { usage, first, found }: &Run, records: u64) -> Value {
    json!({
        "seconds": usage.wall,
        "records_per_second": records as f64 / usage.wall,
        "cpu_seconds_per_million": usage.cpu / records as f64 * 1e6,
        "peak_memory_bytes": usage.peak_memory,
        "seconds_to_first": first,
        "rows_found": found.map(|found| found.rows),
        "objects_found": found.and_then(|found| found.objects),
    })
}
