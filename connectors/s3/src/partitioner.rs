//! A batch split by the values of its partition columns.

use std::collections::HashMap;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, Rows, SortField};
use pipeline_api::{Error, PartitionValue, Result};

use crate::hive;
use crate::layout::text_at;

/// Splits batches. Made once for a sink.
pub(crate) struct Partitioner {
    schema: SchemaRef,
    converter: RowConverter,
}

/// The rows of a batch that share their partition values, in their order.
pub(crate) struct Group {
    /// The values as bytes: equal for equal values, in every batch.
    pub(crate) id: Box<[u8]>,
    /// A row of the batch that has the values.
    pub(crate) row: usize,
    /// The rows.
    pub(crate) records: RecordBatch,
}

/// The values of a group as a reader finds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartitionPath {
    /// `symbol=IBM/year=2012/`; empty without partition columns.
    pub(crate) folder: String,
    /// The values, in the order of the path.
    pub(crate) values: Vec<PartitionValue>,
}

impl Partitioner {
    /// A partitioner by columns of this schema.
    pub(crate) fn new(schema: SchemaRef) -> Result<Self> {
        let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
        let converter = RowConverter::new(fields)
            .map_err(|error| Error::config("/partition_by: these columns cannot be compared").with_source(error))?;
        Ok(Self { schema, converter })
    }

    /// The groups of a batch, in the order in which they first occur. `values` are its partition columns.
    pub(crate) fn split(&self, values: &[ArrayRef], records: RecordBatch) -> Result<Vec<Group>> {
        if values.is_empty() {
            return Ok(vec![Group { id: Box::default(), row: 0, records }]);
        }
        let rows = self
            .converter
            .convert_columns(values)
            .map_err(|error| Error::fatal("the partition columns cannot be compared").with_source(error))?;
        let members = members(&rows);
        if let [_] = &members[..] {
            return Ok(vec![Group { id: rows.row(0).as_ref().into(), row: 0, records }]);
        }
        members.into_iter().map(|members| group(&rows, members, &records)).collect()
    }

    /// The path of the values at a row. Errors: a value has no folder that reads back as this value.
    pub(crate) fn path(&self, values: &[ArrayRef], row: usize) -> Result<PartitionPath> {
        let mut path = PartitionPath::default();
        for (field, column) in self.schema.fields().iter().zip(values) {
            let value = text_at(column, row)?;
            check_value(field.name(), value.as_deref())?;
            hive::escape(field.name(), &mut path.folder);
            path.folder.push('=');
            match &value {
                Some(text) => hive::escape(text, &mut path.folder),
                None => path.folder.push_str(hive::NULL),
            }
            path.folder.push('/');
            path.values.push(PartitionValue { column: field.name().clone(), value });
        }
        Ok(path)
    }
}

/// The row numbers of each group.
fn members(rows: &Rows) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut known: HashMap<&[u8], usize> = HashMap::new();
    let mut last: Option<(&[u8], usize)> = None;
    for (number, row) in (0u32..).zip(rows.iter()) {
        let row = row.data();
        // Neighbours are mostly equal, and comparing them is cheaper than hashing.
        let group = match last {
            Some((previous, group)) if previous == row => group,
            _ => *known.entry(row).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            }),
        };
        groups[group].push(number);
        last = Some((row, group));
    }
    groups
}

fn group(rows: &Rows, members: Vec<u32>, records: &RecordBatch) -> Result<Group> {
    let row = members.first().map_or(0, |first| *first as usize);
    let id = rows.row(row).as_ref().into();
    // A copy, not a slice: a slice of a few rows would keep the whole batch in memory until its file is flushed.
    let records = take_record_batch(records, &UInt32Array::from(members))
        .map_err(|error| Error::fatal("a batch cannot be split").with_source(error))?;
    Ok(Group { id, row, records })
}

fn check_value(column: &str, value: Option<&str>) -> Result<()> {
    let problem = match value {
        Some("") => "is empty, which reads back as null",
        Some(hive::NULL) => "is Hive's own word for null, which it would read back as",
        _ => return Ok(()),
    };
    Err(Error::data(format!("partition column `{column}` {problem}; give it another value in a transform")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

    fn partitioner() -> Partitioner {
        let schema = Schema::new(vec![Field::new("k", DataType::Utf8, true)]);
        Partitioner::new(Arc::new(schema)).unwrap()
    }

    fn keys(texts: Vec<Option<&str>>) -> Vec<ArrayRef> {
        vec![Arc::new(StringArray::from(texts))]
    }

    #[test]
    fn each_group_keeps_the_order_of_its_rows_and_null_is_a_group() {
        let values = keys(vec![Some("b"), None, Some("a"), Some("b"), None, Some("b")]);
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..6));
        let records = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let partitioner = partitioner();
        let groups = partitioner.split(&values, records).unwrap();
        let found: Vec<(String, Vec<i64>)> = groups
            .iter()
            .map(|group| {
                let folder = partitioner.path(&values, group.row).unwrap().folder;
                (folder, group.records.column(0).as_primitive::<Int64Type>().values().to_vec())
            })
            .collect();
        assert_eq!(
            found,
            [
                ("k=b/".into(), vec![0, 3, 5]),
                ("k=__HIVE_DEFAULT_PARTITION__/".into(), vec![1, 4]),
                ("k=a/".into(), vec![2])
            ]
        );
    }

    #[test]
    fn a_value_that_would_read_back_as_null_is_refused() {
        for text in ["", hive::NULL] {
            let error = partitioner().path(&keys(vec![Some(text)]), 0).unwrap_err();
            assert_eq!(error.kind(), pipeline_api::ErrorKind::Data);
            assert!(error.to_string().contains("`k`"), "{error}");
        }
    }
}
