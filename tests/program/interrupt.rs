//! Ctrl-C and SIGTERM.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::rows::{self, Row, assert_exactly};
use crate::support::{Project, Started, TICKS_TOPIC, becomes_true, signal, wait};

const SOURCE: &str = "\
name: ticks
sources:
  - type: ticks
    config: { rows: 20000, rate: 5000, symbols: 4 }
";

const SINK: &str = "\
sinks:
  - name: json
    type: s3_json
    config: { url: out/json, compression: none }
    flush: { rows: 500 }
";

/// Shows all records, and waits for whoever reads them.
const CONSOLE: &str = "  - { name: console, type: console, flush: { rows: 500 } }\n";

/// As fast as it goes.
const AT_ONCE: &str = "sources.0.config.rate=1e9";

/// What the issue promises of a gentle stop.
const DRAIN: Duration = Duration::from_secs(10);

fn ticks() -> String {
    format!("{SOURCE}{TICKS_TOPIC}{SINK}")
}

fn expected() -> Vec<Row> {
    expected_of(&ticks())
}

fn expected_of(pipeline: &str) -> Vec<Row> {
    let untouched = Project::new(pipeline);
    untouched.run(&[AT_ONCE]).with_code(0);
    let rows = rows::json(&untouched, "out/json");
    assert_eq!(rows.len(), 20_000);
    rows
}

fn stops_gently_at(name: &str) {
    let project = Project::new(&ticks());
    let run = Started::new(project.runner(&[]));
    assert!(becomes_true(|| !project.files("out/json").is_empty()));
    let asked = Instant::now();
    run.signal(name);
    let ended = run.end().with_code(0).saying("stopped, all that was read is committed").complaining("stopping: ");
    assert!(asked.elapsed() < DRAIN, "{:?}", asked.elapsed());

    let delivered = rows::json(&project, "out/json").len();
    assert!((1..20_000).contains(&delivered), "{delivered}");
    assert_eq!(records_out(&ended.out), delivered, "{}", ended.out);

    project.run(&[AT_ONCE]).with_code(0).saying("all delivered");
    assert_exactly(&rows::json(&project, "out/json"), &expected(), name);
}

/// The records that the summary counts as written.
fn records_out(summary: &str) -> usize {
    let line = summary.lines().find(|line| line.contains("records out")).unwrap();
    line.split_whitespace().nth(1).unwrap().replace(',', "").parse().unwrap()
}

#[test]
fn ctrl_c_commits_what_is_under_way_and_the_next_run_goes_on_there() {
    stops_gently_at("INT");
}

#[test]
fn sigterm_stops_as_gently_as_ctrl_c() {
    stops_gently_at("TERM");
}

#[test]
fn a_second_ctrl_c_stops_at_once_and_loses_nothing() {
    let project = Project::new(&format!("{}{CONSOLE}", ticks()));
    let mut command = project.runner(&[AT_ONCE]);
    // Nobody reads what the console sink shows, so its flush cannot end.
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(becomes_true(|| !project.files("out/json").is_empty()));
    signal(&run, "INT");
    let mut told = run.stderr.take().unwrap();
    let mut line = until_stopping(&mut told);
    let asked = Instant::now();
    signal(&run, "INT");
    assert_eq!(wait(&mut run).code(), Some(130));
    assert!(asked.elapsed() < DRAIN / 2, "{:?}", asked.elapsed());
    told.read_to_string(&mut line).unwrap();
    assert!(line.contains("stopped at once"), "{line}");
    let mut shown = String::new();
    run.stdout.take().unwrap().read_to_string(&mut shown).unwrap();

    let again = project.run(&[AT_ONCE]).with_code(0);
    let expected = expected();
    assert_exactly(&rows::json(&project, "out/json"), &expected, "json");
    // The console sink shows a record again if its commit was cut off.
    let shown_again = again.out.lines().filter(|line| line.starts_with('{')).collect::<Vec<_>>().join("\n");
    let whole = shown.lines().filter(|line| line.ends_with('}')).collect::<Vec<_>>().join("\n");
    let mut shown = rows::json_lines(&whole);
    shown.extend(rows::json_lines(&shown_again));
    // Files have a space where people are shown a `T`; no other column has one.
    shown.iter_mut().for_each(|row| *row = row.replace('T', " "));
    shown.sort_unstable();
    shown.dedup();
    assert_exactly(&shown, &expected, "console");
}

/// What the program says until it has heard that it is to stop.
fn until_stopping(told: &mut impl Read) -> String {
    let mut line = String::new();
    while !line.contains("stopping: ") {
        let mut byte = [0];
        told.read_exact(&mut byte).unwrap();
        line.push(char::from(byte[0]));
    }
    line
}

#[test]
fn a_kill_while_a_run_stops_loses_and_doubles_nothing() {
    let project = Project::new(&format!("{}{CONSOLE}", ticks()));
    let mut command = project.runner(&[AT_ONCE]);
    // Nobody reads what the console sink shows, so that it goes on stopping until it is killed.
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(becomes_true(|| !project.files("out/json").is_empty()));
    signal(&run, "INT");
    until_stopping(run.stderr.as_mut().unwrap());
    run.kill().unwrap();
    assert_eq!(wait(&mut run).code(), None);
    project.run(&[AT_ONCE]).with_code(0);
    assert_exactly(&rows::json(&project, "out/json"), &expected(), "json");
}

