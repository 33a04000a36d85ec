//! Values at the edges of their types.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};

/// More than the longest list below, and prime to the length of each, so that an edge meets other edges beside it.
pub(super) const ROWS: i64 = 37;

const TEXTS: [&str; 13] = [
    "",
    " ",
    "\0",
    "null",
    "NaN",
    "true",
    "-0",
    "1e400",
    "\u{feff}x",
    "\u{2028}\r\n\t",
    "\"\\'`",
    "u\u{308}\u{1f980}",
    "\u{10ffff}",
];
const BINARY: [&[u8]; 4] = [b"", b"\0", b"\xff\xfe\xfd", b"\xed\xa0\x80"];
const DOUBLES: [f64; 12] = [
    0.0,
    -0.0,
    0.1,
    -1.5,
    f64::MIN,
    f64::MAX,
    f64::MIN_POSITIVE,
    5e-324,
    9_007_199_254_740_993.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];
const FLOATS: [f32; 11] =
    [0.0, -0.0, 0.1, -1.5, f32::MIN, f32::MAX, f32::MIN_POSITIVE, 1e-45, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
/// The least and the last day of years with four digits, and their neighbours.
const DAYS: [i32; 9] = [0, -1, i32::MIN, i32::MAX, -719_528, -719_162, 2_932_896, 2_932_897, 19_782];
/// Instants in milliseconds: of such days, and those that a nanosecond cannot count to.
const MILLIS: [i64; 10] = [
    0,
    -1,
    i64::MIN,
    i64::MAX,
    -62_167_219_200_000,
    -62_135_596_800_000,
    253_402_300_799_999,
    253_402_300_800_000,
    -9_223_372_036_855,
    9_223_372_036_855,
];

pub(super) fn leaf(of: &DataType, numbers: &[i64]) -> ArrayRef {
    match of {
        DataType::Utf8 => Arc::new(StringArray::from_iter_values(cycle(&TEXTS, numbers))),
        DataType::Binary => Arc::new(BinaryArray::from_iter_values(cycle(&BINARY, numbers))),
        DataType::Boolean => Arc::new(cycle(&[true, false], numbers).map(Some).collect::<BooleanArray>()),
        DataType::Int8 => Arc::new(Int8Array::from_iter_values(cycle(&[0, -1, i8::MIN, i8::MAX], numbers))),
        DataType::Int16 => Arc::new(Int16Array::from_iter_values(cycle(&[0, -1, i16::MIN, i16::MAX], numbers))),
        DataType::Int32 => Arc::new(Int32Array::from_iter_values(cycle(&[0, -1, i32::MIN, i32::MAX], numbers))),
        DataType::Int64 => {
            let edges = [0, -1, i64::MIN, i64::MAX, (1 << 53) + 1];
            Arc::new(Int64Array::from_iter_values(cycle(&edges, numbers)))
        }
        DataType::Float32 => Arc::new(Float32Array::from_iter_values(cycle(&FLOATS, numbers))),
        DataType::Float64 => Arc::new(Float64Array::from_iter_values(cycle(&DOUBLES, numbers))),
        DataType::Decimal128(precision, scale) => {
            let most = 10i128.pow(u32::from(*precision)) - 1;
            let values = Decimal128Array::from_iter_values(cycle(&[0, 1, -1, most, -most], numbers));
            Arc::new(values.with_precision_and_scale(*precision, *scale).unwrap_or_else(|error| panic!("{error}")))
        }
        DataType::Date32 => Arc::new(Date32Array::from_iter_values(cycle(&DAYS, numbers))),
        DataType::Timestamp(TimeUnit::Millisecond, None) => {
            Arc::new(TimestampMillisecondArray::from_iter_values(cycle(&MILLIS, numbers)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            let micros = cycle(&MILLIS, numbers).map(|millis| millis.saturating_mul(1000));
            Arc::new(TimestampMicrosecondArray::from_iter_values(micros))
        }
        other => panic!("{other} is no type of a topic"),
    }
}

fn cycle<'a, T: Copy>(edges: &'a [T], numbers: &'a [i64]) -> impl Iterator<Item = T> {
    numbers.iter().map(|number| edges[number.rem_euclid(edges.len() as i64) as usize])
}
