//! A folder with a pipeline in it, and the program that runs there.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pipeline_testkit::aws::AwsServer;
use pipeline_testkit::kafka::KafkaServer;
use pipeline_testkit::s3::S3Server;
use tempfile::TempDir;

use crate::kafka::Topic;

/// Far beyond what anything takes here, so that a hang is an error and a slow machine is not.
const DEADLINE: Duration = Duration::from_secs(120);
const SIGKILL: i32 = 9;

/// The program to test, if it is another than the one that was built with these tests: a copy that later builds leave alone.
const COPY_VARIABLE: &str = "PIPELINE_TEST_COPY";

/// Names a folder that keeps what some tests have left, for a reader that is no part of this program (.ci/read_back.py).
const KEEP_VARIABLE: &str = "PIPELINE_TEST_KEEP";

/// A topic for all columns of the source `ticks`.
pub(crate) const TICKS_TOPIC: &str = "\
topic:
  name: ticks
  partitions: 4
  schema:
    symbol: string not null
    event_time: timestamp not null
    open: double
    high: double
    low: double
    close: double
    volume: bigint
    trades: bigint
    vwap: double
";

/// A folder of its own, with a pipeline file in it.
pub(crate) struct Project {
    folder: TempDir,
    file: &'static str,
    /// Where its files go, if not into the folder.
    server: Option<S3Server>,
    /// Where its tables are, if not in the folder.
    glue: Option<AwsServer>,
    /// Where its topic is, if not in the folder.
    topic: Option<Topic>,
}

impl Project {
    /// The repository's pipelines.
    pub(crate) fn quickstart() -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            file: "quickstart.yaml",
            server: None,
            glue: None,
            topic: None,
        };
        let pipelines = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
        for file in ["quickstart.yaml", "data/stocks_daily.csv"] {
            project.write(file, fs::read_to_string(pipelines.join(file)).unwrap());
        }
        project
    }

    /// A pipeline file of that text.
    pub(crate) fn new(text: &str) -> Self {
        let project =
            Self { folder: tempfile::tempdir().unwrap(), file: "pipeline.yaml", server: None, glue: None, topic: None };
        project.write(project.file, text);
        project
    }

    /// The same with its files in a bucket of a server of its own. What is below `out` lies there, and is seen here all the
    /// same.
    pub(crate) fn on_s3(self) -> Self {
        let server = S3Server::start().unwrap();
        symlink(server.bucket().join("out"), self.path("out")).unwrap();
        self.replace(self.file, "url: out", "url: s3://lake/out");
        Self { server: Some(server), ..self }
    }

    /// The same with the tables of `local_table` in the Glue database `market`, in a catalog of its own.
    pub(crate) fn on_glue(self) -> Self {
        let text = self.read(self.file);
        let tables = "type: glue_table, config: { database: market, create_database: true, table:";
        self.write(self.file, text.replace("type: local_table, config: { table:", tables));
        Self { glue: Some(AwsServer::moto().unwrap()), ..self }
    }

    /// The server that has its tables.
    pub(crate) fn glue(&self) -> &AwsServer {
        self.glue.as_ref().expect("a project on Glue")
    }

    /// The same with its topic on a real Kafka, under a name of its own, with time-outs that a test can wait for.
    pub(crate) fn on_kafka(self) -> Self {
        self.on_kafka_of(KafkaServer::shared())
    }

    /// The same on this server.
    pub(crate) fn on_kafka_of(self, server: &KafkaServer) -> Self {
        let topic = Topic::on(server);
        self.write(self.file, topic.moved_here(&self.read(self.file)));
        Self { topic: Some(topic), ..self }
    }

    /// Its topic on a real Kafka.
    pub(crate) fn topic(&self) -> &Topic {
        self.topic.as_ref().expect("a project on Kafka")
    }

    /// The server that its files go to.
    pub(crate) fn server(&self) -> &S3Server {
        self.server.as_ref().expect("a project on S3")
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Changes the text of a file, which must be there.
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no `{from}`");
        self.write(path, text.replace(from, to));
    }

    /// All files below a folder that is not there without files.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect_files(&self.path(folder), &mut files);
        files.sort();
        files
    }

    /// Keeps these files and folders, if somebody wants to read them.
    pub(crate) fn keep(&self, paths: &[&str]) {
        let Some(folder) = std::env::var_os(KEEP_VARIABLE) else { return };
        fs::create_dir_all(&folder).unwrap();
        let kept = tempfile::Builder::new().prefix("kept-").tempdir_in(folder).unwrap().keep();
        for path in paths {
            let copied = Command::new("cp").arg("-rL").arg(self.path(path)).arg(&kept).status().unwrap();
            assert!(copied.success(), "cp {path}: {copied}");
        }
    }

    /// The program with these arguments, in this folder.
    pub(crate) fn program<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let program = std::env::var_os(COPY_VARIABLE).unwrap_or(env!("CARGO_BIN_EXE_pipeline").into());
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in ["PIPELINE_LOG", "RUST_LOG", "PIPELINE_CRASH", "PIPELINE_PAUSE", "PIPELINE_HANG"] {
            command.env_remove(variable);
        }
        command.envs(self.server.iter().flat_map(S3Server::environment));
        command.envs(self.glue.iter().map(|server| ("AWS_ENDPOINT_URL_GLUE", server.endpoint())));
        command
    }

    /// `pipeline run` of the file with these values set.
    pub(crate) fn runner(&self, sets: &[&str]) -> Command {
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        self.program(["run", self.file].into_iter().chain(sets))
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        Started::new(self.program(arguments.iter().copied())).end()
    }

    pub(crate) fn run(&self, sets: &[&str]) -> Ended {
        Started::new(self.runner(sets)).end()
    }

    /// A run that dies when it reaches the crash point, `NAME` or `NAME:n`, if it does.
    pub(crate) fn run_until(&self, crash_point: &str, sets: &[&str]) -> Ended {
        let mut command = self.runner(sets);
        command.env("PIPELINE_CRASH", crash_point);
        let ended = Started::new(command).end();
        if let Some(server) = &self.server {
            server.wait_until_idle().unwrap();
        }
        ended
    }
}

