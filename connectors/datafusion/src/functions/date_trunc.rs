//! `date_trunc(unit, x)`.

use arrow::array::{AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::functions::datetime::date_trunc::DateTruncFunc;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use jiff::civil::Date;

use super::instant::{MILLISECONDS, date_of, days_of, scalar_if_all_were};

/// The start of the unit that a timestamp lies in.
///
/// The engine's own wraps around near the least timestamp, rounds one value alone towards 1970 and many downwards, and
/// knows the months and years from 1677 to 2262 alone. It is left what has a time zone, and the times of a day.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateTrunc {
    signature: Signature,
    engines: DateTruncFunc,
}

impl Default for DateTrunc {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), engines: DateTruncFunc::new() }
    }
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        "date_trunc"
    }

    fn aliases(&self) -> &[String] {
        self.engines.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments[1].clone())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        self.engines.return_field_from_args(arguments)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.engines.output_ordering(inputs)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [_, of] = arguments else { return plan_err!("date_trunc takes two arguments: unit, timestamp") };
        let of = match of {
            DataType::Timestamp(..) | DataType::Time32(_) | DataType::Time64(_) => of.clone(),
            // Every date has its milliseconds, and not every date its microseconds.
            DataType::Date32 | DataType::Date64 | DataType::Null => MILLISECONDS,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            _ => return plan_err!("date_trunc takes a date or a timestamp, found {of}; cast it"),
        };
        Ok(vec![DataType::Utf8, of])
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Timestamp(resolution, None) = call.args[1].data_type() else {
            return self.engines.invoke_with_args(call);
        };
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(unit))) = &call.args[0] else {
            return self.engines.invoke_with_args(call);
        };
        let Some(start) = start_of(unit, ticks_a_second(resolution)) else {
            // It knows no other unit either, and says which it knows.
            return self.engines.invoke_with_args(call);
        };
        let arrays = ColumnarValue::values_to_arrays(&call.args[1..])?;
        let ticks = cast(&arrays[0], &DataType::Int64)?;
        let starts: Int64Array = ticks.as_primitive::<Int64Type>().try_unary(|tick| {
            start(tick).ok_or_else(|| {
                exec_datafusion_err!("date_trunc: the start of the {unit} is out of range, for the timestamp {tick}")
            })
        })?;
        scalar_if_all_were(&call.args, cast(&starts, &DataType::Timestamp(resolution, None))?)
    }
}

/// From a tick since 1970 UTC to that with which its unit begins, if there is one; `None` for an unknown unit.
fn start_of(unit: &str, second: i64) -> Option<Box<dyn Fn(i64) -> Option<i64>>> {
    let day = 86_400 * second;
    let equal = |length: i64| -> Option<Box<dyn Fn(i64) -> Option<i64>>> {
        Some(Box::new(move |tick| tick.checked_sub(tick.rem_euclid(length.max(1)))))
    };
    let on_calendar = |start: fn(Date) -> Option<Date>| -> Option<Box<dyn Fn(i64) -> Option<i64>>> {
        Some(Box::new(move |tick| days_of(start(date_of(tick.div_euclid(day))?)?).checked_mul(day)))
    };
    match unit.to_ascii_lowercase().as_str() {
        "microsecond" => equal(second / 1_000_000),
        "millisecond" => equal(second / 1_000),
        "second" => equal(second),
        "minute" => equal(60 * second),
        "hour" => equal(3_600 * second),
        "day" => equal(day),
        // The first of January 1970 was a Thursday, and weeks begin on Monday.
        "week" => Some(Box::new(move |tick| {
            let days = tick.div_euclid(day);
            (days - (days + 3).rem_euclid(7)).checked_mul(day)
        })),
        "month" => on_calendar(|date| Some(date.first_of_month())),
        "quarter" => on_calendar(|date| Date::new(date.year(), (date.month() - 1) / 3 * 3 + 1, 1).ok()),
        "year" => on_calendar(|date| Some(date.first_of_year())),
        _ => None,
    }
}

fn ticks_a_second(resolution: TimeUnit) -> i64 {
    match resolution {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}
