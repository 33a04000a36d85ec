//! The pipelines that come along.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use pipeline_api::Delivery;
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::Broker;
use pipeline_testkit::kafka::KafkaServer;
use tokio::runtime::Runtime;

use crate::rows::{self, assert_exactly};
use crate::support::{Project, Started, becomes_true};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines")
}

fn shipped(name: &str) -> Project {
    Project::new(&fs::read_to_string(folder().join(name)).unwrap())
}

#[test]
fn every_one_of_them_is_valid() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = files.filter(|name| name.ends_with(".yaml")).collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        shipped(&name).call(&["validate", "pipeline.yaml"]).with_code(0).saying("ok, pipeline");
    }
}

#[test]
fn ticks_are_changed_on_their_way_and_checked() {
    let project = shipped("ticks.yaml");
    let run = project.run(&["sources.0.config.rows=20000", "sinks.0.flush.rows=6000"]).with_code(0);
    let run = run.saying("20,000 records out").saying("20000 rows (expected at least the 20000 of this run)");
    assert_eq!(run.out.matches('✓').count(), 3, "{}", run.out);
    let masked = "SELECT count(*) AS n FROM ticks WHERE symbol = 'SYM001' AND volume = 0";
    project.call(&["query", "pipeline.yaml", masked]).with_code(0).saying("| 1000 |");
}

#[test]
fn lines_go_in_at_the_console_and_come_out_again() {
    let project = shipped("console.yaml");
    project.write("lines", "{\"symbol\": \"IBM\", \"price\": 102.5}\n\n{\"symbol\": \"A\"}\n");
    let mut command = project.runner(&[]);
    let output = command.stdin(File::open(project.path("lines")).unwrap()).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}");
    for line in ["\"__key\":\"IBM\",\"symbol\":\"IBM\",\"price\":102.5}", "\"__key\":\"A\",\"symbol\":\"A\"}"] {
        assert!(out.contains(line), "no {line} in\n{out}");
    }
}

#[test]
fn stocks_go_from_a_csv_to_kafka_and_from_there_into_a_table_until_ctrl_c() {
    const STOCKS: &str = "data/stocks_daily.csv";
    let server = KafkaServer::shared();
    let on_kafka = |mut command: Command| {
        command.env("KAFKA", server.bootstrap());
        command
    };
    let stocks = shipped("stocks_to_kafka.yaml");
    stocks.write(STOCKS, fs::read(folder().join(STOCKS)).unwrap());
    Started::new(on_kafka(stocks.runner(&[]))).end().with_code(0).saying("12,154 records in");

    let lake = shipped("kafka_to_lake.yaml");
    let run = Started::new(on_kafka(lake.runner(&[])));
    assert!(becomes_true(|| all_is_committed(server, "demo_testing2", "kafka_to_lake.lake")));
    run.signal("INT");
    let ended = run.end().with_code(0).saying("stopped, all that was read is committed").saying("12,154 records out");
    assert!(ended.out.matches('✓').count() >= 2, "{}", ended.out);
    assert_exactly(&rows::parquet(&lake, "out/lake"), &rows::csv(&stocks.read(STOCKS)), "lake");
    let count = "SELECT count(*) AS n, count(DISTINCT symbol) AS symbols FROM lake";
    let answer = Started::new(on_kafka(lake.program(["query", "pipeline.yaml", count]))).end();
    answer.with_code(0).saying("| 12154 | 5 ");

    // Both know where they were.
    let again = Started::new(on_kafka(stocks.runner(&[]))).end().with_code(0);
    again.saying("Nothing new: an earlier run has read csv to the end");
}

/// Whether the group has committed all that is on the topic, on which there is something.
fn all_is_committed(server: &KafkaServer, topic: &str, group: &str) -> bool {
    let properties = BTreeMap::from([("bootstrap.servers".to_owned(), server.bootstrap())]);
    let settings = KafkaSettings { properties, ..KafkaSettings::default() };
    Runtime::new().unwrap().block_on(async {
        let broker = KafkaBroker::open("tests", &settings, Delivery::ExactlyOnce).unwrap();
        let (held, committed) = (broker.bounds(topic).await.unwrap(), broker.committed(group, topic).await.unwrap());
        let is_committed = held.iter().zip(committed).all(|(held, at)| at.is_some_and(|at| at.offset == held.end));
        is_committed && held.iter().any(|held| !held.is_empty())
    })
}
