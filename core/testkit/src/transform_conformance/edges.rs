//! Records at the edges of their types, and schemas that do not fit.

use std::sync::Arc;

use arrow::array::{UInt32Array, new_null_array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Schema;
use pipeline_api::{Context, ErrorKind, Findings, METADATA_PREFIX, RecordBatch, Severity};

use super::{Subject, input};
use crate::case::{Outcome, list_cases};
use crate::records::{extremes, schema};

list_cases! {
    "Transform::apply": "[`Data`](crate::ErrorKind::Data) if a record does not fit." => [
        a_record_at_the_edge_is_transformed_or_refused,
        a_record_that_is_refused_does_not_change_its_neighbours,
        nulls_are_transformed_or_refused,
    ]
    "Transform": "`open` gets the schema of the input in [`Context::schema`](crate::Context), and refuses what does not fit it." => [
        records_without_its_columns_are_taken_or_refused_before_anything_runs,
    ]
}

/// The schema of the author's records, without the columns of the runtime.
fn own_schema(subject: &Subject) -> Schema {
    let schema = subject.input.schema();
    let own = schema.fields().iter().filter(|field| !field.name().starts_with(METADATA_PREFIX));
    Schema::new(own.cloned().collect::<Vec<_>>())
}

fn edges(subject: &Subject) -> RecordBatch {
    input::behind_topic(&extremes(&Arc::new(own_schema(subject))))
}

async fn a_record_at_the_edge_is_transformed_or_refused(subject: Subject) -> Outcome {
    let (transform, edges) = (subject.open().await?, edges(&subject));
    let parts = (0..edges.num_rows()).map(|row| edges.slice(row, 1));
    for part in parts.chain([edges.clone()]) {
        match transform.apply(part) {
            Ok(result) => assert_eq!(result.schema(), transform.schema(), "the schema of a result"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Data, "the kind of the error `{error:#}`"),
        }
    }
    Ok(())
}

async fn a_record_that_is_refused_does_not_change_its_neighbours(subject: Subject) -> Outcome {
    let (transform, edges) = (subject.open().await?, edges(&subject));
    let (mut taken, mut results) = (Vec::new(), Vec::new());
    for row in 0..edges.num_rows() {
        if let Ok(result) = transform.apply(edges.slice(row, 1)) {
            taken.push(row as u32);
            results.push(result);
        }
    }
    let together = transform.apply(take_record_batch(&edges, &UInt32Array::from(taken))?)?;
    let apart = concat_batches(&transform.schema(), &results)?;
    assert!(together == apart, "records that it takes one by one give something else together");
    Ok(())
}

async fn nulls_are_transformed_or_refused(subject: Subject) -> Outcome {
    let transform = subject.open().await?;
    let rows = subject.input.num_rows();
    let schema = subject.input.schema();
    let columns = schema.fields().iter().zip(subject.input.columns());
    let columns = columns.map(|(field, column)| match field.is_nullable() {
        true => new_null_array(field.data_type(), rows),
        false => column.clone(),
    });
    let nulls = RecordBatch::try_new(schema.clone(), columns.collect())?;
    if let Err(error) = transform.apply(nulls) {
        assert_eq!(error.kind(), ErrorKind::Data, "the kind of the error `{error:#}`");
    }
    Ok(())
}

async fn records_without_its_columns_are_taken_or_refused_before_anything_runs(subject: Subject) -> Outcome {
    let other = input::behind_topic(&extremes(&schema(&[("another_column", "boolean")]))).schema();
    let (registration, config) = (&subject.plugin.registration, &subject.plugin.config);
    let mut findings = Findings::default();
    registration.validate(config.clone(), &other, &mut findings);
    let refused = findings.iter().any(|finding| finding.severity == Severity::Error);
    let opened = registration.open_transform(config.clone(), Context::new("conformance", other)).await;
    match opened {
        Ok(_) => assert!(!refused, "`validate` refuses a schema that `open` takes: {findings:?}"),
        Err(error) => {
            assert!(refused, "`open` refuses a schema that `validate` takes: {error}");
            assert_eq!(error.kind(), ErrorKind::Config, "the kind of the error `{error:#}`");
        }
    }
    Ok(())
}
