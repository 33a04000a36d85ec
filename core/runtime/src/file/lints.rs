//! What is right in a file, and yet will be regretted.

use pipeline_api::{ByteSize, Finding, Findings, HumanDuration, Timestamp};
use tracing::debug;

use super::pointer::{entry, field};
use super::problems::Problems;
use crate::ahead::{Ahead, Assumptions, Rate, SinkAhead, Spread};
use crate::plan::{FlushPolicy, Plan, SinkPlan};

/// Readers take longer to open files that are smaller than this than to read them.
const SMALL: f64 = 1_000_000.0;
/// More folders than this are too many for one flush, and for a catalog in the long run.
const MANY_FOLDERS: usize = 1_000;
/// Fewer records say nothing about how many folders there will be.
const FEW_RECORDS: usize = 100;
/// Who would see records so many seconds late wants fewer files rather than longer pauses.
const LONG_PAUSE: f64 = 3600.0;

/// Looks ahead at what a run of `plan` would do. What a hook refuses is an error, for it would stop the run.
pub(super) async fn look_ahead(plan: &Plan, problems: &mut Problems) {
    let assumed = Assumptions { rate: None, record_bytes: None, at: Timestamp::now() };
    let ahead = match Ahead::of(plan, &assumed).await {
        Ok(ahead) => ahead,
        // No file is wrong because nobody can say what it will do.
        Err(error) => return debug!(error = plan.secrets.redact(&format!("{error:#}")), "cannot look ahead"),
    };
    for (index, (sink, found)) in plan.sinks.iter().zip(&ahead.sinks).enumerate() {
        let at = entry("/sinks", index);
        for (index, hook) in found.hooks.iter().enumerate() {
            if let Err(error) = hook {
                let config = field(&entry(&field(&at, "hooks"), index), "config");
                let message = format!("{error:#}");
                match message.split_once(": ").filter(|(pointer, _)| pointer.starts_with('/')) {
                    Some((pointer, message)) => problems.key(format!("{config}{pointer}"), message),
                    None => problems.key(config, message),
                }
            }
        }
        let mut findings = Findings::default();
        if let Some(spread) = found.spread.filter(explodes) {
            findings.warning("/config", explosion(spread));
        }
        if let Some(message) = ahead.rate.and_then(|rate| small_files(sink, found, rate)) {
            findings.warning("/flush", message);
        }
        for Finding { pointer, message, .. } in findings {
            problems.warning(format!("{at}{pointer}"), message);
        }
    }
}

fn explodes(spread: &Spread) -> bool {
    spread.folders > MANY_FOLDERS || (spread.rows >= FEW_RECORDS && 2 * spread.folders > spread.rows)
}

fn explosion(spread: Spread) -> String {
    let Spread { rows, folders } = spread;
    format!(
        "the first {rows} records fall into {folders} folders, and each flush writes a file for each of them; expected a \
         `partition_by` whose values more records share, such as date(…) of a timestamp"
    )
}

/// What is to be said if the sink's files will be small.
fn small_files(sink: &SinkPlan, found: &SinkAhead, rate: Rate) -> Option<String> {
    let files = found.files.as_ref().filter(|files| files.bytes < SMALL)?;
    let pause = found.flush.pause?;
    let are_several = files.a_flush > 1.0;
    Some(format!(
        "at {} records/s of about {:.0} B a flush comes every {} and leaves {}{:.0} {} of about {}; expected files of at least \
         1 MB: {}",
        rate.records,
        found.record_bytes,
        rounded(pause),
        if files.at_least { "at least " } else { "" },
        files.a_flush.max(1.0),
        if are_several { "files" } else { "file" },
        size(files.bytes),
        advice(&sink.flush, found, pause, SMALL / files.bytes.max(1.0), are_several),
    ))
}

/// What to change for files that are `factor` times as large.
fn advice(policy: &FlushPolicy, found: &SinkAhead, pause: f64, factor: f64, are_several: bool) -> String {
    let wanted = pause * factor;
    let settings =
        (wanted <= LONG_PAUSE).then(|| format!("`flush: {{ {} }}`", settings(policy, found, wanted, factor)));
    let fewer = are_several.then(|| "fewer partitions of the topic or fewer folders".to_owned());
    let advice: Vec<String> = settings.into_iter().chain(fewer).collect();
    match advice.is_empty() {
        true => format!("one takes {} to fill", rounded(wanted)),
        false => advice.join(", "),
    }
}

/// The settings that keep flushes from being `factor` times as large, and what they would have to be.
fn settings(policy: &FlushPolicy, found: &SinkAhead, wanted: f64, factor: f64) -> String {
    let (rows, bytes) = (found.flush.rows * factor, found.flush.bytes * factor);
    let mut settings = Vec::new();
    if wanted > policy.every.as_secs_f64() {
        settings.push(format!("every: {}", rounded(wanted)));
    }
    if policy.rows.is_some_and(|limit| rows > limit as f64) {
        settings.push(format!("rows: {:.0}", rows.ceil()));
    }
    let mib = |bytes: f64| ByteSize::mib((bytes / (1 << 20) as f64).ceil() as u64);
    if bytes > policy.bytes.bytes() as f64 {
        settings.push(format!("bytes: {}", mib(bytes)));
    }
    if 2.0 * bytes > policy.memory.bytes() as f64 {
        settings.push(format!("memory: {}", mib(2.0 * bytes)));
    }
    settings.join(", ")
}

/// Up to whole seconds, and from two minutes on to whole minutes.
fn rounded(seconds: f64) -> HumanDuration {
    let seconds = seconds.ceil().max(1.0) as u64;
    HumanDuration::seconds(if seconds > 120 { seconds.div_ceil(60) * 60 } else { seconds })
}

fn size(bytes: f64) -> String {
    if bytes < 1000.0 { format!("{bytes:.0} B") } else { format!("{:.0} kB", bytes / 1000.0) }
}
