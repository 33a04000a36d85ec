//! What is measured, each time from nothing.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::child::{self, Usage};
use crate::files;

/// What a process does with the ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// `pipeline run`: the CSV, the topic, Parquet.
    Parquet,
    /// A loop without a topic: the CSV, JSON, Parquet.
    BareLoop,
    /// `pipeline run`: the CSV, the topic, JSON lines.
    JsonLines,
    /// The source `ticks` alone.
    Ticks,
}

/// Runs over one CSV.
pub(crate) struct Runs {
    rows: u64,
    csv: PathBuf,
}

impl Work {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Parquet => "`pipeline run`: CSV → topic → Parquet",
            Self::BareLoop => "bare loop: CSV → JSON → Parquet",
            Self::JsonLines => "`pipeline run`: CSV → topic → JSON lines",
            Self::Ticks => "source `ticks`, nothing behind it",
        }
    }
}

impl Runs {
    /// Writes the CSV, unless an earlier run left it.
    pub(crate) fn prepare(rows: u64) -> Result<Self> {
        let folder = folder();
        fs::create_dir_all(&folder)?;
        let csv = folder.join(format!("ticks-{rows}.csv"));
        if !csv.exists() {
            let unfinished = folder.join("unfinished.csv");
            let rows = rows.to_string();
            child::run(&this_program()?, &["ticks".as_ref(), rows.as_ref(), unfinished.as_ref()], &folder)?;
            fs::rename(unfinished, &csv)?;
        }
        Ok(Self { rows, csv })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Does the work once, looks whether every row arrived, and removes what it left.
    pub(crate) fn run(&self, work: Work) -> Result<Usage> {
        let folder = folder().join("run");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let (usage, arrived) = match work {
            Work::Parquet => (self.pipeline("s3_parquet", &folder)?, files::parquet_rows(&folder.join("out"))?),
            Work::JsonLines => (self.pipeline("s3_json", &folder)?, files::json_lines(&folder.join("out"))?),
            Work::BareLoop => (self.bare_loop(&folder)?, files::parquet_rows(&folder)?),
            Work::Ticks => (self.ticks(&folder)?, self.rows),
        };
        ensure!(arrived == self.rows, "{arrived} of {} rows arrived by {}", self.rows, work.title());
        fs::remove_dir_all(&folder)?;
        Ok(usage)
    }

    fn pipeline(&self, sink: &str, folder: &Path) -> Result<Usage> {
        let file = folder.join("lake.yaml");
        fs::write(&file, pipeline_file(&self.csv, sink))?;
        child::run(env!("CARGO_BIN_EXE_pipeline").as_ref(), &["run".as_ref(), file.as_ref()], folder)
    }

    fn bare_loop(&self, folder: &Path) -> Result<Usage> {
        let file = folder.join("ticks.parquet");
        child::run(&this_program()?, &["bare-loop".as_ref(), self.csv.as_ref(), file.as_ref()], folder)
    }

    fn ticks(&self, folder: &Path) -> Result<Usage> {
        let rows = self.rows.to_string();
        child::run(&this_program()?, &["ticks".as_ref(), OsStr::new(&rows)], folder)
    }
}

/// A pipeline with the settings that every file has which says nothing else.
fn pipeline_file(csv: &Path, sink: &str) -> String {
    format!(
        "\
name: lake
sources:
  - type: csv
    config: {{ path: '{}' }}
topic:
  name: ticks
  key: symbol
  partitions: 3
  schema:
    symbol: string not null
    event_time: timestamp not null
    open: double
    high: double
    low: double
    close: double
    volume: bigint
    trades: bigint
    vwap: double
sinks:
  - type: {sink}
    config: {{ url: out, compression: zstd }}
",
        csv.display()
    )
}

/// Where everything lies: in the folder that `cargo` builds into.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench")
}

pub(crate) fn this_program() -> Result<PathBuf> {
    std::env::current_exe().context("this program does not know its own file")
}
