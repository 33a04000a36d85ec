//! The values of one column as JSON text.

use std::cell::Cell;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, StringArray, StringViewArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline_api::{Error, Result, type_text};
use serde::Serialize;

use super::{ColumnWriter, ObjectWriter, TimestampStyle};
use crate::time::{self, LastDay};

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
    Timestamp(ScalarBuffer<i64>, TimeUnit, u8, Cell<LastDay>),
    /// No text holds a character that JSON escapes.
    PlainText(StringArray),
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
                Self::Timestamp(timestamp(column, *unit), *unit, separator, Cell::default())
            }
            DataType::Utf8 => {
                let texts = column.as_string::<i32>().clone();
                if is_plain(&texts) { Self::PlainText(texts) } else { Self::Text(texts) }
            }
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
            Self::Float64(values) if values[row].is_finite() => write_double(values[row], into)?,
            Self::Float64(values) => return Err(no_form(name, values[row])),
            Self::Decimal(values, scale) => write_decimal(values[row], *scale, into),
            Self::Date(values) => {
                let days = values[row];
                into.push(b'"');
                time::write_date(days.into(), into).ok_or_else(|| no_year(name, days, "days"))?;
                into.push(b'"');
            }
            Self::Timestamp(values, unit, separator, last) => {
                into.push(b'"');
                let (value, mut day) = (values[row], last.get());
                time::write_timestamp(value, *unit, *separator, &mut day, into)
                    .ok_or_else(|| no_year(name, value, time_unit(*unit)))?;
                last.set(day);
                into.push(b'"');
            }
            Self::PlainText(values) => {
                into.push(b'"');
                into.extend_from_slice(values.value(row).as_bytes());
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
pub(crate) fn write_json<T: Serialize + ?Sized>(value: &T, into: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(into, value)
        .map_err(|error| Error::fatal("a value cannot be written as JSON").with_source(error))
}

/// Whether JSON escapes nothing in these texts (RFC 8259, section 7).
fn is_plain(texts: &StringArray) -> bool {
    let offsets = texts.value_offsets();
    let bytes = &texts.value_data()[offsets[0] as usize..offsets[offsets.len() - 1] as usize];
    // Without an early end, so that many bytes are looked at in one step.
    !bytes.iter().fold(false, |found, byte| found | matches!(byte, b'"' | b'\\' | 0..0x20))
}

/// Appends a finite double as serde_json writes it. Prices have few digits behind the point: where the nearest whole number of
/// ten-thousandths stands for the same double and has at most 15 digits, no shorter text does, because each double has at most
/// one text of so few digits.
pub(crate) fn write_double(value: f64, into: &mut Vec<u8>) -> Result<()> {
    const PARTS: f64 = 1e4;
    const MOST: f64 = 1e15;
    let parts = value.abs() * PARTS;
    let whole = (parts + 0.5) as u64;
    if parts >= MOST || whole as f64 / PARTS != value.abs() {
        return write_json(&value, into);
    }
    if value.is_sign_negative() {
        into.push(b'-');
    }
    write_json(&(whole / PARTS as u64), into)?;
    let behind_point = whole % PARTS as u64;
    let digit = |power: u64| b'0' + (behind_point / power % 10) as u8;
    let text = [b'.', digit(1000), digit(100), digit(10), digit(1)];
    let zeros = text[2..].iter().rev().take_while(|digit| **digit == b'0').count();
    into.extend_from_slice(&text[..text.len() - zeros]);
    Ok(())
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

/// Appends a decimal with all digits of its scale.
pub(crate) fn write_decimal(value: i128, scale: usize, into: &mut Vec<u8>) {
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
    use proptest::prelude::*;

    use super::{write_decimal, write_double};

    fn assert_as_serde_json(value: f64) {
        let mut written = Vec::new();
        write_double(value, &mut written).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&value).unwrap());
    }

    #[test]
    fn the_ends_of_short_doubles_are_written_as_serde_json_writes_them() {
        for value in
            [0.0, 0.0001, 0.00009, 0.00005, 1e-5, 0.5, 1.0, 99_999_999_999.999_9, 1e11, 1e15, 1e16, 1e300, 5e-324]
        {
            assert_as_serde_json(value);
            assert_as_serde_json(-value);
            assert_as_serde_json(f64::from_bits(value.to_bits() + 1));
            assert_as_serde_json(f64::from_bits(value.to_bits().saturating_sub(1)));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_double_is_written_as_serde_json_writes_it(
            bits in any::<f64>().prop_filter("finite", |value| value.is_finite()), digits in any::<i64>(), power in 0..16i32, shift in 0..64u32,
        ) {
            assert_as_serde_json(bits);
            assert_as_serde_json((digits >> shift) as f64 / 10f64.powi(power));
        }
    }

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