/// A command that runs `command`, in its folder and its environment.
pub(crate) fn wrapped(prefix: &[&str], command: &Command) -> Command {
    let mut wrapper = Command::new(prefix[0]);
    wrapper.args(&prefix[1..]).arg(command.get_program()).args(command.get_args());
    wrapper.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapper.env(name, value),
            None => wrapper.env_remove(name),
        };
    }
    wrapper
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => collect_files(&entry.path(), files),
            false => files.push(entry.path()),
        }
    }
}

/// The program while it runs. Killed when dropped.
pub(crate) struct Started {
    child: Child,
    out: Heard,
    err: Heard,
}

impl Started {
    pub(crate) fn new(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (Heard::from(child.stdout.take().unwrap()), Heard::from(child.stderr.take().unwrap()));
        Self { child, out, err }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Whether it is stopped (SIGSTOP).
    pub(crate) fn is_stopped(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && line.contains('T'))
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The most memory that it has had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// What it has said on standard error by now.
    pub(crate) fn complaints(&self) -> String {
        self.err.so_far()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub(crate) fn end(self) -> Ended {
        let Self { mut child, out, err } = self;
        let status = wait(&mut child);
        Ended { status, out: out.end(), err: err.end() }
    }
}

/// Sends a signal to a process, by the name that `kill` knows.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "kill -s {name}: {sent}");
}

/// Waits for the end of a process.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let mut status = None;
    if !becomes_true(|| {
        status = child.try_wait().unwrap();
        status.is_some()
    }) {
        child.kill().unwrap();
        panic!("the program does not end within {DEADLINE:?}");
    }
    status.unwrap()
}

/// Waits until something holds. False if it never does.
pub(crate) fn becomes_true(mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > DEADLINE {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// What a process says, as it comes.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    listener: JoinHandle<()>,
}

impl Heard {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let heard = bytes.clone();
        let listener = thread::spawn(move || {
            let mut part = [0; 8192];
            loop {
                match pipe.read(&mut part).unwrap() {
                    0 => return,
                    length => heard.lock().unwrap().extend(&part[..length]),
                }
            }
        });
        Self { bytes, listener }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn end(self) -> String {
        self.listener.join().unwrap();
        String::from_utf8(std::mem::take(&mut self.bytes.lock().unwrap())).unwrap()
    }
}

/// The program after its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}\n{}\n{}", self.status, self.out, self.err);
        self
    }

    /// Asserts that it was killed.
    #[track_caller]
    pub(crate) fn with_kill(self) -> Self {
        assert!(self.was_killed(), "{}\n{}\n{}", self.status, self.out, self.err);
        self
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal() == Some(SIGKILL)
    }

    /// Asserts what standard output has in it.
    #[track_caller]
    pub(crate) fn saying(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no `{text}` in\n{}", self.out);
        self
    }

    /// Asserts what standard error has in it.
    #[track_caller]
    pub(crate) fn complaining(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no `{text}` in\n{}", self.err);
        self
    }
}
