//! Partitions that go away, and come back.

use super::Subject;
use super::writing::ROWS;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Sink::revoke": "Forgets what was put for these partitions and not flushed." => [
        what_was_revoked_is_forgotten,
        other_partitions_than_the_revoked_are_kept,
        a_revoke_leaves_a_flush_under_way_alone,
        a_partition_that_was_never_put_can_be_revoked,
    ]
    "Sink::revoke": "They belong to somebody else now, or come again." => [
        a_revoked_partition_comes_again,
        a_revoked_partition_is_written_by_another_task,
    ]
}

async fn what_was_revoked_is_forgotten(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.put(sink.as_mut(), &[(0, 0..50)], ROWS).await?;
    sink.revoke(&[subject.partition(0)]).await?;
    let artifacts = sink.flush(subject.ranges(&[(0, 0..50)])).await?;
    assert_eq!(artifacts, [], "a partition that was revoked has artifacts");
    subject.assert_stored(&[], "after the flush of a partition that was revoked");
    Ok(())
}

async fn other_partitions_than_the_revoked_are_kept(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    let spans = [(0, 0..50), (1, 0..50), (2, 0..50), (10, 0..50)];
    subject.put(sink.as_mut(), &spans, ROWS).await?;
    sink.revoke(&[subject.partition(1), subject.partition(2)]).await?;
    sink.flush(subject.ranges(&spans)).await?;
    subject.assert_stored(&[(0, 0..50), (10, 0..50)], "after two of four partitions were revoked");
    Ok(())
}

async fn a_revoke_leaves_a_flush_under_way_alone(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.put(sink.as_mut(), &[(0, 0..50)], ROWS).await?;
    let work = sink.flush(subject.ranges(&[(0, 0..50)]));
    sink.revoke(&[subject.partition(0)]).await?;
    work.await?;
    subject.assert_stored(&[(0, 0..50)], "after a flush during which its partition was revoked");
    Ok(())
}

async fn a_partition_that_was_never_put_can_be_revoked(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    sink.revoke(&[subject.partition(0), subject.partition(7)]).await?;
    sink.revoke(&[]).await?;
    subject.write(sink.as_mut(), &[(0, 0..20)], ROWS).await?;
    subject.assert_stored(&[(0, 0..20)], "after revocations of what was never put");
    Ok(())
}

async fn a_revoked_partition_comes_again(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.put(sink.as_mut(), &[(0, 0..20), (1, 0..20)], ROWS).await?;
    sink.revoke(&[subject.partition(0)]).await?;
    subject.put(sink.as_mut(), &[(0, 0..30), (1, 20..30)], ROWS).await?;
    sink.flush(subject.ranges(&[(0, 0..30), (1, 0..30)])).await?;
    subject.assert_stored(&[(0, 0..30), (1, 0..30)], "after a partition was revoked and came again");
    Ok(())
}

async fn a_revoked_partition_is_written_by_another_task(subject: Subject) -> Outcome {
    let (mut old, mut new) = (subject.open().await?, subject.open().await?);
    subject.put(old.as_mut(), &[(0, 0..20), (1, 0..20)], ROWS).await?;
    old.revoke(&[subject.partition(0)]).await?;
    subject.write(new.as_mut(), &[(0, 0..25)], ROWS).await?;
    old.flush(subject.ranges(&[(1, 0..20)])).await?;
    old.close().await?;
    subject.assert_stored(&[(0, 0..25), (1, 0..20)], "after another task took over a partition");
    Ok(())
}
