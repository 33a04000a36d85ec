//! What is removed, and what stays.

use super::Subject;
use super::writing::ROWS;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Sink::discard": "Removes whatever an interrupted flush of exactly these ranges left behind, made under another config." => [
        a_discard_removes_its_ranges_and_no_others,
        a_discard_removes_what_a_former_config_wrote,
        a_discard_of_nothing_is_no_error,
    ]
    "Sink::discard": "Called before their records are put under this one." => [
        a_discarded_range_is_written_anew,
    ]
    "Sink::discard": "The same offsets with another [`revision`](crate::PlannedRange::revision) are another range: they may have been made durable by the partition's new owner while this call still goes on." => [
        a_discard_that_comes_late_leaves_what_was_planned_anew,
    ]
    "Sink::reset": "Removes everything that a sink with this config has ever written for this topic, because a person starts over." => [
        a_reset_leaves_nothing_of_its_topic,
        a_reset_leaves_other_topics_alone,
        a_reset_of_nothing_is_no_error,
    ]
    "Sink::reset": "Returns what was removed, for that person: `70 files below file:///data/out`. `None` if there was nothing." => [
        a_reset_says_what_it_removed,
    ]
    "Sink::reset": "Called in place of `open`, and works whatever was changed in the file since." => [
        a_reset_removes_what_a_former_config_wrote,
    ]
}

async fn a_discard_removes_its_ranges_and_no_others(subject: Subject) -> Outcome {
    if subject.dataset()?.is_none() {
        return Ok(());
    }
    let mut sink = subject.open().await?;
    // Ranges whose numbers begin alike.
    for spans in [[(0, 0..1), (1, 0..1)], [(0, 1..10), (1, 1..10)], [(0, 10..100), (1, 10..100)]] {
        subject.write(sink.as_mut(), &spans, ROWS).await?;
    }
    subject.write(sink.as_mut(), &[(10, 1..10)], ROWS).await?;
    subject.put(sink.as_mut(), &[(2, 0..20)], ROWS).await?;
    sink.discard(&subject.ranges(&[(0, 1..10), (1, 10..100)])).await?;
    let kept = [(0, 0..1), (0, 10..100), (1, 0..10), (10, 1..10)];
    subject.assert_stored(&kept, "after two ranges were discarded");
    sink.flush(subject.ranges(&[(2, 0..20)])).await?;
    subject.assert_stored(&[&kept[..], &[(2, 0..20)]].concat(), "after the flush of what was put before the discard");
    Ok(())
}

async fn a_discard_removes_what_a_former_config_wrote(subject: Subject) -> Outcome {
    if subject.dataset()?.is_none() {
        return Ok(());
    }
    for former in [subject.former.clone(), vec![subject.plugin.config.clone()]].concat() {
        subject.write_before(&former, &[(0, 0..50), (1, 0..50)]).await?;
        subject.open().await?.discard(&subject.ranges(&[(0, 0..50), (1, 0..50)])).await?;
        subject.assert_stored(&[], &format!("after a discard of what was written with {former}"));
    }
    Ok(())
}

async fn a_discard_of_nothing_is_no_error(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    sink.discard(&subject.ranges(&[(0, 0..50)])).await?;
    subject.write(sink.as_mut(), &[(0, 0..50)], ROWS).await?;
    sink.discard(&subject.ranges(&[(0, 0..49), (0, 1..50), (1, 0..50)])).await?;
    subject.assert_stored(&[(0, 0..50)], "after discards of other ranges");
    for _ in 0..2 {
        sink.discard(&subject.ranges(&[(0, 0..50)])).await?;
    }
    Ok(())
}

async fn a_discarded_range_is_written_anew(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.write(sink.as_mut(), &[(0, 0..50)], ROWS).await?;
    sink.discard(&subject.ranges(&[(0, 0..50)])).await?;
    let anew = [(0, 0..60)];
    subject.put(sink.as_mut(), &anew, ROWS).await?;
    sink.flush(subject.ranges_of(1, &anew)).await?;
    subject.assert_stored(&anew, "after a discard and a flush that was planned anew");
    Ok(())
}

async fn a_discard_that_comes_late_leaves_what_was_planned_anew(subject: Subject) -> Outcome {
    if subject.dataset()?.is_none() {
        return Ok(());
    }
    let spans = [(0, 0..50), (1, 0..50)];
    let (mut evicted, mut owner) = (subject.open().await?, subject.open().await?);
    subject.write(evicted.as_mut(), &spans, ROWS).await?;
    owner.discard(&subject.ranges(&spans)).await?;
    subject.put(owner.as_mut(), &spans, ROWS).await?;
    owner.flush(subject.ranges_of(1, &spans)).await?;
    evicted.discard(&subject.ranges(&spans)).await?;
    subject.assert_stored(&spans, "after the evicted owner discarded too");
    Ok(())
}

async fn a_reset_leaves_nothing_of_its_topic(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.write(sink.as_mut(), &[(0, 0..50), (1, 0..50)], ROWS).await?;
    subject.write(sink.as_mut(), &[(0, 50..70)], ROWS).await?;
    sink.close().await?;
    subject.reset().await?;
    if subject.dataset()?.is_some() {
        subject.assert_stored(&[], "after a reset");
        subject.write(subject.open().await?.as_mut(), &[(0, 0..30)], ROWS).await?;
        subject.assert_stored(&[(0, 0..30)], "after a reset and a new start");
    }
    Ok(())
}

async fn a_reset_leaves_other_topics_alone(subject: Subject) -> Outcome {
    if subject.dataset()?.is_none() {
        return Ok(());
    }
    // Names that begin or end alike must not be taken for each other.
    let others = ["conformance2", "conformance-0", "on-conformance"].map(|topic| subject.on_topic(topic));
    for (number, other) in others.iter().enumerate() {
        let first = 100 * number as i64;
        other.write(other.open().await?.as_mut(), &[(0, first..first + 10)], ROWS).await?;
    }
    subject.write(subject.open().await?.as_mut(), &[(1, 0..50)], ROWS).await?;
    subject.reset().await?;
    subject.assert_stored(&[(0, 0..10), (0, 100..110), (0, 200..210)], "after the reset of one of four topics");
    Ok(())
}

async fn a_reset_of_nothing_is_no_error(subject: Subject) -> Outcome {
    subject.reset().await?;
    subject.write(subject.open().await?.as_mut(), &[(0, 0..10)], ROWS).await?;
    subject.reset().await?;
    subject.reset().await?;
    Ok(())
}

async fn a_reset_says_what_it_removed(subject: Subject) -> Outcome {
    assert_eq!(subject.reset().await?, None, "what it says where there was nothing");
    subject.write(subject.open().await?.as_mut(), &[(0, 0..10)], ROWS).await?;
    match subject.reset().await? {
        Some(said) => assert!(!said.trim().is_empty(), "it says an empty text"),
        None => assert_eq!(subject.dataset()?, None, "it says that there was nothing, and had written there"),
    }
    assert_eq!(subject.reset().await?, None, "what it says the second time");
    Ok(())
}

async fn a_reset_removes_what_a_former_config_wrote(subject: Subject) -> Outcome {
    if subject.dataset()?.is_none() {
        return Ok(());
    }
    for former in subject.former.clone() {
        subject.write_before(&former, &[(0, 0..50)]).await?;
        subject.reset().await?;
        subject.assert_stored(&[], &format!("after a reset of what was written with {former}"));
    }
    Ok(())
}
