//! What a run would do, said before one: how often its sinks flush, what files that leaves, what their hooks call. Nothing is
//! connected to; where the data lies on this machine, its first records say what they fall into.

mod records;
mod sizes;

use std::collections::BTreeSet;
use std::time::Duration;

use pipeline_api::{Artifact, Calls, FileFormat, Often, Outlook, Result, Scans, Task, Timestamp};

use self::records::Records;
use self::sizes::{column_bytes, record_bytes};
use crate::plan::{FlushPolicy, Plan, SinkPlan};

const DAY: f64 = 86_400.0;

/// What a person says about the data beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Assumptions {
    /// How many records a second there will be, instead of what the file says.
    pub rate: Option<f64>,
    /// How many bytes of a file a record takes, instead of what follows from the types of its columns.
    pub record_bytes: Option<f64>,
    /// The time of records that are made up.
    pub at: Timestamp,
}

/// What a run would do.
#[derive(Debug)]
pub struct Ahead {
    /// How many records a second there will be, if anybody says it.
    pub rate: Option<Rate>,
    /// How many of the sources' first records were looked at; `None` if they lie elsewhere, or do not fit.
    pub sampled: Option<usize>,
    /// The sinks, as the plan has them.
    pub sinks: Vec<SinkAhead>,
}

/// How many records a second there will be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// So many.
    pub records: f64,
    /// Who says it.
    pub said_by: SaidBy,
}

/// Who says how many records there will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// Who asks.
    Assumption,
    /// The file: `topic.rate`.
    Topic,
    /// The sources' own settings.
    Sources,
}

/// What a sink would do.
#[derive(Debug)]
pub struct SinkAhead {
    /// What a record takes in a file, before compression.
    pub record_bytes: f64,
    /// The flushes of one task.
    pub flush: FlushAhead,
    /// What they leave; `None` if that is nothing that could be read back.
    pub files: Option<FilesAhead>,
    /// Into how many folders the records fall that were looked at.
    pub spread: Option<Spread>,
    /// What the hooks would do, or why one will not open.
    pub hooks: Vec<Result<HookAhead>>,
}

/// The flushes of one task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlushAhead {
    /// What makes them due.
    pub due: Due,
    /// The records in one.
    pub rows: f64,
    /// The bytes in one.
    pub bytes: f64,
    /// The seconds from one to the next, if the rate is known.
    pub pause: Option<f64>,
    /// How many there are a day over all tasks, if the rate is known.
    pub a_day: Option<f64>,
}

/// Which setting makes a flush due: `flush.rows` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the settings")]
pub enum Due {
    Rows,
    Bytes,
    Every,
    Memory,
}

/// The files that flushes leave.
#[derive(Clone, Debug, PartialEq)]
pub struct FilesAhead {
    /// The addresses of a few files of one flush.
    pub examples: Vec<String>,
    /// How many a flush of one task leaves.
    pub a_flush: f64,
    /// Whether there may be more: their number depends on values that nobody has looked at.
    pub at_least: bool,
    /// The bytes in one.
    pub bytes: f64,
    /// How many there are a day over all tasks.
    pub a_day: Option<f64>,
    /// The requests that one takes.
    pub requests: Vec<(&'static str, u64)>,
}

/// Into how many folders records fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// So many records.
    pub rows: usize,
    /// So many folders.
    pub folders: usize,
}

/// What a hook would do.
#[derive(Clone, Debug, PartialEq)]
pub struct HookAhead {
    /// What it would make: texts of one or more lines.
    pub makes: Vec<String>,
    /// What it would call.
    pub calls: Vec<CallsAhead>,
}

/// Calls that a hook would make.
#[derive(Clone, Debug, PartialEq)]
pub struct CallsAhead {
    /// Which, and when.
    pub calls: Calls,
    /// How many there are a day at most over all tasks, where that follows from the rate.
    pub a_day: Option<f64>,
    /// The bytes that one of them reads at most, for a query of files.
    pub scanned: Option<f64>,
    /// The bytes by which that grows with each day of records, for a query of the table.
    pub growing: Option<f64>,
}

impl Ahead {
    /// What a run of `plan` would do.
    ///
    /// Errors: a sink cannot say where its records will lie.
    pub async fn of(plan: &Plan, assumed: &Assumptions) -> Result<Self> {
        let rate = rate(plan, assumed);
        let records = Records::sampled(plan).await;
        let mut sinks = Vec::with_capacity(plan.sinks.len());
        for sink in &plan.sinks {
            sinks.push(SinkAhead::of(plan, sink, rate, assumed, records.as_ref()).await?);
        }
        Ok(Self { rate, sampled: records.map(|records| records.rows()), sinks })
    }
}

