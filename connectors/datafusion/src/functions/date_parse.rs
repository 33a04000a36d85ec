//! `date_parse(text, format)` and `from_iso8601_timestamp(text)`.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMillisecondArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::Offset;

use super::instant::{MILLISECONDS, scalar_if_all_were, texts};

/// The timestamp that a text means by a format in MySQL's letters: `%Y-%m-%d %H:%i:%s`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateParse {
    signature: Signature,
}

impl Default for DateParse {
    fn default() -> Self {
        Self { signature: Signature::string(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DateParse {
    fn name(&self) -> &str {
        "date_parse"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(MILLISECONDS)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&call.args)?;
        let (values, formats) = (texts(&arrays[0])?, texts(&arrays[1])?);
        let mut last = (String::new(), String::new());
        let parsed = values.iter().zip(formats.iter()).map(|pair| {
            let (Some(value), Some(format)) = pair else { return Ok(None) };
            if last.0 != format {
                last = (format.to_owned(), translated(format));
            }
            parse(value, &last.1)
                .map(Some)
                .map_err(|error| exec_datafusion_err!("date_parse: `{value}` does not fit `{format}`: {error}"))
        });
        let parsed: TimestampMillisecondArray = parsed.collect::<Result<_>>()?;
        scalar_if_all_were(&call.args, Arc::new(parsed))
    }
}

/// The instant that a text in the form of ISO 8601 means, in UTC.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct FromIso8601Timestamp {
    signature: Signature,
}

impl Default for FromIso8601Timestamp {
    fn default() -> Self {
        Self { signature: Signature::string(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for FromIso8601Timestamp {
    fn name(&self) -> &str {
        "from_iso8601_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(MILLISECONDS)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&call.args)?;
        let instants = texts(&arrays[0])?;
        let instants = instants.iter().map(|text| {
            let Some(text) = text else { return Ok(None) };
            match text.parse::<Timestamp>() {
                Ok(instant) => Ok(Some(instant.as_millisecond())),
                Err(error) => Err(exec_datafusion_err!("from_iso8601_timestamp: `{text}`: {error}")),
            }
        });
        let instants: ArrayRef = Arc::new(instants.collect::<Result<TimestampMillisecondArray>>()?);
        scalar_if_all_were(&call.args, instants)
    }
}

/// What a text does not say is midnight, and the first of January 1970.
fn parse(text: &str, format: &str) -> Result<i64, jiff::Error> {
    let parsed: BrokenDownTime = strtime::parse(format, text)?;
    let date = match (parsed.year(), parsed.month()) {
        (Some(_), Some(_)) if parsed.day().is_some() => parsed.to_date()?,
        (Some(_), None) if parsed.day_of_year().is_some() => parsed.to_date()?,
        (year, month) => Date::new(year.unwrap_or(1970), month.unwrap_or(1), parsed.day().unwrap_or(1))?,
    };
    let time = if parsed.hour().is_some() { parsed.to_time()? } else { Time::midnight() };
    Ok(Offset::UTC.to_timestamp(date.to_datetime(time))?.as_millisecond())
}

/// MySQL's letters as those of `strptime`.
fn translated(format: &str) -> String {
    let mut translated = String::with_capacity(format.len() + 4);
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            translated.push(letter);
            continue;
        }
        match letters.next() {
            Some('i') => translated.push_str("%M"),
            Some('s') => translated.push_str("%S"),
            Some('M') => translated.push_str("%B"),
            Some('W') => translated.push_str("%A"),
            Some('c') => translated.push_str("%m"),
            Some('h') => translated.push_str("%I"),
            Some('r') => translated.push_str("%I:%M:%S %p"),
            Some(same) => translated.extend(['%', same]),
            None => translated.push('%'),
        }
    }
    translated
}
