//! What the functions over time share.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;

/// The type that texts are parsed to.
pub(super) const MILLISECONDS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// Dates and timestamps as microseconds since 1970 UTC.
pub(super) fn microseconds(array: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let array = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
    Ok(array.as_primitive::<TimestampMicrosecondType>().clone())
}

/// Texts of any representation.
pub(super) fn texts(array: &ArrayRef) -> Result<StringArray> {
    Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// `result` as one value if every argument was one, so that the engine can fold constants.
pub(super) fn scalar_if_all_were(arguments: &[ColumnarValue], result: ArrayRef) -> Result<ColumnarValue> {
    if arguments.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_))) {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
    }
    Ok(ColumnarValue::Array(Arc::clone(&result)))
}
