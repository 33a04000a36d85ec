//! Two clients from PyPI.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use pipeline_testkit::kafka::KafkaServer;

const REQUIREMENTS: &str = include_str!("../../../../.ci/requirements-kafka.txt");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/clients.py");

/// Each shares less with us than the one before: the C library, nothing.
pub(crate) const LIBRARIES: [&str; 2] = ["confluent-kafka", "kafka-python"];

/// Runs a command of clients.py with this as its standard input, and returns what it wrote.
pub(crate) fn client(library: &str, command: &str, topic: &str, argument: Option<&str>, input: &str) -> String {
    let mut python = Command::new(interpreter());
    python.args([SCRIPT, library, command, &KafkaServer::shared().bootstrap(), topic]).args(argument);
    python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = python.spawn().expect("an interpreter that was just made");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("a client that reads what it is to write");
    succeeded(&format!("{python:?}"), child.wait_with_output())
}

/// The interpreter of an environment with the clients, which is made if it is missing.
fn interpreter() -> &'static Path {
    static INTERPRETER: OnceLock<PathBuf> = OnceLock::new();
    INTERPRETER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kafka-clients");
        let lock = File::create(folder.with_extension("lock")).expect("a file in the target folder");
        lock.lock().expect("a lock");
        let (stamp, interpreter) = (folder.join("requirements.txt"), folder.join("bin/python"));
        if fs::read_to_string(&stamp).is_ok_and(|made| made == REQUIREMENTS) {
            return interpreter;
        }
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        succeeded("python3 -m venv", venv.output());
        let wanted = folder.join("wanted.txt");
        fs::write(&wanted, REQUIREMENTS).expect("a file in the new environment");
        let mut pip = Command::new(&interpreter);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted);
        succeeded("pip install", pip.output());
        // Only what is whole has its name.
        fs::rename(&wanted, &stamp).expect("a file in the new environment");
        interpreter
    })
}

fn succeeded(command: &str, output: std::io::Result<Output>) -> String {
    const MISSING: &str =
        "Python 3 with venv is missing; Debian: apt-get install python3-venv; macOS: brew install python";
    let output = output.unwrap_or_else(|error| panic!("{command} does not run: {error}; if {MISSING}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("No module named venv") && !stderr.contains("ensurepip"), "{MISSING}: {stderr}");
    assert!(output.status.success(), "{command} fails, {}:\n{stderr}", output.status);
    String::from_utf8(output.stdout).expect("UTF-8")
}
