//! A process, and what it used.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use wait4::Wait4;

/// What a process used, all its threads together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// CPU time of the program and of the system for it, in seconds.
    pub(crate) cpu: f64,
    /// Seconds from its start to its end.
    pub(crate) wall: f64,
    /// The most memory that was resident, in bytes. The system counts in the program that started it, up to that moment:
    /// so this one keeps small.
    pub(crate) peak_memory: u64,
}

impl Usage {
    /// The middle one of each measure.
    pub(crate) fn median(usages: &[Self]) -> Self {
        let middle = |measure: fn(&Self) -> f64| {
            let mut measures: Vec<f64> = usages.iter().map(measure).collect();
            measures.sort_by(f64::total_cmp);
            measures[measures.len() / 2]
        };
        Self {
            cpu: middle(|usage| usage.cpu),
            wall: middle(|usage| usage.wall),
            peak_memory: middle(|usage| usage.peak_memory as f64) as u64,
        }
    }
}

/// Runs a program to its end. What it says on standard error goes to `folder`, and into the error if it fails.
pub(crate) fn run(program: &Path, arguments: &[&OsStr], folder: &Path) -> Result<Usage> {
    Started::new(program, arguments, folder)?.end()
}

/// Runs a program until `is_done`, looking from time to time, and asks it to stop then. The time to that moment counts.
pub(crate) fn run_until(
    program: &Path,
    arguments: &[&OsStr],
    folder: &Path,
    mut is_done: impl FnMut() -> Result<bool>,
) -> Result<Usage> {
    let mut started = Started::new(program, arguments, folder)?;
    while started.child.try_wait()?.is_none() && !is_done()? {
        ensure!(started.start.elapsed() < DEADLINE, "{} does not get done", program.display());
        std::thread::sleep(LOOK_AGAIN);
    }
    let wall = started.start.elapsed().as_secs_f64();
    let sent = Command::new("kill").args(["-s", "INT", &started.child.id().to_string()]).status()?;
    ensure!(sent.success(), "kill -s INT: {sent}");
    Ok(Usage { wall, ..started.end()? })
}

/// How long between two looks at whether a program is done, and for how long that may go on.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const DEADLINE: Duration = Duration::from_secs(600);

/// A program that runs.
struct Started {
    name: String,
    child: Child,
    start: Instant,
    said: PathBuf,
}

impl Started {
    fn new(program: &Path, arguments: &[&OsStr], folder: &Path) -> Result<Self> {
        let (name, said) = (program.display().to_string(), folder.join("stderr.txt"));
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
        let start = Instant::now();
        let child = command.spawn().with_context(|| format!("{name} does not start"))?;
        Ok(Self { name, child, start, said })
    }

    fn end(self) -> Result<Usage> {
        let end = self.child.wait4()?;
        let wall = self.start.elapsed().as_secs_f64();
        if !end.status.success() {
            bail!("{} failed: {}", self.name, std::fs::read_to_string(&self.said)?);
        }
        let cpu = (end.rusage.utime + end.rusage.stime).as_secs_f64();
        Ok(Usage { cpu, wall, peak_memory: end.rusage.maxrss })
    }
}