fn rate(plan: &Plan, assumed: &Assumptions) -> Option<Rate> {
    let of_sources = || -> Option<f64> {
        let of_one = |source: &crate::SourcePlan| {
            let plugin = &source.plugin;
            plugin.registration.rate(plugin.config.clone()).ok().flatten()
        };
        let rates = plan.sources.iter().map(of_one).collect::<Option<Vec<f64>>>()?;
        (!rates.is_empty()).then(|| rates.iter().sum())
    };
    let said = |records: Option<f64>, said_by| Some(Rate { records: records?, said_by });
    said(assumed.rate, SaidBy::Assumption)
        .or_else(|| said(plan.topic.rate, SaidBy::Topic))
        .or_else(|| said(of_sources(), SaidBy::Sources))
        .filter(|rate| rate.records > 0.0 && rate.records.is_finite())
}

impl SinkAhead {
    async fn of(
        plan: &Plan,
        sink: &SinkPlan,
        rate: Option<Rate>,
        assumed: &Assumptions,
        records: Option<&Records>,
    ) -> Result<Self> {
        let tasks = sink.tasks.min(plan.topic.partitions.unsigned_abs()).max(1);
        let record_bytes = assumed.record_bytes.unwrap_or_else(|| record_bytes(sink)).max(1.0);
        let flush = FlushAhead::of(&sink.flush, record_bytes, rate, f64::from(tasks));
        let of_sink = match records {
            Some(records) => records.of_sink(plan, sink).await,
            None => None,
        };
        let of_one_interval = of_sink.as_ref().map(|all| all.first((flush.rows * f64::from(tasks)).ceil() as usize));
        let foreseen = of_one_interval.and_then(|some| Foreseen::of(plan, sink, &some).ok());
        let (artifacts, is_made_up) = match foreseen {
            Some(artifacts) => (artifacts, false),
            None => (Foreseen::of(plan, sink, &Records::made_up(plan, sink, assumed.at)?)?, true),
        };
        let spread = of_sink.as_ref().and_then(|all| Foreseen::spread(plan, sink, all));
        let a_flush = artifacts.len() as f64 / f64::from(tasks);
        let bytes = if artifacts.is_empty() { 0.0 } else { flush.bytes / a_flush };
        let is_cut = of_sink.as_ref().is_some_and(|all| (all.rows() as f64) < flush.rows * f64::from(tasks));
        let files = (!artifacts.is_empty()).then(|| {
            let (config, registration) = (&sink.plugin.config, sink.plugin.registration);
            FilesAhead {
                examples: artifacts.iter().take(EXAMPLES).map(|artifact| artifact.url.clone()).collect(),
                a_flush,
                at_least: (is_made_up || is_cut) && has_folders_of_values(sink),
                bytes,
                a_day: flush.a_day.map(|flushes| flushes * a_flush),
                requests: registration.requests(config.clone(), bytes as u64).unwrap_or_default(),
            }
        });
        let of_first_task: Vec<Artifact> = artifacts
            .into_iter()
            .filter(|artifact| artifact.partition.partition.unsigned_abs() % tasks == 0)
            .map(|artifact| Artifact { bytes: bytes as u64, ..artifact })
            .collect();
        let context = plan.sink_context(sink, Task { index: 0, of: sink.tasks });
        let measure = Measure { sink, rate, tasks: f64::from(tasks), record_bytes, flush };
        let hooks = sink.hooks.iter().map(|hook| {
            let outlook = hook.registration.hook_outlook(hook.config.clone(), &context, &of_first_task)?;
            Ok(measure.hook(outlook))
        });
        Ok(Self { record_bytes, flush, files, spread, hooks: hooks.collect() })
    }
}

/// So many files are shown.
const EXAMPLES: usize = 3;

/// Whether a column of the records makes folders as it is, so that only the data tells how many.
fn has_folders_of_values(sink: &SinkPlan) -> bool {
    let Some(dataset) = &sink.dataset else { return false };
    dataset.partition_columns.fields().iter().any(|column| sink.schema.field_with_name(column.name()).is_ok())
}

/// What a sink says of records.
struct Foreseen;

