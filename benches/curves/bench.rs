//! The servers, and pipelines beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use pipeline_testkit::kafka::KafkaServer;

use crate::kafka;
use crate::measure::child::{self, Usage};
use crate::measure::{folder, grouped, this_program};
use crate::pipelines::Lake;
use crate::store::Store;

/// A Kafka, and the program that is measured.
pub(crate) struct Bench {
    kafka: KafkaServer,
    folder: PathBuf,
    pipeline: PathBuf,
}

/// What a run left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) rows: u64,
    pub(crate) objects: u64,
}

impl Bench {
    pub(crate) fn prepare() -> Result<Self> {
        let folder = folder().join("curves");
        fs::create_dir_all(&folder)?;
        // A copy: a build that goes on beside this must not change what is measured.
        let pipeline = folder.join("pipeline");
        fs::copy(env!("CARGO_BIN_EXE_pipeline"), &pipeline)?;
        Ok(Self { kafka: KafkaServer::start(), folder, pipeline })
    }

    pub(crate) fn bootstrap(&self) -> String {
        self.kafka.bootstrap()
    }

    /// Makes a topic with so many ticks, of so many symbols, and says where its partitions end.
    pub(crate) fn fill(&self, topic: &str, partitions: i32, records: u64, symbols: u32) -> Result<Vec<i64>> {
        eprintln!("filling {partitions} partitions with {} ticks of {symbols} symbols", grouped(records));
        let bootstrap = self.bootstrap();
        kafka::create(&bootstrap, topic, partitions)?;
        let numbers = [partitions.to_string(), records.to_string(), symbols.to_string()];
        let mut fill = Command::new(this_program()?);
        child::run(fill.args(["fill", &bootstrap, topic]).args(numbers), &self.folder)?;
        let ends = kafka::ends(&bootstrap, topic, partitions)?;
        let filled: i64 = ends.iter().sum();
        ensure!(u64::try_from(filled)? == records, "{filled} of {records} records are on the topic");
        Ok(ends)
    }

    /// An empty folder of this name.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// A pipeline file of this text, ready to be run in a folder.
    pub(crate) fn pipeline(&self, folder: &Path, text: &str) -> Result<Command> {
        let file = folder.join("pipeline.yaml");
        fs::write(&file, text)?;
        let mut command = Command::new(&self.pipeline);
        command.arg("run").arg(file);
        Ok(command)
    }

    /// Runs a pipeline into a bucket of its own until it `is_done`, which is told how long it has run and its number.
    pub(crate) fn run(
        &self,
        lake: &Lake<'_>,
        store: &Store,
        is_done: impl FnMut(Duration, u32) -> Result<bool>,
    ) -> Result<Usage> {
        let folder = self.folder(lake.name)?;
        let mut command = self.pipeline(&folder, &lake.file(&self.bootstrap()))?;
        child::run_until(command.envs(store.environment()), &folder, is_done)
    }

    /// Counts in a process of its own, because the memory of this one is counted to whoever it starts.
    pub(crate) fn count(&self, bucket: &str, store: &Store) -> Result<Found> {
        let output = Command::new(this_program()?).args(["count-rows", bucket]).envs(store.environment()).output()?;
        if !output.status.success() {
            bail!("the rows of {bucket} cannot be counted: {}", String::from_utf8_lossy(&output.stderr));
        }
        let said = String::from_utf8(output.stdout)?;
        let (rows, objects) = said.trim().split_once(' ').context("the counter says nothing")?;
        Ok(Found { rows: rows.parse()?, objects: objects.parse()? })
    }
}
