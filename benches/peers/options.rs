//! What a run is told.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::work::{Peer, Work};

/// How much is measured, and beside whom.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) records: u64,
    pub(crate) rounds: usize,
    pub(crate) with: Vec<Peer>,
    /// The file that takes the figures.
    pub(crate) json: Option<PathBuf>,
    /// Works whose names have this in them. All, if it is empty.
    only: String,
}

const USAGE: &str =
    "[--records N] [--rounds N] [--with redpanda,python] [--only PART-OF-A-NAME] [--quick] [--json FILE]";

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self { records: 5_000_000, rounds: 3, with: Vec::new(), json: None, only: String::new() };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{name} takes a value: {USAGE}"));
            match name.as_str() {
                "--quick" => (options.records, options.rounds) = (200_000, 1),
                "--records" => options.records = value()?.parse().context("--records takes a number")?,
                "--rounds" => options.rounds = value()?.parse().context("--rounds takes a number")?,
                "--with" => options.with = value()?.split(',').map(Peer::parse).collect::<Result<_>>()?,
                "--json" => options.json = Some(value()?.into()),
                "--only" => options.only = value()?.clone(),
                _ => bail!("{name} is unknown, expected {USAGE}"),
            }
        }
        match options.records > 0 && options.rounds > 0 {
            true => Ok(options),
            false => bail!("there is nothing to measure: --records and --rounds are at least 1"),
        }
    }

    /// What is to be run, in the order of the table.
    pub(crate) fn works(&self) -> impl Iterator<Item = Work> {
        let is_wanted = |work: &Work| work.peer().is_none_or(|peer| self.with.contains(&peer));
        Work::all().filter(is_wanted).filter(|work| work.name().contains(&self.only))
    }
}
