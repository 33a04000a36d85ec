//! A process, and what it used.

use std::fs::File;
#[cfg(target_os = "linux")]
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use wait4::{ResUse, Wait4};

/// What a process used, all its threads together, and the processes that it waited for.
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
        let middle = |measure: fn(&Self) -> f64| median(usages.iter().map(measure).collect());
        Self {
            cpu: middle(|usage| usage.cpu),
            wall: middle(|usage| usage.wall),
            peak_memory: middle(|usage| usage.peak_memory as f64) as u64,
        }
    }
}

/// The middle one of at least one.
pub(crate) fn median(mut measures: Vec<f64>) -> f64 {
    measures.sort_by(f64::total_cmp);
    measures[measures.len() / 2]
}

/// Runs a program to its end. What it says on standard error goes to `folder`, and into the error if it fails.
pub(crate) fn run(command: &mut Command, folder: &Path) -> Result<Usage> {
    run_until(command, folder, |_, _| Ok(false))
}

/// Runs a program until it ends or `is_done`, looking from time to time, with the time since its start and its
/// number, and asks it to stop then. The time to that moment counts.
pub(crate) fn run_until(
    command: &mut Command,
    folder: &Path,
    mut is_done: impl FnMut(Duration, u32) -> Result<bool>,
) -> Result<Usage> {
    let mut started = Started::new(command, folder)?;
    let mut looked = started.start;
    loop {
        if let Some(wall) = started.ended()? {
            return started.usage(wall);
        }
        if looked.elapsed() >= LOOK_AGAIN {
            if is_done(started.start.elapsed(), started.child.id())? {
                break;
            }
            looked = Instant::now();
        }
        ensure!(started.start.elapsed() < DEADLINE, "{} does not get done", started.name);
        std::thread::sleep(GRAIN);
    }
    let wall = started.start.elapsed();
    started.signal("INT")?;
    let asked = Instant::now();
    while started.ended()?.is_none() {
        ensure!(asked.elapsed() < STOPPING, "{} does not stop", started.name);
        std::thread::sleep(GRAIN);
    }
    started.usage(wall)
}

/// How long between two looks at whether a program has ended, and at whether it is done.
const GRAIN: Duration = Duration::from_millis(2);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long a program may run, and how long it may take to stop.
const DEADLINE: Duration = Duration::from_secs(600);
const STOPPING: Duration = Duration::from_secs(60);

/// A program that runs. It does not outlive this, and on Linux not this process either, however that ends.
struct Started {
    name: String,
    child: Child,
    start: Instant,
    said: PathBuf,
    /// Then nobody may wait for it again, or send it anything: its number may be another's.
    end: Option<ResUse>,
}

impl Started {
    fn new(command: &mut Command, folder: &Path) -> Result<Self> {
        let (name, said) = (command.get_program().display().to_string(), folder.join("stderr.txt"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
        #[cfg(target_os = "linux")]
        end_with_this(command);
        let start = Instant::now();
        let child = command.spawn().with_context(|| format!("{name} does not start"))?;
        Ok(Self { name, child, start, said, end: None })
    }

    /// When it has ended: how long after its start.
    fn ended(&mut self) -> Result<Option<Duration>> {
        self.end = self.child.try_wait4()?;
        Ok(self.end.map(|_| self.start.elapsed()))
    }

    fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status()?;
        ensure!(sent.success(), "kill -s {name}: {sent}");
        Ok(())
    }

    fn usage(&self, wall: Duration) -> Result<Usage> {
        let Some(ResUse { status, rusage }) = self.end else { bail!("{} still runs", self.name) };
        if !status.success() {
            bail!("{} failed, {status}: {}", self.name, std::fs::read_to_string(&self.said)?);
        }
        let cpu = (rusage.utime + rusage.stime).as_secs_f64();
        Ok(Usage { cpu, wall: wall.as_secs_f64(), peak_memory: rusage.maxrss })
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "nothing else says it to the system")]
fn end_with_this(command: &mut Command) {
    // SAFETY: it changes this process alone, and takes no pointer.
    let ask = || match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    };
    // SAFETY: between fork and exec only async-signal-safe calls are made: this one is a plain system call.
    unsafe { command.pre_exec(ask) };
}

impl Drop for Started {
    fn drop(&mut self) {
        if self.end.is_none() {
            // What fails here cannot be helped: something else has failed before.
            _ = self.child.kill();
            _ = self.child.wait();
        }
    }
}
