//! What is known of librdkafka and must not harm what is read.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{BinaryArray, TimestampMillisecondArray};
use pipeline_api::{Delivery, Result, SourceOffsets};
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::{
    Broker, Consumer, CreateTopic, Polled, ProducedRecords, ProducerId, Timestamps, TopicSpec,
};
use pipeline_testkit::kafka::KafkaServer;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn broker(server: &KafkaServer) -> Result<Arc<KafkaBroker>> {
    // A session that outlasts the absence of a broker.
    let properties = [("bootstrap.servers", server.bootstrap().as_str()), ("session.timeout.ms", "45000")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    KafkaBroker::open("reading", &KafkaSettings { properties, ..KafkaSettings::default() }, Delivery::ExactlyOnce)
}

async fn topic(broker: &KafkaBroker, name: &str, partitions: i32) -> Result<()> {
    let spec = TopicSpec {
        name: name.to_owned(),
        partitions,
        timestamps: Timestamps::Clock,
        create: Some(CreateTopic::default()),
        retained_for: vec![],
    };
    broker.ensure_topic(&spec).await.map(|_| ())
}

async fn produce(broker: &KafkaBroker, topic: &str, partition: i32, numbers: std::ops::Range<usize>) -> Outcome {
    let id = ProducerId { pipeline: topic.to_owned(), source: "s".to_owned(), task: 0 };
    let mut producer = broker.producer(id).await?;
    let rows = numbers.len();
    let records = ProducedRecords {
        partitions: vec![partition; rows],
        keys: BinaryArray::new_null(rows),
        values: BinaryArray::from_iter_values(numbers.map(|number| number.to_string())),
        timestamps: TimestampMillisecondArray::from(vec![pipeline_api::Timestamp::now().as_millisecond(); rows]),
        headers: Vec::new(),
    };
    producer.send(topic, records).await?;
    producer.commit(&SourceOffsets::new()).await?;
    Ok(())
}

/// A member that reads every partition from its start.
async fn member(broker: &KafkaBroker, topic: &str) -> Result<Box<dyn Consumer>> {
    let mut member = broker.consumer(&format!("group-{topic}"), topic).await?;
    loop {
        if let Polled::Assigned(partitions) = member.poll().await? {
            for partition in partitions {
                let start = member.bounds(partition).await?.start;
                member.seek(partition, start).await?;
            }
            return Ok(member);
        }
    }
}

async fn read(member: &mut dyn Consumer, count: usize) -> Result<Vec<String>> {
    let mut values = Vec::new();
    while values.len() < count {
        if let Polled::Records(records) = member.poll().await? {
            values.extend(records.values.iter().flatten().map(|value| String::from_utf8_lossy(value).into_owned()));
        }
    }
    Ok(values)
}

/// What takes longer never comes.
async fn within<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    let never = |_| pipeline_api::Error::fatal("what is expected does not come");
    tokio::time::timeout(Duration::from_secs(20), call).await.map_err(never)?
}

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

/// librdkafka takes the report of a partition's end for a record, and would go on one too late after a pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_at_the_end_of_a_partition_skips_nothing() -> Outcome {
    let server = KafkaServer::shared();
    let broker = broker(server)?;
    topic(&broker, "paused", 2).await?;
    let mut member = member(&broker, "paused").await?;
    for round in 0..5 {
        produce(&broker, "paused", 0, round * 3..round * 3 + 3).await?;
        let next = tokio::time::timeout(Duration::from_secs(20), read(member.as_mut(), 3)).await;
        assert_eq!(
            next.map_err(|_| format!("in round {round} not all records came"))??,
            numbered(round * 3..round * 3 + 3)
        );
        // The end is reported, then the partition is paused while the other one is polled.
        _ = tokio::time::timeout(Duration::from_secs(1), read(member.as_mut(), 1)).await;
        member.pause(0).await?;
        _ = tokio::time::timeout(Duration::from_millis(50), member.poll()).await;
        member.resume(0).await?;
    }
    Ok(())
}

