//! Topics.

use pipeline_api::{ErrorKind, OffsetRange, SourceOffsets};
use pipeline_runtime::broker::Producer;

use super::fixture::{Fixture, numbered, offsets, records};
use super::{Outcome, list_cases};

list_cases![
    a_topic_that_is_there_is_left_as_it_is,
    a_topic_with_other_partitions_is_refused,
    a_topic_is_examined_as_it_would_be_ensured_and_not_made,
    a_topic_that_is_missing_is_an_error,
    a_topic_that_is_missing_is_found_nowhere,
    bounds_cover_what_was_committed,
    a_range_holds_records_where_they_were_committed,
    a_reset_leaves_nothing,
    a_reset_is_refused_while_somebody_reads,
    a_reset_is_refused_while_the_pipeline_writes,
    a_reset_of_what_is_not_there_is_no_error,
];

async fn a_topic_that_is_there_is_left_as_it_is(fixture: Fixture) -> Outcome {
    let created = fixture.topic(3).await?;
    fixture.produce(2, numbered("v", 0..5)).await?;
    let found = fixture.topic(3).await?;
    assert_eq!(found, created);
    assert_eq!(found.partitions, 3);
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!((1..=32).contains(&found.id.len()) && found.id.chars().all(legal), "`{}` is no topic id", found.id);
    let bounds = fixture.broker.bounds(&fixture.topic).await?;
    assert!(bounds[2].end - bounds[2].start >= 5, "{bounds:?}");
    Ok(())
}

async fn a_topic_with_other_partitions_is_refused(fixture: Fixture) -> Outcome {
    fixture.topic(3).await?;
    let Err(error) = fixture.topic(4).await else { panic!("a topic of 3 partitions passed for one of 4") };
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains(&fixture.topic), "{error}");
    Ok(())
}

async fn a_topic_is_examined_as_it_would_be_ensured_and_not_made(fixture: Fixture) -> Outcome {
    for _ in 0..2 {
        assert_eq!(fixture.broker.examine_topic(&fixture.spec(3)).await?, None);
    }
    assert_eq!(fixture.broker.find_topic(&fixture.topic).await?, None, "an examination made it");
    let created = fixture.topic(3).await?;
    assert_eq!(fixture.broker.examine_topic(&fixture.spec(3)).await?, Some(created));
    let Err(examined) = fixture.broker.examine_topic(&fixture.spec(4)).await else { panic!("3 passed for 4") };
    let Err(ensured) = fixture.topic(4).await else { panic!("3 passed for 4") };
    assert_eq!((examined.kind(), examined.to_string()), (ensured.kind(), ensured.to_string()));
    Ok(())
}

async fn a_topic_that_is_missing_is_an_error(fixture: Fixture) -> Outcome {
    assert!(fixture.broker.bounds(&fixture.topic).await.is_err());
    Ok(())
}

async fn a_topic_that_is_missing_is_found_nowhere(fixture: Fixture) -> Outcome {
    assert_eq!(fixture.broker.find_topic(&fixture.topic).await?, None);
    assert_eq!(fixture.broker.find_topic(&fixture.topic).await?, None, "a topic was made by asking for it");
    let created = fixture.topic(3).await?;
    assert_eq!(fixture.broker.find_topic(&fixture.topic).await?, Some(created));
    Ok(())
}

async fn bounds_cover_what_was_committed(fixture: Fixture) -> Outcome {
    fixture.topic(2).await?;
    let before = fixture.broker.bounds(&fixture.topic).await?;
    assert!(before.iter().all(|bounds| bounds.is_empty()), "{before:?}");
    fixture.produce(1, numbered("v", 0..7)).await?;
    let after = fixture.broker.bounds(&fixture.topic).await?;
    assert_eq!(after[0], before[0]);
    assert!(after[1].end - after[1].start >= 7, "{after:?}");
    Ok(())
}

async fn a_range_holds_records_where_they_were_committed(fixture: Fixture) -> Outcome {
    fixture.topic(2).await?;
    fixture.produce(1, numbered("v", 0..3)).await?;
    fixture.produce(1, numbered("v", 3..5)).await?;
    let bounds = fixture.broker.bounds(&fixture.topic).await?;
    let OffsetRange { start, end } = bounds[1];
    let ranges = [
        (1, OffsetRange::new(start, start + 1)),
        (1, OffsetRange::new(start + 2, end)),
        (1, OffsetRange::new(end, end + 5)),
        (0, OffsetRange::new(bounds[0].start, bounds[0].start + 5)),
        (1, OffsetRange::new(start + 1, start + 2)),
    ];
    assert_eq!(fixture.broker.hold_records(&fixture.topic, &ranges).await?, [true, true, false, false, true]);
    Ok(())
}

async fn a_reset_leaves_nothing(fixture: Fixture) -> Outcome {
    let before = fixture.topic(1).await?;
    let mut producer = fixture.producer(0).await?;
    producer.send(&fixture.topic, records(0, numbered("v", 0..5))).await?;
    producer.commit(&offsets("file", 5)?).await?;
    drop(producer);
    let mut member = fixture.member().await?;
    member.until_holding(1).await?;
    member.commit(0, 3, "").await?;
    member.consumer.close().await?;
    drop(member);

    fixture.broker.reset(&fixture.pipeline, &fixture.topic).await?;

    let after = fixture.topic(1).await?;
    assert_ne!(after.id, before.id, "a topic that was made anew must have another id");
    assert!(fixture.broker.bounds(&fixture.topic).await?[0].is_empty());
    assert_eq!(fixture.broker.committed(&fixture.group, &fixture.topic).await?, [None]);
    let stored = fixture.producer(0).await?.source_offsets().await?;
    assert_eq!(stored, SourceOffsets::new());
    Ok(())
}

async fn a_reset_is_refused_while_somebody_reads(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    fixture.produce(0, numbered("v", 0..5)).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(1).await?;
    assert!(fixture.broker.reset(&fixture.pipeline, &fixture.topic).await.is_err());
    member.read(5).await?;
    Ok(())
}

async fn a_reset_is_refused_while_the_pipeline_writes(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut producer: Box<dyn Producer> = fixture.producer(0).await?;
    assert!(fixture.broker.reset(&fixture.pipeline, &fixture.topic).await.is_err());
    producer.send(&fixture.topic, records(0, numbered("v", 0..1))).await?;
    producer.commit(&SourceOffsets::new()).await?;
    Ok(())
}

async fn a_reset_of_what_is_not_there_is_no_error(fixture: Fixture) -> Outcome {
    fixture.broker.reset(&fixture.pipeline, &fixture.topic).await?;
    Ok(())
}
