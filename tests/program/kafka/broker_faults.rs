//! A broker that is killed, and a topic that changes, under load.

use std::time::{Duration, Instant};

use pipeline_testkit::kafka::KafkaServer;

use crate::rows::{self, assert_exactly};
use crate::support::{Project, Started, becomes_true};

use super::{AT_ONCE, text};

fn expected() -> Vec<rows::Row> {
    let project = Project::new(&text());
    project.run(&[AT_ONCE]).with_code(0);
    rows::parquet(&project, "out")
}

/// A server to be killed under load. It looks for transactions that take too long as rarely as Kafka does by itself: one that it
/// ends while it is coming up, as the other servers for tests would, Kafka 4.3.1 calls aborted and leaves readable.
fn lasting() -> KafkaServer {
    KafkaServer::start_with(&[("transaction.abort.timed.out.transaction.cleanup.interval.ms", "10000")])
}

#[test]
fn a_broker_that_is_killed_and_comes_back_under_load_costs_nothing_but_time() {
    let mut server = lasting();
    let project = Project::new(&text()).on_kafka_of(&server);
    let run = Started::new(project.runner(&[]));
    assert!(becomes_true(|| project.files("out").len() > 4));
    server.kill();
    server.restart();
    let ended = run.end().with_code(0);
    assert!(ended.out.contains("all delivered"), "{}", ended.out);
    assert_exactly(&rows::parquet(&project, "out"), &expected(), "after the broker came back");
}

#[test]
fn a_broker_that_is_away_for_longer_than_a_transaction_may_take_costs_nothing_but_time() {
    let mut server = lasting();
    let project = Project::new(&text()).on_kafka_of(&server);
    project.replace("pipeline.yaml", "transaction.timeout.ms: 5000", "transaction.timeout.ms: 1500");
    let run = Started::new(project.runner(&[]));
    assert!(becomes_true(|| project.files("out").len() > 4));
    server.kill();
    server.restart();
    run.end().with_code(0);
    assert_exactly(&rows::parquet(&project, "out"), &expected(), "after the broker came back");
}

#[test]
fn a_partition_that_is_added_while_the_pipeline_runs_is_read_too() {
    let project = Project::new(&text()).on_kafka();
    let topic = project.topic().name.clone();
    project.replace("pipeline.yaml", "consumer: {", "consumer: { topic.metadata.refresh.interval.ms: 500,");
    let run = Started::new(project.runner(&["sources.0.config.rate=400"]));
    assert!(becomes_true(|| project.files("out").len() > 4));
    let bootstrap = KafkaServer::shared().bootstrap();
    let alter = ["--bootstrap-server", &bootstrap, "--alter", "--topic", &topic, "--partitions", "5"];
    KafkaServer::output(KafkaServer::tool("kafka-topics", alter), "");
    let first = rows::json_lines(r#"{"symbol":"NEW","event_time":"2024-01-02T00:00:00Z"}"#);
    let produce = [
        "--bootstrap-server",
        &bootstrap,
        "--topic",
        &topic,
        "--command-property",
        "partitioner.class=org.apache.kafka.clients.producer.RoundRobinPartitioner",
    ];
    let record = "{\"symbol\":\"NEW\",\"event_time\":\"2024-01-02T00:00:00Z\"}\n".repeat(10);
    KafkaServer::output(KafkaServer::tool("kafka-console-producer", produce), &record);
    run.end().with_code(0);
    let fresh = rows::parquet(&project, "out").into_iter().filter(|row| row.contains("symbol=NEW")).count();
    assert_eq!((fresh, first.len()), (10, 1));
}

#[test]
fn after_a_kill_a_process_with_an_instance_reads_on_within_two_seconds() {
    let text = text().replace("rows: 6000, rate: 1500", "rate: 200");
    let project = Project::new(&text).on_kafka();
    project.replace("pipeline.yaml", "kafka:\n", "kafka:\n  instance: a\n");
    // With a session that nobody could wait for.
    project.replace("pipeline.yaml", "session.timeout.ms: 1500", "session.timeout.ms: 45000");
    let every = "sinks.0.flush.every=100ms";
    let mut run = Started::new(project.runner(&[every]));
    assert!(becomes_true(|| project.files("out").len() > 4));
    run.kill();
    run.end().with_kill();
    let before = project.files("out").len();
    let start = Instant::now();
    let run = Started::new(project.runner(&[every]));
    // What was planned comes again first, under its old names.
    assert!(becomes_true(|| project.files("out").len() > before));
    let taken = start.elapsed();
    run.signal("INT");
    run.end().with_code(0);
    // Far below the session, which is what it would take without an instance; a machine may be busy.
    assert!(taken < Duration::from_secs(10), "{taken:?}");
    eprintln!("after a kill the first new file was there in {taken:?}");
}

#[test]
fn a_topic_that_was_made_anew_stops_the_run_and_says_so() {
    let project = Project::new(&text()).on_kafka();
    project.run(&[AT_ONCE]).with_code(0);
    let (topic, bootstrap) = (project.topic().name.clone(), KafkaServer::shared().bootstrap());
    KafkaServer::output(
        KafkaServer::tool("kafka-topics", ["--bootstrap-server", &bootstrap, "--delete", "--topic", &topic]),
        "",
    );
    let ended = project.run(&[AT_ONCE]).with_code(1);
    ended.complaining("was deleted and created again since the last run; `pipeline reset` starts over");
    let looked = project.call(&["offsets", "pipeline.yaml"]).with_code(1);
    looked.complaining("was deleted and created again since the last run");
    project.call(&["reset", "pipeline.yaml", "--yes"]).with_code(0);
    project.run(&[AT_ONCE]).with_code(0);
    assert_exactly(&rows::parquet(&project, "out"), &expected(), "after the reset");
}
