//! From stored offsets to the next record.

use super::Subject;
use super::polled::{offsets_after, rows};
use crate::case::{Outcome, list_cases};
use crate::text::assert_same_order;

list_cases! {
    "SourceBatch::offsets": "Where to resume after these records and the rejected ones. Partitions that did not move may be left out." => [
        it_resumes_after_any_batch_neither_a_row_early_nor_late,
        it_resumes_again_and_again,
    ]
    "SourceOffsets": "Stored by the runtime in one transaction with the records before them, and given back at the next open." => [
        after_its_last_offsets_there_is_nothing,
    ]
}

/// At most so many places to resume at are tried.
const MOST_PLACES: usize = 16;
/// Fewer batches leave no place between the first and the last.
const LEAST_BATCHES: usize = 3;

async fn it_resumes_after_any_batch_neither_a_row_early_nor_late(subject: Subject) -> Outcome {
    if !subject.resumes() {
        return Ok(());
    }
    let all = subject.read().await?;
    assert!(
        all.len() >= LEAST_BATCHES,
        "the config to test with makes {} batches, expected {LEAST_BATCHES} at least, so that there are places to resume at",
        all.len()
    );
    for place in places(all.len()) {
        let (before, after) = all.split_at(place);
        let rest = subject.read_from(&offsets_after(before)).await?;
        assert_same_order(&rows(&rest), &rows(after), &format!("resumed after {place} of {} batches", all.len()));
    }
    Ok(())
}

/// The first, the last, and some between.
fn places(batches: usize) -> impl Iterator<Item = usize> {
    let step = batches.div_ceil(MOST_PLACES - 1);
    (0..batches).step_by(step).chain([1, batches - 1])
}

async fn it_resumes_again_and_again(subject: Subject) -> Outcome {
    if !subject.resumes() {
        return Ok(());
    }
    let expected = subject.read().await?;
    let step = expected.len().div_ceil(MOST_PLACES);
    let mut found = Vec::new();
    loop {
        let mut source = subject.open(super::ALONE, &offsets_after(&found)).await?;
        let before = found.len();
        while found.len() < before + step
            && let Some(batch) = source.poll().await?
        {
            found.push(super::Polled::new(batch));
        }
        source.close().await?;
        if found.len() < before + step {
            break;
        }
        assert!(found.len() <= 2 * expected.len() + MOST_PLACES, "it begins anew again and again");
    }
    assert_same_order(&rows(&found), &rows(&expected), &format!("with a stop after every {step} batches"));
    Ok(())
}

async fn after_its_last_offsets_there_is_nothing(subject: Subject) -> Outcome {
    if !subject.resumes() {
        return Ok(());
    }
    let all = subject.read().await?;
    let rest = subject.read_from(&offsets_after(&all)).await?;
    assert_same_order(&rows(&rest), &[], "resumed at the end");
    Ok(())
}
