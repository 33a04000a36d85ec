//! What a kill -9 leaves, wherever it comes, and that the next run makes it good.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::{Value, json};

use crate::kafka;
use crate::letters::{self, DEAD_LETTERS, READER};
use crate::ranges::assert_tiled;
use crate::rows::{self, Row, assert_exactly};
use crate::support::{Ended, Project};

/// What runs when it is killed.
#[derive(Clone, Copy, Debug)]
enum Scenario {
    /// The quickstart's data, into both sinks with two tasks each, in small flushes.
    Stocks,
    /// The same, with a store so small that the broker removes what the sinks have committed.
    SmallStore,
    /// The same, after a run that was killed when it had planned a flush, and with another compression since.
    ChangedFile,
    /// Records on the topic that the sink's converter does not accept.
    DeadLetters,
    /// As the stocks, with so many tasks that one of them is likely to lose partitions to others while these join.
    Rebalance,
    /// Records so long that each flush is a file that is uploaded in parts.
    LargeFiles,
}

/// Where the files go, and where the topic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Everything in a folder of this machine.
    Folder,
    /// The files in a bucket, over HTTP, and the tables in Glue.
    Bucket,
    /// The topic on a real Kafka.
    Cluster,
}

/// Every crash point of the house.
const CRASH_POINTS: [(&str, Scenario); 36] = [
    ("broker_after_group_commit", Scenario::Stocks),
    ("broker_after_produce_commit", Scenario::Stocks),
    ("broker_after_retention", Scenario::SmallStore),
    ("broker_before_group_commit", Scenario::Stocks),
    ("broker_before_produce_commit", Scenario::Stocks),
    ("broker_before_retention", Scenario::SmallStore),
    ("glue_after_partitions", Scenario::Stocks),
    ("glue_after_table", Scenario::Stocks),
    ("glue_before_partitions", Scenario::Stocks),
    ("glue_before_table", Scenario::Stocks),
    ("kafka_after_group_commit", Scenario::Stocks),
    ("kafka_after_produce_commit", Scenario::Stocks),
    ("kafka_before_group_commit", Scenario::Stocks),
    ("kafka_before_produce_commit", Scenario::Stocks),
    ("local_table_after_write", Scenario::Stocks),
    ("local_table_before_write", Scenario::Stocks),
    ("s3_after_complete", Scenario::LargeFiles),
    ("s3_after_first_put", Scenario::Stocks),
    ("s3_after_put", Scenario::Stocks),
    ("s3_before_complete", Scenario::LargeFiles),
    ("s3_before_put", Scenario::Stocks),
    ("s3_multipart_part", Scenario::LargeFiles),
    ("sink_after_commit", Scenario::Stocks),
    ("sink_after_dead_letters", Scenario::DeadLetters),
    ("sink_after_discard", Scenario::ChangedFile),
    ("sink_after_hook", Scenario::Stocks),
    ("sink_assigned", Scenario::Stocks),
    ("sink_before_commit", Scenario::Stocks),
    ("sink_before_dead_letters", Scenario::DeadLetters),
    ("sink_before_discard", Scenario::ChangedFile),
    ("sink_before_hooks", Scenario::Stocks),
    ("sink_revoked", Scenario::Rebalance),
    ("source_after_commit", Scenario::Stocks),
    ("source_after_send", Scenario::Stocks),
    ("source_before_commit", Scenario::Stocks),
    ("source_before_send", Scenario::Stocks),
];

const CSV: &str = "data/stocks_daily.csv";

/// Of the CSV every sixth record: enough for several flushes, and soon written.
const THINNED: usize = 6;

/// In so many parts, each with a task and so with transactions of its own, the records come to the sinks little by little,
/// and where a flush ends depends on what else happens.
const PARTS: usize = 8;

const STOCKS: &str = "\
name: stocks
sources:
  - type: csv
    tasks: 8
    config: { path: data/parts }
topic:
  name: stocks
  partitions: 3
  key: symbol
  schema:
    symbol: string not null
    date: date not null
    open: double
    high: double
    low: double
    close: double
    volume: bigint
    adj_close: double
