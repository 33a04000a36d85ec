//! What is aimed at, as ratios within one run.

use crate::bare::Loop;
use crate::result::{Results, Run};
use crate::verdict::Verdict;
use crate::work::{Ours, Redpanda, Work};

/// One goal: a measure of ours, by itself or over that of another.
struct Goal {
    ours: Ours,
    beside: Option<Work>,
    measure: Measure,
    bound: Bound,
    /// What the other's measure is multiplied by, and whose it is then.
    carried: Option<(&'static str, f64)>,
}

#[derive(Clone, Copy)]
enum Measure {
    /// Records per second.
    Rate,
    /// CPU seconds per million records.
    Cpu,
    /// Megabytes at the most.
    Memory,
    /// Seconds until the first record landed.
    First,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// Holds what was measured against every goal for which it was.
pub(crate) fn judge(results: &Results, records: u64) -> Vec<Verdict> {
    goals().iter().filter_map(|goal| goal.judge(results, records)).collect()
}

/// Kafka Connect with Aiven's S3 sink is in no package. Beside Redpanda Connect, in one run on two cores (2026-11-23), it made of JSON
/// lines, typed, 46 k records/s at 36 CPU-s per million where that made 282 k at 3.7.
const CONNECT: &str = "Kafka Connect, carried over";
const CONNECT_RATE: f64 = 46.0 / 282.0;
const CONNECT_CPU: f64 = 36.0 / 3.7;

fn goals() -> Vec<Goal> {
    use Bound::{AtLeast, AtMost};
    use Measure::{Cpu, First, Memory, Rate};

    let beside = |ours, beside, measure, bound| Goal { ours, beside: Some(beside), measure, bound, carried: None };
    let alone = |ours, measure, bound| Goal { ours, beside: None, measure, bound, carried: None };
    let connect = |measure, bound, factor| Goal {
        carried: Some((CONNECT, factor)),
        ..beside(Ours::Json, Work::Redpanda(Redpanda::Json), measure, bound)
    };
    let (json, parquet) = (Work::Bare(Loop::JsonPut), Work::Bare(Loop::ParquetPut));
    let [redpanda_json, redpanda_parquet, redpanda_csv] =
        [Redpanda::Json, Redpanda::Parquet, Redpanda::Csv].map(Work::Redpanda);
    vec![
        beside(Ours::Json, json, Rate, AtLeast(0.8)),
        beside(Ours::Json, json, Cpu, AtMost(1.25)),
        beside(Ours::Parquet, parquet, Rate, AtLeast(0.8)),
        beside(Ours::Parquet, parquet, Cpu, AtMost(1.25)),
        beside(Ours::Csv, Work::BareCsv, Rate, AtLeast(0.85)),
        alone(Ours::Parquet, Memory, AtMost(150.0)),
        alone(Ours::Json, First, AtMost(1.5)),
        alone(Ours::Parquet, First, AtMost(1.5)),
        beside(Ours::Json, redpanda_json, Rate, AtLeast(3.0)),
        beside(Ours::Json, redpanda_json, Cpu, AtMost(1.0 / 3.0)),
        beside(Ours::Json, redpanda_json, Memory, AtMost(1.0 / 8.0)),
        connect(Rate, AtLeast(8.0), CONNECT_RATE),
        connect(Cpu, AtMost(1.0 / 10.0), CONNECT_CPU),
        beside(Ours::Parquet, redpanda_parquet, Rate, AtLeast(8.0)),
        beside(Ours::Parquet, redpanda_parquet, Cpu, AtMost(1.0 / 9.0)),
        beside(Ours::Parquet, redpanda_parquet, Memory, AtMost(1.0 / 10.0)),
        beside(Ours::Csv, redpanda_csv, Rate, AtLeast(4.0)),
        beside(Ours::Csv, redpanda_csv, Cpu, AtMost(1.0 / 5.0)),
        beside(Ours::Parquet, Work::Python, Rate, AtLeast(3.0)),
        beside(Ours::Parquet, Work::Python, Cpu, AtMost(1.0 / 2.0)),
    ]
}

impl Goal {
    fn judge(&self, results: &Results, records: u64) -> Option<Verdict> {
        let ours = Work::Ours(self.ours);
        let found = self.measure.of(&results.median(ours)?, records)?;
        let (other, found) = match self.beside {
            None => (String::new(), found),
            Some(beside) => {
                let (whose, factor) = self.carried.unwrap_or((beside.title(), 1.0));
                let other = self.measure.of(&results.median(beside)?, records)?;
                (format!(" over {whose}"), found / (other * factor))
            }
        };
        let (goal, is_met) = match self.bound {
            Bound::AtLeast(least) => (format!("≥ {least:.2}"), found >= least),
            Bound::AtMost(most) => (format!("≤ {most:.2}"), found <= most),
        };
        Some(Verdict { title: format!("{}: {}{other}", ours.title(), self.measure.name()), goal, found, is_met })
    }
}

impl Measure {
    fn name(self) -> &'static str {
        match self {
            Self::Rate => "records/s",
            Self::Cpu => "CPU",
            Self::Memory => "peak memory (MB)",
            Self::First => "start to first object (s)",
        }
    }

    fn of(self, run: &Run, records: u64) -> Option<f64> {
        match self {
            Self::Rate => Some(records as f64 / run.usage.wall),
            Self::Cpu => Some(run.usage.cpu / records as f64 * 1e6),
            Self::Memory => Some(run.usage.peak_memory as f64 / 1e6),
            Self::First => run.first,
        }
    }
}
