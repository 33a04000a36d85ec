//! Source tasks that several processes of one file share.

use std::thread;

use pipeline_api::Timestamp;
use pipeline_testkit::kafka::KafkaServer;

use crate::rows::{self, Row, assert_exactly};
use crate::support::{Project, Started, TICKS_TOPIC, becomes_true};

const CSV_ROWS: usize = 1500;
const TICKS_ROWS: usize = 3000;
const TASKS: usize = 3;

/// All sources take about as long.
const SOURCES: &str = "\
name: ticks
sources:
  - type: csv
    config: { path: rows.csv, replay: { by: event_time, speed: 0.5 } }
  - type: ticks
    tasks: 2
    config: { rows: 3000, rate: 250 }
";

const AT_ONCE: [&str; 2] = ["sources.0.config.replay.speed=1e9", "sources.1.config.rate=1e9"];

/// A CSV with a record each five milliseconds, and nothing else yet.
fn project() -> Project {
    let project = Project::new(&format!("{SOURCES}{TICKS_TOPIC}sinks: []\n")).on_kafka();
    let row = |n: usize| format!("CSV,2024-01-01T00:00:{:02}.{:03}Z,,,,,{n},,\n", n / 200, n % 200 * 5);
    let rows: String = (0..CSV_ROWS).map(row).collect();
    project.write("rows.csv", format!("symbol,event_time,open,high,low,close,volume,trades,vwap\n{rows}"));
    project
}

/// What the topic holds, as Kafka's own consumer reads it.
fn on_topic(project: &Project) -> Vec<Row> {
    let (server, topic) = (KafkaServer::shared().bootstrap(), &project.topic().name);
    let place = ["--bootstrap-server", &server, "--topic", topic, "--from-beginning"];
    // That nothing comes for so long is the end, also on a busy machine.
    let reading = ["--isolation-level", "read_committed", "--timeout-ms", "20000"];
    let read = KafkaServer::output(KafkaServer::tool("kafka-console-consumer", place.iter().chain(&reading)), "");
    let mut rows = rows::json_lines(&read);
    rows.sort_unstable();
    rows
}

fn untouched() -> Vec<Row> {
    let project = project();
    project.run(&AT_ONCE).with_code(0);
    let rows = on_topic(&project);
    assert_eq!(rows.len(), CSV_ROWS + TICKS_ROWS);
    rows
}

/// Whether every source task began anew after this moment.
fn all_began_after(project: &Project, moment: Timestamp) -> bool {
    let begins = project.topic().source_tasks_since();
    begins.len() == TASKS && begins.iter().all(|begin| *begin > moment.as_millisecond())
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    /// It stands still until the other one has its tasks.
    Pause,
}

/// Two processes run. The one in this place is struck, and the other has all tasks.
fn survives(fault: Fault, place: usize, expected: &[Row]) {
    let (project, what) = (project(), format!("{fault:?} of process {place}"));
    let start = || {
        let mut runner = project.runner(&[]);
        runner.env("PIPELINE_LOG", "info");
        Started::new(runner)
    };
    let mut processes = [start(), start()];
    let run_tasks = || processes.iter().all(|process| process.complaints().contains("source opened"));
    assert!(becomes_true(run_tasks), "{what}: they do not share the tasks");
    let struck = Timestamp::now();
    match fault {
        Fault::Kill => processes[place].kill(),
        Fault::Pause => processes[place].signal("STOP"),
    }
    assert!(becomes_true(|| all_began_after(&project, struck)), "{what}: the other process does not take over");
    if let Fault::Pause = fault {
        processes[place].signal("CONT");
    }
    for (number, process) in processes.into_iter().enumerate() {
        let ended = process.end();
        match fault {
            Fault::Kill if number == place => assert!(ended.was_killed()),
            _ => assert_eq!(ended.status.code(), Some(0), "{what}: {}\n{}", ended.out, ended.err),
        }
    }
    assert_exactly(&on_topic(&project), expected, &what);
}

#[test]
fn source_tasks_go_to_the_other_process_when_theirs_is_killed_or_paused_and_every_row_is_there_once() {
    let expected = &untouched();
    // They wait most of the time.
    thread::scope(|scope| {
        for fault in [Fault::Kill, Fault::Pause] {
            for place in [0, 1] {
                scope.spawn(move || survives(fault, place, expected));
            }
        }
    });
}
