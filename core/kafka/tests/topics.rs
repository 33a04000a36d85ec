//! A topic that would lose what nobody has read is refused, before anything is written to it.

mod support;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pipeline_api::{ErrorKind, SourceOffsets};
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::broker::{Broker, CreateTopic, Timestamps, TopicSpec};
use pipeline_testkit::kafka::KafkaServer;

use support::{Outcome, Record, open, produced, producer, topic};

/// In 2001.
const LONG_AGO: i64 = 1_000_000_000_000;

fn broker() -> Arc<KafkaBroker> {
    open(&[("bootstrap.servers", &KafkaServer::shared().bootstrap())]).expect("the settings are right")
}

/// A topic whose records have timestamps of their own, to be made with this config.
fn of_data(name: &str, config: &[(&str, &str)]) -> TopicSpec {
    TopicSpec { timestamps: Timestamps::Data, ..of_clock(name, config) }
}

fn of_clock(name: &str, config: &[(&str, &str)]) -> TopicSpec {
    let config: BTreeMap<_, _> = config.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    TopicSpec { create: Some(CreateTopic { config, ..CreateTopic::default() }), ..topic(name, 1) }
}

fn tool(name: &str, arguments: &[&str]) -> String {
    let server = KafkaServer::shared().bootstrap();
    KafkaServer::output(KafkaServer::tool(name, ["--bootstrap-server", &server].iter().chain(arguments)), "")
}

async fn refusal(broker: &KafkaBroker, spec: &TopicSpec) -> String {
    let error = broker.ensure_topic(spec).await.expect_err("it is not refused");
    assert_eq!(error.kind(), ErrorKind::Config, "{error:#}");
    error.to_string()
}

async fn send_from_long_ago(broker: &KafkaBroker, topic: &str) -> Result<(), String> {
    let mut producer = producer(broker, topic).await.map_err(|error| error.to_string())?;
    let record = Record { timestamp: LONG_AGO, ..Record::new(0, None, Some("old")) };
    producer.send(topic, produced(&[record])).await.map_err(|error| format!("{error:#?}"))?;
    producer.commit(&SourceOffsets::new()).await.map_err(|error| format!("{error:#?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_with_old_timestamps_need_a_topic_that_keeps_them() -> Outcome {
    let broker = broker();
    let said = refusal(&broker, &of_data("silent", &[])).await;
    assert!(said.contains("`topic.create` says nothing of `retention.ms`, so topic `silent`"), "{said}");
    assert!(said.contains("expected `topic.create: { config: { retention.ms: -1 } }`"), "{said}");
    let said = refusal(&broker, &of_data("week", &[("retention.ms", "604800000")])).await;
    assert!(said.contains("topic `week` removes records after 7 days (`retention.ms: 604800000`)"), "{said}");
    let topics = tool("kafka-topics", &["--list"]);
    assert!(!topics.lines().any(|topic| ["silent", "week"].contains(&topic)), "{topics}");

    broker.ensure_topic(&of_data("for-ever", &[("retention.ms", "-1")])).await?;
    broker.ensure_topic(&of_data("arrival", &[("message.timestamp.type", "LogAppendTime")])).await?;
    broker.ensure_topic(&of_clock("clock", &[])).await?;
    broker.ensure_topic(&of_clock("clock-hour", &[("retention.ms", "3600000")])).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_there_is_held_to_the_same_and_may_be_changed() -> Outcome {
    let broker = broker();
    tool("kafka-topics", &["--create", "--topic", "there", "--config", "retention.ms=3600000"]);
    let said = refusal(&broker, &of_data("there", &[])).await;
    assert!(said.contains("topic `there` removes records after 3600s (`retention.ms: 3600000`)"), "{said}");
    tool("kafka-configs", &["--alter", "--topic", "there", "--add-config", "retention.ms=-1"]);
    broker.ensure_topic(&of_data("there", &[])).await?;
    Ok(())
}

/// Why: this is what is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_removes_a_record_of_long_ago_as_soon_as_it_looks() -> Outcome {
    let broker = broker();
    broker.ensure_topic(&of_clock("trap", &[("retention.ms", "604800000")])).await?;
    send_from_long_ago(&broker, "trap").await?;
    let asked = Instant::now();
    while broker.bounds("trap").await?[0].start == 0 {
        assert!(asked.elapsed() < Duration::from_secs(60), "Kafka keeps it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_takes_no_old_records_may_forget_what_has_become_old() -> Outcome {
    let broker = broker();
    let config = [("retention.ms", "604800000"), ("message.timestamp.before.max.ms", "86400000")];
    broker.ensure_topic(&of_data("fresh", &config)).await?;
    let said = send_from_long_ago(&broker, "fresh").await.expect_err("it is taken");
    assert!(said.contains("`message.timestamp.before.max.ms`"), "{said}");
    let too_wide = [("retention.ms", "86400000"), ("message.timestamp.before.max.ms", "604800000")];
    refusal(&broker, &of_data("too-wide", &too_wide)).await;
    Ok(())
}

#[tokio::test]
async fn a_topic_for_smaller_records_than_producers_send_is_warned_of() -> Outcome {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics with it").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (log, broker) = (Log::default(), broker());
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    broker.ensure_topic(&of_clock("roomy", &[])).await?;
    assert!(!String::from_utf8(log.0.lock().expect("nobody panics with it").clone())?.contains("WARN"));
    broker.ensure_topic(&of_clock("narrow", &[("max.message.bytes", "2000")])).await?;
    let said = String::from_utf8(log.0.lock().expect("nobody panics with it").clone())?;
    assert!(said.contains("WARN") && said.contains("records of up to 2000 bytes (`max.message.bytes`)"), "{said}");
    drop(guard);
    Ok(())
}
