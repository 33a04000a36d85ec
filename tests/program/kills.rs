//! What kills at any time leave, one after the other, and that the run after them makes it good.

use std::fs;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::rows::{self, Row};
use crate::support::{Project, Started, TICKS_TOPIC, becomes_true};

/// How many kills there are: `PIPELINE_TEST_KILLS=1000 cargo test --test program kills_at_any_time`.
const KILLS_VARIABLE: &str = "PIPELINE_TEST_KILLS";
const KILLS: u64 = 100;
/// So many of them come to one pipeline before it is left to end.
const KILLS_OF_A_LIFE: u64 = 10;
/// So many pipelines live side by side.
const SIDE_BY_SIDE: u64 = 2;

const ROWS: usize = 40_000;

const SOURCE: &str = "\
name: ticks
sources:
  - type: ticks
    tasks: 2
    config: { rows: 40000, rate: 2000 }
";

const SINKS: &str = "\
sinks:
  - name: parquet
    type: s3_parquet
    tasks: 2
    config: { url: out/parquet, partition_by: [symbol] }
    hooks:
      - { type: local_table, config: { table: ticks } }
  - name: json
    type: s3_json
    tasks: 2
    config: { url: out/json }
    hooks:
      - { type: local_table, config: { table: ticks_json } }
";

/// As fast as it goes.
const AT_ONCE: &str = "sources.0.config.rate=1e9";

fn project() -> Project {
    Project::new(&format!("{SOURCE}{TICKS_TOPIC}{SINKS}"))
}

fn untouched() -> Vec<Row> {
    let project = project();
    project.run(&[AT_ONCE]).with_code(0);
    let rows = rows::json(&project, "out/json");
    assert_eq!(rows.len(), ROWS);
    rows
}

/// What is wrong with what a pipeline left, if anything is.
fn fault(project: &Project, expected: &[Row]) -> Option<String> {
    [("json", rows::json(project, "out/json")), ("parquet", rows::parquet(project, "out/parquet"))]
        .into_iter()
        .find_map(|(sink, rows)| rows::difference(&rows, expected).map(|fault| format!("{sink}: {fault}")))
}

/// A run with flushes of its own, and sometimes with another compression than the one before: then the files of a flush that
/// was cut off must go.
fn settings(chance: &mut StdRng) -> Vec<String> {
    let mut sets = Vec::new();
    for sink in [0, 1] {
        let every = chance.random_range(50..500);
        sets.push(format!("sinks.{sink}.flush.every={every}ms"));
    }
    let (parquet, json) = *[("zstd", "none"), ("zstd", "none"), ("snappy", "gzip")].choose(chance).unwrap();
    sets.push(format!("sinks.0.config.compression={parquet}"));
    sets.push(format!("sinks.1.config.compression={json}"));
    sets
}

/// Runs a pipeline, kills it again and again, and lets it end at last.
fn live(seed: u64, expected: &[Row]) {
    let mut chance = StdRng::seed_from_u64(seed);
    let project = project();
    for kill in 0..KILLS_OF_A_LIFE {
        let sets = settings(&mut chance);
        let mut run = Started::new(project.runner(&sets.iter().map(String::as_str).collect::<Vec<_>>()));
        thread::sleep(Duration::from_millis(chance.random_range(20..400)));
        if chance.random_bool(0.7) {
            // Then it writes files, or is about to commit them.
            let files = project.files("out").len();
            becomes_true(|| project.files("out").len() != files);
        }
        run.kill();
        let ended = run.end();
        assert!(ended.was_killed(), "seed {seed}, kill {kill}: it ended before: {}\n{}", ended.out, ended.err);
    }
    project.run(&[AT_ONCE]).with_code(0);
    assert_eq!(fault(&project, expected), None, "seed {seed}");
    let counts = "SELECT (SELECT count(*) FROM ticks) AS parquet, (SELECT count(*) FROM ticks_json) AS json";
    let answer = project.call(&["query", "pipeline.yaml", counts, "--format", "json"]).with_code(0);
    assert_eq!(answer.out.trim(), format!(r#"{{"parquet":{ROWS},"json":{ROWS}}}"#), "seed {seed}: the tables");
}

#[test]
fn kills_at_any_time_lose_and_double_nothing() {
    let kills = std::env::var(KILLS_VARIABLE).map_or(KILLS, |kills| kills.parse().unwrap());
    let lives = kills.div_ceil(KILLS_OF_A_LIFE);
    let expected = untouched();
    thread::scope(|scope| {
        for first in 0..SIDE_BY_SIDE {
            let expected = &expected;
            scope.spawn(move || (first..lives).step_by(SIDE_BY_SIDE as usize).for_each(|seed| live(seed, expected)));
        }
    });
}

#[test]
fn a_file_that_is_lost_or_doubled_would_be_found() {
    let expected = untouched();
    for sink in ["out/json", "out/parquet"] {
        let project = project();
        project.run(&[AT_ONCE]).with_code(0);
        assert_eq!(fault(&project, &expected), None);
        let file = project.files(sink).pop().unwrap();
        let doubled = file.with_file_name(format!("doubled-{}", file.file_name().unwrap().to_str().unwrap()));
        fs::copy(&file, &doubled).unwrap();
        assert!(fault(&project, &expected).is_some_and(|fault| fault.contains("too many")), "{sink}");
        fs::remove_file(doubled).unwrap();
        fs::remove_file(file).unwrap();
        assert!(fault(&project, &expected).is_some_and(|fault| fault.contains("missing")), "{sink}");
    }
}
