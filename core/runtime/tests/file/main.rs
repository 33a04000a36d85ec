//! Pipeline files: what a right one means, and what is said of a wrong one.
#![allow(clippy::unwrap_used, reason = "tests")]

mod ahead;
mod fakes;
mod mistakes;
mod plans;
mod schemas;
mod secrets;

use std::path::PathBuf;

use pipeline_runtime::file::{Advice, Diagnostics, LoadOptions, Loaded, load};
use tempfile::TempDir;

/// A pipeline file in a folder of its own.
pub(crate) struct File {
    pub(crate) folder: TempDir,
    options: LoadOptions,
}

impl File {
    pub(crate) fn new(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.yaml"), text).unwrap();
        Self { folder, options: LoadOptions { kafka: Some(fakes::check_kafka), ..LoadOptions::default() } }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.options.env.insert(name.into(), value.into());
        self
    }

    pub(crate) fn set(mut self, path: &str, value: &str) -> Self {
        self.options.sets.push((path.into(), value.into()));
        self
    }

    /// A person wants to know what the file will do.
    pub(crate) fn advised(mut self) -> Self {
        self.options.advice = Advice::Wanted;
        self
    }

    /// The program is built without Kafka.
    pub(crate) fn without_kafka(mut self) -> Self {
        self.options.kafka = None;
        self
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("p.yaml")
    }

    pub(crate) async fn load(&self) -> Result<Loaded, Diagnostics> {
        load(&self.path(), &self.options, &fakes::registry()).await
    }

    /// The file is right.
    pub(crate) async fn loaded(&self) -> Loaded {
        self.load().await.unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
    }

    /// The file is wrong.
    pub(crate) async fn refused(&self) -> Diagnostics {
        self.load().await.map(|loaded| panic!("accepted: {:?}", loaded.plan.name)).unwrap_err()
    }

    /// A line for each mistake, without the file's folder; none if the file is right.
    pub(crate) async fn lines(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let said = self.load().await.err().map(|said| said.to_string()).unwrap_or_default();
        said.lines().map(|line| line.replace(&folder, "")).collect()
    }
}

/// A file in which nothing is wrong.
pub(crate) const GOOD: &str = "\
name: stocks
sources:
  - type: csv
    config: { path: stocks.csv }
topic:
  name: demo_testing2
  partitions: 6
  key: symbol
  timestamp: event_time
  schema:
    symbol: string not null
    price: double
    event_time: timestamp
sinks:
  - type: lake
    config: { url: file:///lake/stocks, partition_by: [symbol] }
";
