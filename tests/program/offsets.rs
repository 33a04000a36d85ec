//! `pipeline offsets`, on both brokers.

use pipeline_testkit::kafka::KafkaServer;
use serde_json::{Value, json};

use crate::rows;
use crate::support::{Ended, Project, Started, TICKS_TOPIC, becomes_true};

fn numbers(name: &str, create: &str, broker: &str) -> Project {
    let project = Project::new(&format!(
        "\
name: {name}
sources:
  - type: csv
    config: {{ path: numbers.csv }}
topic: {{ name: {name}, schema: {{ n: bigint }}{create} }}
sinks:
  - {{ name: lake, type: s3_json, config: {{ url: out, compression: none }} }}
{broker}
"
    ));
    project.write("numbers.csv", "n\n1\n2\n3\n");
    project
}

fn embedded() -> Project {
    numbers("numbers", "", "embedded: { path: store }")
}

fn on_kafka(name: &str) -> Project {
    let servers = KafkaServer::shared().bootstrap();
    // A member that was killed is soon missed.
    let session = "consumer: { session.timeout.ms: 1000, heartbeat.interval.ms: 100 }";
    numbers(name, ", create: {}", &format!("kafka: {{ bootstrap.servers: \"{servers}\", {session} }}"))
}

fn offsets(project: &Project, arguments: &[&str]) -> Ended {
    project.call(&[&["offsets", "pipeline.yaml"], arguments].concat())
}

fn as_json(project: &Project) -> Value {
    let shown = offsets(project, &["--format", "json"]).with_code(0);
    serde_json::from_str(&shown.out).unwrap()
}

/// What is shown of the only partition of the sink.
fn lake(project: &Project) -> Value {
    as_json(project)["sinks"][0]["partitions"][0].clone()
}

#[test]
fn a_look_before_the_first_run_says_so_and_makes_nothing() {
    let project = embedded();
    offsets(&project, &[]).with_code(1).complaining("there is no topic `numbers`");
    assert!(!project.path("store").exists());
    project.replace("pipeline.yaml", "path: store", "in_memory: true");
    offsets(&project, &[]).with_code(1).complaining("the topic is in memory");
    let project = on_kafka("never-run");
    offsets(&project, &[]).with_code(1).complaining("there is no topic `never-run`");
}

#[test]
fn sinks_and_sources_are_shown_after_a_run() {
    for project in [embedded(), on_kafka("shown")] {
        project.run(&[]).with_code(0);
        let all = as_json(&project);
        let [partition] = all["sinks"][0]["partitions"].as_array().unwrap().as_slice() else { panic!("{all:#}") };
        assert_eq!([&partition["oldest"], &partition["lag"], &partition["partition"]], [0, 0, 0], "{all:#}");
        assert_eq!(partition["committed"], partition["end"]);
        assert!(partition["end"].as_i64().unwrap() >= 3);
        assert_eq!((&partition["planned"], &partition["trouble"]), (&Value::Null, &Value::Null));
        assert_eq!(all["topic"]["partitions"][0]["end"], partition["end"]);
        assert_eq!(all["sinks"][0]["name"], "lake");
        assert_eq!(all["sources"][0]["name"], "csv");
        let read = all["sources"][0]["positions"][0]["partition"].as_str().unwrap();
        assert!(read.contains("numbers.csv"), "{all:#}");
        let text = offsets(&project, &[]).with_code(0).saying("| lake | 0 ").saying("source csv goes on in ");
        assert!(text.err.is_empty(), "{}", text.err);
    }
}

#[test]
fn a_flush_that_a_kill_cut_off_is_shown_and_not_lost_by_setting_offsets() {
    for project in [embedded(), on_kafka("cut-off")] {
        project.run_until("sink_after_commit", &[]).with_kill();
        let planned = lake(&project)["planned"].clone();
        assert_eq!([&planned["start"], &planned["of_this_file"]], [&json!(0), &json!(true)]);
        let end = planned["end"].as_i64().unwrap();
        offsets(&project, &[]).with_code(0).saying(&format!("0..{end} at 2"));
        let changed = offsets(&project, &["--set", "sinks.0.config.compression=gzip"]);
        changed.with_code(0).saying("of another file");

        for wish in ["--set=lake/0=0", "--reset=lake"] {
            let refused = offsets(&project, &[wish, "--yes"]).with_code(1);
            refused.complaining(&format!("lake/0 was flushing 0..{end}")).complaining("--abandon");
        }
        assert_eq!(lake(&project)["planned"]["end"], end);
        // On Kafka the one that was killed is a member until its session ends.
        let mut told = None;
        assert!(becomes_true(|| {
            let ended = offsets(&project, &["--set", "lake/0=end", "--yes", "--abandon"]);
            let is_over = !ended.err.contains("is in use: it has a member at ");
            told = Some(ended);
            is_over
        }));
        told.unwrap().with_code(0).complaining("files of the unfinished 0..");
        assert_eq!(lake(&project)["planned"], Value::Null);
        project.run(&[]).with_code(0);
        assert!(project.files("out").is_empty(), "records were delivered that were skipped");
    }
}

