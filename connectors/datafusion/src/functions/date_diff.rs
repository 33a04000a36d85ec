//! `date_diff(unit, a, b)`.

use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::instant::{microseconds, scalar_if_all_were, texts};

/// The whole units from `a` to `b`, negative if `b` is before `a`, as Trino counts them: a month is whole when its day
/// and time are reached, or the month's last day.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateDiff {
    signature: Signature,
}

impl Default for DateDiff {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DateDiff {
    fn name(&self) -> &str {
        "date_diff"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [_, from, to] = arguments else { return plan_err!("date_diff takes three arguments: unit, from, to") };
        for of in [from, to] {
            if !matches!(of, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) | DataType::Null) {
                return plan_err!("date_diff takes dates or timestamps, found {of}; cast it");
            }
        }
        Ok(vec![DataType::Utf8, from.clone(), to.clone()])
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&call.args)?;
        let (units, from, to) = (texts(&arrays[0])?, microseconds(&arrays[1])?, microseconds(&arrays[2])?);
        let rows = units.iter().zip(from.iter()).zip(to.iter());
        let counts = rows.map(|((unit, from), to)| match (unit, from, to) {
            (Some(unit), Some(from), Some(to)) => difference(unit, from, to).map(Some),
            _ => Ok(None),
        });
        let counts: Int64Array = counts.collect::<Result<_>>()?;
        scalar_if_all_were(&call.args, Arc::new(counts))
    }
}

fn difference(unit: &str, from: i64, to: i64) -> Result<i64> {
    const SECOND: i64 = 1_000_000;
    let span = to.checked_sub(from).ok_or_else(|| exec_datafusion_err!("date_diff: the dates are too far apart"))?;
    Ok(match unit.to_ascii_lowercase().as_str() {
        "millisecond" => span / 1_000,
        "second" => span / SECOND,
        "minute" => span / (60 * SECOND),
        "hour" => span / (3_600 * SECOND),
        "day" => span / (86_400 * SECOND),
        "week" => span / (7 * 86_400 * SECOND),
        "month" => months(from, to)?,
        "quarter" => months(from, to)? / 3,
        "year" => months(from, to)? / 12,
        _ => {
            return exec_err!(
                "`{unit}` is no unit of date_diff, expected one of millisecond, second, minute, hour, day, week, month, \
                 quarter, year"
            );
        }
    })
}

fn months(from: i64, to: i64) -> Result<i64> {
    let (from, to) = (civil(from)?, civil(to)?);
    let calendar = (i64::from(to.year()) - i64::from(from.year())) * 12 + i64::from(to.month() - from.month());
    // The last day of a month stands for the days that the month lacks.
    let day = if to.day() == to.date().days_in_month() { from.day().min(to.day()) } else { from.day() };
    let (from, to) = ((day, from.time()), (to.day(), to.time()));
    Ok(match calendar {
        1.. if to < from => calendar - 1,
        ..=-1 if to > from => calendar + 1,
        _ => calendar,
    })
}

fn civil(microseconds: i64) -> Result<DateTime> {
    let timestamp = Timestamp::from_microsecond(microseconds)
        .map_err(|error| exec_datafusion_err!("date_diff: a date is out of range: {error}"))?;
    Ok(Offset::UTC.to_datetime(timestamp))
}