sinks:
  - name: parquet
    type: s3_parquet
    tasks: 2
    config: { url: out/parquet, partition_by: [symbol], compression: zstd }
    flush: { rows: 100 }
    hooks:
      - { type: local_table, config: { table: stocks } }
  - name: json
    type: s3_json
    tasks: 2
    config: { url: out/json, compression: gzip }
    flush: { rows: 100 }
    hooks:
      - { type: local_table, config: { table: stocks_json } }
";

const LARGE_FILES: &str = "\
name: large
sources:
  - type: csv
    config: { path: large.csv }
topic: { name: large, schema: { id: bigint, text: string } }
sinks:
  - type: s3_json
    config: { url: out/json, compression: none, multipart_above: 5MiB }
    flush: { rows: 1000 }
";

/// Each has a text of 6 kB, so that together they are more than one part.
const LARGE_RECORDS: usize = 1000;

/// How many of the writer's 300 records have a text where a number is due.
const LETTERS_WRITTEN: usize = 100;

impl Place {
    /// Whether a run may pass the point here.
    fn passes(self, point: &str) -> bool {
        match point.split_once('_') {
            Some(("kafka", _)) => self == Self::Cluster,
            Some(("broker", _)) => self != Self::Cluster,
            Some(("glue", _)) => self == Self::Bucket,
            Some(("local", _)) => self != Self::Bucket,
            _ => true,
        }
    }

    /// Whether there is more to learn here of the scenario than elsewhere.
    fn takes(self, scenario: Scenario) -> bool {
        self != Self::Cluster || matches!(scenario, Scenario::Stocks | Scenario::ChangedFile | Scenario::Rebalance)
    }

    fn of(self, project: Project) -> Project {
        match self {
            Self::Folder => project,
            Self::Bucket => project.on_s3().on_glue(),
            Self::Cluster => project.on_kafka(),
        }
    }
}

impl Scenario {
    /// The folder, ready for the run that is killed.
    fn prepare(self, place: Place) -> Project {
        match self {
            Self::Stocks | Self::SmallStore | Self::Rebalance => place.of(stocks()),
            Self::ChangedFile => {
                let project = place.of(stocks());
                project.run_until("s3_after_put", &[]).with_kill();
                project
            }
            Self::DeadLetters => {
                let record = |id| if id % 3 == 0 { format!("{id},x{id}\n") } else { format!("{id},\n") };
                let written: String = (0..300).map(record).collect();
                place.of(letters::reader(&format!("{READER}{DEAD_LETTERS}"), &written, "300,1\n"))
            }
            Self::LargeFiles => {
                let project = place.of(Project::new(LARGE_FILES));
                let record = |id| format!("{id},{}\n", format!("{id:03x}-").repeat(1500));
                project.write("large.csv", format!("id,text\n{}", (0..LARGE_RECORDS).map(record).collect::<String>()));
                project
            }
        }
    }

