//! A process, and what it used.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
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
    let said = folder.join("stderr.txt");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
    let start = Instant::now();
    let child = command.spawn().with_context(|| format!("{} does not start", program.display()))?;
    let end = child.wait4()?;
    let wall = start.elapsed().as_secs_f64();
    if !end.status.success() {
        bail!("{} failed: {}", program.display(), std::fs::read_to_string(&said)?);
    }
    let cpu = (end.rusage.utime + end.rusage.stime).as_secs_f64();
    Ok(Usage { cpu, wall, peak_memory: end.rusage.maxrss })
}
