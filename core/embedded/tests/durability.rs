//! What a broker in a folder keeps.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use pipeline_api::{CRASH_POINT_VARIABLE, ErrorKind, OffsetRange, SourceOffsets};
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::broker::{Broker, Committed};

use support::{GROUP, TOPIC, assigned, commit, in_folder, offsets, open, produce, producer, read_all, records};

#[tokio::test]
async fn a_broker_that_is_opened_again_has_all_that_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let before = {
        let broker = open(Some(folder.path()), 64 << 20).await;
        let mut producer = producer(&broker).await;
        producer.send(TOPIC, records(0, 0..5000)).await.unwrap();
        producer.commit(&offsets(5000)).await.unwrap();
        producer.send(TOPIC, records(0, 5000..6000)).await.unwrap();
        let mut consumer = assigned(&broker).await;
        commit(&mut consumer, 1234, "note").await.unwrap();
        broker.ensure_topic(&support::spec()).await.unwrap()
    };
    let broker = open(Some(folder.path()), 64 << 20).await;
    assert_eq!(broker.ensure_topic(&support::spec()).await.unwrap(), before);
    assert_eq!(broker.bounds(TOPIC).await.unwrap(), [OffsetRange::new(0, 5000)]);
    let committed = Committed { offset: 1234, metadata: "note".to_owned() };
    assert_eq!(broker.committed(GROUP, TOPIC).await.unwrap(), [Some(committed)]);
    assert_eq!(producer(&broker).await.source_offsets().await.unwrap(), offsets(5000));
    assert_eq!(read_all(&broker, 0).await, support::values(0..5000));
}

#[tokio::test]
async fn a_second_broker_on_a_folder_is_told_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = in_folder(folder.path(), 1 << 20);
    let first = EmbeddedBroker::open(&settings).unwrap();
    let error = EmbeddedBroker::open(&settings).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("held by this process"), "{error}");
    assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    drop(first);
    EmbeddedBroker::open(&settings).unwrap();
}

#[tokio::test]
async fn a_store_whose_making_was_cut_off_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broker.redb");
    for length in [0, 1, 1 << 20] {
        std::fs::write(&file, vec![0; length]).unwrap();
        let broker = open(Some(folder.path()), 1 << 20).await;
        produce(&broker, 0..10).await;
        drop(broker);
        let broker = open(Some(folder.path()), 1 << 20).await;
        assert_eq!(broker.bounds(TOPIC).await.unwrap(), [OffsetRange::new(0, 10)]);
    }
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broker.redb");
    for text in ["x", "somebody's notes, longer than any magic"] {
        std::fs::write(&file, text).unwrap();
        let error = EmbeddedBroker::open(&in_folder(folder.path(), 1 << 20)).unwrap_err();
        assert!(error.to_string().contains("broker.redb"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[tokio::test]
async fn a_broker_in_memory_begins_empty() {
    let broker = open(None, 1 << 20).await;
    produce(&broker, 0..10).await;
    assert_eq!(open(None, 1 << 20).await.bounds(TOPIC).await.unwrap(), [OffsetRange::new(0, 0)]);
    assert_eq!(broker.bounds(TOPIC).await.unwrap(), [OffsetRange::new(0, 10)]);
}

#[tokio::test]
async fn a_kill_before_the_commit_leaves_what_was_before() {
    let folder = killed_at("broker_before_produce_commit:2");
    let broker = open(Some(folder.path()), 64 << 20).await;
    assert_eq!(read_all(&broker, 0).await, support::values(0..1000));
    assert_eq!(producer(&broker).await.source_offsets().await.unwrap(), offsets(1000));
}

#[tokio::test]
async fn a_kill_after_the_commit_leaves_all_of_it() {
    let folder = killed_at("broker_after_produce_commit:2");
    let broker = open(Some(folder.path()), 64 << 20).await;
    assert_eq!(read_all(&broker, 0).await, support::values(0..2000));
    assert_eq!(producer(&broker).await.source_offsets().await.unwrap(), offsets(2000));
}

#[tokio::test]
async fn a_kill_around_a_group_commit_leaves_the_one_before_or_the_new_one() {
    for (point, expected) in [("broker_before_group_commit:2", 10), ("broker_after_group_commit:2", 20)] {
        let folder = killed_at(point);
        let broker = open(Some(folder.path()), 64 << 20).await;
        let committed = broker.committed(GROUP, TOPIC).await.unwrap();
        assert_eq!(committed[0].as_ref().map(|committed| committed.offset), Some(expected), "{point}");
    }
}

const FOLDER_VARIABLE: &str = "PIPELINE_TEST_FOLDER";

/// Runs [`writes_until_it_is_killed`] in a process of its own, armed with a crash point.
fn killed_at(point: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writes_until_it_is_killed"])
        .env(FOLDER_VARIABLE, folder.path())
        .env(CRASH_POINT_VARIABLE, point)
        .output()
        .unwrap()
        .status;
    assert_eq!(status.signal(), Some(9), "the crash point `{point}` was not reached");
    folder
}

/// The victim of [`killed_at`]; on its own it does nothing.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else { return };
    let broker = open(Some(Path::new(&folder)), 64 << 20).await;
    let mut producer = producer(&broker).await;
    let mut consumer = assigned(&broker).await;
    for round in 1..4 {
        producer.send(TOPIC, records(0, (round - 1) * 1000..round * 1000)).await.unwrap();
        producer.commit(&offsets(round * 1000)).await.unwrap();
        commit(&mut consumer, round as i64 * 10, "").await.unwrap();
    }
    producer.commit(&SourceOffsets::new()).await.unwrap();
}
