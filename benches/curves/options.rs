//! What a run is told.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Options {
    /// Of each run that reads a topic to its end.
    pub(crate) records: u64,
    pub(crate) rounds: usize,
    /// How long what is measured by the clock is watched: idleness, and records that come steadily.
    pub(crate) watched: Duration,
    /// The file that takes the figures.
    pub(crate) json: Option<PathBuf>,
    /// What has this in its name. All, if it is empty.
    pub(crate) only: String,
}

const USAGE: &str =
    "[--records N] [--rounds N] [--only latency|idle|start|tasks|partitions|files] [--quick] [--json FILE]";

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let watched = Duration::from_secs(20);
        let mut options = Self { records: 1_000_000, rounds: 3, watched, json: None, only: String::new() };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{name} takes a value: {USAGE}"));
            match name.as_str() {
                "--quick" => {
                    (options.records, options.rounds, options.watched) = (100_000, 1, Duration::from_secs(4));
                }
                "--records" => options.records = value()?.parse().context("--records takes a number")?,
                "--rounds" => options.rounds = value()?.parse().context("--rounds takes a number")?,
                "--json" => options.json = Some(value()?.into()),
                "--only" => options.only = value()?.clone(),
                _ => bail!("{name} is unknown, expected {USAGE}"),
            }
        }
        match options.records >= LEAST_RECORDS && options.rounds > 0 {
            true => Ok(options),
            false => bail!("too little to measure: --records is at least {LEAST_RECORDS}, --rounds at least 1"),
        }
    }
}

/// So that every file of [`scale`](crate::scale) has rows.
const LEAST_RECORDS: u64 = 10_000;
