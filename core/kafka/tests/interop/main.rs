//! What others write we read, and what we write others read: Kafka's own tools, and two clients from PyPI.

mod python;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use pipeline_api::SourceOffsets;
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::broker::{Broker, Committed};
use pipeline_runtime::run::partition_of_key;
use pipeline_testkit::kafka::KafkaServer;
use serde_json::{Value, json};

use python::{LIBRARIES, client};
use support::{Outcome, Record, member, open, produced, producer, read, topic};

/// So many characters of keys that are empty, short, long, and not of one byte each.
const KEYS: [&str; 12] = [
    "",
    "a",
    "ab",
    "abc",
    "abcd",
    "IBM",
    "schlüssel",
    "鍵",
    "🗝",
    "key with blanks",
    "0",
    "a-key-that-is-a-good-deal-longer",
];

fn broker() -> Arc<KafkaBroker> {
    open(&[("bootstrap.servers", &KafkaServer::shared().bootstrap())]).expect("the settings are right")
}

/// Records of all sorts for two partitions.
fn assorted() -> Vec<Record> {
    vec![
        Record::new(0, Some("IBM"), Some("plain")),
        Record::new(0, Some("schlüssel"), Some("ümläute, 鍵"))
            .with_header("twice", "first")
            .with_header("empty", "")
            .with_header("twice", "second"),
        Record::new(0, None, Some("no key")),
        Record::new(0, Some("tombstone"), None).with_header("name", "välue"),
        Record::new(1, Some(""), Some("")),
    ]
}

/// A new topic with these records, committed by us.
async fn written(name: &str, records: &[Record]) -> Outcome {
    let broker = broker();
    broker.ensure_topic(&topic(name, 2)).await?;
    let mut producer = producer(&broker, name).await?;
    producer.send(name, produced(records)).await?;
    producer.commit(&SourceOffsets::new()).await?;
    Ok(())
}

fn tool(name: &str, arguments: &[&str]) -> Command {
    KafkaServer::tool(name, ["--bootstrap-server", &KafkaServer::shared().bootstrap()].iter().chain(arguments))
}

