//! Two clients from PyPI.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use pipeline_testkit::kafka::KafkaServer;
use pipeline_testkit::python::environment;

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
    INTERPRETER.get_or_init(|| environment("kafka-clients", REQUIREMENTS).join("bin/python"))
}

fn succeeded(command: &str, output: std::io::Result<Output>) -> String {
    let output = output.unwrap_or_else(|error| panic!("{command} does not run: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command} fails, {}:\n{stderr}", output.status);
    String::from_utf8(output.stdout).expect("UTF-8")
}
