//! The values of one column as JSON text.

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, StringArray, StringViewArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline_api::{Error, Result, type_text};
use serde::Serialize;

use super::{ColumnWriter, ObjectWriter, TimestampStyle};
use crate::time;

/// The values of a column, in the type that says how they are written.
pub(super) enum Values {
    Null,
    Boolean(BooleanArray),
    Int8(ScalarBuffer<i8>),
    Int16(ScalarBuffer<i16>),
    Int32(ScalarBuffer<i32>),
    Int64(ScalarBuffer<i64>),
    UInt8(ScalarBuffer<u8>),
    UInt16(ScalarBuffer<u16>),
    UInt32(ScalarBuffer<u32>),
    UInt64(ScalarBuffer<u64>),
    Float32(ScalarBuffer<f32>),
    Float64(ScalarBuffer<f64>),
    Decimal(ScalarBuffer<i128>, usize),
    Date(ScalarBuffer<i32>),
    Timestamp(ScalarBuffer<i64>, TimeUnit, u8),
    Text(StringArray),
    TextView(StringViewArray),
    Binary(BinaryArray),
    List(OffsetBuffer<i32>, Box<ColumnWriter>),
    Object(ObjectWriter),
}

impl Values {
    /// The values of `column`. Errors: its type has no JSON form.
    pub(super) fn new(name: &str, column: &ArrayRef, timestamps: TimestampStyle) -> Result<Self> {
        let values = match column.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean(column.as_boolean().clone()),
            DataType::Int8 => Self::Int8(primitive::<Int8Type>(column)),
            DataType::Int16 => Self::Int16(primitive::<Int16Type>(column)),
            DataType::Int32 => Self::Int32(primitive::<Int32Type>(column)),
            DataType::Int64 => Self::Int64(primitive::<Int64Type>(column)),
            DataType::UInt8 => Self::UInt8(primitive::<UInt8Type>(column)),
            DataType::UInt16 => Self::UInt16(primitive::<UInt16Type>(column)),
            DataType::UInt32 => Self::UInt32(primitive::<UInt32Type>(column)),
            DataType::UInt64 => Self::UInt64(primitive::<UInt64Type>(column)),
            DataType::Float32 => Self::Float32(primitive::<Float32Type>(column)),
            DataType::Float64 => Self::Float64(primitive::<Float64Type>(column)),
            DataType::Decimal128(_, scale @ 0..) => {
                Self::Decimal(primitive::<Decimal128Type>(column), usize::from(scale.unsigned_abs()))
            }
            DataType::Date32 => Self::Date(primitive::<Date32Type>(column)),
            DataType::Timestamp(unit, _) => {
                let separator = match timestamps {
                    TimestampStyle::Iso => b'T',
                    TimestampStyle::Athena => b' ',
                };
                Self::Timestamp(timestamp(column, *unit), *unit, separator)
            }
            DataType::Utf8 => Self::Text(column.as_string().clone()),
            DataType::Utf8View => Self::TextView(column.as_string_view().clone()),
            DataType::Binary => Self::Binary(column.as_binary().clone()),
            DataType::List(item) => {
                let list = column.as_list::<i32>();
                let item = ColumnWriter::new(item.name(), list.values(), timestamps)?;
                Self::List(list.offsets().clone(), Box::new(item))
            }
            DataType::Struct(fields) => {
                Self::Object(ObjectWriter::new(fields, column.as_struct().columns(), timestamps)?)
            }
            other => return Self::new(name, &plain(name, column, other)?, timestamps),
        };
        Ok(values)
    }

    /// Appends the value of a row, which is not null. Errors: it has no JSON form.
    pub(super) fn write(&self, name: &str, row: usize, into: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Null => into.extend_from_slice(b"null"),
            Self::Boolean(values) => into.extend_from_slice(if values.value(row) { b"true" } else { b"false" }),
            Self::Int8(values) => write_json(&values[row], into)?,
            Self::Int16(values) => write_json(&values[row], into)?,
            Self::Int32(values) => write_json(&values[row], into)?,
            Self::Int64(values) => write_json(&values[row], into)?,
            Self::UInt8(values) => write_json(&values[row], into)?,
            Self::UInt16(values) => write_json(&values[row], into)?,
            Self::UInt32(values) => write_json(&values[row], into)?,
            Self::UInt64(values) => write_json(&values[row], into)?,
            Self::Float32(values) if values[row].is_finite() => write_json(&values[row], into)?,
            Self::Float32(values) => return Err(no_form(name, values[row])),
            Self::Float64(values) if values[row].is_finite() => write_json(&values[row], into)?,
            Self::Float64(values) => return Err(no_form(name, values[row])),
            Self::Decimal(values, scale) => write_decimal(values[row], *scale, into),
            Self::Date(values) => {
                let days = values[row];
                into.push(b'"');
                time::write_date(days.into(), into).ok_or_else(|| no_year(name, days, "days"))?;
                into.push(b'"');
            }
            Self::Timestamp(values, unit, separator) => {
                into.push(b'"');
                let value = values[row];
                time::write_timestamp(value, *unit, *separator, into)
                    .ok_or_else(|| no_year(name, value, time_unit(*unit)))?;
                into.push(b'"');
            }
            Self::Text(values) => write_json(values.value(row), into)?,
            Self::TextView(values) => write_json(values.value(row), into)?,
            Self::Binary(values) => write_base64(values.value(row), into),
            Self::List(offsets, item) => write_list(offsets[row] as usize..offsets[row + 1] as usize, item, into)?,
            Self::Object(object) => object.write(row, into)?,
        }
        Ok(())
    }
}

