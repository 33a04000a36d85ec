//! Producers and their transactions.

use arrow::array::{Array, BinaryArray, TimestampMillisecondArray};
use pipeline_api::{Bytes, SourceOffsets};
use pipeline_runtime::broker::{CommitError, ProducedRecords, ProducerId};

use super::fixture::{Fixture, numbered, offsets, records};
use super::member::values;
use super::{Outcome, list_cases};

list_cases![
    records_come_back_as_they_were_sent,
    records_without_any_key_or_header_come_back,
    an_uncommitted_record_is_not_read,
    an_aborted_record_is_never_read,
    a_dropped_producer_leaves_nothing_behind,
    one_transaction_spans_partitions,
    records_and_source_offsets_are_committed_together,
    an_aborted_transaction_stores_no_source_offsets,
    a_commit_without_records_stores_source_offsets,
    tasks_of_a_source_share_their_offsets,
    sources_do_not_share_offsets,
    stored_offsets_are_read_without_disturbing_who_produces,
    a_newer_producer_fences_the_older,
    producers_of_other_tasks_are_not_fenced,
    a_partition_that_is_not_there_is_an_error,
];

async fn records_come_back_as_they_were_sent(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let header = |name: &str, value: &'static str| (name.to_owned(), Bytes::from_static(value.as_bytes()));
    let sent = ProducedRecords {
        partitions: vec![0; 4],
        keys: BinaryArray::from_opt_vec(vec![Some(b"a"), None, Some(b""), Some(b"\xff\x00")]),
        values: BinaryArray::from_opt_vec(vec![Some(b"one"), Some(b""), None, Some(b"\x00\xfe")]),
        timestamps: TimestampMillisecondArray::from(vec![1, 1_700_000_000_000, 3, 4]),
        headers: vec![vec![], vec![header("twice", "1"), header("twice", "2")], vec![], vec![header("h", "")]],
    };
    let mut producer = fixture.producer(0).await?;
    producer.send(&fixture.topic, sent.clone()).await?;
    producer.commit(&SourceOffsets::new()).await?;

    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    let read = member.records().await?;
    assert_eq!(read.partition, 0);
    assert_eq!(read.keys, sent.keys);
    assert_eq!(read.values, sent.values);
    assert_eq!(read.timestamps, sent.timestamps);
    assert_eq!(read.headers, sent.headers);
    Ok(())
}

async fn records_without_any_key_or_header_come_back(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    fixture.produce(0, numbered("v", 0..3)).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    let read = member.records().await?;
    assert_eq!(read.keys.null_count(), 3);
    assert_eq!(read.values.null_count(), 0);
    assert!(read.headers.iter().all(Vec::is_empty));
    Ok(())
}

async fn an_uncommitted_record_is_not_read(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    let mut producer = fixture.producer(0).await?;
    producer.send(&fixture.topic, records(0, numbered("v", 0..3))).await?;
    assert!(member.is_quiet().await?, "a record was read before its commit");
    producer.commit(&SourceOffsets::new()).await?;
    assert_eq!(values(&member.read(3).await?), numbered("v", 0..3));
    Ok(())
}

async fn an_aborted_record_is_never_read(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut producer = fixture.producer(0).await?;
    producer.send(&fixture.topic, records(0, numbered("aborted", 0..3))).await?;
    producer.abort().await?;
    producer.send(&fixture.topic, records(0, numbered("kept", 0..3))).await?;
    producer.commit(&SourceOffsets::new()).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    assert_eq!(values(&member.read(3).await?), numbered("kept", 0..3));
    Ok(())
}

async fn a_dropped_producer_leaves_nothing_behind(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut dropped = fixture.producer(0).await?;
    dropped.send(&fixture.topic, records(0, numbered("dropped", 0..3))).await?;
    drop(dropped);
    fixture.produce(0, numbered("kept", 0..3)).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    assert_eq!(values(&member.read(3).await?), numbered("kept", 0..3));
    Ok(())
}

async fn one_transaction_spans_partitions(fixture: Fixture) -> Outcome {
    fixture.topic(3).await?;
    let mut mixed = records(0, numbered("v", 0..9));
    mixed.partitions = vec![2, 0, 1, 2, 0, 1, 2, 0, 1];
    let mut producer = fixture.producer(0).await?;
    producer.send(&fixture.topic, mixed).await?;
    producer.commit(&SourceOffsets::new()).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(3).await?;
    let read = member.read(9).await?;
    for (partition, expected) in [(0, ["v-1", "v-4", "v-7"]), (1, ["v-2", "v-5", "v-8"]), (2, ["v-0", "v-3", "v-6"])] {
        let of_partition: Vec<_> = read.iter().filter(|read| read.partition == partition).cloned().collect();
        assert_eq!(values(&of_partition), expected, "partition {partition}");
    }
    Ok(())
}

