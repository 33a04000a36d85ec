//! What the inner loops do in a second, each beside what is nearest to it: the work of a pipeline without a topic, a network and a disk.
//!
//! `cargo bench --bench loops` measures all of them in a minute and a half. `-- JSON` takes those with that in their names, and `-- --quick` ends each
//! as soon as it is about known: both are criterion's. Only figures of one run can be compared. `benches/README.md` says what it showed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Error, Result};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};

use crate::measure::ticks;
use crate::rows::Rows;

#[path = "../../src/allocator.rs"]
mod allocator;
#[path = "../measure/mod.rs"]
#[allow(dead_code, reason = "what is measured elsewhere needs more of it")]
mod measure;

#[path = "../measure/columns.rs"]
#[allow(dead_code, reason = "what is measured elsewhere needs more of it")]
mod columns;
mod rows;

#[path = "../peers/bare/decoder.rs"]
#[allow(dead_code, reason = "what is measured elsewhere needs more of it")]
mod decoder;
mod structs;

mod converter;
mod sinks;
mod source;
mod transform;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let ["ticks", rows, csv] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // What this program starts itself as.
        return ticks::write_csv(rows.parse()?, Path::new(csv));
    }
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(20)
        .configure_from_args();
    let rows = Rows::prepare()?;
    converter::measure_decode(&mut criterion, &rows)?;
    converter::measure_encode(&mut criterion, &rows)?;
    converter::measure_lines(&mut criterion, &rows)?;
    sinks::measure_parquet(&mut criterion, &rows)?;
    sinks::measure_json(&mut criterion, &rows)?;
    source::measure(&mut criterion)?;
    transform::measure(&mut criterion, &rows)?;
    criterion.final_summary();
    Ok(())
}

/// Loops over the same rows, one beside the other.
struct Group<'a>(BenchmarkGroup<'a, WallTime>);

impl<'a> Group<'a> {
    fn new(criterion: &'a mut Criterion, name: &str, rows: usize) -> Self {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(rows as u64));
        Self(group)
    }

    /// Measures one loop, and returns what it makes. That it is dropped belongs to its time.
    fn add<T, E: Into<Error>>(&mut self, name: &str, mut work: impl FnMut() -> Result<T, E>) -> Result<T> {
        let made = work().map_err(|error| error.into().context(format!("{name} fails")))?;
        let mut again = || work().unwrap_or_else(|error| panic!("{name} fails: {:#}", error.into()));
        self.0.bench_function(name, |bencher| bencher.iter(&mut again));
        Ok(made)
    }
}