/// Appends a scalar as serde_json writes it: the shortest text that reads back as the same value.
pub(super) fn write_json<T: Serialize + ?Sized>(value: &T, into: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(into, value)
        .map_err(|error| Error::fatal("a value cannot be written as JSON").with_source(error))
}

fn write_list(items: std::ops::Range<usize>, writer: &ColumnWriter, into: &mut Vec<u8>) -> Result<()> {
    into.push(b'[');
    for item in items.clone() {
        if item > items.start {
            into.push(b',');
        }
        writer.write(item, into)?;
    }
    into.push(b']');
    Ok(())
}

fn write_decimal(value: i128, scale: usize, into: &mut Vec<u8>) {
    // 39 digits of the largest value and a zero before the point.
    let mut digits = [b'0'; 40];
    let (mut rest, mut start) = (value.unsigned_abs(), digits.len());
    while rest > 0 {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let point = digits.len() - scale;
    if value < 0 {
        into.push(b'-');
    }
    into.extend_from_slice(&digits[start.min(point - 1)..point]);
    if scale > 0 {
        into.push(b'.');
        into.extend_from_slice(&digits[point..]);
    }
}

fn write_base64(bytes: &[u8], into: &mut Vec<u8>) {
    into.push(b'"');
    let start = into.len();
    into.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    let written = STANDARD.encode_slice(bytes, &mut into[start..]);
    debug_assert_eq!(written, Ok(into.len() - start), "base64 makes four letters of three bytes");
    into.push(b'"');
}

fn primitive<T: ArrowPrimitiveType>(column: &ArrayRef) -> ScalarBuffer<T::Native> {
    column.as_primitive::<T>().values().clone()
}

fn timestamp(column: &ArrayRef, unit: TimeUnit) -> ScalarBuffer<i64> {
    match unit {
        TimeUnit::Second => primitive::<TimestampSecondType>(column),
        TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(column),
        TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(column),
        TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(column),
    }
}

/// A column of another layout as a plain one with the same values.
fn plain(name: &str, column: &ArrayRef, of: &DataType) -> Result<ArrayRef> {
    let plain = match of {
        DataType::LargeUtf8 => DataType::Utf8View,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::LargeList(item) | DataType::FixedSizeList(item, _) => DataType::List(item.clone()),
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        _ => {
            return Err(Error::config(format!(
                "column `{name}`: {} has no JSON form, cast it to a type that a topic can have",
                type_text(of)
            )));
        }
    };
    cast(column, &plain).map_err(|error| Error::data(format!("column `{name}`")).with_source(error))
}

fn time_unit(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "seconds",
        TimeUnit::Millisecond => "milliseconds",
        TimeUnit::Microsecond => "microseconds",
        TimeUnit::Nanosecond => "nanoseconds",
    }
}

fn no_form(name: &str, value: impl std::fmt::Display) -> Error {
    Error::data(format!("column `{name}`: {value} has no JSON form, expected a finite number"))
}

fn no_year(name: &str, value: impl std::fmt::Display, unit: &str) -> Error {
    Error::data(format!("column `{name}`: {value} {unit} from 1970 has no JSON form, expected a year of four digits"))
}

#[cfg(test)]
mod tests {
    use super::write_decimal;

    #[test]
    fn a_decimal_keeps_all_its_digits() {
        for (value, scale, text) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (-5, 2, "-0.05"),
            (150, 2, "1.50"),
            (-12_345, 0, "-12345"),
            (10i128.pow(38) - 1, 38, "0.99999999999999999999999999999999999999"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            let mut written = Vec::new();
            write_decimal(value, scale, &mut written);
            assert_eq!(String::from_utf8(written).unwrap(), text);
        }
    }
}
