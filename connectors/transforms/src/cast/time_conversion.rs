//! To and from dates and timestamps, column by column. Both are read and made as the numbers that they are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringBuilder};
use arrow::datatypes::{DataType, Int64Type};
use pipeline_api::type_text;

use super::conversion::{Convert, Misfit, no_conversion, retyped};
use super::ticks::Ticks;
use super::time_format::{self, TimeFormat};

/// Whether values of this type are dates or times.
pub(super) fn is_time(of: &DataType) -> bool {
    matches!(of, DataType::Date32 | DataType::Timestamp(..))
}

/// A conversion between different types of which one at least is a date or timestamp.
pub(super) fn convert(from: &DataType, to: &DataType, format: TimeFormat) -> Result<Convert, String> {
    use DataType as T;
    match (from, to) {
        (T::Utf8, T::Timestamp(unit, None)) => time_from_text(to, Ticks::of_unit(*unit), format),
        (T::Utf8, T::Date32) => date_from_text(to, format),
        (T::Timestamp(unit, _), T::Utf8) => time_to_text(to, Ticks::of_unit(*unit), format),
        (T::Date32, T::Utf8) => date_to_text(to, format),
        (T::Int64, T::Timestamp(unit, None)) => {
            time_from_count(to, counted(from, to, &format)?, Ticks::of_unit(*unit), format)
        }
        (T::Timestamp(unit, _), T::Int64) => {
            let counted = counted(from, to, &format)?;
            format.check_without_zone()?;
            Ok(between(to, Ticks::of_unit(*unit), counted))
        }
        (T::Timestamp(unit, _), T::Timestamp(other, None)) => {
            format.check_unused()?;
            Ok(between(to, Ticks::of_unit(*unit), Ticks::of_unit(*other)))
        }
        (T::Timestamp(unit, _), T::Date32) => date_from_time(to, Ticks::of_unit(*unit), format),
        (T::Date32, T::Timestamp(unit, None)) => time_from_date(to, Ticks::of_unit(*unit), format),
        _ => Err(no_conversion(from, to)),
    }
}

fn time_from_text(to: &DataType, ticks: Ticks, format: TimeFormat) -> Result<Convert, String> {
    format.check_reads_time()?;
    Ok(read(to, move |text| format.read_time(text, ticks)))
}

fn date_from_text(to: &DataType, format: TimeFormat) -> Result<Convert, String> {
    format.check_reads_date()?;
    Ok(read(to, move |text| format.read_day(text).map(i64::from)))
}

fn time_to_text(to: &DataType, ticks: Ticks, format: TimeFormat) -> Result<Convert, String> {
    Ok(write(to, move |time, into| format.write_time(time, ticks, into)))
}

fn date_to_text(to: &DataType, format: TimeFormat) -> Result<Convert, String> {
    format.check_writes_date()?;
    Ok(write(to, move |day, into| format.write_day(day, into)))
}

/// What the numbers of a column count.
fn counted(from: &DataType, to: &DataType, format: &TimeFormat) -> Result<Ticks, String> {
    format.unix().ok_or_else(|| {
        let (from, to) = (type_text(from), type_text(to));
        format!(
            "from {from} to {to} the file must say what the numbers count; expected `format` unix_s, unix_ms or unix_us"
        )
    })
}

fn time_from_count(to: &DataType, counted: Ticks, ticks: Ticks, format: TimeFormat) -> Result<Convert, String> {
    format.check_without_zone()?;
    Ok(map(
        to,
        |count| count.to_string(),
        move |count| {
            let time = counted.rescale(count, ticks).filter(|time| ticks.in_years(*time));
            time.ok_or_else(|| {
                format!("the {counted} since 1970 of a time that is in the years 1 to 9999 and whole {ticks}")
            })
        },
    ))
}

fn between(to: &DataType, from: Ticks, ticks: Ticks) -> Convert {
    map(
        to,
        move |time| time_format::iso(time, from),
        move |time| from.rescale(time, ticks).ok_or_else(|| format!("a time in whole {ticks}")),
    )
}

fn date_from_time(to: &DataType, ticks: Ticks, format: TimeFormat) -> Result<Convert, String> {
    format.check_without_format()?;
    Ok(map(
        to,
        move |time| time_format::iso(time, ticks),
        move |time| {
            format
                .day_at_midnight(time, ticks)
                .ok_or_else(|| format!("midnight in {}, because a date has no time of day", format.zone_name()))
        },
    ))
}

fn time_from_date(to: &DataType, ticks: Ticks, format: TimeFormat) -> Result<Convert, String> {
    format.check_without_format()?;
    Ok(map(to, time_format::iso_day, move |day| {
        format
            .midnight(day, ticks)
            .ok_or_else(|| format!("a day of the years 1 to 9999 that has one midnight in {}", format.zone_name()))
    }))
}

/// `convert` says of a number that does not fit what would.
fn map(
    to: &DataType,
    show: impl Fn(i64) -> String + Send + Sync + 'static,
    convert: impl Fn(i64) -> Result<i64, String> + Send + Sync + 'static,
) -> Convert {
    let to = to.clone();
    Box::new(move |column| {
        let numbers = retyped(column, &DataType::Int64)?;
        let converted: Int64Array = numbers
            .as_primitive::<Int64Type>()
            .try_unary(|value| convert(value).map_err(|expected| Misfit::new(show(value), &to, expected)))?;
        retyped(&(Arc::new(converted) as ArrayRef), &to)
    })
}

fn read(to: &DataType, read: impl Fn(&str) -> Result<i64, String> + Send + Sync + 'static) -> Convert {
    let to = to.clone();
    Box::new(move |column| {
        let read = |text| read(text).map_err(|expected| Misfit::new(text, &to, expected));
        let texts = column.as_string::<i32>().iter();
        let numbers = texts.map(|text| text.map(read).transpose()).collect::<Result<Int64Array, Misfit>>()?;
        retyped(&(Arc::new(numbers) as ArrayRef), &to)
    })
}

/// `write` returns `None` for what has no text.
fn write(to: &DataType, write: impl Fn(i64, &mut String) -> Option<()> + Send + Sync + 'static) -> Convert {
    let to = to.clone();
    Box::new(move |column| {
        let numbers = retyped(column, &DataType::Int64)?;
        let mut texts = StringBuilder::with_capacity(numbers.len(), numbers.len() * 20);
        let mut text = String::new();
        for number in numbers.as_primitive::<Int64Type>() {
            let Some(number) = number else {
                texts.append_null();
                continue;
            };
            text.clear();
            write(number, &mut text).ok_or_else(|| {
                Misfit::new(number.to_string(), &to, "a time in the years 1 to 9999 that the format can write exactly")
            })?;
            texts.append_value(&text);
        }
        Ok(Arc::new(texts.finish()))
    })
}
