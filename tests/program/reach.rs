//! A Kafka that cannot be reached.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use pipeline_testkit::kafka::KafkaServer;

use crate::rows;
use crate::support::{Project, Started};

/// However slow the machine is; without a limit of its own a call is repeated for ten minutes.
const SOON: Duration = Duration::from_secs(60);

const SECRET: &str = "hunter-two-and-a-half";

fn numbers(servers: &str, more: &str) -> Project {
    let project = Project::new(&format!(
        "\
name: far
sources:
  - {{ type: csv, config: {{ path: numbers.csv }} }}
topic: {{ name: far, schema: {{ n: bigint }}, create: {{}} }}
sinks:
  - {{ name: lake, type: s3_json, config: {{ url: out, compression: none }} }}
kafka: {{ bootstrap.servers: \"{servers}\"{more} }}
"
    ));
    project.write("numbers.csv", "n\n1\n2\n3\n");
    project
}

/// An address at which nobody listens, for as long as the listener lives.
fn nowhere() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("127.0.0.1:{port}"))
}

#[test]
fn every_command_gives_up_in_its_time_and_says_where_it_knocked_and_what_to_check() {
    let (_kept, servers) = nowhere();
    let sasl =
        format!(", security.protocol: SASL_SSL, sasl.mechanisms: PLAIN, sasl.username: me, sasl.password: {SECRET}");
    let project = numbers(&servers, &sasl);
    for (arguments, least) in [
        (&["run", "pipeline.yaml", "--wait", "2s"][..], 2),
        (&["run", "pipeline.yaml", "--wait", "0s"], 0),
        (&["offsets", "pipeline.yaml"], 0),
        (&["reconcile", "pipeline.yaml"], 0),
        (&["reset", "pipeline.yaml", "--yes"], 0),
    ] {
        let started = Instant::now();
        let ended = project.call(arguments).with_code(1);
        let took = started.elapsed();
        assert!(took >= Duration::from_secs(least) && took < SOON, "{arguments:?} took {took:?}");
        let ended = ended.complaining(&format!("error: Kafka cannot be reached at `{servers}`"));
        for word in ["Connection refused", "that it runs", "advertised.listeners", "security.protocol"] {
            assert!(ended.err.contains(word), "no `{word}` in\n{}", ended.err);
        }
        assert!(!ended.err.contains(SECRET) && !ended.err.contains("panicked"), "{}", ended.err);
        let lines: Vec<&str> = ended.err.lines().collect();
        assert!(lines.len() <= 2, "{}", ended.err);
        let said = lines.iter().filter(|line| line.starts_with("waiting for Kafka at ")).count();
        assert_eq!(said, lines.len() - 1, "{}", ended.err);
    }
}

#[test]
fn a_broker_that_comes_up_meanwhile_is_waited_for() {
    let mut server = KafkaServer::start();
    let project = numbers(&server.bootstrap(), "");
    server.kill();
    let run = Started::new(project.program(["run", "pipeline.yaml", "--wait", "100s"]));
    server.restart();
    let ended = run.end().with_code(0).saying("far: all delivered");
    ended.complaining(&format!("waiting for Kafka at {}, for 1m40s at most", server.bootstrap()));
    assert_eq!(rows::json(&project, "out"), ["n=1|", "n=2|", "n=3|"]);
}

#[test]
fn a_broker_that_names_an_address_where_nobody_is_is_told_apart() {
    let (_kept, elsewhere) = nowhere();
    let server = KafkaServer::start_with(&[("advertised.listeners", &format!("PLAINTEXT://{elsewhere}"))]);
    let project = numbers(&server.bootstrap(), "");
    let ended = project.call(&["run", "pipeline.yaml", "--wait", "1s"]).with_code(1);
    let ended = ended.complaining(&format!("error: Kafka answers at `{}`, but the brokers", server.bootstrap()));
    ended.complaining(&elsewhere).complaining("check its `advertised.listeners`");
}

#[test]
fn a_password_that_is_wrong_is_not_waited_for() {
    let server = KafkaServer::shared();
    let (user, ca) = (KafkaServer::USER, server.ca());
    let door = format!(
        ", security.protocol: SASL_SSL, sasl.mechanisms: PLAIN, sasl.username: {user}, sasl.password: {SECRET}, ssl.ca.location: \"{}\"",
        ca.display()
    );
    let project = numbers(&server.tls_bootstrap(), &door);
    let started = Instant::now();
    let ended = project.call(&["run", "pipeline.yaml", "--wait", "100s"]).with_code(1);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let ended = ended.complaining(&format!("error: Kafka cannot be reached at `{}`", server.tls_bootstrap()));
    let ended = ended.complaining("Authentication failed").complaining("`sasl.username` and `sasl.password`");
    assert!(!ended.err.contains(SECRET), "{}", ended.err);
}
