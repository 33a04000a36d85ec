//! From records to values.

use arrow::array::{Array, BinaryArray};
use pipeline_api::{Converter, ErrorKind, RecordBatch};

use super::{Subject, decode};
use crate::case::{Outcome, list_cases};
use crate::records::extremes;
use crate::text::row_texts;

list_cases! {
    "Converter::encode": "One value per row, none null." => [
        each_row_becomes_one_value,
    ]
    "Converter::encode": "[`Data`](crate::ErrorKind::Data) if a row has no form in this format." => [
        a_record_at_the_edge_comes_back_as_it_was_or_is_refused,
    ]
    "Converter": "A pure function, in the topic's schema ([`Context::schema`](crate::Context)): what is decoded equals what was encoded." => [
        what_is_decoded_equals_what_was_encoded,
        the_same_records_become_the_same_values,
        slices_become_what_the_whole_becomes,
    ]
}

async fn each_row_becomes_one_value(subject: Subject) -> Outcome {
    let converter = subject.open().await?;
    for rows in [60, 1, 0] {
        let values = converter.encode(&subject.records().slice(0, rows))?;
        assert_eq!(values.len(), rows, "so many values come of {rows} rows");
        assert_eq!(values.null_count(), 0, "so many values are null");
    }
    Ok(())
}

/// Panics unless these records come back as they are.
fn assert_comes_back(converter: &dyn Converter, records: &RecordBatch, values: &BinaryArray) -> Outcome {
    let decoded = decode(converter, values, &records.schema())?;
    assert_eq!(decoded.rejected, [], "it rejects what it encoded itself");
    let (found, expected) = (row_texts(&decoded.records), row_texts(records));
    for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "row {row} comes back changed, from the value {:?}", shown(values.value(row)));
    }
    assert!(decoded.records == *records, "the records come back changed, where their texts do not show it");
    Ok(())
}

fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

async fn what_is_decoded_equals_what_was_encoded(subject: Subject) -> Outcome {
    let (converter, records) = (subject.open().await?, subject.records());
    let values = converter.encode(&records)?;
    assert_comes_back(converter.as_ref(), &records, &values)?;
    assert_comes_back(converter.as_ref(), &records.slice(0, 0), &values.slice(0, 0))
}

async fn a_record_at_the_edge_comes_back_as_it_was_or_is_refused(subject: Subject) -> Outcome {
    let converter = subject.open().await?;
    let edges = extremes(&subject.plugin.schema);
    for row in 0..edges.num_rows() {
        let record = edges.slice(row, 1);
        match converter.encode(&record) {
            Ok(value) => assert_comes_back(converter.as_ref(), &record, &value)?,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Data, "the kind of the error `{error:#}`"),
        }
    }
    // Column by column, because one that is refused hides the others.
    for (place, field) in subject.plugin.schema.fields().iter().enumerate() {
        for row in 0..edges.num_rows() {
            let mut columns = subject.records().slice(0, 1).columns().to_vec();
            columns[place] = edges.column(place).slice(row, 1);
            let record = RecordBatch::try_new(subject.plugin.schema.clone(), columns)?;
            match converter.encode(&record) {
                Ok(value) => assert_comes_back(converter.as_ref(), &record, &value)?,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Data, "column `{}`: `{error:#}`", field.name());
                }
            }
        }
    }
    Ok(())
}

async fn the_same_records_become_the_same_values(subject: Subject) -> Outcome {
    let (converter, records) = (subject.open().await?, subject.records());
    let first = converter.encode(&records)?;
    converter.encode(&records.slice(7, 20))?;
    assert_eq!(converter.encode(&records)?, first, "the second time they become other values");
    assert_eq!(subject.open().await?.encode(&records)?, first, "opened anew, it makes other values of them");
    Ok(())
}

async fn slices_become_what_the_whole_becomes(subject: Subject) -> Outcome {
    let (converter, records) = (subject.open().await?, subject.records());
    let whole = converter.encode(&records)?;
    for (start, rows) in [(0, 1), (1, 7), (13, 40), (59, 1)] {
        let part = converter.encode(&records.slice(start, rows))?;
        assert_eq!(part, whole.slice(start, rows), "the values of {rows} rows from {start}");
    }
    Ok(())
}