#[test]
fn the_next_run_goes_on_where_offsets_are_set() {
    for project in [embedded(), on_kafka("set")] {
        project.run(&[]).with_code(0);
        let end = lake(&project)["end"].clone();
        let told = offsets(&project, &["--set", "lake/0=1", "--yes"]).with_code(0);
        told.complaining(&format!("lake/0 goes on at 1, not at {end}: 1..{end} is delivered again"));
        assert_eq!(lake(&project)["committed"], 1);
        project.run(&[]).with_code(0);
        assert_eq!(rows::json(&project, "out"), ["n=1|", "n=2|", "n=2|", "n=3|", "n=3|"]);
        assert_eq!(lake(&project)["committed"], end);
        let told = offsets(&project, &["--reset", "lake", "--yes"]).with_code(0);
        told.complaining(&format!("lake/0 goes on at 0, not at {end}"));
        project.run(&[]).with_code(0);
        assert_eq!(lake(&project)["committed"], end);
        // What comes again as the very same range has the same file.
        assert_eq!(rows::json(&project, "out").len(), 5);
    }
}

#[test]
fn a_wrong_wish_changes_nothing_and_says_what_would_be_right() {
    let project = embedded();
    project.run(&[]).with_code(0);
    for (arguments, words) in [
        (&["--set", "lake/0=4"][..], "holds 0..3, expected 0 to 3"),
        (&["--set", "lake/0=-1"], "expected 0 to 3"),
        (&["--set", "lake/1=0"], "topic `numbers` has no partition 1"),
        (&["--set", "sea/0=0"], "there is no sink `sea`, expected `lake`"),
        (&["--reset", "sea"], "there is no sink `sea`, expected `lake`"),
        (&["--set", "lake/0=oldest", "--set", "lake/0=first"], "the 2nd --set names no offset"),
        (&["--set", "lake/0"], "the 1st --set names no value"),
    ] {
        offsets(&project, &[arguments, &["--yes"]].concat()).with_code(2).complaining(words);
    }
    offsets(&project, &["--set", "lake/0=0"]).with_code(2).complaining("add --yes");
    assert_eq!(lake(&project)["committed"], 3);
}

#[test]
fn offsets_of_a_sink_that_runs_are_shown_and_not_set() {
    let server = KafkaServer::shared();
    let topic = TICKS_TOPIC.replace("name: ticks", "name: running\n  create: {}");
    let project = Project::new(&format!(
        "\
name: running
sources:
  - {{ type: ticks, config: {{ rate: 1000, symbols: 4 }} }}
{topic}sinks:
  - {{ name: lake, type: s3_json, config: {{ url: out }}, flush: {{ rows: 100 }} }}
kafka: {{ bootstrap.servers: \"{}\" }}
",
        server.bootstrap()
    ));
    let run = Started::new(project.runner(&[]));
    assert!(becomes_true(|| !project.files("out").is_empty()));
    let shown = as_json(&project)["sinks"][0]["partitions"].clone();
    assert!(shown.as_array().unwrap().iter().any(|partition| partition["end"].as_i64() > Some(0)), "{shown:#}");
    let refused = offsets(&project, &["--reset", "lake", "--yes", "--abandon"]).with_code(1);
    refused.complaining("group `running.lake` is in use: it has a member at 127.0.0.1");
    run.signal("INT");
    run.end().with_code(0);
    offsets(&project, &["--reset", "lake", "--yes"]).with_code(0);
    assert_eq!(lake(&project)["committed"], 0);
}

#[test]
fn a_store_that_another_process_holds_is_said_to_be_held() {
    let project = Project::new(&format!(
        "\
name: held
sources:
  - {{ type: ticks, config: {{ rate: 1000, symbols: 4 }} }}
{TICKS_TOPIC}sinks:
  - {{ name: lake, type: s3_json, config: {{ url: out }}, flush: {{ rows: 100 }} }}
embedded: {{ path: store }}
"
    ));
    let run = Started::new(project.runner(&[]));
    assert!(becomes_true(|| !project.files("out").is_empty()));
    offsets(&project, &[]).with_code(1).complaining("held");
    run.signal("INT");
    run.end().with_code(0);
}
