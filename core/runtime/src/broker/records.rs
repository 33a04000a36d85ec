//! Records as bytes: columns with one row per record.

use arrow::array::{Array, BinaryArray, Int64Array, TimestampMillisecondArray};
use bytes::Bytes;
use pipeline_api::{Error, OffsetRange, Result};

/// The headers of one record, in their order. A name may come twice.
pub type Headers = Vec<(String, Bytes)>;

/// Records on their way to a topic.
#[derive(Clone, Debug)]
pub struct ProducedRecords {
    /// The partition of each record.
    pub partitions: Vec<i32>,
    /// The key of each record; null is no key.
    pub keys: BinaryArray,
    /// The value of each record; null is a tombstone.
    pub values: BinaryArray,
    /// The timestamp of each record, in milliseconds since 1970 UTC.
    pub timestamps: TimestampMillisecondArray,
    /// The headers of each record, or empty if no record has any.
    pub headers: Vec<Headers>,
}

impl ProducedRecords {
    /// Errors: the columns are not all of one length. For a broker, before it takes any of them.
    pub fn check_shape(&self) -> Result<()> {
        let (rows, headers) = (self.partitions.len(), self.headers.len());
        let columns = [self.keys.len(), self.values.len(), self.timestamps.len()];
        if columns.iter().any(|&column| column != rows) || (headers != 0 && headers != rows) {
            return Err(Error::fatal("the columns of produced records must all be of one length"));
        }
        Ok(())
    }
}

/// Consecutive records of one partition, as a poll returns them. There may be none, if their range holds only what is nobody's
/// record: the aborted ones, and what the broker itself writes.
#[derive(Clone, Debug)]
pub struct ConsumedRecords {
    /// The partition.
    pub partition: i32,
    /// The offsets that these records cover, gaps included: the next poll of this partition begins at its `end`.
    pub range: OffsetRange,
    /// The offset of each record, ascending.
    pub offsets: Int64Array,
    /// The key of each record; null is no key.
    pub keys: BinaryArray,
    /// The value of each record; null is a tombstone.
    pub values: BinaryArray,
    /// The timestamp of each record, in milliseconds since 1970 UTC.
    pub timestamps: TimestampMillisecondArray,
    /// The headers of each record, or empty if no record has any.
    pub headers: Vec<Headers>,
}

impl ConsumedRecords {
    /// Only the records below `end`, which the range then ends at.
    #[must_use]
    pub fn until(mut self, end: i64) -> Self {
        if self.range.end <= end {
            return self;
        }
        let rows = self.offsets.values().partition_point(|offset| *offset < end);
        self.range.end = end;
        self.offsets = self.offsets.slice(0, rows);
        self.keys = self.keys.slice(0, rows);
        self.values = self.values.slice(0, rows);
        self.timestamps = self.timestamps.slice(0, rows);
        self.headers.truncate(rows);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    /// Records at some offsets of a range, each of which says its offset in every column.
    fn records() -> impl Strategy<Value = ConsumedRecords> {
        (0..5i64, btree_set(0..20i64, 0..12), 0..3i64, any::<bool>()).prop_map(|(start, gaps, tail, headed)| {
            let offsets: Vec<i64> = gaps.into_iter().map(|gap| start + gap).collect();
            let end = offsets.last().map_or(start, |last| last + 1) + tail;
            let texts = || offsets.iter().map(|offset| offset.to_string());
            let headers = texts().map(|text| vec![(text, Bytes::new())]);
            ConsumedRecords {
                partition: 0,
                range: OffsetRange::new(start, end),
                keys: BinaryArray::from_iter_values(texts()),
                values: BinaryArray::from_iter_values(texts()),
                timestamps: TimestampMillisecondArray::from_iter_values(offsets.iter().copied()),
                headers: if headed { headers.collect() } else { Vec::new() },
                offsets: Int64Array::from(offsets),
            }
        })
    }

    fn offsets(records: &ConsumedRecords) -> Vec<i64> {
        records.offsets.values().to_vec()
    }

    proptest! {
        #[test]
        fn records_are_cut_at_an_offset_in_every_column(records in records(), length in 0..30i64) {
            let end = records.range.start + length;
            let cut = records.clone().until(end);
            prop_assert_eq!(cut.range, OffsetRange::new(records.range.start, records.range.end.min(end)));
            let expected: Vec<i64> = offsets(&records).into_iter().filter(|offset| *offset < end).collect();
            let texts: Vec<String> = expected.iter().map(i64::to_string).collect();
            for column in [&cut.keys, &cut.values] {
                let found: Vec<String> = column.iter().flatten().map(|b| String::from_utf8_lossy(b).into()).collect();
                prop_assert_eq!(&found, &texts);
            }
            prop_assert_eq!(cut.timestamps.values().to_vec(), expected.clone());
            let headers: Vec<String> = cut.headers.iter().map(|headers| headers[0].0.clone()).collect();
            prop_assert!(headers == texts || records.headers.is_empty() && headers.is_empty());
            prop_assert_eq!(offsets(&cut), expected);
        }

        #[test]
        fn of_two_cuts_the_lower_one_counts(records in records(), one in 0..30i64, other in 0..30i64) {
            let (one, other) = (records.range.start + one, records.range.start + other);
            let (twice, once) = (records.clone().until(one).until(other), records.until(one.min(other)));
            prop_assert_eq!((twice.range, offsets(&twice)), (once.range, offsets(&once)));
        }
    }
}
