//! One entry of `partition_by`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::{DatePart, date_part};
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType};
use arrow::error::ArrowError;
use pipeline_api::{Error, Result, nearest, type_text};

/// `column`, `year(column)`, or either with ` as name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartitionBy {
    pub(crate) function: Function,
    pub(crate) column: String,
    pub(crate) name: Option<String>,
}

/// What is done to the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Itself,
    Date,
    Year,
    Month,
    Hour,
}

const FUNCTIONS: [(&str, Function); 4] =
    [("date", Function::Date), ("year", Function::Year), ("month", Function::Month), ("hour", Function::Hour)];

impl PartitionBy {
    /// Reads an entry. Errors: what is wrong with it, and what would be right.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected a column, or date(column), year(column), month(column) or hour(column), such as `year(date) as y`";
        let (expression, name) = match text.to_ascii_lowercase().rfind(" as ") {
            Some(at) => (text[..at].trim(), Some(text[at + 4..].trim())),
            None => (text.trim(), None),
        };
        if expression.is_empty() || name == Some("") {
            return Err(format!("`{text}` is incomplete, {expected}"));
        }
        let (function, column) = match expression.strip_suffix(')').and_then(|call| call.split_once('(')) {
            None => (Function::Itself, expression),
            Some((function, column)) => (parse_function(function.trim(), expected)?, column.trim()),
        };
        if column.is_empty() || column.contains(['(', ')']) {
            return Err(format!("`{text}` is no partition column, {expected}"));
        }
        Ok(Self { function, column: column.into(), name: name.map(Into::into) })
    }

    /// The name of its folder, and of the column that a reader makes of it.
    pub(crate) fn column_name(&self) -> &str {
        match (&self.name, self.function.name()) {
            (Some(name), _) => name,
            (None, Some(function)) => function,
            (None, None) => &self.column,
        }
    }
}

fn parse_function(name: &str, expected: &str) -> Result<Function, String> {
    if let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Ok(*function);
    }
    match (name, nearest(name, FUNCTIONS.map(|(name, _)| name))) {
        ("day", _) => Err("`day` alone would mix the months, write `date(…)`".into()),
        (_, Some(meant)) => Err(format!("`{name}` is no partition function, did you mean `{meant}`?")),
        (_, None) => Err(format!("`{name}` is no partition function, {expected}")),
    }
}

impl Function {
    /// Its name; a plain column has none.
    pub(crate) fn name(self) -> Option<&'static str> {
        FUNCTIONS.iter().find(|(_, function)| *function == self).map(|(name, _)| *name)
    }

    /// The type of its result. Errors: it cannot be applied to a column of this type; says what would be right.
    pub(crate) fn result_type(self, column: &str, of: &DataType) -> Result<DataType, String> {
        let text = type_text(of);
        match (self, of) {
            (Self::Itself, _) => check_plain(column, of).map(|()| of.clone()),
            (Self::Date, DataType::Date32) => Err(format!("`{column}` is a date already, write `{column}` alone")),
            (Self::Hour, DataType::Date32) => {
                Err(format!("`{column}` is a date, which has no hour; use a timestamp column"))
            }
            (Self::Date, DataType::Timestamp(..)) => Ok(DataType::Date32),
            (_, DataType::Date32 | DataType::Timestamp(..)) => Ok(DataType::Int32),
            _ => Err(format!("`{column}` is a {text}, expected a date or timestamp; `cast` it in a transform")),
        }
    }

    /// Its result for each row. `column` is of a type for which `result_type` gave one.
    pub(crate) fn apply(self, column: &ArrayRef) -> Result<ArrayRef> {
        let part = |part| date_part(column, part);
        let result = match self {
            Self::Itself => Ok(Arc::clone(column)),
            Self::Date => date_of(column),
            Self::Year => part(DatePart::Year),
            Self::Month => part(DatePart::Month),
            Self::Hour => part(DatePart::Hour),
        };
        let result = result.map_err(|error| Error::data("a timestamp lies beyond the calendar").with_source(error))?;
        // Arrow makes null of an instant that has no date; that would move the record to the folder of null.
        if result.null_count() != column.null_count() {
            return Err(Error::data(
                "a timestamp lies beyond the calendar, expected one within 262 000 years of today",
            ));
        }
        Ok(result)
    }
}

/// The day of each timestamp in UTC, also before 1970.
fn date_of(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    const DAY_MILLIS: i64 = 86_400_000;
    let day = |value: i64, length: i64| {
        i32::try_from(value.div_euclid(length))
            .map_err(|_| ArrowError::ComputeError(format!("{value} is beyond the last date")))
    };
    Ok(match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let values = column.as_primitive::<TimestampMicrosecondType>();
            Arc::new(values.try_unary::<_, Date32Type, _>(|value| day(value, 1000 * DAY_MILLIS))?)
        }
        _ => {
            let values = column.as_primitive::<TimestampMillisecondType>();
            Arc::new(values.try_unary::<_, Date32Type, _>(|value| day(value, DAY_MILLIS))?)
        }
    })
}

fn check_plain(column: &str, of: &DataType) -> Result<(), String> {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean | DataType::Date32 => Ok(()),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Decimal128(..) => Ok(()),
        DataType::Timestamp(..) => Err(format!(
            "`{column}` is a timestamp, which would give a folder for each instant; write `date({column})` or `hour({column})`"
        )),
        DataType::Float32 | DataType::Float64 => Err(format!(
            "`{column}` is a {}, whose values are approximate and no folder names; use a string, int, date or decimal column",
            type_text(of)
        )),
        _ => Err(format!("`{column}` is a {}, expected a string, int, boolean, date or decimal column", type_text(of))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Date32Array, TimestampMicrosecondArray, TimestampMillisecondArray};
    use arrow::datatypes::Int32Type;

    #[test]
    fn entries_read_as_people_write_them() {
        let entry = |function, column: &str, name: Option<&str>| {
            Ok(PartitionBy { function, column: column.into(), name: name.map(Into::into) })
        };
        assert_eq!(PartitionBy::parse("symbol"), entry(Function::Itself, "symbol", None));
        assert_eq!(PartitionBy::parse(" Year( date ) AS y "), entry(Function::Year, "date", Some("y")));
        assert_eq!(PartitionBy::parse("has space as s"), entry(Function::Itself, "has space", Some("s")));
        for (text, part) in [
            ("", "incomplete"),
            ("x as ", "incomplete"),
            ("year()", "no partition column"),
            ("yaer(x)", "did you mean `year`"),
            ("day(x)", "write `date(…)`"),
            ("year(month(x))", "no partition column"),
            ("bucket(x)", "expected a column"),
        ] {
            let message = PartitionBy::parse(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn functions_count_in_utc_also_before_1970() {
        let millis: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![Some(-1), Some(1_330_560_000_000), None]));
        let dates = Function::Date.apply(&millis).unwrap();
        assert_eq!(dates.as_primitive::<Date32Type>(), &Date32Array::from(vec![Some(-1), Some(15_400), None]));
        let micros: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![-1, 1_330_560_000_000_000]));
        assert_eq!(Function::Date.apply(&micros).unwrap().as_primitive::<Date32Type>().values(), &[-1, 15_400]);
        for (function, first, second) in
            [(Function::Year, 1969, 2012), (Function::Month, 12, 3), (Function::Hour, 23, 0)]
        {
            let values = function.apply(&millis).unwrap();
            assert_eq!(values.as_primitive::<Int32Type>().values()[..2], [first, second]);
            assert!(values.is_null(2));
        }
    }
}
