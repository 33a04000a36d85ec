//! What is said of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::goals::Verdict;
use crate::machine::Machine;
use crate::measure::grouped;
use crate::options::Options;
use crate::result::{Results, Run};

/// How wide the first columns are.
const TITLE: usize = 48;
const GOAL: usize = 104;

/// Tables of what was measured, and of what that is beside the goals.
pub(crate) fn print(machine: &Machine, options: &Options, results: &Results, verdicts: &[Verdict]) {
    let Machine { cores, cpu, memory, system, load, date, versions } = machine;
    let (records, rounds) = (grouped(options.records), options.rounds);
    println!("{records} ticks of 9 fields as JSON, 8 partitions, lz4; medians of {rounds}; {date}");
    println!("{cores} cores of {cpu}, {} GB, {system}; load before {load}", memory / 1_000_000_000);
    println!("{}\n", versions.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", "));

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

    println!("\n| {:<GOAL$} | goal | found | |", "");
    println!("|:{:-<GOAL$}-|-----:|------:|-|", "");
    for Verdict { title, goal, found, is_met } in verdicts {
        println!("| {title:<GOAL$} | {goal} | {found:.2} | {} |", if *is_met { "met" } else { "missed" });
    }
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
    let goals: Vec<Value> = verdicts
        .iter()
        .map(|Verdict { title, goal, found, is_met }| {
            json!({ "title": title, "goal": goal, "found": found, "met": is_met })
        })
        .collect();
    let Machine { cores, cpu, memory, system, load, date, versions } = machine;
    let all = json!({
        "date": date,
        "machine": { "cores": cores, "cpu": cpu, "memory_bytes": memory, "system": system, "load_before": load },
        "versions": versions,
        "records": options.records,
        "rounds": options.rounds,
        "works": works,
        "goals": goals,
    });
    let text = serde_json::to_string_pretty(&all)? + "\n";
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
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
