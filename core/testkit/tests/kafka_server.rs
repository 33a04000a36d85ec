//! The Kafka server is one, comes back with what it had, and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pipeline_testkit::kafka::KafkaServer;

/// A listener, as Kafka's tools are told of it.
struct Door {
    bootstrap: String,
    config: Option<PathBuf>,
}

impl Door {
    fn plain(server: &KafkaServer) -> Self {
        Self { bootstrap: server.bootstrap(), config: None }
    }

    fn tls(server: &KafkaServer, config: PathBuf) -> Self {
        Self { bootstrap: server.tls_bootstrap(), config: Some(config) }
    }

    fn tool(&self, name: &str, arguments: &[&str]) -> Command {
        let mut tool = KafkaServer::tool(name, ["--bootstrap-server", &self.bootstrap]);
        if let Some(config) = &self.config {
            tool.arg("--command-config").arg(config);
        }
        tool.args(arguments);
        tool
    }

    fn create(&self, topic: &str) {
        KafkaServer::output(self.tool("kafka-topics", &["--create", "--topic", topic]), "");
    }

    fn produce(&self, topic: &str, records: &str) {
        KafkaServer::output(self.tool("kafka-console-producer", &["--topic", topic]), records);
    }

    /// The topic's records from its beginning on, as many as are expected.
    fn consume(&self, topic: &str, count: usize) -> String {
        let count = count.to_string();
        let arguments = ["--topic", topic, "--from-beginning", "--max-messages", &count, "--timeout-ms", "20000"];
        KafkaServer::output(self.tool("kafka-console-consumer", &arguments), "")
    }
}

/// A copy of the properties with which Kafka's clients come in, changed.
fn changed_properties(server: &KafkaServer, name: &str, from: &str, to: &str) -> PathBuf {
    let text = fs::read_to_string(server.client_properties()).unwrap();
    assert!(text.contains(from), "{text}");
    let path = server.data().join(name);
    fs::write(&path, text.replace(from, to)).unwrap();
    path
}

/// Whether the broker answers within half a second, to a request of the kind `ApiVersions`.
fn answers(broker: &mut TcpStream) -> bool {
    broker.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    broker.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]).unwrap();
    broker.read_exact(&mut [0; 4]).is_ok()
}

