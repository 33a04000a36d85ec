//! What a run has done, once it has ended.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use pipeline_api::{Result, Verdict};
use pipeline_runtime::Plan;
use pipeline_runtime::run::{End, Progress};

use super::redaction::redacted;
use super::table::{grouped, size};
use super::{Failure, query};

/// How many rows of a report's answer are shown.
const REPORT_ROWS: usize = 20;

/// Prints the summary of a run on standard output, and after a bounded run that went well the file's reports.
pub(super) async fn print(
    plan: &Plan,
    progress: &Progress,
    end: &Result<End>,
    took: Duration,
    files: &[PathBuf],
) -> std::result::Result<(), Failure> {
    let mut out = std::io::stdout();
    writeln!(out, "{}", headline(plan, end, took))?;
    for source in &progress.sources {
        let rejected = rejected(source.rejected());
        writeln!(out, "  {:<16} {:>12} records in{rejected}", source.name, grouped(source.produced()))?;
    }
    for sink in &progress.sinks {
        let rejected = rejected(sink.rejected());
        let files = match sink.files() {
            0 => String::new(),
            files => format!("   {:>6} files   {:>9}", grouped(files), size(sink.bytes())),
        };
        writeln!(out, "  {:<16} {:>12} records out{files}{rejected}", sink.name, grouped(sink.rows()))?;
    }
    print_checks(&mut out, progress)?;
    if matches!(end, Ok(End::Drained)) {
        explain_nothing_new(&mut out, plan, progress, files)?;
        print_reports(&mut out, plan).await?;
    }
    Ok(())
}

fn headline(plan: &Plan, end: &Result<End>, took: Duration) -> String {
    let took = took.as_secs_f64();
    let what = match end {
        Ok(End::Drained) => "all delivered",
        Ok(End::Stopped) => "stopped, all that was read is committed or waits on the topic",
        Ok(End::Interrupted) => "stopped in the middle of a flush, the next run repeats it",
        Err(_) => "failed",
    };
    format!("{}: {what} ({}, {took:.2} s)", plan.name, plan.delivery)
}

fn rejected(records: u64) -> String {
    if records == 0 { String::new() } else { format!("   {} to the dead letter topic", grouped(records)) }
}

fn print_checks(out: &mut impl Write, progress: &Progress) -> std::io::Result<()> {
    let checks: Vec<_> = progress.sinks.iter().flat_map(|sink| sink.checks()).collect();
    if checks.is_empty() {
        return Ok(());
    }
    let width = checks.iter().map(|check| check.check.chars().count()).max().unwrap_or(0);
    writeln!(out, "  checks")?;
    for check in &checks {
        let mark = match check.verdict {
            Verdict::Passed => "✓",
            Verdict::Warned => "!",
            Verdict::Failed => "✗",
        };
        let line = format!("    {mark} {:<width$}   {} (expected {})", check.check, check.found, check.expected);
        writeln!(out, "{}", redacted(&line))?;
    }
    Ok(())
}

/// A run that finds nothing to do says why, and how to start over.
fn explain_nothing_new(
    out: &mut impl Write,
    plan: &Plan,
    progress: &Progress,
    files: &[PathBuf],
) -> std::io::Result<()> {
    let moved = progress.produced() + progress.sinks.iter().map(|sink| sink.received()).sum::<u64>();
    let resumed: Vec<&str> =
        progress.sources.iter().filter(|source| source.resumed()).map(|source| &*source.name).collect();
    if moved > 0 || resumed.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nNothing new: an earlier run has read {} to the end, and every sink has committed it.",
        resumed.join(", ")
    )?;
    let file = match files {
        [file] => file.display().to_string(),
        _ => format!("the file of {}", plan.name),
    };
    writeln!(out, "To start over: pipeline reset {file}")
}

async fn print_reports(out: &mut impl Write, plan: &Plan) -> std::result::Result<(), Failure> {
    for report in &plan.report {
        writeln!(out, "\n{}", report.title)?;
        let answer =
            query::ask(plan, &report.sql).await.map_err(|error| error.context(format!("report `{}`", report.title)))?;
        super::table::write_table(out, &answer, REPORT_ROWS)?;
    }
    Ok(())
}
