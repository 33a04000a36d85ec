//! Whom people would use instead, in the best settings that were found for each.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use pipeline_testkit::python;

use crate::machine::between;
use crate::measure::folder;
use crate::topic::TICKS;
use crate::work::{Peer, Redpanda};

/// Programs that are there if they were asked for.
pub(crate) struct Rivals {
    redpanda: Option<PathBuf>,
    python: Option<PathBuf>,
}

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers");
const GO_MODULE: &str = include_str!("redpanda/go.mod");
const REQUIREMENTS: &str = include_str!("python/requirements.txt");

impl Rivals {
    /// Makes what is missing, however long that takes: the first time minutes.
    pub(crate) fn build(peers: &[Peer]) -> Result<Self> {
        let is_wanted = |peer| peers.contains(&peer);
        Ok(Self {
            redpanda: is_wanted(Peer::Redpanda).then(build_redpanda).transpose()?,
            python: is_wanted(Peer::Python).then(|| python::environment("peers", REQUIREMENTS).join("bin/python")),
        })
    }

    pub(crate) fn redpanda(&self, work: Redpanda, name: &str, bootstrap: &str, csv: &Path) -> Result<Command> {
        let file = match work {
            Redpanda::Json => "json.yaml",
            Redpanda::Parquet => "parquet.yaml",
            Redpanda::Csv => "csv.yaml",
        };
        let topic = if work == Redpanda::Csv { name } else { TICKS };
        let mut command = Command::new(self.redpanda.as_ref().context("Redpanda Connect was not asked for")?);
        command.arg("run").arg(Path::new(SOURCES).join("redpanda").join(file));
        command.env("CSV", csv).envs([("BOOTSTRAP", bootstrap), ("GROUP", name), ("BUCKET", name), ("TOPIC", topic)]);
        Ok(command)
    }

    pub(crate) fn python(&self, name: &str, bootstrap: &str) -> Result<Command> {
        let mut command = Command::new(self.python.as_ref().context("Python was not asked for")?);
        command.arg(Path::new(SOURCES).join("python/consumer.py")).args([bootstrap, TICKS, name, name]);
        Ok(command)
    }
}

pub(crate) fn versions(peers: &[Peer]) -> impl Iterator<Item = (&'static str, String)> {
    let versions = [
        (Peer::Redpanda, "Redpanda Connect", between(GO_MODULE, "redpanda-data/connect/v4 v", "\n")),
        (Peer::Python, "confluent-kafka", between(REQUIREMENTS, "confluent-kafka==", "\n")),
        (Peer::Python, "pyarrow", between(REQUIREMENTS, "pyarrow==", "\n")),
    ];
    versions.into_iter().filter(|(peer, ..)| peers.contains(peer)).map(|(_, name, version)| (name, version))
}

fn build_redpanda() -> Result<PathBuf> {
    eprintln!("building Redpanda Connect, which takes minutes the first time");
    let program = folder().with_file_name("redpanda").join("redpanda-connect");
    let mut go = Command::new("go");
    go.args(["build", "-mod=readonly", "-trimpath", "-o"]).arg(&program).arg(".");
    go.current_dir(Path::new(SOURCES).join("redpanda")).env("CGO_ENABLED", "0");
    let output = go.output().context("go does not run: install Go, or leave redpanda out of --with")?;
    match output.status.success() {
        true => Ok(program),
        false => bail!("go build fails: {}", String::from_utf8_lossy(&output.stderr)),
    }
}
