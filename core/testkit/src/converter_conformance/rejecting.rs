//! Values that are no records.

use arrow::array::{BinaryArray, UInt32Array};
use arrow::compute::take_record_batch;

use super::{Subject, decode};
use crate::case::{Outcome, list_cases};

list_cases! {
    "Converter::decode": "A null value (a tombstone) is rejected." => [
        a_tombstone_is_rejected,
    ]
    "Converter::decode": "The records of the values, in the topic's schema, without those that were rejected." => [
        an_empty_value_is_rejected,
        bytes_that_nobody_encoded_are_rejected,
    ]
    "Converter::decode": "One value that does not fit never affects its neighbours." => [
        a_rejected_value_leaves_its_neighbours_as_they_are,
        a_value_that_was_cut_off_leaves_its_neighbours_as_they_are,
    ]
}

/// Bytes that no format makes of a record.
const GARBAGE: [&[u8]; 5] =
    [b"\xff\xfe\x00garbage", b"\0", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b" ", b"]}>;,"];

/// What a value in the place of a record is.
type Bad = Option<Vec<u8>>;

async fn a_tombstone_is_rejected(subject: Subject) -> Outcome {
    assert_all_rejected(&subject, &[None]).await
}

async fn an_empty_value_is_rejected(subject: Subject) -> Outcome {
    assert_all_rejected(&subject, &[Some(Vec::new())]).await
}

async fn bytes_that_nobody_encoded_are_rejected(subject: Subject) -> Outcome {
    let garbage: Vec<Bad> = GARBAGE.iter().map(|bytes| Some(bytes.to_vec())).collect();
    assert_all_rejected(&subject, &garbage).await
}

async fn assert_all_rejected(subject: &Subject, bad: &[Bad]) -> Outcome {
    let converter = subject.open().await?;
    for value in bad {
        let shown = value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned());
        let values: BinaryArray = [value.clone()].into_iter().collect();
        let decoded = decode(converter.as_ref(), &values, &subject.plugin.schema)?;
        assert_eq!(decoded.rejected.len(), 1, "it takes {shown:?} for a record");
    }
    Ok(())
}

async fn a_rejected_value_leaves_its_neighbours_as_they_are(subject: Subject) -> Outcome {
    let garbage = GARBAGE.iter().map(|bytes| Some(bytes.to_vec()));
    let bad: Vec<Bad> = [None, Some(Vec::new())].into_iter().chain(garbage).collect();
    let rows = subject.records().num_rows();
    // One by one, some in a row, at the beginning, at the end, and all.
    for is_bad in [
        |row: usize, _: usize| row.is_multiple_of(2),
        |row, _| row % 7 < 3,
        |row, _| row == 0,
        |row, rows| row + 1 == rows,
        |row, _| row == 31,
        |_, _| true,
    ] {
        let places: Vec<usize> = (0..rows).filter(|row| is_bad(*row, rows)).collect();
        let replaced = places.iter().enumerate().map(|(n, place)| (*place, bad[n % bad.len()].clone()));
        assert_neighbours_stay(&subject, replaced.collect()).await?;
    }
    Ok(())
}

/// Replaces the values in these rows, and panics unless exactly they are rejected and the others are decoded as ever.
async fn assert_neighbours_stay(subject: &Subject, replaced: Vec<(usize, Bad)>) -> Outcome {
    let (converter, records) = (subject.open().await?, subject.records());
    let mut values: Vec<Bad> = converter.encode(&records)?.iter().map(|value| value.map(<[u8]>::to_vec)).collect();
    for (row, bad) in &replaced {
        values[*row] = bad.clone();
    }
    let values: BinaryArray = values.into_iter().collect();
    let decoded = decode(converter.as_ref(), &values, &subject.plugin.schema)?;
    let rejected: Vec<usize> = decoded.rejected.iter().map(|row| row.row).collect();
    let expected: Vec<usize> = replaced.iter().map(|(row, _)| *row).collect();
    assert_eq!(rejected, expected, "the rows that were rejected");
    let others = (0..records.num_rows() as u32).filter(|row| !expected.contains(&(*row as usize)));
    let others = take_record_batch(&records, &UInt32Array::from_iter_values(others))?;
    assert!(decoded.records == others, "records beside rejected values at {expected:?} are changed");
    Ok(())
}

/// A cut value may be a whole record by chance; its neighbours are the same in any case.
async fn a_value_that_was_cut_off_leaves_its_neighbours_as_they_are(subject: Subject) -> Outcome {
    let (converter, records) = (subject.open().await?, subject.records());
    let whole = converter.encode(&records.slice(1, 3))?;
    let cut = whole.value(1);
    for end in 0..cut.len() {
        let values = BinaryArray::from_iter_values([whole.value(0), &cut[..end], whole.value(2)]);
        let decoded = decode(converter.as_ref(), &values, &subject.plugin.schema)?;
        let last = decoded.records.num_rows() - 1;
        let same =
            decoded.records.slice(0, 1) == records.slice(1, 1) && decoded.records.slice(last, 1) == records.slice(3, 1);
        assert!(
            same && decoded.rejected.iter().all(|row| row.row == 1),
            "a value of {end} bytes changes its neighbours"
        );
    }
    Ok(())
}
