//! How the runtime calls a source.

use pipeline_api::{Source, SourceOffsets};

use super::polled::{Polled, drain, rows};
use super::{Fault, Subject};
use crate::case::{Outcome, list_cases};
use crate::interrupted::interrupted;
use crate::text::assert_same_order;

list_cases! {
    "Source::poll": "The next batch; `None` means that there will never be more." => [
        after_its_end_it_stays_at_its_end,
    ]
    "Source::poll": "A call that is dropped loses nothing" => [
        a_poll_that_is_dropped_loses_nothing,
        a_poll_that_is_dropped_leaves_the_offsets_where_they_were,
    ]
    "Source::commit": "Called in order, not for every batch." => [
        a_commit_after_every_batch_changes_nothing,
        a_commit_of_several_batches_changes_nothing,
    ]
    "Source::close": "The last call, also after an error." => [
        it_closes_at_any_time,
    ]
}

async fn after_its_end_it_stays_at_its_end(subject: Subject) -> Outcome {
    let mut source = subject.open_new().await?;
    drain(source.as_mut()).await?;
    for _ in 0..3 {
        assert!(source.poll().await?.is_none(), "it goes on behind its end");
    }
    Ok(())
}

/// How often each poll is dropped and begun anew, each time after one wait more.
const DROPS: usize = 4;

async fn poll_with_drops(source: &mut dyn Source) -> Result<Option<Polled>, Fault> {
    for waits in 0..DROPS {
        if let Some(polled) = interrupted(source.poll(), waits).await {
            return Ok(polled?.map(Polled::new));
        }
    }
    Ok(source.poll().await?.map(Polled::new))
}

async fn a_poll_that_is_dropped_loses_nothing(subject: Subject) -> Outcome {
    let expected = subject.read().await?;
    let mut source = subject.open_new().await?;
    let mut found = Vec::new();
    while let Some(polled) = poll_with_drops(source.as_mut()).await? {
        found.push(polled);
    }
    assert_same_order(&rows(&found), &rows(&expected), "with polls that are dropped and begun anew");
    Ok(())
}

async fn a_poll_that_is_dropped_leaves_the_offsets_where_they_were(subject: Subject) -> Outcome {
    if !subject.resumes() {
        return Ok(());
    }
    let expected = subject.read().await?;
    let (mut found, mut offsets) = (Vec::new(), SourceOffsets::new());
    for batches in 0..expected.len().min(4) {
        let mut source = subject.open(super::ALONE, &offsets).await?;
        if let Some(polled) = source.poll().await?.map(Polled::new) {
            offsets.merge(polled.offsets.clone());
            found.push(polled);
        }
        // What this one would give is not delivered: the pipeline stops.
        interrupted(source.poll(), batches).await;
        source.close().await?;
    }
    found.extend(subject.read_from(&offsets).await?);
    assert_same_order(&rows(&found), &rows(&expected), "with stops in the middle of a poll");
    Ok(())
}

async fn a_commit_after_every_batch_changes_nothing(subject: Subject) -> Outcome {
    commit_after_each(subject, 1).await
}

async fn a_commit_of_several_batches_changes_nothing(subject: Subject) -> Outcome {
    commit_after_each(subject, 3).await
}

async fn commit_after_each(subject: Subject, batches: usize) -> Outcome {
    let expected = subject.read().await?;
    let mut source = subject.open_new().await?;
    let (mut found, mut offsets) = (Vec::new(), SourceOffsets::new());
    while let Some(polled) = source.poll().await?.map(Polled::new) {
        offsets.merge(polled.offsets.clone());
        found.push(polled);
        if found.len() % batches == 0 {
            source.commit(&std::mem::take(&mut offsets)).await?;
        }
    }
    source.commit(&offsets).await?;
    source.close().await?;
    assert_same_order(&rows(&found), &rows(&expected), "with commits");
    Ok(())
}

async fn it_closes_at_any_time(subject: Subject) -> Outcome {
    subject.open_new().await?.close().await?;
    let mut source = subject.open_new().await?;
    source.poll().await?;
    source.close().await?;
    let mut source = subject.open_new().await?;
    interrupted(source.poll(), 0).await;
    source.close().await?;
    let mut source = subject.open_new().await?;
    drain(source.as_mut()).await?;
    source.close().await?;
    Ok(())
}