    /// What all runs after that set.
    fn sets(self) -> &'static [&'static str] {
        match self {
            Self::SmallStore => &["embedded.retention=64KiB"],
            Self::ChangedFile => &["sinks.0.config.compression=none", "sinks.1.config.compression=none"],
            Self::Rebalance => &["sinks.0.tasks=8", "sinks.1.tasks=8"],
            Self::Stocks | Self::DeadLetters | Self::LargeFiles => &[],
        }
    }

    /// The same with other flushes. They are no part of the fingerprint, so that what was planned must be kept to.
    fn sets_with_large_flushes(self) -> Vec<&'static str> {
        let large: &[&str] = match self {
            Self::DeadLetters | Self::LargeFiles => &["sinks.0.flush.rows=1000000"],
            _ => &["sinks.0.flush.rows=1000000", "sinks.1.flush.rows=1000000"],
        };
        [self.sets(), large].concat()
    }

    /// A folder in which a run was killed at the crash point.
    fn killed_at(self, point: &str, place: Place) -> Project {
        let killed = || {
            let project = self.prepare(place);
            let ended = project.run_until(point, self.sets());
            (ended.was_killed(), project, ended)
        };
        // The order in which tasks join a group, and so what a rebalance takes from whom, is nobody's to say.
        let attempts = if matches!(self, Self::Rebalance) { 20 } else { 1 };
        let (_, project, ended) =
            (0..attempts).map(|_| killed()).find(|(was_killed, ..)| *was_killed).unwrap_or_else(killed);
        ended.with_kill();
        project
    }

    /// Asserts that every row is there once, in files that the committed offsets name, and nothing else.
    fn assert_complete(self, project: &Project, place: Place) {
        match self {
            Self::DeadLetters => {
                let expected = (0..300).filter(|id| id % 3 != 0).map(|id| format!("id={id}|"));
                let mut expected: Vec<Row> = expected.chain(["id=300|number=1|".to_owned()]).collect();
                expected.sort_unstable();
                assert_exactly(&rows::json(project, "out"), &expected, "json");
                assert_tiled(project, "out", "store", "reader.s3_json", "numbers");
                let letters = letters::read(project, "store", "dead_letters");
                let offsets: BTreeSet<&str> = letters.iter().map(|letter| letter.header("offset")).collect();
                assert_eq!((letters.len(), offsets.len()), (LETTERS_WRITTEN, LETTERS_WRITTEN));
            }
            Self::LargeFiles => {
                assert_exactly(&rows::json(project, "out/json"), &rows::csv(&project.read("large.csv")), "json");
                assert_tiled(project, "out/json", ".pipeline/large", "large.s3_json", "large");
            }
            _ => {
                let expected = rows::csv(&project.read(CSV));
                assert_exactly(&rows::parquet(project, "out/parquet"), &expected, "parquet");
                assert_exactly(&rows::json(project, "out/json"), &expected, "json");
                for sink in ["parquet", "json"] {
                    if place == Place::Cluster {
                        kafka::assert_committed(project, &format!("out/{sink}"), sink);
                        continue;
                    }
                    assert_tiled(
                        project,
                        &format!("out/{sink}"),
                        ".pipeline/stocks",
                        &format!("stocks.{sink}"),
                        "stocks",
                    );
                }
                if place == Place::Bucket {
                    assert_registered(project);
                }
                project.keep(&["data", "out"]);
            }
        }
        if place == Place::Bucket {
            assert_eq!(project.server().open_uploads().unwrap(), []);
        }
    }
}

/// Asserts that Glue has both tables, and each folder with files as a partition at its place.
fn assert_registered(project: &Project) {
    let list = |table: &str| {
        let mut input = json!({ "DatabaseName": "market", "TableName": table });
        let mut found = BTreeSet::new();
        loop {
            let answer = project.glue().ask("AWSGlue.GetPartitions", &input);
            let location = |partition: &Value| partition["StorageDescriptor"]["Location"].as_str().unwrap().to_owned();
            found.extend(answer["Partitions"].as_array().unwrap().iter().map(location));
            match answer.get("NextToken") {
                Some(token) => input["NextToken"] = token.clone(),
                None => return found,
            }
        }
    };
    let files = project.files("out/parquet");
    let folder = |file: &PathBuf| file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let folders: BTreeSet<String> =
        files.iter().map(|file| format!("s3://lake/out/parquet/{}/", folder(file))).collect();
    assert_eq!(list("stocks"), folders);
    assert_eq!(list("stocks_json"), BTreeSet::new());
}

fn stocks() -> Project {
    let project = Project::quickstart();
    project.write("quickstart.yaml", STOCKS);
    let csv = project.read(CSV);
    let (header, records) = csv.split_once('\n').unwrap();
    let records: Vec<&str> = records.lines().step_by(THINNED).collect();
    project.write(CSV, format!("{header}\n{}\n", records.join("\n")));
    for (part, records) in records.chunks(records.len().div_ceil(PARTS)).enumerate() {
        project.write(&format!("data/parts/{part}.csv"), format!("{header}\n{}\n", records.join("\n")));
    }
    project
}