async fn records_and_source_offsets_are_committed_together(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut producer = fixture.producer(0).await?;
    assert_eq!(producer.source_offsets().await?, SourceOffsets::new());
    producer.send(&fixture.topic, records(0, numbered("v", 0..3))).await?;
    producer.commit(&offsets("file", 3)?).await?;
    let mut next = fixture.producer(0).await?;
    assert_eq!(next.source_offsets().await?, offsets("file", 3)?);
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    member.read(3).await?;
    Ok(())
}

async fn an_aborted_transaction_stores_no_source_offsets(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut producer = fixture.producer(0).await?;
    producer.commit(&offsets("file", 1)?).await?;
    producer.send(&fixture.topic, records(0, numbered("v", 0..3))).await?;
    producer.abort().await?;
    drop(producer);
    assert_eq!(fixture.producer(0).await?.source_offsets().await?, offsets("file", 1)?);
    Ok(())
}

async fn a_commit_without_records_stores_source_offsets(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut producer = fixture.producer(0).await?;
    producer.commit(&offsets("file", 1)?).await?;
    producer.commit(&offsets("file", 2)?).await?;
    assert_eq!(fixture.producer(0).await?.source_offsets().await?, offsets("file", 2)?);
    Ok(())
}

async fn tasks_of_a_source_share_their_offsets(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    fixture.producer(0).await?.commit(&offsets("a", 1)?).await?;
    fixture.producer(1).await?.commit(&offsets("b", 2)?).await?;
    let mut expected = offsets("a", 1)?;
    expected.merge(offsets("b", 2)?);
    assert_eq!(fixture.producer(2).await?.source_offsets().await?, expected);
    Ok(())
}

async fn sources_do_not_share_offsets(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    fixture.producer(0).await?.commit(&offsets("a", 1)?).await?;
    // Names that begin alike must not be taken for each other.
    for (pipeline, source) in [("", "source2"), ("", "sourc"), ("2", "source")] {
        let pipeline = format!("{}{pipeline}", fixture.pipeline);
        let id = ProducerId { pipeline, source: source.to_owned(), task: 0 };
        let mut other = fixture.broker.producer(id.clone()).await?;
        assert_eq!(other.source_offsets().await?, SourceOffsets::new(), "{id}");
    }
    Ok(())
}

async fn stored_offsets_are_read_without_disturbing_who_produces(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let stored = async || fixture.broker.source_offsets(&fixture.pipeline, "source").await;
    assert_eq!(stored().await?, SourceOffsets::new(), "nothing is stored before the first producer");
    let mut producer = fixture.producer(0).await?;
    producer.commit(&offsets("file", 1)?).await?;
    assert_eq!(stored().await?, offsets("file", 1)?);
    producer.send(&fixture.topic, records(0, numbered("v", 0..1))).await?;
    producer.commit(&offsets("file", 2)?).await?;
    assert_eq!(stored().await?, offsets("file", 2)?);
    let other = fixture.broker.source_offsets(&fixture.pipeline, "other").await?;
    assert_eq!(other, SourceOffsets::new(), "the offsets of one source are those of another");
    Ok(())
}

async fn a_newer_producer_fences_the_older(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut older = fixture.producer(0).await?;
    older.send(&fixture.topic, records(0, numbered("older", 0..3))).await?;
    let mut newer = fixture.producer(0).await?;
    // A broker may let the older one send, but never commit.
    let sent = older.send(&fixture.topic, records(0, numbered("older", 3..6))).await;
    assert!(matches!(sent, Ok(()) | Err(CommitError::Fenced(_))), "{sent:?}");
    let committed = older.commit(&offsets("file", 6)?).await;
    assert!(matches!(committed, Err(CommitError::Fenced(_))), "{committed:?}");

    assert_eq!(newer.source_offsets().await?, SourceOffsets::new());
    newer.send(&fixture.topic, records(0, numbered("newer", 0..3))).await?;
    newer.commit(&offsets("file", 3)?).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    assert_eq!(values(&member.read(3).await?), numbered("newer", 0..3));
    Ok(())
}

async fn producers_of_other_tasks_are_not_fenced(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut first = fixture.producer(0).await?;
    let mut second = fixture.producer(1).await?;
    first.send(&fixture.topic, records(0, numbered("first", 0..1))).await?;
    second.send(&fixture.topic, records(0, numbered("second", 0..1))).await?;
    second.commit(&SourceOffsets::new()).await?;
    first.commit(&SourceOffsets::new()).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    let mut read = values(&member.read(2).await?);
    read.sort();
    assert_eq!(read, ["first-0", "second-0"]);
    Ok(())
}

async fn a_partition_that_is_not_there_is_an_error(fixture: Fixture) -> Outcome {
    fixture.topic(2).await?;
    let mut producer = fixture.producer(0).await?;
    let sent = producer.send(&fixture.topic, records(2, numbered("v", 0..1))).await;
    let outcome = match sent {
        Ok(()) => producer.commit(&SourceOffsets::new()).await,
        refused => refused,
    };
    assert!(matches!(outcome, Err(CommitError::Failed(_))), "{outcome:?}");
    Ok(())
}