fn runs(pid: u32) -> bool {
    Command::new("sh").args(["-c", &format!("kill -0 {pid}")]).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn what_kafkas_producer_writes_kafkas_consumer_reads() {
    let door = Door::plain(KafkaServer::shared());
    door.create("plain");
    door.produce("plain", "one\ntwo\n");
    assert_eq!(door.consume("plain", 2), "one\ntwo\n");
}

#[test]
fn a_server_that_is_up_has_its_coordinators() {
    let topics = KafkaServer::output(Door::plain(KafkaServer::shared()).tool("kafka-topics", &["--list"]), "");
    let coordinators: Vec<_> = topics.lines().filter(|topic| topic.starts_with("__")).collect();
    assert_eq!(coordinators, ["__consumer_offsets", "__transaction_state"]);
}

#[test]
fn behind_tls_each_mechanism_lets_the_user_in() {
    let server = KafkaServer::shared();
    let scram_512 = Door::tls(server, server.client_properties());
    let scram_256 = Door::tls(server, changed_properties(server, "scram-256", "SCRAM-SHA-512", "SCRAM-SHA-256"));
    let plain = changed_properties(server, "plain", "SCRAM-SHA-512", "PLAIN");
    let text = fs::read_to_string(&plain).unwrap();
    fs::write(&plain, text.replace("scram.ScramLoginModule", "plain.PlainLoginModule")).unwrap();
    scram_512.create("behind_tls");
    scram_256.produce("behind_tls", "one\n");
    assert_eq!(Door::tls(server, plain).consume("behind_tls", 1), "one\n");
}

#[test]
fn a_wrong_password_is_refused() {
    let server = KafkaServer::shared();
    let wrong = changed_properties(server, "wrong", KafkaServer::PASSWORD, "guessed");
    let output = Door::tls(server, wrong).tool("kafka-topics", &["--list"]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("SaslAuthenticationException: Authentication failed"), "{said}");
}

#[test]
fn behind_tls_a_clients_certificate_counts_if_there_is_one() {
    let server = KafkaServer::shared();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate"), folder.path().join("key"));
    let mut stranger = Command::new("openssl");
    stranger.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=stranger"]);
    stranger.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    assert!(stranger.output().unwrap().status.success());
    let enters = |certificate: &Path, key: &Path| {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-connect", &server.tls_bootstrap(), "-tls1_2", "-verify_return_error", "-CAfile"]);
        client.arg(server.ca()).arg("-cert").arg(certificate).arg("-key").arg(key);
        let output = client.stdin(Stdio::null()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (entered, said) = enters(&server.certificate(), &server.key());
    assert!(entered, "{said}");
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    let (entered, said) = enters(&certificate, &key);
    assert!(!entered, "{said}");
}

#[test]
fn a_killed_server_comes_back_with_its_records_and_a_paused_one_is_silent() {
    let mut server = KafkaServer::start();
    let door = Door::plain(&server);
    door.create("kept");
    door.produce("kept", "one\n");
    let first = server.pid();
    server.kill();
    assert!(!runs(first));
    TcpStream::connect(server.bootstrap()).unwrap_err();
    server.restart();
    assert_ne!(server.pid(), first);
    assert!(runs(server.pid()));
    assert_eq!(door.consume("kept", 1), "one\n");

    server.pause();
    let mut broker = TcpStream::connect(server.bootstrap()).unwrap();
    assert!(!answers(&mut broker));
    server.resume();
    assert!(answers(&mut broker));
}

#[test]
fn two_starts_at_once_both_come_up() {
    let starts = [(); 2].map(|()| thread::spawn(KafkaServer::start));
    let servers = starts.map(|start| start.join().unwrap());
    let addresses: HashSet<_> =
        servers.iter().flat_map(|server| [server.bootstrap(), server.tls_bootstrap()]).collect();
    assert_eq!(addresses.len(), 4);
    for address in addresses {
        TcpStream::connect(address).unwrap();
    }
}

#[test]
fn two_fetches_at_once_leave_the_jars_whole() {
    let folder = tempfile::tempdir().unwrap();
    let jars = folder.path().join("jars");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/kafka/broker.sh");
    let fetch = || {
        let mut fetch = Command::new(script);
        fetch.arg("fetch").env("KAFKA_JARS", &jars).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let fetches = [fetch(), fetch()].map(|fetch| fetch.wait_with_output().unwrap());
    let said = fetches.map(|fetch| {
        let said = String::from_utf8_lossy(&fetch.stderr).into_owned();
        assert!(fetch.status.success(), "{said}");
        said
    });
    if cfg!(target_os = "linux") {
        assert_eq!(said.concat().matches("fetching").count(), 1, "{said:?}");
    }
    assert!(jars.join("kafka-server-4.3.1.jar").is_file());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the jars and their lock, but there are {left:?}");
}

/// The variable that makes the next test the process that is to be killed.
const VICTIM: &str = "PIPELINE_TEST_VICTIM";

#[test]
fn a_server_and_its_folder_end_with_the_process_that_started_it() {
    if env::var_os(VICTIM).is_some() {
        let server = KafkaServer::start();
        writeln!(io::stdout(), "\nserver {} {}", server.pid(), server.data().display()).unwrap();
        loop {
            thread::park();
        }
    }
    let mut victim = Command::new(env::current_exe().unwrap());
    victim.args(["--exact", "a_server_and_its_folder_end_with_the_process_that_started_it"]);
    let mut victim = victim.env(VICTIM, "1").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let server = lines.find_map(|line| line.unwrap().strip_prefix("server ").map(str::to_owned)).unwrap();
    let (pid, folder) = server.split_once(' ').unwrap();
    let (pid, folder) = (pid.parse().unwrap(), Path::new(folder));
    assert!(runs(pid) && folder.is_dir());
    victim.kill().unwrap();
    victim.wait().unwrap();

    let deadline = Instant::now() + Duration::from_secs(20);
    while runs(pid) || folder.exists() {
        assert!(Instant::now() < deadline, "process {pid} or {} is still there", folder.display());
        thread::sleep(Duration::from_millis(10));
    }
}