/// What Kafka's console consumer shows, as many records as are asked for.
fn console_consumer(topic: &str, isolation: &str, count: usize, shown: &[&str]) -> Vec<String> {
    let count = count.to_string();
    let mut arguments = vec!["--topic", topic, "--from-beginning", "--isolation-level", isolation];
    arguments.extend(["--max-messages", &count, "--timeout-ms", "30000"]);
    arguments.extend(shown.iter().flat_map(|property| ["--formatter-property", property]));
    let mut lines: Vec<String> =
        KafkaServer::output(tool("kafka-console-consumer", &arguments), "").lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

fn in_order(mut records: Vec<Record>) -> Vec<Record> {
    // Only the records of one partition have an order.
    records.sort_by_key(|record| record.partition);
    records
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafkas_console_consumer_shows_all_that_we_wrote() -> Outcome {
    let records = assorted();
    written("for-the-console", &records).await?;
    let shown = ["key", "timestamp", "partition", "headers"].map(|part| format!("print.{part}=true"));
    let shown: Vec<&str> = shown.iter().map(String::as_str).chain(["null.literal=NULL"]).collect();
    let text = |part: &Option<String>| part.clone().unwrap_or("NULL".to_owned());
    let mut expected = Vec::new();
    for record in &records {
        let headers: Vec<_> = record.headers.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let headers = if headers.is_empty() { "NO_HEADERS".to_owned() } else { headers.join(",") };
        let Record { partition, timestamp, .. } = record;
        let (key, value) = (text(&record.key), text(&record.value));
        expected.push(format!("CreateTime:{timestamp}\tPartition:{partition}\t{headers}\t{key}\t{value}"));
    }
    expected.sort_unstable();
    assert_eq!(console_consumer("for-the-console", "read_committed", records.len(), &shown), expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_goes_where_kafkas_own_client_sends_it() -> Outcome {
    let broker = broker();
    broker.ensure_topic(&topic("keys", 7)).await?;
    let numbered = (0..200).map(|number| format!("key-{number}"));
    let keys: Vec<String> = KEYS.map(str::to_owned).into_iter().chain(numbered).collect();
    let lines: String = keys.iter().map(|key| format!("{key}\tvalue\n")).collect();
    let producer = ["--topic", "keys", "--reader-property", "parse.key=true"];
    KafkaServer::output(tool("kafka-console-producer", &producer), &lines);
    let mut member = member(&broker, "keys", "keys").await?;
    let records = read(member.as_mut(), keys.len()).await?;
    for Record { partition, key, .. } in &records {
        let key = key.as_deref().expect("every record has a key");
        assert_eq!(partition_of_key(key.as_bytes(), 7), *partition, "of key `{key}`");
    }
    let mut found: Vec<_> = records.into_iter().filter_map(|record| record.key).collect();
    let mut expected = keys;
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_we_abort_nobody_sees_who_reads_what_is_committed() -> Outcome {
    let broker = broker();
    broker.ensure_topic(&topic("aborted", 1)).await?;
    let mut producer = producer(&broker, "aborted").await?;
    producer.send("aborted", produced(&[Record::new(0, None, Some("1 aborted"))])).await?;
    // It is on the topic by now, and open.
    let open = tokio::task::spawn_blocking(|| console_consumer("aborted", "read_uncommitted", 1, &[])).await?;
    assert_eq!(open, ["1 aborted"]);
    producer.abort().await?;
    producer.send("aborted", produced(&[Record::new(0, None, Some("2 committed"))])).await?;
    producer.commit(&SourceOffsets::new()).await?;
    assert_eq!(console_consumer("aborted", "read_committed", 1, &[]), ["2 committed"]);
    assert_eq!(console_consumer("aborted", "read_uncommitted", 2, &[]), ["1 aborted", "2 committed"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn we_read_what_kafkas_console_producer_wrote_however_it_is_compressed() -> Outcome {
    const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
    let broker = broker();
    broker.ensure_topic(&topic("compressed", 1)).await?;
    let mut expected = Vec::new();
    for codec in CODECS {
        let values: Vec<String> = (0..100).map(|number| format!("{codec} {number} {}", "text ".repeat(20))).collect();
        let lines: String = values.iter().map(|value| format!("h:{codec}\tkey\t{value}\n")).collect();
        let format = ["--reader-property", "parse.key=true", "--reader-property", "parse.headers=true"];
        let arguments: Vec<&str> =
            ["--topic", "compressed", "--compression-codec", codec].into_iter().chain(format).collect();
        KafkaServer::output(tool("kafka-console-producer", &arguments), &lines);
        expected.extend(values);
    }
    let log = KafkaServer::shared().data().join("logs/compressed-0/00000000000000000000.log");
    let dump = KafkaServer::output(KafkaServer::tool("kafka-dump-log", ["--files", &log.to_string_lossy()]), "");
    for codec in CODECS {
        assert!(dump.contains(&format!("compresscodec: {codec}")), "{codec} is not in\n{dump}");
    }
    let mut member = member(&broker, "compressed", "compressed").await?;
    let records = read(member.as_mut(), expected.len()).await?;
    for (record, value) in records.iter().zip(&expected) {
        let codec = value.split(' ').next().expect("a codec");
        assert_eq!((record.key.as_deref(), record.value.as_ref()), (Some("key"), Some(value)));
        assert_eq!(record.headers, [("h".to_owned(), codec.to_owned())]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_clients_read_all_that_we_wrote() -> Outcome {
    let records = assorted();
    written("for-others", &records).await?;
    for library in LIBRARIES {
        let lines = client(library, "read", "for-others", Some(&records.len().to_string()), "");
        let found: Result<Vec<_>, _> = lines.lines().map(serde_json::from_str::<Value>).collect();
        assert_eq!(in_order(found?.iter().map(from_json).collect()), records, "{library}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn we_read_all_that_other_clients_wrote_and_nothing_that_they_aborted() -> Outcome {
    for library in LIBRARIES {
        let (name, broker) = (format!("by-{library}"), broker());
        broker.ensure_topic(&topic(&name, 5)).await?;
        let mut records: Vec<Record> = KEYS.iter().map(|key| Record::new(0, Some(key), Some("value"))).collect();
        records.push(Record::new(0, Some("IBM"), None).with_header("twice", "1").with_header("twice", "2"));
        records.push(Record::new(0, Some("ümlaut"), Some("")).with_header("empty", ""));
        for record in &mut records {
            record.partition = partition_of_key(record.key.as_deref().unwrap_or_default().as_bytes(), 5);
        }
        let lines: Vec<String> = records.iter().map(to_json).collect();
        client(library, "write", &name, None, &lines.join("\n"));
        let mut member = member(&broker, &name, &name).await?;
        let found = read(member.as_mut(), records.len()).await?;
        assert_eq!(in_order(found), in_order(records), "{library}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_clients_read_what_our_group_has_committed() -> Outcome {
    written("committed", &assorted()).await?;
    let broker = broker();
    let mut member = member(&broker, "committed.lake", "committed").await?;
    let note = "v1;topic=Zm9vYmFy;end=4;at=1700000000000;cfg=0123456789abcdef";
    let committed = Committed { offset: 3, metadata: note.to_owned() };
    member.commit(&BTreeMap::from([(0, committed)])).await?;
    let ask = |library| client(library, "committed", "committed", Some("committed.lake"), "");
    assert_eq!(serde_json::from_str::<Value>(&ask("kafka-python"))?, json!([3, note]));
    assert_eq!(serde_json::from_str::<Value>(&ask("confluent-kafka"))?[0], 3);
    let group = KafkaServer::output(tool("kafka-consumer-groups", &["--describe", "--group", "committed.lake"]), "");
    let partition: Vec<&str> = group
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|words| words.get(1..3) == Some(&["committed", "0"]))
        .unwrap_or_else(|| panic!("no line of partition 0 in\n{group}"));
    assert_eq!(partition[3], "3", "{group}");
    Ok(())
}

fn to_json(record: &Record) -> String {
    let Record { key, value, timestamp, headers, .. } = record;
    json!({ "key": key, "value": value, "timestamp": timestamp, "headers": headers }).to_string()
}

fn from_json(record: &Value) -> Record {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let headers = record["headers"].as_array().into_iter().flatten();
    Record {
        partition: record["partition"].as_i64().and_then(|partition| partition.try_into().ok()).expect("a partition"),
        key: text(&record["key"]),
        value: text(&record["value"]),
        timestamp: record["timestamp"].as_i64().expect("a timestamp"),
        headers: headers.map(|pair| (text(&pair[0]).expect("a name"), text(&pair[1]).unwrap_or_default())).collect(),
    }
}
