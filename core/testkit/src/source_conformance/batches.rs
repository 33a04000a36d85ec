//! What a batch is.

use arrow::datatypes::Schema;
use pipeline_api::METADATA_PREFIX;

use super::Subject;
use super::polled::rows;
use crate::case::{Outcome, list_cases};
use crate::text::assert_same_order;

list_cases! {
    "Source::schema": "The schema of every batch that `poll` returns." => [
        every_batch_has_the_schema_of_the_source,
        its_columns_have_names_that_a_topic_can_have,
    ]
    "Source::poll": "A few thousand rows a batch are right for a fast source." => [
        a_batch_says_something_and_is_not_huge,
    ]
    "SourceOffsets": "Where to resume in a source: for each of its own partitions (a file, a symbol) a position of its own shape." => [
        every_batch_with_records_moves_an_offset,
        two_runs_give_the_same_records,
    ]
    "Source::place": "Where a row of the batch that the last `poll` returned was found" => [
        a_place_is_asked_for_at_any_row,
    ]
}

async fn every_batch_has_the_schema_of_the_source(subject: Subject) -> Outcome {
    let mut source = subject.open_new().await?;
    let schema = source.schema();
    let mut number = 0;
    while let Some(batch) = source.poll().await? {
        assert_eq!(batch.records.schema(), schema, "batch {number} has another schema");
        assert_eq!(source.schema(), schema, "after batch {number} the source says another schema");
        number += 1;
    }
    Ok(())
}

async fn its_columns_have_names_that_a_topic_can_have(subject: Subject) -> Outcome {
    let schema = subject.open_new().await?.schema();
    for (place, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        assert!(!name.starts_with(METADATA_PREFIX), "`{name}`: names that begin with `__` belong to the runtime");
        assert!(is_first(&schema, place), "there are two columns `{name}`");
    }
    Ok(())
}

fn is_first(schema: &Schema, place: usize) -> bool {
    schema.index_of(schema.field(place).name()).is_ok_and(|first| first == place)
}

/// A transaction of the runtime holds so many records.
const MOST_ROWS: usize = 65_536;
const MOST_BYTES: usize = 64 * 1024 * 1024;

async fn a_batch_says_something_and_is_not_huge(subject: Subject) -> Outcome {
    let mut source = subject.open_new().await?;
    while let Some(batch) = source.poll().await? {
        let (rows, bytes) = (batch.records.num_rows() + batch.rejected.len(), batch.records.get_array_memory_size());
        assert!(rows > 0 || !batch.offsets.is_empty(), "a batch has neither records nor offsets");
        assert!(rows <= MOST_ROWS, "a batch has {rows} rows, expected at most {MOST_ROWS}");
        assert!(bytes <= MOST_BYTES, "a batch takes {bytes} bytes, expected at most {MOST_BYTES}");
    }
    Ok(())
}

async fn every_batch_with_records_moves_an_offset(subject: Subject) -> Outcome {
    if !subject.resumes() {
        return Ok(());
    }
    let all = subject.read().await?;
    let mut before = pipeline_api::SourceOffsets::new();
    for (number, polled) in all.iter().enumerate() {
        let mut after = before.clone();
        after.merge(polled.offsets.clone());
        assert!(polled.rows.is_empty() || after != before, "batch {number} has records and moves no offset");
        before = after;
    }
    Ok(())
}

async fn two_runs_give_the_same_records(subject: Subject) -> Outcome {
    let (first, second) = (subject.read().await?, subject.read().await?);
    assert_same_order(&rows(&second), &rows(&first), "the second run");
    Ok(())
}

async fn a_place_is_asked_for_at_any_row(subject: Subject) -> Outcome {
    let mut source = subject.open_new().await?;
    assert_eq!(source.place(0), None, "it says a place before the first batch");
    while let Some(batch) = source.poll().await? {
        let rows = batch.records.num_rows();
        let known = (0..rows).filter(|row| source.place(*row).is_some()).count();
        assert!(known == 0 || known == rows, "it says the places of {known} of {rows} rows");
        assert_eq!(source.place(rows), None, "it says the place of a row that the batch does not have");
    }
    Ok(())
}
