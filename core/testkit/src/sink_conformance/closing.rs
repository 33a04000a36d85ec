//! The end of a sink.

use super::Subject;
use super::writing::ROWS;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Sink::close": "The last call, also after an error." => [
        it_closes_at_any_time,
        what_was_not_flushed_is_not_durable,
    ]
}

async fn it_closes_at_any_time(subject: Subject) -> Outcome {
    subject.open().await?.close().await?;
    let mut sink = subject.open().await?;
    subject.put(sink.as_mut(), &[(0, 0..10)], ROWS).await?;
    // A flush that never begins stands for one that failed.
    drop(sink.flush(subject.ranges(&[(0, 0..10)])));
    sink.close().await?;
    let mut sink = subject.open().await?;
    if let Some(refused) = subject.refused.clone() {
        sink.put(subject.batch_of(0, 0, refused)).await.expect_err("it takes the records that it was to refuse");
    }
    sink.close().await?;
    Ok(())
}

async fn what_was_not_flushed_is_not_durable(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.write(sink.as_mut(), &[(0, 0..10)], ROWS).await?;
    subject.put(sink.as_mut(), &[(0, 10..20), (1, 0..5000)], 500).await?;
    sink.close().await?;
    drop(sink);
    subject.assert_stored(&[(0, 0..10)], "after a close with records that were not flushed");
    Ok(())
}
