//! Ordinary values.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};

/// Few, so that a column of texts can divide records; with the characters that file names and formats escape.
const TEXTS: [&str; 4] = ["IBM", "a/b=c%", "say \"hi\",\n", "größe 🦀"];

/// 2026-01-02 in days since 1970.
const FIRST_DAY: i64 = 20_455;
const HOUR_MILLIS: i64 = 3_600_000;

pub(super) fn leaf(of: &DataType, numbers: &[i64]) -> ArrayRef {
    let below = |limit: i64| numbers.iter().map(move |number| number.rem_euclid(limit));
    let text = |number: &i64| TEXTS[number.rem_euclid(4) as usize];
    let millis = |number: &i64| FIRST_DAY * 24 * HOUR_MILLIS + number * HOUR_MILLIS + number.rem_euclid(1000);
    match of {
        DataType::Utf8 => Arc::new(StringArray::from_iter_values(numbers.iter().map(text))),
        DataType::Binary => Arc::new(BinaryArray::from_iter_values(numbers.iter().map(|number| number.to_be_bytes()))),
        DataType::Boolean => Arc::new(numbers.iter().map(|number| Some(number % 2 == 0)).collect::<BooleanArray>()),
        DataType::Int8 => Arc::new(Int8Array::from_iter_values(below(100).map(|number| number as i8))),
        DataType::Int16 => Arc::new(Int16Array::from_iter_values(below(30_000).map(|number| number as i16))),
        DataType::Int32 => Arc::new(Int32Array::from_iter_values(below(2_000_000_000).map(|number| number as i32))),
        DataType::Int64 => Arc::new(Int64Array::from(numbers.to_vec())),
        DataType::Float32 => Arc::new(Float32Array::from_iter_values(below(1_000_000).map(|n| n as f32 / 4.0))),
        DataType::Float64 => Arc::new(Float64Array::from_iter_values(below(1_000_000).map(|n| n as f64 / 100.0))),
        DataType::Decimal128(precision, scale) => {
            let limit = 10i64.pow(u32::from(*precision).min(9));
            let values = Decimal128Array::from_iter_values(below(limit).map(i128::from));
            Arc::new(values.with_precision_and_scale(*precision, *scale).unwrap_or_else(|error| panic!("{error}")))
        }
        DataType::Date32 => Arc::new(Date32Array::from_iter_values(below(3000).map(|n| (FIRST_DAY + n) as i32))),
        DataType::Timestamp(TimeUnit::Millisecond, None) => {
            Arc::new(TimestampMillisecondArray::from_iter_values(numbers.iter().map(millis)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            let micros = numbers.iter().map(|number| millis(number) * 1000 + number.rem_euclid(997));
            Arc::new(TimestampMicrosecondArray::from_iter_values(micros))
        }
        other => panic!("{other} is no type of a topic"),
    }
}
