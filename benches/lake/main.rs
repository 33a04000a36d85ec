//! What moving three million ticks from a CSV through a durable topic into files costs, beside the same work in a bare loop
//! without a topic and without guarantees.
//!
//! `cargo bench --bench lake` prints the table of the README. `-- --rows N` takes another number of rows, and `-- --quick`
//! is a check for every change: few rows, once, but held to the same rows and the same memory. `-- --kafka` does it from a real
//! Kafka, beside a loop that only polls.

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::measure::child::Usage;
use crate::measure::{grouped, ticks};
use crate::report::{print_row, print_table_head};
use crate::runs::{Runs, Work};

#[path = "../measure/columns.rs"]
mod columns;
#[path = "../measure/mod.rs"]
mod measure;

mod bare_loop;
mod files;
mod kafka;
mod report;
mod runs;

/// A run that takes more fails, however many records it moves. It takes 120 MB here; the rest is for machines that differ.
const MEMORY_LIMIT: u64 = 150_000_000;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Extent {
    rows: u64,
    repeats: usize,
}

const FULL: Extent = Extent { rows: 3_000_000, repeats: 3 };
const QUICK: Extent = Extent { rows: 100_000, repeats: 1 };

fn main() -> Result<()> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => measure(FULL),
        ["--quick"] => measure(QUICK),
        ["--kafka"] => kafka::measure(FULL),
        ["--kafka", "--quick"] => kafka::measure(QUICK),
        ["--rows", rows] => measure(Extent { rows: rows.parse().context("--rows takes a number")?, ..FULL }),
        // What this program starts itself as.
        ["poll-loop", bootstrap, rows] => kafka::bare_loop(bootstrap, rows.parse()?),
        ["bare-loop", csv, file] => bare_loop::run(Path::new(csv), Path::new(file)),
        ["ticks", rows] => runs::make_ticks(rows.parse()?),
        ["ticks", rows, csv] => ticks::write_csv(rows.parse()?, Path::new(csv)),
        _ => bail!("expected nothing, --quick, --kafka, or --rows and a number"),
    }
}

fn measure(Extent { rows, repeats }: Extent) -> Result<()> {
    let runs = Runs::prepare(rows)?;
    let few = Runs::prepare(rows.div_ceil(10))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{} ticks of 9 columns in a CSV, on {cores} cores; the median of {repeats}\n", grouped(rows));
    let works = [Work::Parquet, Work::BareLoop, Work::JsonLines, Work::Ticks];
    let mut usages = works.map(|_| Vec::new());
    for _ in 0..repeats {
        // In turn, so that what else the machine does at a time falls on all of them.
        for (work, usages) in works.iter().zip(&mut usages) {
            usages.push(runs.run(*work)?);
        }
    }
    let medians = usages.map(|usages| Usage::median(&usages));
    let memory_of_few = few.run(Work::Parquet)?.peak_memory;

    print_table_head();
    for (work, usage) in works.iter().zip(&medians) {
        print_row(work.title(), rows, usage);
    }
    let [parquet, bare_loop, ..] = &medians;
    println!("\nCPU time of the pipeline: {:.2} times that of the bare loop", parquet.cpu / bare_loop.cpu);
    println!(
        "Peak memory of the pipeline: {} MB for {} ticks, {} MB for {}",
        memory_of_few / 1_000_000,
        grouped(few.rows()),
        parquet.peak_memory / 1_000_000,
        grouped(rows),
    );
    let highest = parquet.peak_memory.max(memory_of_few);
    ensure!(highest <= MEMORY_LIMIT, "that is more than {} MB", MEMORY_LIMIT / 1_000_000);
    Ok(())
}
