//! What a sink says of what it holds, and what it does not take.

use pipeline_api::{Buffered, ErrorKind, RecordBatch};

use super::Subject;
use super::writing::ROWS;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Sink::buffered": "How much was put and not flushed yet, for the flush policy." => [
        what_is_buffered_grows_with_what_is_put,
        nothing_is_buffered_after_a_flush_was_detached,
        nothing_is_buffered_after_all_was_revoked,
    ]
    "Sink::put": "After an error nothing of this batch was taken." => [
        a_batch_that_was_refused_leaves_nothing,
    ]
    "Sink::put": "[`Data`](crate::ErrorKind::Data) if a record can never be accepted; the runtime then offers parts of the batch." => [
        the_other_records_of_a_refused_batch_are_taken,
    ]
}

const NOTHING: Buffered = Buffered { encoded: 0, memory: 0 };

async fn what_is_buffered_grows_with_what_is_put(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    assert_eq!(sink.buffered(), NOTHING, "a new sink says that it holds something");
    sink.put(subject.batch(0, 0..10)).await?;
    let little = sink.buffered();
    assert!(little.encoded > 0 && little.memory > 0, "with ten records it says that it holds {little:?}");
    subject.put(sink.as_mut(), &[(0, 10..5000), (1, 0..1000)], 500).await?;
    let much = sink.buffered();
    assert!(
        much.encoded > little.encoded && much.memory > little.memory,
        "{much:?} with 6000 records, {little:?} with 10"
    );
    Ok(())
}

async fn nothing_is_buffered_after_a_flush_was_detached(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.put(sink.as_mut(), &[(0, 0..100), (1, 0..100)], ROWS).await?;
    let both = sink.buffered();
    let first = sink.flush(subject.ranges(&[(0, 0..100)]));
    let one = sink.buffered();
    assert!(one.memory > 0 && one.memory < both.memory, "{one:?} with one of two partitions flushed, {both:?} before");
    first.await?;
    assert_eq!(sink.buffered(), one, "it says something else after the work of the flush was done");
    let second = sink.flush(subject.ranges(&[(1, 0..100)]));
    assert_eq!(sink.buffered(), NOTHING, "all was detached");
    second.await?;
    Ok(())
}

async fn nothing_is_buffered_after_all_was_revoked(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.put(sink.as_mut(), &[(0, 0..100), (1, 0..100)], ROWS).await?;
    sink.revoke(&[subject.partition(0), subject.partition(1)]).await?;
    assert_eq!(sink.buffered(), NOTHING, "all was revoked");
    Ok(())
}

async fn a_batch_that_was_refused_leaves_nothing(subject: Subject) -> Outcome {
    let Some(refused) = subject.refused.clone() else { return Ok(()) };
    let mut sink = subject.open().await?;
    let end = 10 + refused.num_rows() as i64;
    subject.put(sink.as_mut(), &[(0, 0..10)], ROWS).await?;
    let before = sink.buffered();
    refuse(&subject, sink.as_mut(), refused).await;
    assert_eq!(sink.buffered(), before, "it says that it holds more after it refused a batch");
    subject.put(sink.as_mut(), &[(0, end..end + 10)], ROWS).await?;
    sink.flush(subject.ranges(&[(0, 0..end + 10)])).await?;
    subject.assert_stored(&[(0, 0..10), (0, end..end + 10)], "around a batch that was refused");
    Ok(())
}

async fn refuse(subject: &Subject, sink: &mut dyn pipeline_api::Sink, refused: RecordBatch) {
    let answer = sink.put(subject.batch_of(0, 10, refused)).await;
    let error = answer.expect_err("it takes the records that it was to refuse");
    assert_eq!(error.kind(), ErrorKind::Data, "the kind of error with which it refuses records: {error}");
}

async fn the_other_records_of_a_refused_batch_are_taken(subject: Subject) -> Outcome {
    let Some(refused) = subject.refused.clone() else { return Ok(()) };
    let mut sink = subject.open().await?;
    refuse(&subject, sink.as_mut(), refused.clone()).await;
    let (mut taken, end) = (0, 10 + refused.num_rows() as i64);
    for row in 0..refused.num_rows() {
        match sink.put(subject.batch_of(0, 10 + row as i64, refused.slice(row, 1))).await {
            Ok(()) => taken += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Data, "{error}"),
        }
    }
    assert!(taken < refused.num_rows(), "each record is taken by itself, but not all together");
    assert!(taken > 0, "after a record that it refuses it takes none of those that it would take");
    sink.flush(subject.ranges(&[(0, 10..end)])).await?;
    let found: usize = subject.stored().iter().map(|stored| stored.numbers.len()).sum();
    assert_eq!(found, taken, "so many records are durable of those that were taken one by one");
    Ok(())
}