#[test]
fn a_run_that_cannot_flush_in_time_says_so_and_the_next_one_repeats_the_flush() {
    let project = Project::new(&format!("{}{CONSOLE}", ticks()));
    let mut command = project.runner(&[AT_ONCE]);
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    assert!(becomes_true(|| !project.files("out/json").is_empty()));
    let asked = Instant::now();
    signal(&run, "TERM");
    let mut out = run.stdout.take().unwrap();
    // By then the limit is reached; from now on somebody reads, so that the summary can be written.
    assert!(becomes_true(|| asked.elapsed() > DRAIN + Duration::from_secs(1)));
    let mut shown = String::new();
    out.read_to_string(&mut shown).unwrap();
    assert_eq!(wait(&mut run).code(), Some(1), "{shown}");
    project.run(&[AT_ONCE]).with_code(0);
    assert_exactly(&rows::json(&project, "out/json"), &expected(), "json");
}

/// With a hook that reads its table again whenever somebody has changed that.
fn ticks_with_a_table() -> String {
    let hook = "    hooks: [{ type: local_table, config: { table: ticks, catalog: catalog } }]\n";
    ticks().replace("compression: none }", "compression: none, partition_by: [symbol] }") + hook
}

/// Makes the table's file one that never ends: whoever reads it holds his thread for ever.
fn block_the_table(project: &Project) {
    let (pipe, table) = (project.path("pipe"), project.path("catalog/ticks.json"));
    fs::create_dir_all(project.path("catalog")).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::rename(pipe, table).unwrap();
}

/// Waits until somebody reads that file. He waits as long as the result is there. Who was about to replace the file while it was
/// blocked has put one in its place: then it is blocked again.
fn blocked(project: &Project) -> File {
    const O_NONBLOCK: i32 = 0o4000;
    let table = project.path("catalog/ticks.json");
    let mut writer = None;
    assert!(becomes_true(|| {
        if !fs::symlink_metadata(&table).unwrap().file_type().is_fifo() {
            block_the_table(project);
        }
        writer = OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(&table).ok();
        writer.as_ref().is_some_and(|writer| writer.metadata().unwrap().file_type().is_fifo())
    }));
    writer.unwrap()
}

#[test]
fn ctrl_c_ends_a_run_whose_hook_is_never_ready() {
    let project = Project::new(&ticks_with_a_table());
    block_the_table(&project);
    let run = Started::new(project.runner(&[AT_ONCE]));
    let _writer = blocked(&project);
    let asked = Instant::now();
    run.signal("INT");
    run.end().with_code(0).saying("stopped");
    assert!(asked.elapsed() < DRAIN, "{:?}", asked.elapsed());
    fs::remove_file(project.path("catalog/ticks.json")).unwrap();
    project.run(&[AT_ONCE]).with_code(0).saying("all delivered");
    assert_exactly(&rows::json(&project, "out/json"), &expected_of(&ticks_with_a_table()), "json");
}

#[test]
fn ctrl_c_ends_a_run_whose_hook_never_ends_and_the_next_one_repeats_its_flush() {
    let project = Project::new(&ticks_with_a_table());
    let run = Started::new(project.runner(&[]));
    assert!(becomes_true(|| !project.files("out/json").is_empty()));
    let table = project.read("catalog/ticks.json");
    block_the_table(&project);
    let _writer = blocked(&project);
    let asked = Instant::now();
    run.signal("INT");
    run.end().with_code(1).complaining("stopped before everything was flushed; nothing is lost");
    assert!(asked.elapsed() < 2 * DRAIN, "{:?}", asked.elapsed());
    fs::remove_file(project.path("catalog/ticks.json")).unwrap();
    project.write("catalog/ticks.json", table);
    project.run(&[AT_ONCE]).with_code(0).saying("all delivered");
    assert_exactly(&rows::json(&project, "out/json"), &expected_of(&ticks_with_a_table()), "json");
}

#[test]
fn a_second_ctrl_c_ends_a_run_whose_plugins_hold_every_thread() {
    let project = Project::new(&ticks_with_a_table());
    // More than the program has workers.
    let tasks = thread::available_parallelism().unwrap().get() + 4;
    let sets = ["topic.partitions", "sinks.0.tasks"].map(|name| format!("{name}={tasks}"));
    let endless = ["sources.0.config.rows=100000000", "sources.0.config.rate=50000", "sinks.0.flush.every=100ms"];
    let sets: Vec<&str> = sets.iter().map(String::as_str).chain(endless).collect();
    let run = Started::new(project.runner(&sets));
    assert!(becomes_true(|| project.files("out/json").len() >= tasks));
    block_the_table(&project);
    let _writer = blocked(&project);
    let (mut before, mut since) = (BTreeMap::new(), Instant::now());
    let threads = format!("/proc/{}/task", run.id());
    assert!(becomes_true(|| {
        let now = switches(Path::new(&threads));
        if now != before {
            (before, since) = (now, Instant::now());
        }
        // A program that is not held flushes ten times meanwhile.
        since.elapsed() > Duration::from_secs(1)
    }));
    run.signal("INT");
    let asked = Instant::now();
    // Two signals at once are one.
    assert!(becomes_true(|| run.complaints().contains("again to stop at once")), "nobody hears of it");
    run.signal("INT");
    run.end().with_code(130).complaining("stopped at once");
    assert!(asked.elapsed() < DRAIN / 2, "{:?}", asked.elapsed());
}

/// How often each thread of the program has run.
fn switches(threads: &Path) -> BTreeMap<String, String> {
    let threads = fs::read_dir(threads).unwrap().map(|thread| thread.unwrap().path());
    let run = |thread: &Path| {
        // It may have ended meanwhile.
        let status = fs::read_to_string(thread.join("status")).unwrap_or_default();
        status.lines().filter(|line| line.contains("ctxt_switches")).collect()
    };
    threads.map(|thread| (thread.display().to_string(), run(&thread))).collect()
}