/// There librdkafka is one record too far, and a broker that comes back makes it ask whether that record was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_was_paused_at_its_end_when_the_broker_went_is_read_when_it_is_back() -> Outcome {
    let mut server = KafkaServer::start();
    let broker = broker(&server)?;
    topic(&broker, "back", 2).await?;
    let mut member = member(&broker, "back").await?;
    produce(&broker, "back", 0, 0..3).await?;
    assert_eq!(within(read(member.as_mut(), 3)).await?, numbered(0..3));
    // The end is reported, then the partition is paused while the other one is polled.
    _ = tokio::time::timeout(Duration::from_secs(1), read(member.as_mut(), 1)).await;
    member.pause(0).await?;
    _ = tokio::time::timeout(Duration::from_millis(50), member.poll()).await;
    server.kill();
    server.restart();
    produce(&broker, "back", 1, 3..6).await?;
    assert_eq!(within(read(member.as_mut(), 3)).await?, numbered(3..6));
    member.resume(0).await?;
    produce(&broker, "back", 0, 6..9).await?;
    assert_eq!(within(read(member.as_mut(), 3)).await?, numbered(6..9));
    Ok(())
}

/// librdkafka keeps a partition paused over a rebalance; to the engine a new assignment is a new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_was_paused_before_a_rebalance_is_read_after_it() -> Outcome {
    let server = KafkaServer::shared();
    let broker = broker(server)?;
    topic(&broker, "rebalanced", 2).await?;
    let mut member = member(&broker, "rebalanced").await?;
    produce(&broker, "rebalanced", 0, 0..3).await?;
    assert_eq!(within(read(member.as_mut(), 3)).await?, numbered(0..3));
    member.pause(0).await?;
    _ = tokio::time::timeout(Duration::from_millis(300), member.poll()).await;
    // Another one comes and goes.
    let mut other = broker.consumer("group-rebalanced", "rebalanced").await?;
    while !matches!(tokio::time::timeout(Duration::from_millis(100), other.poll()).await, Ok(Ok(Polled::Assigned(_)))) {
        _ = tokio::time::timeout(Duration::from_millis(100), member.poll()).await;
    }
    other.close().await?;
    produce(&broker, "rebalanced", 0, 3..6).await?;
    let again = async {
        loop {
            match member.poll().await? {
                Polled::Assigned(partitions) if partitions.contains(&0) => member.seek(0, 4).await?,
                Polled::Records(records) if records.offsets.values().contains(&4) => return Ok(()),
                _ => {}
            }
        }
    };
    within(again).await?;
    Ok(())
}

/// A process that is still opening its sinks does not poll, and would not give way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_has_not_polled_yet_holds_up_nobody() -> Outcome {
    let broker = broker(KafkaServer::shared())?;
    topic(&broker, "early", 2).await?;
    let mut early = broker.consumer("group-early", "early").await?;
    // It would have joined by now.
    early.bounds(0).await?;
    let mut other = broker.consumer("group-early", "early").await?;
    assert!(matches!(within(other.poll()).await?, Polled::Assigned(partitions) if partitions == [0, 1]));
    early.close().await?;
    other.close().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_retention_removed_while_they_were_read_are_an_error_and_never_skipped() -> Outcome {
    let server = KafkaServer::shared();
    let broker = broker(server)?;
    topic(&broker, "removed", 1).await?;
    produce(&broker, "removed", 0, 0..10).await?;
    let mut member = member(&broker, "removed").await?;
    read(member.as_mut(), 10).await?;
    produce(&broker, "removed", 0, 10..20).await?;
    let end = member.bounds(0).await?.end;
    let json = format!(r#"{{"partitions":[{{"topic":"removed","partition":0,"offset":{end}}}],"version":1}}"#);
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), json)?;
    let bootstrap = server.bootstrap();
    let path = file.path().to_string_lossy().into_owned();
    let tool = KafkaServer::tool(
        "kafka-delete-records",
        ["--bootstrap-server", bootstrap.as_str(), "--offset-json-file", path.as_str()],
    );
    KafkaServer::output(tool, "");
    // What the member was last told of the topic still holds the offset: Kafka refuses it.
    member.seek(0, 3).await?;
    let error = read(member.as_mut(), 1).await.expect_err("a record was read that is gone");
    assert!(error.to_string().contains("records 3.."), "{error}");
    assert!(error.to_string().contains("removed+0 are gone"), "{error}");
    Ok(())
}
