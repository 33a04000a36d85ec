//! `date_diff(unit, a, b)`.

use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use jiff::civil::Date;

use super::instant::{date_of, microseconds, scalar_if_all_were, texts};

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
    let ((from, from_time), (to, to_time)) = (civil(from)?, civil(to)?);
    let calendar = (i64::from(to.year()) - i64::from(from.year())) * 12 + i64::from(to.month() - from.month());
    // The last day of a month stands for the days that the month lacks.
    let day = if to.day() == to.days_in_month() { from.day().min(to.day()) } else { from.day() };
    let (from, to) = ((day, from_time), (to.day(), to_time));
    Ok(match calendar {
        1.. if to < from => calendar - 1,
        ..=-1 if to > from => calendar + 1,
        _ => calendar,
    })
}

/// The date, and the microseconds of its day.
fn civil(microseconds: i64) -> Result<(Date, i64)> {
    const DAY: i64 = 86_400_000_000;
    match date_of(microseconds.div_euclid(DAY)) {
        Some(date) => Ok((date, microseconds.rem_euclid(DAY))),
        None => exec_err!("date_diff: a date is out of range, expected one of the years -9999 to 9999"),
    }
}
