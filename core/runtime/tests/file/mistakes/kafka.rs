//! The `kafka` block, and `topic.create`.

use crate::{File, GOOD};

use super::{SINK, assert_said, assert_table};

/// Where the topic of the good file ends.
const TOPIC: &str = "  key: symbol\n";

/// Asserts what is said of the good file with this behind it.
async fn assert_block_said(rows: &[(&str, &str)]) {
    let rows: Vec<_> = rows.iter().map(|(block, said)| (SINK, format!("[symbol] }}\n{block}\n"), *said)).collect();
    let rows: Vec<_> = rows.iter().map(|(what, with, said)| (*what, with.as_str(), *said)).collect();
    assert_said(&rows).await;
}

#[tokio::test]
async fn a_block_of_another_shape_is_told() {
    assert_block_said(&[
        ("kafka:", "p.yaml:17:1: error: kafka: found nothing, expected a mapping"),
        ("kafka: {}", "p.yaml:17:1: error: kafka.\"bootstrap.servers\": missing, expected a text"),
        ("kafka: k:9092", "p.yaml:17:8: error: kafka: found the text `k:9092`, expected a mapping"),
        ("kafka: { bootstrap.server: k:9092 }", "p.yaml:17:1: error: kafka.\"bootstrap.servers\": missing, expected a text\np.yaml:17:28: error: kafka.\"bootstrap.server\": unknown property, found `k:9092`"),
        ("kafka: { bootstrap.servers: [k:9092] }", "p.yaml:17:10: error: kafka.\"bootstrap.servers\": found a list, expected a text"),
        ("kafka: { bootstrap.servers: }", "p.yaml:17:10: error: kafka.\"bootstrap.servers\": found nothing, expected a text"),
        ("kafka: { bootstrap.servers: '${env:KAFKA}' }", "p.yaml:17:29: error: kafka.\"bootstrap.servers\": the variable `KAFKA` is not set, expected it in the environment, or a default: ${env:KAFKA:-…}"),
        ("kafka: { bootstrap.servers: k, consumer: 5 }", "p.yaml:17:42: error: kafka.consumer: found `5`, expected a mapping"),
        ("kafka: { bootstrap.servers: k, consumr: { fetch.min.bytes: 1 } }", "p.yaml:17:32: error: kafka.consumr: found a mapping, expected a text, a number, true or false"),
        ("kafka: { bootstrap.servers: k, consumer: { fetch.min.bytes: { a: 1 } } }", "p.yaml:17:44: error: kafka.consumer.\"fetch.min.bytes\": found a mapping, expected a text, a number, true or false"),
        ("kafka: { bootstrap.servers: k, latency: lo }", "p.yaml:17:41: error: kafka.latency: found the text `lo`, did you mean `low`? expected one of normal, low"),
        ("kafka: { bootstrap.servers: k, allow_oidc: 1 }", "p.yaml:17:44: error: kafka.allow_oidc: found `1`, expected true or false"),
        ("kafka: { bootstrap.servers: k, aws_msk_iam: eu-central-1 }", "p.yaml:17:45: error: kafka.aws_msk_iam: found the text `eu-central-1`, expected a mapping"),
        ("kafka: { bootstrap.servers: k, aws_msk_iam: {} }", "p.yaml:17:32: error: kafka.aws_msk_iam.region: missing, expected a text"),
        ("kafka: { bootstrap.servers: k, aws_msk_iam: { region: eu-central-1, role: r } }", "p.yaml:17:69: error: kafka.aws_msk_iam.role: unknown field, expected `region`"),
        ("kafka: { bootstrap.servers: k, instance: a b }", "p.yaml:17:42: error: kafka.instance: `a b` has ` ` in it, expected letters, digits, `.`, `_` and `-` only"),
        ("kafka: { bootstrap.servers: k, instance: '' }", "p.yaml:17:42: error: kafka.instance: the name is empty, expected letters, digits, `.`, `_` and `-`"),
        ("kafka: { bootstrap.servers: k, instance: 5 }", "p.yaml:17:42: error: kafka.instance: found `5`, expected a text, in quotes"),
    ])
    .await;
}