impl Foreseen {
    /// The files of one flush of each task, if these are the records in them.
    fn of(plan: &Plan, sink: &SinkPlan, records: &Records) -> Result<Vec<Artifact>> {
        let context = plan.sink_context(sink, Task { index: 0, of: sink.tasks });
        let mut artifacts = Vec::new();
        for batch in records.by_partition(&plan.topic.name)? {
            artifacts.extend(sink.plugin.registration.sink_outlook(sink.plugin.config.clone(), &context, &batch)?);
        }
        Ok(artifacts)
    }

    /// Into how many folders these records fall, if into any.
    fn spread(plan: &Plan, sink: &SinkPlan, records: &Records) -> Option<Spread> {
        let artifacts = Self::of(plan, sink, records).ok()?;
        let folders: BTreeSet<_> = artifacts.iter().map(|artifact| &artifact.partition_values).collect();
        let in_folders = artifacts.iter().any(|artifact| !artifact.partition_values.is_empty());
        in_folders.then_some(Spread { rows: records.rows(), folders: folders.len() })
    }
}

impl FlushAhead {
    fn of(policy: &FlushPolicy, record_bytes: f64, rate: Option<Rate>, tasks: f64) -> Self {
        let of_task = rate.map(|rate| rate.records / tasks);
        let limits = [
            policy.rows.map(|rows| (Due::Rows, rows as f64)),
            Some((Due::Bytes, policy.bytes.bytes() as f64 / record_bytes)),
            Some((Due::Memory, policy.memory.bytes() as f64 / 2.0 / record_bytes)),
            of_task.map(|rate| (Due::Every, rate * policy.every.as_secs_f64())),
        ];
        let first = limits.into_iter().flatten().min_by(|(_, a), (_, b)| a.total_cmp(b));
        let (due, rows) = first.unwrap_or((Due::Every, 1.0));
        let rows = rows.max(1.0);
        let pause = of_task.map(|rate| rows / rate);
        Self { due, rows, bytes: rows * record_bytes, pause, a_day: pause.map(|pause| tasks * DAY / pause) }
    }
}

/// What calls come to in a day.
struct Measure<'p> {
    sink: &'p SinkPlan,
    rate: Option<Rate>,
    tasks: f64,
    record_bytes: f64,
    flush: FlushAhead,
}

impl Measure<'_> {
    fn hook(&self, outlook: Outlook) -> HookAhead {
        HookAhead { makes: outlook.makes, calls: outlook.calls.into_iter().map(|calls| self.calls(calls)).collect() }
    }

    fn calls(&self, calls: Calls) -> CallsAhead {
        let occasions = match calls.often {
            Often::Start | Often::End => None,
            Often::Flush | Often::NewPartitions => self.flush.a_day,
            Often::Every(pause) => self.pause_of(pause).map(|pause| self.tasks * DAY / pause),
        };
        let a_day = self.rate.map(|rate| rate.records * DAY);
        let scanned = match (&calls.scans, calls.often) {
            (Some(Scans::Files), Often::Every(pause)) => self.pause_of(pause).map(|pause| self.bytes_in(pause)),
            (Some(Scans::Files), _) => Some(self.flush.bytes),
            _ => None,
        };
        let growing = match &calls.scans {
            Some(Scans::Columns(columns)) => a_day.map(|records| records * self.bytes_of(columns)),
            Some(Scans::Everything) => a_day.map(|records| records * self.record_bytes),
            _ => None,
        };
        CallsAhead { a_day: occasions.map(|occasions| occasions * calls.count as f64), calls, scanned, growing }
    }

    /// The seconds from one flush that asks to the next, for a hook that asks at most so often.
    fn pause_of(&self, pause: Duration) -> Option<f64> {
        self.flush.pause.map(|of_flush| of_flush.max(pause.as_secs_f64()))
    }

    /// What one task writes in so many seconds.
    fn bytes_in(&self, seconds: f64) -> f64 {
        self.rate.map_or(0.0, |rate| rate.records / self.tasks * seconds * self.record_bytes)
    }

    /// What these columns of a record take in a file.
    fn bytes_of(&self, columns: &[String]) -> f64 {
        let Some(dataset) = &self.sink.dataset else { return self.record_bytes };
        if dataset.format != FileFormat::Parquet {
            return if columns.is_empty() { 0.0 } else { self.record_bytes };
        }
        let all: f64 = dataset.columns.fields().iter().map(|field| column_bytes(field, dataset.format)).sum();
        let read = columns.iter().filter_map(|name| dataset.columns.field_with_name(name).ok());
        let read: f64 = read.map(|field| column_bytes(field, dataset.format)).sum();
        self.record_bytes * read / all.max(1.0)
    }
}

/// As many of the records as are looked at.
pub(crate) const SAMPLE: usize = 10_000;
