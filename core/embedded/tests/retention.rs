//! What a broker removes, and who waits for it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use pipeline_api::{OffsetRange, SourceOffsets};
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::broker::{Broker, CommitError, Timestamps, TopicSpec};

use support::{TOPIC, assigned, commit, noise, open, produce, producer, read_all};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn what_all_groups_have_committed_is_removed() {
    let broker = open(None, 4 * MIB).await;
    produce_noise(&broker, 5).await;
    let end = broker.bounds(TOPIC).await.unwrap()[0].end;
    let mut consumer = assigned(&broker).await;
    commit(&mut consumer, end, "").await.unwrap();
    assert_eq!(broker.bounds(TOPIC).await.unwrap(), [OffsetRange::new(end, end)]);
    produce_noise(&broker, 1).await;
    assert_eq!(read_all(&broker, end).await.len(), noise(0).partitions.len());
}

#[tokio::test]
async fn a_group_that_has_committed_nothing_holds_everything() {
    let broker = open(None, 4 * MIB).await;
    let spec = TopicSpec { retained_for: vec!["slow".to_owned()], ..support::spec() };
    broker.ensure_topic(&spec).await.unwrap();
    produce_noise(&broker, 5).await;
    let bounds = broker.bounds(TOPIC).await.unwrap();
    let mut consumer = assigned(&broker).await;
    commit(&mut consumer, bounds[0].end, "").await.unwrap();
    assert_eq!(broker.bounds(TOPIC).await.unwrap(), bounds);
}

#[tokio::test]
async fn what_is_planned_and_not_committed_stays() {
    let broker = open(None, 4 * MIB).await;
    produce_noise(&broker, 5).await;
    let end = broker.bounds(TOPIC).await.unwrap()[0].end;
    let mut consumer = assigned(&broker).await;
    let planned = end / 2;
    commit(&mut consumer, planned, "v1;end=5;at=0;cfg=0").await.unwrap();
    let start = broker.bounds(TOPIC).await.unwrap()[0].start;
    assert!(0 < start && start <= planned, "the topic starts at {start}, the range at {planned}");
    assert_eq!(read_all(&broker, planned).await.len() as i64, end - planned);
}

#[tokio::test]
async fn reading_what_was_removed_says_that_it_is_gone() {
    let broker = open(None, 4 * MIB).await;
    produce_noise(&broker, 5).await;
    let end = broker.bounds(TOPIC).await.unwrap()[0].end;
    let mut consumer = assigned(&broker).await;
    consumer.seek(0, 0).await.unwrap();
    commit(&mut consumer, end, "").await.unwrap();
    let gone = format!("records 0..{end} of {TOPIC}+0 are gone");
    let error = consumer.seek(0, 0).await.unwrap_err();
    assert!(error.to_string().starts_with(&gone), "{error}");
}

#[tokio::test]
async fn a_reader_that_is_overtaken_by_retention_says_that_records_are_gone() {
    let broker = open(None, 2 * MIB).await;
    let for_nobody = TopicSpec {
        name: "free".to_owned(),
        partitions: 1,
        timestamps: Timestamps::Clock,
        create: None,
        retained_for: vec![],
    };
    broker.ensure_topic(&for_nobody).await.unwrap();
    let mut consumer = broker.consumer("reader", "free").await.unwrap();
    consumer.poll().await.unwrap();
    consumer.seek(0, 0).await.unwrap();
    let mut producer = producer(&broker).await;
    for seed in 0..8 {
        producer.send("free", noise(seed)).await.unwrap();
        producer.commit(&SourceOffsets::new()).await.unwrap();
    }
    let bounds = broker.bounds("free").await.unwrap()[0];
    assert!(bounds.start > 0, "a topic that is kept for nobody loses its oldest records");
    assert!(bounds.end - bounds.start > 0, "and keeps its youngest");
    let error = consumer.poll().await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("records 0..{} of free+0 are gone", bounds.start)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_producer_waits_while_the_topic_is_full() {
    let broker = open(None, 2 * MIB).await;
    let mut consumer = assigned(&broker).await;
    produce_noise(&broker, 3).await;
    let mut producer = producer(&broker).await;
    let end = broker.bounds(TOPIC).await.unwrap()[0].end;

    // Dropping the wait loses nothing and adds nothing.
    let minute = Duration::from_secs(60);
    assert!(tokio::time::timeout(minute, producer.send(TOPIC, noise(9))).await.is_err(), "the topic was not full");
    let (sent, committed) = tokio::join!(producer.send(TOPIC, noise(9)), commit(&mut consumer, end, ""));
    committed.unwrap();
    sent.unwrap();
    producer.commit(&SourceOffsets::new()).await.unwrap();
    let rows = noise(9).partitions.len() as i64;
    assert_eq!(broker.bounds(TOPIC).await.unwrap(), [OffsetRange::new(end, end + rows)]);
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_is_fenced_while_it_waits_is_told() {
    let broker = open(None, 2 * MIB).await;
    produce_noise(&broker, 3).await;
    let mut older = producer(&broker).await;
    let (sent, newer) = tokio::join!(older.send(TOPIC, noise(9)), producer(&broker));
    assert!(matches!(sent, Err(CommitError::Fenced(_))), "{sent:?}");
    drop(newer);
}

#[tokio::test]
async fn the_file_does_not_grow_while_records_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(Some(folder.path()), 8 * MIB).await;
    let mut consumer = assigned(&broker).await;
    let mut sizes = Vec::new();
    for _ in 0..10 {
        produce_noise(&broker, 6).await;
        let end = broker.bounds(TOPIC).await.unwrap()[0].end;
        commit(&mut consumer, end, "").await.unwrap();
        sizes.push(std::fs::metadata(folder.path().join("broker.redb")).unwrap().len());
    }
    assert!(sizes[9] <= sizes[2] * 3 / 2, "the file grew: {sizes:?}");
}

#[tokio::test]
async fn small_commits_do_not_each_remove() {
    let broker = open(None, 64 * MIB).await;
    produce(&broker, 0..1000).await;
    let mut consumer = assigned(&broker).await;
    commit(&mut consumer, 1000, "").await.unwrap();
    assert_eq!(broker.bounds(TOPIC).await.unwrap(), [OffsetRange::new(0, 1000)]);
}

/// Commits so many MiB in one transaction.
async fn produce_noise(broker: &Arc<EmbeddedBroker>, mib: u64) {
    let mut producer = producer(broker).await;
    for seed in 0..mib {
        producer.send(TOPIC, noise(seed)).await.unwrap();
    }
    producer.commit(&SourceOffsets::new()).await.unwrap();
}
