//! The broker, as a test sees it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use super::ports::Ports;
use super::probe::serves;
use crate::process::{Keeper, Server};

/// What runs the broker and its tools.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/kafka/broker.sh");

/// How a broker for tests differs from one for people: what Kafka does after seconds or minutes, it does at once.
const PROPERTIES: &[(&str, &str)] = &[
    ("group.min.session.timeout.ms", "100"),
    ("group.consumer.min.session.timeout.ms", "100"),
    ("group.consumer.min.heartbeat.interval.ms", "50"),
    ("group.consumer.heartbeat.interval.ms", "500"),
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "200"),
    ("log.initial.task.delay.ms", "100"),
    ("log.retention.check.interval.ms", "200"),
    ("log.segment.delete.delay.ms", "0"),
    ("log.cleaner.backoff.ms", "200"),
];

/// An Apache Kafka of one node. It ends when it is dropped, and its files go with it.
///
/// Topics are not created by being asked for. Groups form without delay, and time-outs of sessions and transactions,
/// retention and compaction may be short. Whatever takes `&mut self` is not to be had of a [shared](Self::shared) one.
#[derive(Debug)]
pub struct KafkaServer(Server<Ports>);

impl KafkaServer {
    /// The user that the listener with TLS knows, for `PLAIN`, `SCRAM-SHA-256` and `SCRAM-SHA-512`.
    pub const USER: &str = "pipeline";
    /// The password that belongs to it.
    pub const PASSWORD: &str = "pipeline-secret";

    /// The server of this process, for tests that leave each other alone by the names of topics and groups. It ends with
    /// the process.
    ///
    /// Panics as [`start`](Self::start) does.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<KafkaServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server and waits until it serves.
    ///
    /// Panics with the end of its log if it does not, or with what is missing on this machine.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with properties of the broker that add to those that it has, or replace them.
    pub fn start_with(properties: &[(&str, &str)]) -> Self {
        Self::start_on(Ports::free, properties)
    }

    fn start_on(ports: impl FnMut() -> Ports, properties: &[(&str, &str)]) -> Self {
        fetch();
        Self(Server::start("Kafka", ports, |ports| keep(ports, properties), serves))
    }

    /// `host:port` of the listener that anybody may use without encryption.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.0.ports.plain)
    }

    /// `host:port` of the listener with `SASL_SSL`. It asks for a client's certificate and does without one.
    pub fn tls_bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.0.ports.tls)
    }

    /// The certificate authority, as PEM, of the listener with TLS and of [`certificate`](Self::certificate).
    pub fn ca(&self) -> PathBuf {
        self.data().join("ca.pem")
    }

    /// A client's certificate, as PEM.
    pub fn certificate(&self) -> PathBuf {
        self.data().join("client.pem")
    }

    /// The key of [`certificate`](Self::certificate), as PEM without a password.
    pub fn key(&self) -> PathBuf {
        self.data().join("client.key")
    }

    /// The file with which Kafka's own clients come through the listener with TLS, by `SCRAM-SHA-512`.
    pub fn client_properties(&self) -> PathBuf {
        self.data().join("client.properties")
    }

    /// The folder with all that it has: `logs` are the records, `server.log` is what it has to say.
    pub fn data(&self) -> &Path {
        self.0.keeper.folder()
    }

    /// The process that is the broker, the last one if it was killed.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Ends the broker by `SIGKILL`, and returns when it is gone.
    pub fn kill(&mut self) {
        self.0.keeper.kill();
    }

    /// Starts it again after [`kill`](Self::kill), with the same files and ports, and waits until it serves: about four seconds,
    /// half of them for the session of the killed one, which must be over before the broker is let in.
    ///
    /// Panics with the end of its log if it does not come up.
    pub fn restart(&mut self) {
        self.0.restart("Kafka", serves);
    }

    /// Stops the broker in its tracks by `SIGSTOP`, and returns when it stands still.
    pub fn pause(&mut self) {
        self.0.keeper.pause();
    }

    /// Lets it go on after [`pause`](Self::pause), by `SIGCONT`.
    pub fn resume(&mut self) {
        self.0.keeper.resume();
    }

    /// One of Kafka's own tools, by the name of its script, `kafka-topics`, or by its class.
    pub fn tool<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Command {
        fetch();
        let mut tool = Command::new(SCRIPT);
        tool.arg("tool").arg(name).args(arguments);
        tool
    }

    /// Runs a tool with this as its standard input, and returns what it wrote to its standard output.
    ///
    /// Panics with all that it wrote when it fails.
    pub fn output(mut tool: Command, input: &str) -> String {
        tool.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tool.spawn().unwrap_or_else(|error| panic!("{tool:?} does not run: {error}"));
        let mut stdin = child.stdin.take().expect("a pipe to the tool");
        let input = input.to_owned();
        // A tool that answers before it has read everything must find somebody who listens.
        let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap_or_else(|error| panic!("{tool:?} does not end: {error}"));
        // A tool need not read all that it is given.
        let _ = writer.join();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{tool:?} fails, {}:\n{stdout}{stderr}", output.status);
        stdout
    }
}

fn keep(ports: &Ports, properties: &[(&str, &str)]) -> Keeper {
    Keeper::new("kafka", |folder| {
        let mut broker = Command::new(SCRIPT);
        broker.arg("--data").arg(folder);
        broker.args(["--port", &ports.plain.to_string()]);
        broker.args(["--controller-port", &ports.controller.to_string()]);
        broker.args(["--tls-port", &ports.tls.to_string()]);
        for (key, value) in PROPERTIES.iter().chain(properties) {
            broker.args(["--set", &format!("{key}={value}")]);
        }
        broker
    })
}

/// Makes sure of Kafka's jars once in this process, however long that takes.
fn fetch() {
    static FETCHED: OnceLock<()> = OnceLock::new();
    FETCHED.get_or_init(|| {
        let fetched = Command::new(SCRIPT).arg("fetch").stdin(Stdio::null()).output();
        let fetched = fetched.unwrap_or_else(|error| panic!("{SCRIPT} does not run: {error}"));
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    });
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_port_that_somebody_else_was_quicker_to_take_is_replaced() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let lost = Ports { plain: taken.local_addr().unwrap().port(), ..Ports::free() };
        let mut lost = Some(lost);
        let server = KafkaServer::start_on(|| lost.take().unwrap_or_else(Ports::free), &[]);
        assert_ne!(server.bootstrap(), taken.local_addr().unwrap().to_string());
    }
}
