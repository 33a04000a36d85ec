//! From values to records.

use arrow::array::{Array, BinaryArray};
use arrow::compute::concat_batches;

use super::{Subject, decode};
use crate::case::{Outcome, list_cases};

list_cases! {
    "Decoded::records": "The records of all values that were not rejected, in their order." => [
        the_same_values_become_the_same_records,
        slices_become_what_the_whole_becomes_again,
        the_records_have_the_schema_of_the_topic_also_if_there_are_none,
    ]
}

async fn the_same_values_become_the_same_records(subject: Subject) -> Outcome {
    let converter = subject.open().await?;
    let values = converter.encode(&subject.records())?;
    let first = converter.decode(&values)?;
    converter.decode(&values.slice(7, 20))?;
    assert!(converter.decode(&values)?.records == first.records, "the second time they become other records");
    assert!(subject.open().await?.decode(&values)?.records == first.records, "opened anew, it makes other records");
    Ok(())
}

async fn slices_become_what_the_whole_becomes_again(subject: Subject) -> Outcome {
    let converter = subject.open().await?;
    let mut values: Vec<Option<Vec<u8>>> = Vec::new();
    for value in converter.encode(&subject.records())?.iter() {
        values.push(value.map(<[u8]>::to_vec));
        if values.len() % 5 == 3 {
            values.push(None);
        }
    }
    let values: BinaryArray = values.into_iter().collect();
    let whole = decode(converter.as_ref(), &values, &subject.plugin.schema)?;
    for rows in [1, 2, 7] {
        let (mut records, mut rejected) = (Vec::new(), Vec::new());
        for start in (0..values.len()).step_by(rows) {
            let part = values.slice(start, rows.min(values.len() - start));
            let part = decode(converter.as_ref(), &part, &subject.plugin.schema)?;
            records.push(part.records);
            rejected.extend(part.rejected.into_iter().map(|row| start + row.row));
        }
        let records = concat_batches(&subject.plugin.schema, &records)?;
        assert!(records == whole.records, "slices of {rows} values become other records than the whole");
        let expected: Vec<usize> = whole.rejected.iter().map(|row| row.row).collect();
        assert_eq!(rejected, expected, "the rejected rows of slices of {rows} values");
    }
    Ok(())
}

async fn the_records_have_the_schema_of_the_topic_also_if_there_are_none(subject: Subject) -> Outcome {
    let converter = subject.open().await?;
    for values in [BinaryArray::new_null(0), BinaryArray::new_null(4)] {
        let decoded = decode(converter.as_ref(), &values, &subject.plugin.schema)?;
        assert_eq!(decoded.records.num_rows(), 0, "so many records come of {} null values", values.len());
    }
    Ok(())
}