#[test]
fn every_crash_point_in_the_sources_is_in_the_table() {
    let mut found = BTreeSet::new();
    for room in ["core", "connectors"] {
        collect_crash_points(&Path::new(env!("CARGO_MANIFEST_DIR")).join(room), &mut found);
    }
    let listed: BTreeSet<String> = CRASH_POINTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}

fn collect_crash_points(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            collect_crash_points(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).unwrap();
            let calls = text.split("crash_at(").skip(1).filter_map(|call| call.trim_start().strip_prefix('"'));
            found.extend(calls.map(|call| call.split('"').next().unwrap().to_owned()));
        }
    }
}

/// Set to anything, each crash point is combined with every other that may follow it; else with itself and a few.
const ALL_PAIRS_VARIABLE: &str = "PIPELINE_TEST_ALL_PAIRS";

/// The points of this room.
fn points_of(room: &str) -> impl Iterator<Item = (&'static str, Scenario)> {
    CRASH_POINTS.into_iter().filter(move |(name, _)| name.split('_').next() == Some(room))
}

/// Points that the making good of a kill at `point` may pass, itself the first.
fn points_after(point: &'static str, scenario: Scenario, place: Place) -> Vec<&'static str> {
    let passed = |(name, scenario): &(&str, Scenario)| matches!(scenario, Scenario::Stocks) && place.passes(name);
    let mut others: Vec<&str> =
        CRASH_POINTS.into_iter().filter(passed).map(|(name, _)| name).filter(|name| *name != point).collect();
    let at = others.partition_point(|name| *name < point);
    others.rotate_left(at);
    if std::env::var_os(ALL_PAIRS_VARIABLE).is_none() {
        let count = if matches!(scenario, Scenario::LargeFiles) || place != Place::Folder { 1 } else { 3 };
        // Far apart in the table, so that they are of different rooms.
        others = others.iter().skip(2).step_by(others.len() / 3).take(count).copied().collect();
    }
    [&[point], &others[..]].concat()
}

/// Kills at a point, and again at others while that is being made good.
fn survives_two_kills(point: &'static str, scenario: Scenario, place: Place) {
    for second in points_after(point, scenario, place) {
        eprintln!("{place:?}: killed at {point}, and again at {second}");
        let project = scenario.killed_at(point, place);
        // A point that the next run has no reason to pass kills nobody.
        killed_or_complete(project.run_until(second, &scenario.sets_with_large_flushes()));
        project.run(scenario.sets()).with_code(0);
        scenario.assert_complete(&project, place);
    }
}

/// Kills at a point, the second time that it is passed.
fn survives_a_later_kill(point: &'static str, scenario: Scenario, place: Place) {
    eprintln!("{place:?}: killed at {point}, the second time that it is passed");
    let project = scenario.prepare(place);
    if killed_or_complete(project.run_until(&format!("{point}:2"), scenario.sets())).was_killed() {
        project.run(&scenario.sets_with_large_flushes()).with_code(0);
        scenario.assert_complete(&project, place);
    }
}

fn survives_kills_in(room: &str, place: Place) {
    let points: Vec<(&str, Scenario)> =
        points_of(room).filter(|(point, scenario)| place.passes(point) && place.takes(*scenario)).collect();
    // Over Kafka they wait for sessions to end more than they work.
    let side_by_side = if place == Place::Cluster { 4 } else { 1 };
    thread::scope(|scope| {
        for points in points.chunks(points.len().div_ceil(side_by_side)) {
            scope.spawn(move || {
                for (point, scenario) in points {
                    survives_two_kills(point, *scenario, place);
                    survives_a_later_kill(point, *scenario, place);
                }
            });
        }
    });
}

#[track_caller]
fn killed_or_complete(ended: Ended) -> Ended {
    if ended.was_killed() { ended } else { ended.with_code(0) }
}

#[test]
fn a_kill_anywhere_in_the_broker_loses_and_doubles_nothing() {
    survives_kills_in("broker", Place::Folder);
}

#[test]
fn a_kill_anywhere_in_a_source_loses_and_doubles_nothing() {
    survives_kills_in("source", Place::Folder);
}

#[test]
fn a_kill_anywhere_in_a_sink_task_loses_and_doubles_nothing() {
    survives_kills_in("sink", Place::Folder);
}

#[test]
fn a_kill_anywhere_in_the_writing_of_files_loses_and_doubles_nothing() {
    survives_kills_in("s3", Place::Folder);
}

#[test]
fn a_kill_anywhere_in_the_registration_of_a_table_loses_and_doubles_nothing() {
    survives_kills_in("local", Place::Folder);
}

#[test]
fn a_kill_anywhere_in_the_broker_or_a_source_loses_and_doubles_nothing_in_a_bucket() {
    survives_kills_in("broker", Place::Bucket);
    survives_kills_in("source", Place::Bucket);
}

#[test]
fn a_kill_anywhere_in_a_sink_task_loses_and_doubles_nothing_in_a_bucket() {
    survives_kills_in("sink", Place::Bucket);
}

#[test]
fn a_kill_anywhere_in_the_registration_of_a_glue_table_loses_and_doubles_nothing() {
    survives_kills_in("glue", Place::Bucket);
}

#[test]
fn a_kill_anywhere_in_the_writing_of_objects_loses_and_doubles_nothing() {
    survives_kills_in("s3", Place::Bucket);
}

#[test]
fn a_kill_around_what_kafka_commits_loses_and_doubles_nothing() {
    survives_kills_in("kafka", Place::Cluster);
}

#[test]
fn a_kill_anywhere_in_a_source_loses_and_doubles_nothing_on_kafka() {
    survives_kills_in("source", Place::Cluster);
}

#[test]
fn a_kill_anywhere_in_a_sink_task_loses_and_doubles_nothing_on_kafka() {
    survives_kills_in("sink", Place::Cluster);
}

#[test]
fn a_kill_anywhere_in_the_writing_of_files_loses_and_doubles_nothing_on_kafka() {
    survives_kills_in("s3", Place::Cluster);
    survives_kills_in("local", Place::Cluster);
}

#[test]
fn a_quickstart_that_was_killed_passes_its_own_checks_and_reports_in_the_next_run() {
    let project = Project::quickstart();
    let small = ["sinks.0.flush.rows=2000", "sinks.1.flush.rows=2000", "sinks.0.tasks=2", "sinks.1.tasks=2"];
    project.run_until("s3_after_first_put", &small).with_kill();
    project.run_until("local_table_after_write", &small).with_kill();
    let ended = project.run(&small).with_code(0).saying("all delivered").saying("Volatility");
    assert_eq!(ended.out.matches('✓').count(), 6, "{}", ended.out);
    let counts = "SELECT count(*) AS n, count(DISTINCT symbol || CAST(date AS varchar)) AS days FROM stocks";
    let answer = project.call(&["query", "quickstart.yaml", counts, "--format", "json"]).with_code(0);
    assert_eq!(answer.out.trim(), r#"{"n":12154,"days":12154}"#);
}

#[test]
fn a_file_that_is_changed_after_a_kill_leaves_nothing_of_the_interrupted_flush() {
    for point in ["sink_after_commit", "s3_after_first_put", "s3_after_put"] {
        let project = stocks();
        let json = STOCKS.find("  - name: parquet").unwrap()..STOCKS.find("  - name: json").unwrap();
        let mut text = STOCKS.to_owned();
        text.replace_range(json, "");
        project.write("quickstart.yaml", text.replace("tasks: 2", "tasks: 1"));
        project.run_until(point, &[]).with_kill();
        project.run(&["sinks.0.config.compression=none"]).with_code(0);
        let expected = rows::csv(&project.read(CSV));
        assert_exactly(&rows::json(&project, "out/json"), &expected, point);
        let old: Vec<_> = project.files("out").into_iter().filter(|file| file.extension().unwrap() == "gz").collect();
        assert!(old.is_empty(), "{point}: {old:?}");
    }
}