#[tokio::test]
async fn every_mistake_of_a_block_is_told_at_once_also_what_the_client_finds() {
    let block = "kafka:\n  fetch.min.byte: 1\n  sasl.username: me\n  consumer: { linger.m: 5 }\n  latency: high\n  instance: a/b";
    let said = [
        "p.yaml:17:1: error: kafka.\"bootstrap.servers\": missing, expected a text",
        "p.yaml:18:19: error: kafka.\"fetch.min.byte\": unknown property, found `1`",
        "p.yaml:19:18: error: kafka.\"sasl.username\": has no use without `sasl.password`",
        "p.yaml:20:25: error: kafka.consumer.\"linger.m\": unknown property, found `5`",
        "p.yaml:21:12: error: kafka.latency: found the text `high`, expected one of normal, low",
        "p.yaml:22:13: error: kafka.instance: `a/b` has `/` in it, expected letters, digits, `.`, `_` and `-` only",
    ];
    assert_block_said(&[(block, &said.join("\n"))]).await;
}

#[tokio::test]
async fn what_only_follows_from_a_wrong_value_is_not_told() {
    assert_block_said(&[
        ("kafka: { bootstrap.servers: k, sasl.username: me }", "p.yaml:17:47: error: kafka.\"sasl.username\": has no use without `sasl.password`"),
        ("kafka: { bootstrap.servers: k, sasl.username: me, sasl.password: 5 }", "p.yaml:17:66: error: kafka.\"sasl.password\": found `***`, expected a text, in quotes"),
        ("kafka: { bootstrap.servers: k, sasl.username: me, sasl.password: '${env:NONE}' }", "p.yaml:17:66: error: kafka.\"sasl.password\": the variable `NONE` is not set, did you mean `HOME`? expected it in the environment, or a default: ${env:NONE:-…}"),
    ])
    .await;
}

#[tokio::test]
async fn a_topic_lives_on_one_broker() {
    assert_block_said(&[
        ("kafka: { bootstrap.servers: k }\nembedded: {}", "p.yaml:18:1: error: embedded: has no use beside `kafka`: a topic lives on one broker, expected one of the two"),
        ("kafka: {}\nembedded: { path: x }", "p.yaml:17:1: error: kafka.\"bootstrap.servers\": missing, expected a text\np.yaml:18:1: error: embedded: has no use beside `kafka`: a topic lives on one broker, expected one of the two"),
    ])
    .await;
}

#[tokio::test]
async fn only_a_cluster_is_asked_to_create_a_topic() {
    let kafka = "kafka: { bootstrap.servers: k }\n";
    let rows = [
        (
            "create: {}",
            "",
            "p.yaml:9:3: error: topic.create: has no use without a `kafka` block: the embedded broker makes its topics by itself",
        ),
        ("create: {}", kafka, ""),
        ("create: {}", "kafka: {}\n", "p.yaml:18:1: error: kafka.\"bootstrap.servers\": missing, expected a text"),
        (
            "create: { replication_factor: 0, config: { retention.ms: [1] } }",
            kafka,
            "p.yaml:9:33: error: topic.create.replication_factor: found `0`, expected an integer from 1 to 32767\np.yaml:9:46: error: topic.create.config.\"retention.ms\": found a list, expected a text, a number, true or false",
        ),
        (
            "create: { partitions: 3 }",
            kafka,
            "p.yaml:9:13: error: topic.create.partitions: unknown field, expected one of replication_factor, config",
        ),
        (
            "create: { config: { cleanup.policy: 'compact,delete' } }",
            kafka,
            "p.yaml:9:39: error: topic.create.config.\"cleanup.policy\": a topic that is compacted loses records before the sinks have read them, expected `delete`",
        ),
    ];
    let mut found = Vec::new();
    for (create, kafka, said) in rows {
        let text = GOOD.replace(TOPIC, &format!("{TOPIC}  {create}\n")) + kafka;
        found.push((format!("{create} {kafka}"), said.to_owned(), File::new(text).lines().await.join("\n")));
    }
    assert_table(found);
}

#[tokio::test]
async fn a_program_without_kafka_says_so() {
    let file = File::new(format!("{GOOD}kafka: {{ bootstrap.servers: k }}\n")).without_kafka();
    let said = "p.yaml:17:1: error: kafka: this program is built without Kafka, expected one with the feature `kafka`, or no such block";
    assert_eq!(file.lines().await, [said]);
}

#[tokio::test]
async fn a_warning_of_the_client_refuses_nothing() {
    let file = File::new(format!("{GOOD}kafka: {{ bootstrap.servers: k, sasl.mechanism: PLAIN }}\n"));
    assert_eq!(file.loaded().await.warnings.to_string().lines().count(), 1);
}
