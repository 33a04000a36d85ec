//! A pure function of a batch.

use arrow::array::UInt32Array;
use arrow::compute::{concat_batches, take_record_batch};
use pipeline_api::RecordBatch;

use super::{Subject, apply_in_slices};
use crate::case::{Outcome, list_cases};

list_cases! {
    "Transform": "The same batch always gives the same result, and a batch gives the same rows as its slices do." => [
        the_same_batch_gives_the_same_result,
        what_came_before_changes_nothing,
        a_batch_gives_what_its_slices_give,
        a_slice_gives_what_its_copy_gives,
        an_empty_batch_gives_an_empty_one,
    ]
}

async fn the_same_batch_gives_the_same_result(subject: Subject) -> Outcome {
    let transform = subject.open().await?;
    let first = transform.apply(subject.input.clone())?;
    let same = transform.apply(subject.input.clone())? == first;
    assert!(same, "it gives another result the second time");
    assert!(subject.result().await? == first, "it gives another result when it is opened anew");
    Ok(())
}

async fn what_came_before_changes_nothing(subject: Subject) -> Outcome {
    let (one, other) = halves(&subject);
    let first = subject.open().await?.apply(other.clone())?;
    let transform = subject.open().await?;
    transform.apply(one.clone())?;
    transform.apply(one)?;
    assert!(transform.apply(other)? == first, "it gives another result after other batches");
    Ok(())
}

fn halves(subject: &Subject) -> (RecordBatch, RecordBatch) {
    let (rows, half) = (subject.input.num_rows(), subject.input.num_rows() / 2);
    (subject.input.slice(0, half), subject.input.slice(half, rows - half))
}

async fn a_batch_gives_what_its_slices_give(subject: Subject) -> Outcome {
    let transform = subject.open().await?;
    let whole = transform.apply(subject.input.clone())?;
    for rows in [1, 2, 3, 7] {
        let joined = apply_in_slices(transform.as_ref(), &subject.input, rows)?;
        assert_eq!(joined.num_rows(), whole.num_rows(), "so many rows come of slices of {rows}");
        assert!(joined == whole, "slices of {rows} rows give other values than the whole batch");
    }
    Ok(())
}

/// What stands in memory around a slice is not its business.
async fn a_slice_gives_what_its_copy_gives(subject: Subject) -> Outcome {
    let transform = subject.open().await?;
    let rows = subject.input.num_rows();
    let between = concat_batches(&subject.input.schema(), [&subject.input; 3])?.slice(rows, rows);
    let copy = take_record_batch(&subject.input, &UInt32Array::from_iter_values(0..rows as u32))?;
    assert!(transform.apply(between)? == transform.apply(copy)?, "a slice gives another result than a copy of it");
    Ok(())
}

async fn an_empty_batch_gives_an_empty_one(subject: Subject) -> Outcome {
    let result = subject.open().await?.apply(subject.input.slice(0, 0))?;
    assert_eq!(result.num_rows(), 0, "so many rows come of none");
    Ok(())
}
