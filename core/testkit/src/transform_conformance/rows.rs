//! Which rows and columns come out.

use arrow::array::{Array, UInt32Array};
use arrow::compute::take;
use pipeline_api::METADATA_PREFIX;

use super::input::offsets;
use super::{Subject, apply_in_slices};
use crate::case::{Outcome, list_cases};

list_cases! {
    "Transform::schema": "The schema of what `apply` returns." => [
        every_result_has_the_schema_of_the_transform,
        its_columns_have_names_of_their_own,
    ]
    "Transform::apply": "It may drop rows; it neither adds nor reorders them." => [
        rows_are_neither_added_nor_reordered,
    ]
    "Transform": "Every column whose name begins with [`METADATA_PREFIX`] is passed on untouched, and follows its row when rows are dropped." => [
        the_columns_of_the_runtime_are_passed_on,
        the_columns_of_the_runtime_follow_their_rows,
    ]
}

async fn every_result_has_the_schema_of_the_transform(subject: Subject) -> Outcome {
    let transform = subject.open().await?;
    for rows in [subject.input.num_rows(), 1, 0] {
        let result = transform.apply(subject.input.slice(0, rows))?;
        assert_eq!(result.schema(), transform.schema(), "the schema of the result of {rows} rows");
    }
    apply_in_slices(transform.as_ref(), &subject.input, 3)?;
    Ok(())
}

async fn its_columns_have_names_of_their_own(subject: Subject) -> Outcome {
    let schema = subject.open().await?.schema();
    for (place, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        assert_eq!(schema.index_of(name)?, place, "there are two columns `{name}`");
        let invented = name.starts_with(METADATA_PREFIX) && subject.input.column_by_name(name).is_none();
        assert!(!invented, "it adds `{name}`: names that begin with `__` belong to the runtime");
    }
    Ok(())
}

async fn rows_are_neither_added_nor_reordered(subject: Subject) -> Outcome {
    let (before, after) = (offsets(&subject.input), offsets(&subject.result().await?));
    if let Some(pair) = after.windows(2).find(|pair| pair[0] >= pair[1]) {
        panic!("the record at offset {} comes before that at {}", pair[0], pair[1]);
    }
    let added = after.iter().find(|offset| !before.contains(offset));
    assert_eq!(added, None, "a record of an offset that no record of the batch has");
    Ok(())
}

async fn the_columns_of_the_runtime_are_passed_on(subject: Subject) -> Outcome {
    let schema = subject.open().await?.schema();
    for field in subject.input.schema().fields().iter().filter(|field| field.name().starts_with(METADATA_PREFIX)) {
        let found = schema.field_with_name(field.name()).ok();
        assert_eq!(found, Some(field.as_ref()), "what became of the column `{}`", field.name());
    }
    Ok(())
}

async fn the_columns_of_the_runtime_follow_their_rows(subject: Subject) -> Outcome {
    let (input, result) = (&subject.input, subject.result().await?);
    let before = offsets(input);
    let place = |offset: &i64| before.iter().position(|before| before == offset).map(|place| place as u32);
    let rows: UInt32Array = offsets(&result).iter().map(place).collect();
    assert_eq!(rows.null_count(), 0, "the result has offsets that the batch does not have");
    for field in input.schema().fields().iter().filter(|field| field.name().starts_with(METADATA_PREFIX)) {
        let name = field.name();
        let expected = input.column_by_name(name).map(|column| take(column, &rows, None)).transpose()?;
        assert_eq!(result.column_by_name(name), expected.as_ref(), "the column `{name}` of the rows that were kept");
    }
    Ok(())
}
