//! What is measured, each time from nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::files;
use crate::measure::child::{self, Usage};
use crate::measure::ticks::{self, SCHEMA};
use crate::measure::{folder, this_program};

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
        Ok(Self { rows, csv: ticks::csv(rows)? })
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
        child::run(Command::new(env!("CARGO_BIN_EXE_pipeline")).arg("run").arg(file), folder)
    }

    fn bare_loop(&self, folder: &Path) -> Result<Usage> {
        let file = folder.join("ticks.parquet");
        child::run(Command::new(this_program()?).arg("bare-loop").args([&self.csv, &file]), folder)
    }

    fn ticks(&self, folder: &Path) -> Result<Usage> {
        child::run(Command::new(this_program()?).args(["ticks", &self.rows.to_string()]), folder)
    }
}

/// What this program starts itself as: generates rows and drops them.
pub(crate) fn make_ticks(rows: u64) -> Result<()> {
    let mut made = 0;
    ticks::each_batch(rows, ticks::SYMBOLS, |batch| {
        made += batch.num_rows() as u64;
        Ok(())
    })?;
    ensure!(made == rows, "the source made {made} rows");
    Ok(())
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
{SCHEMA}sinks:
  - type: {sink}
    config: {{ url: out, compression: zstd }}
",
        csv.display()
    )
}
