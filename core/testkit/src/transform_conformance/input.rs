//! Records as a transform behind the topic gets them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int64Array, StringArray, TimestampMillisecondArray, UInt32Array,
};
use arrow::datatypes::{Field, Int64Type, Schema};
use pipeline_api::{RecordBatch, metadata_column};

/// The records with the columns of the runtime behind their own.
pub(super) fn behind_topic(records: &RecordBatch) -> RecordBatch {
    let rows = records.num_rows() as i64;
    let keys = (0..rows).map(|row| (row % 3 != 0).then(|| format!("key-{row}")));
    let metadata: [(&str, ArrayRef); 6] = [
        (metadata_column::TOPIC, Arc::new(StringArray::from_iter_values((0..rows).map(|_| "conformance")))),
        (metadata_column::PARTITION, Arc::new(Int32Array::from_iter_values((0..rows).map(|_| 2)))),
        // With gaps, as where records were dropped before.
        (metadata_column::OFFSET, Arc::new(Int64Array::from_iter_values((0..rows).map(|row| 100 + 2 * row + row / 5)))),
        (metadata_column::TIMESTAMP, Arc::new(TimestampMillisecondArray::from_iter_values((0..rows).map(|n| 7 * n)))),
        (metadata_column::KEY, Arc::new(keys.collect::<StringArray>())),
        // One that only the runtime knows, as under `when`.
        ("__row", Arc::new(UInt32Array::from_iter_values((0..rows).map(|row| row as u32)))),
    ];
    let mut fields = records.schema().fields().to_vec();
    let mut columns = records.columns().to_vec();
    for (name, column) in metadata {
        fields.push(Arc::new(Field::new(name, column.data_type().clone(), name == metadata_column::KEY)));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap_or_else(|error| panic!("{error}"))
}

/// The offset of each record.
pub(super) fn offsets(records: &RecordBatch) -> Vec<i64> {
    let column = records.column_by_name(metadata_column::OFFSET);
    let column = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
    column.unwrap_or_else(|| panic!("the result has no column `{}`", metadata_column::OFFSET)).values().to_vec()
}
