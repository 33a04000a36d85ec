//! Reading by offset.

use std::time::Duration;

use pipeline_api::SourceOffsets;

use super::fixture::{Fixture, numbered, records};
use super::member::{rows, values};
use super::{Outcome, list_cases};

list_cases![
    nothing_flows_before_the_first_seek,
    reading_goes_over_many_transactions,
    reading_starts_at_the_sought_offset,
    reading_goes_back_to_an_earlier_offset,
    ranges_join_up_without_a_gap,
    a_paused_partition_keeps_its_position,
    a_waiting_poll_wakes_for_new_records,
    a_dropped_poll_loses_nothing,
    every_partition_gets_its_turn,
    an_offset_beyond_the_end_is_an_error,
];

/// More than one poll returns.
const MANY: usize = 25_000;

async fn nothing_flows_before_the_first_seek(fixture: Fixture) -> Outcome {
    fixture.topic(2).await?;
    fixture.produce(0, numbered("zero", 0..3)).await?;
    fixture.produce(1, numbered("one", 0..3)).await?;
    let mut member = fixture.member().await?;
    member.until_holding(2).await?;
    assert!(member.is_quiet().await?, "records came before a seek");
    let start = member.consumer.bounds(1).await?.start;
    member.consumer.seek(1, start).await?;
    assert_eq!(values(&member.read(3).await?), numbered("one", 0..3));
    assert!(member.is_quiet().await?, "records of a partition came without a seek");
    Ok(())
}

async fn reading_goes_over_many_transactions(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut producer = fixture.producer(0).await?;
    for first in (0..MANY).step_by(MANY / 5) {
        producer.send(&fixture.topic, records(0, numbered("v", first..first + MANY / 5))).await?;
        producer.commit(&SourceOffsets::new()).await?;
    }
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    assert!(
        values(&member.read(MANY).await?) == numbered("v", 0..MANY),
        "records are missing, doubled or out of order"
    );
    Ok(())
}

async fn reading_starts_at_the_sought_offset(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    fixture.produce(0, numbered("v", 0..MANY)).await?;
    fixture.produce(0, numbered("v", MANY..MANY + 10)).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    let all = member.read(MANY + 10).await?;
    for index in [0, 1, MANY / 2, MANY - 1, MANY, MANY + 9] {
        member.consumer.seek(0, all[index].offset).await?;
        let first = rows(&member.records().await?).into_iter().next();
        assert_eq!(first.as_ref(), all.get(index));
    }
    Ok(())
}

async fn reading_goes_back_to_an_earlier_offset(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    fixture.produce(0, numbered("v", 0..10)).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    let all = member.read(10).await?;
    member.consumer.seek(0, all[4].offset).await?;
    assert_eq!(member.read(6).await?, all[4..]);
    Ok(())
}

async fn ranges_join_up_without_a_gap(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    for first in (0..MANY).step_by(MANY / 5) {
        fixture.produce(0, numbered("v", first..first + MANY / 5)).await?;
    }
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    let mut next = member.consumer.bounds(0).await?.start;
    let mut read = 0;
    while read < MANY {
        let records = member.records().await?;
        assert_eq!(records.range.start, next, "a poll must begin where the one before ended");
        next = records.range.end;
        read += rows(&records).len();
    }
    Ok(())
}

async fn a_paused_partition_keeps_its_position(fixture: Fixture) -> Outcome {
    fixture.topic(2).await?;
    fixture.produce(0, numbered("zero", 0..3)).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(2).await?;
    let before = member.read(3).await?;
    member.consumer.pause(0).await?;
    fixture.produce(0, numbered("zero", 3..6)).await?;
    fixture.produce(1, numbered("one", 0..3)).await?;
    assert_eq!(values(&member.read(3).await?), numbered("one", 0..3));
    assert!(member.is_quiet().await?, "a paused partition gave records");
    member.consumer.resume(0).await?;
    let after = member.read(3).await?;
    assert_eq!(values(&after), numbered("zero", 3..6));
    assert!(after[0].offset > before[2].offset);
    Ok(())
}

async fn a_waiting_poll_wakes_for_new_records(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    let (read, produced) = futures::join!(member.read(3), fixture.produce(0, numbered("v", 0..3)));
    produced?;
    assert_eq!(values(&read?), numbered("v", 0..3));
    Ok(())
}

async fn a_dropped_poll_loses_nothing(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    let mut read = Vec::new();
    for round in 0..20 {
        fixture.produce(0, numbered("v", round * 10..round * 10 + 10)).await?;
        for _ in 0..3 {
            if let Ok(records) = tokio::time::timeout(Duration::ZERO, member.records()).await {
                read.extend(rows(&records?));
            }
        }
    }
    read.extend(member.read(200 - read.len()).await?);
    assert_eq!(values(&read), numbered("v", 0..200));
    Ok(())
}

async fn every_partition_gets_its_turn(fixture: Fixture) -> Outcome {
    fixture.topic(2).await?;
    fixture.produce(0, (0..MANY * 2).map(incompressible)).await?;
    fixture.produce(1, numbered("one", 0..3)).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(2).await?;
    let mut of_zero = 0;
    loop {
        let records = member.records().await?;
        match records.partition {
            0 => of_zero += rows(&records).len(),
            _ => break,
        }
    }
    assert!(of_zero < MANY * 2, "partition 1 waited until partition 0 was read to its end");
    Ok(())
}

/// A text that no client gets many of by one answer of a server.
fn incompressible(number: usize) -> String {
    let mut state = number as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..16).map(|_| format!("{:016x}", next())).collect()
}

async fn an_offset_beyond_the_end_is_an_error(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    fixture.produce(0, numbered("v", 0..3)).await?;
    let mut member = fixture.member().await?;
    member.until_holding(1).await?;
    let end = member.consumer.bounds(0).await?.end;
    member.consumer.seek(0, end).await?;
    let outcome = match member.consumer.seek(0, end + 1000).await {
        // A client may notice only when it asks the server.
        Ok(()) => member.records().await.map(|_| ()),
        refused => refused,
    };
    let Err(error) = outcome else { panic!("an offset that the topic does not have was read") };
    assert!(error.to_string().contains(&fixture.topic), "{error}");
    Ok(())
}
