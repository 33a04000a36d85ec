//! What the work of a pipeline costs on a real Kafka and a real S3 server, beside the bare loops of its parts and beside what
//! people would use instead.
//!
//! `cargo bench --bench peers` starts Apache Kafka and SeaweedFS, fills a topic with ticks (9 fields, about 154 bytes of JSON; 8
//! partitions, lz4), and runs each work in turn, as many rounds as it is told. `benches/README.md` says what each row is.
//!
//! A run is timed from the start of its process until its group's lag is 0: until the offsets that it has committed are the ends
//! of all partitions. What ends by itself (bare loops, and whatever reads a CSV) is timed to its end, start-up and last PUT included.
//! Then its rows are counted by a reader that shares nothing with it, and must be complete: too few are an error, and so are too many
//! for whoever promises exactly once.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

use std::path::Path;

use anyhow::Result;

use crate::bench::Bench;
use crate::measure::ticks;
use crate::options::Options;
use crate::result::Results;

#[path = "../../src/allocator.rs"]
mod allocator;
#[path = "../measure/columns.rs"]
mod columns;
#[path = "../measure/kafka.rs"]
mod kafka;
#[path = "../measure/machine.rs"]
mod machine;
#[path = "../measure/mod.rs"]
mod measure;
#[path = "../measure/store.rs"]
mod store;
#[path = "../measure/verdict.rs"]
mod verdict;

mod bench;
mod options;
mod result;
mod work;

mod pipelines;
mod rivals;

mod bare;

mod topic;

mod goals;
mod report;

fn main() -> Result<()> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // What this program starts itself as.
        ["ticks", rows, csv] => ticks::write_csv(rows.parse()?, Path::new(csv)),
        ["fill", bootstrap, rows] => topic::fill(bootstrap, rows.parse()?),
        ["count-records", bootstrap, topic] => topic::print_count(bootstrap, topic),
        ["count-rows", bucket] => store::print_count(bucket),
        ["csv-to-kafka", bootstrap, topic, csv] => bare::csv_to_kafka::run(bootstrap, topic, Path::new(csv)),
        ["loop", name, bootstrap, records, bucket] => {
            bare::run(name, bootstrap, topic::TICKS, records.parse()?, bucket)
        }
        _ => measure(&Options::parse(&arguments)?),
    }
}

fn measure(options: &Options) -> Result<()> {
    let machine = machine::Machine::look(rivals::versions(&options.with));
    let bench = Bench::prepare(options)?;
    let mut results = Results::default();
    for round in 1..=options.rounds {
        let store = store::Store::start()?;
        // In turn, so that what else the machine does at a time falls on all of them.
        for work in options.works() {
            let run = bench.run(work, round, &store)?;
            eprintln!("round {round} of {}: {} in {:.2} s", options.rounds, work.title(), run.usage.wall);
            results.add(work, run);
        }
    }
    let verdicts = goals::judge(&results, options.records);
    report::print(&machine, options, &results, &verdicts);
    if let Some(file) = &options.json {
        report::write_json(file, &machine, options, &results, &verdicts)?;
    }
    Ok(())
}
