//! The servers, and one run beside them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use pipeline_testkit::kafka::KafkaServer;

use crate::kafka::{self, Lag};
use crate::measure::child;
use crate::measure::{folder, grouped, this_program, ticks};
use crate::options::Options;
use crate::pipelines;
use crate::result::{Found, Run};
use crate::rivals::Rivals;
use crate::store::Store;
use crate::topic::{Arrival, PARTITIONS, TICKS};
use crate::work::{Leaves, Ours, Redpanda, Work};

/// A Kafka with ticks on it, a CSV with the same, and whoever is to read them.
pub(crate) struct Bench {
    kafka: KafkaServer,
    records: u64,
    /// Where each partition of the ticks ends.
    ends: Vec<i64>,
    csv: PathBuf,
    folder: PathBuf,
    pipeline: PathBuf,
    rivals: Rivals,
}

impl Bench {
    pub(crate) fn prepare(options: &Options) -> Result<Self> {
        let folder = folder().join("peers");
        fs::create_dir_all(&folder)?;
        // A copy: a build that goes on beside this must not change what is measured.
        let pipeline = folder.join("pipeline");
        fs::copy(env!("CARGO_BIN_EXE_pipeline"), &pipeline)?;
        let rivals = Rivals::build(&options.with)?;
        let (records, csv) = (options.records, ticks::csv(options.records)?);
        let kafka = KafkaServer::start();
        eprintln!("filling a topic with {} ticks", grouped(records));
        kafka::create(&kafka.bootstrap(), TICKS, PARTITIONS)?;
        let fill = ["fill", &kafka.bootstrap(), &records.to_string()].map(str::to_owned);
        child::run(Command::new(this_program()?).args(fill), &folder)?;
        let ends = kafka::ends(&kafka.bootstrap(), TICKS, PARTITIONS)?;
        let filled: i64 = ends.iter().sum();
        ensure!(u64::try_from(filled)? == records, "{filled} of {records} records are on the topic");
        Ok(Self { kafka, records, ends, csv, folder, pipeline, rivals })
    }

    /// Does the work once, and counts what it left.
    pub(crate) fn run(&self, work: Work, round: usize, store: &Store) -> Result<Run> {
        let name = format!("{}-{round}", work.name().replace('_', "-"));
        let mut command = self.command(work, &name)?;
        command.envs(store.environment());
        let bootstrap = self.kafka.bootstrap();
        let mut landed: Box<dyn FnMut() -> Result<bool>> = match work.leaves() {
            Leaves::Nothing => Box::new(|| Ok(false)),
            Leaves::Objects => {
                store.make_bucket(&name);
                let bucket = store.bucket(&name)?;
                Box::new(move || store.has_object(&bucket))
            }
            Leaves::Records => {
                kafka::create(&bootstrap, &name, PARTITIONS)?;
                let arrival = Arrival::new(&bootstrap, &name)?;
                Box::new(move || arrival.is_there())
            }
        };
        let lag = match work {
            Work::Ours(Ours::Json | Ours::Parquet | Ours::Transform)
            | Work::Redpanda(Redpanda::Json | Redpanda::Parquet)
            | Work::Python => Some(Lag::new(&bootstrap, &pipelines::group(work, &name), TICKS, &self.ends)?),
            _ => None,
        };
        let mut first = None;
        let usage = child::run_until(&mut command, &self.folder, |elapsed: Duration, _| {
            if first.is_none() && landed()? {
                first = Some(elapsed.as_secs_f64());
            }
            lag.as_ref().map_or(Ok(false), Lag::is_zero)
        })?;
        drop(landed);
        let found = self.count(work, &name, store)?;
        if let Some(Found { rows, .. }) = found {
            ensure!(rows >= self.records, "{rows} of {} rows arrived by {}", self.records, work.title());
            ensure!(rows == self.records || !work.is_exact(), "{} left {rows} rows of {}", work.title(), self.records);
            // What ends between two looks has landed by then.
            first = first.or(Some(usage.wall));
        }
        Ok(Run { usage, first, found })
    }

    fn command(&self, work: Work, name: &str) -> Result<Command> {
        let bootstrap = self.kafka.bootstrap();
        let records = self.records.to_string();
        Ok(match work {
            Work::Ours(ours) => {
                let file = self.folder.join(format!("{name}.yaml"));
                fs::write(&file, pipelines::file(ours, name, &bootstrap, &self.csv))?;
                let mut command = Command::new(&self.pipeline);
                command.arg("run").arg(file);
                command
            }
            Work::Bare(bare) => {
                let mut command = Command::new(this_program()?);
                command.args(["loop", bare.name(), &bootstrap, &records, name]);
                command
            }
            Work::BareCsv => {
                let mut command = Command::new(this_program()?);
                command.args(["csv-to-kafka", &bootstrap, name]).arg(&self.csv);
                command
            }
            Work::Redpanda(redpanda) => self.rivals.redpanda(redpanda, name, &bootstrap, &self.csv)?,
            Work::Python => self.rivals.python(name, &bootstrap)?,
        })
    }

    /// Rows are counted in a process of their own, because the memory of this one is counted to whoever it starts.
    fn count(&self, work: Work, name: &str, store: &Store) -> Result<Option<Found>> {
        let mut counter = Command::new(this_program()?);
        match work.leaves() {
            Leaves::Nothing => return Ok(None),
            Leaves::Objects => counter.args(["count-rows", name]).envs(store.environment()),
            Leaves::Records => counter.args(["count-records", &self.kafka.bootstrap(), name]),
        };
        let output = counter.output()?;
        if !output.status.success() {
            bail!("the rows of {} cannot be counted: {}", work.title(), String::from_utf8_lossy(&output.stderr));
        }
        if work.leaves() == Leaves::Records {
            kafka::remove(&self.kafka.bootstrap(), name)?;
        }
        let said = String::from_utf8(output.stdout)?;
        let mut numbers = said.split_whitespace().map(str::parse);
        let rows = numbers.next().context("the counter says nothing")??;
        Ok(Some(Found { rows, objects: numbers.next().transpose()? }))
    }
}
