//! The process between a test and its server.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::TAKEN;

const SCRIPT: &str = include_str!("keeper.sh");

/// A start may take this long, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A shell that keeps a process in a folder. Whatever ends this process closes the pipe to the shell, which then ends the
/// other one and removes the folder. It has a process group of its own, so that Ctrl-C leaves it the time to.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: PathBuf,
    shell: Child,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    /// The file in the folder with what the process writes.
    const LOG: &str = "server.log";

    /// Makes a folder with this in its name, and a shell that will start this command with it.
    pub(crate) fn new(name: &str, command: impl FnOnce(&Path) -> Command) -> Self {
        let folder = tempfile::Builder::new().prefix(name).tempdir_in(home()).expect("a temporary folder").keep();
        let command = command(&folder);
        let mut shell = Command::new("bash");
        shell.args(["-c", SCRIPT, "keeper"]).arg(&folder).arg(command.get_program()).args(command.get_args());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut shell = shell.spawn().expect("bash");
        let answers = BufReader::new(shell.stdout.take().expect("a pipe from the shell"));
        Self { folder, shell, answers }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts the process, waits until it serves, and returns its id. Errors: the end of its log.
    pub(crate) fn come_up(&mut self, serves: impl Fn() -> bool) -> Result<u32, String> {
        let pid = self.order("start").parse().expect("the id of a process");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let serves = serves();
            let log = self.log();
            // Where another server took a port, it is that one who answers.
            if log.contains(TAKEN) || !self.is_alive() || Instant::now() > deadline {
                return Err(log);
            }
            if serves {
                return Ok(pid);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The last lines of what the process had to say.
    fn log(&self) -> String {
        let log = fs::read(self.folder.join(Self::LOG)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    fn is_alive(&mut self) -> bool {
        self.order("is_alive") == "yes"
    }

    /// Ends the process at once, and returns when it is gone.
    pub(crate) fn kill(&mut self) {
        self.order("kill");
    }

    /// Stops the process, and returns when it stands still.
    pub(crate) fn pause(&mut self) {
        self.order("pause");
    }

    pub(crate) fn resume(&mut self) {
        self.order("resume");
    }

    fn order(&mut self, order: &str) -> String {
        let stdin = self.shell.stdin.as_mut().expect("a pipe to the shell");
        writeln!(stdin, "{order}").expect("a shell that listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("a shell that answers");
        answer.trim_end().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Whatever it says, more cannot be done.
        let _ = self.shell.wait();
    }
}

/// A file system in memory, as Linux has one.
const MEMORY: &str = "/dev/shm";
/// What a server may need there, in bytes, with much to spare.
const ROOM: u64 = 4 << 30;

/// Where the folder lies: in memory if there is room. Kafka's controller waits for the disk at every step, and takes its broker
/// for dead while something else keeps that busy.
fn home() -> PathBuf {
    let free = Command::new("df").args(["-B1", "--output=avail", MEMORY]).output();
    let free = free.map(|free| String::from_utf8_lossy(&free.stdout).into_owned()).unwrap_or_default();
    let free = free.lines().nth(1).and_then(|bytes| bytes.trim().parse::<u64>().ok());
    if free.is_some_and(|bytes| bytes >= ROOM) { MEMORY.into() } else { std::env::temp_dir() }
}
