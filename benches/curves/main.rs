//! What else a pipeline costs and how long it takes: from a record to its row, while nothing comes, until the first object, and with
//! more tasks, partitions and open files.
//!
//! `cargo bench --bench curves` starts Apache Kafka and SeaweedFS, measures each in turn, and holds it against the goals. What is
//! compared is interleaved. `benches/README.md` says what each table is.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

use std::path::Path;

use anyhow::Result;

use crate::bench::Bench;
use crate::measure::ticks;
use crate::options::Options;

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
mod pipelines;

mod idle;
mod latency;
mod scale;
mod start;

mod fill;
mod landing;

mod report;

fn main() -> Result<()> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // What this program starts itself as.
        ["ticks", rows, csv] => ticks::write_csv(rows.parse()?, Path::new(csv)),
        ["fill", bootstrap, topic, partitions, rows, symbols] => {
            fill::at_once(bootstrap, topic, partitions.parse()?, rows.parse()?, symbols.parse()?)
        }
        ["fill-steadily", bootstrap, topic, rows] => fill::steadily(bootstrap, topic, rows.parse()?),
        ["watch", bucket, rows, skip] => landing::watch(bucket, rows.parse()?, skip.parse()?),
        ["count-rows", bucket] => store::print_count(bucket),
        _ => measure(&Options::parse(&arguments)?),
    }
}

fn measure(options: &Options) -> Result<()> {
    let machine = machine::Machine::look([]);
    let bench = Bench::prepare()?;
    let mut sections = Vec::new();
    for (name, measure) in SECTIONS.into_iter().filter(|(name, _)| name.contains(&options.only)) {
        eprintln!("{name}");
        sections.extend(measure(&bench, options)?);
    }
    report::print(&machine, options, &sections);
    match &options.json {
        Some(file) => report::write_json(file, &machine, options, &sections),
        None => Ok(()),
    }
}

type Measure = fn(&Bench, &Options) -> Result<Vec<report::Section>>;

const SECTIONS: [(&str, Measure); 6] = [
    ("latency", latency::measure),
    ("idle", idle::measure),
    ("start", start::measure),
    ("tasks", scale::tasks),
    ("partitions", scale::partitions),
    ("files", scale::files),
];
