//! What the functions over time share.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use jiff::SignedDuration;
use jiff::civil::Date;

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

/// The date that is so many days after 1970-01-01, of the years -9999 to 9999.
pub(super) fn date_of(days: i64) -> Option<Date> {
    FIRST.checked_add(SignedDuration::from_hours(24 * i64::from(i32::try_from(days).ok()?))).ok()
}

/// How many days a date is after 1970-01-01.
pub(super) fn days_of(date: Date) -> i64 {
    date.duration_since(FIRST).as_hours() / 24
}

const FIRST: Date = Date::constant(1970, 1, 1);

/// `result` as one value if every argument was one, so that the engine can fold constants.
pub(super) fn scalar_if_all_were(arguments: &[ColumnarValue], result: ArrayRef) -> Result<ColumnarValue> {
    if arguments.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_))) {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
    }
    Ok(ColumnarValue::Array(Arc::clone(&result)))
}
