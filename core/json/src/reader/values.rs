//! The values of one column, in buffers that can be cut back.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, BooleanBufferBuilder, ListArray, PrimitiveArray,
    StringArray, StructArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline_api::{Error, Result, type_text};

use super::column::{ColumnReader, wanted};
use super::object::ObjectReader;
use crate::converter::UnknownFields;
use crate::number::{self, Misfit};
use crate::refusal::{Outcome, refuse, shown};
use crate::scanner::{Number, Scanner};
use crate::time::{self, LastDay, TimeProblem};

/// The values that were taken so far. After a refusal one more may stand here, until the row is cut off.
pub(super) enum Values {
    Boolean(BooleanBufferBuilder),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Decimal(Vec<i128>, u8, u8),
    Date(Vec<i32>),
    Timestamp(Vec<i64>, TimeUnit, LastDay),
    Text(Spans),
    Binary(Spans),
    List(Vec<i32>, Box<ColumnReader>),
    Object(ObjectReader, usize),
}

/// Texts or bytes, one behind the other.
pub(super) struct Spans {
    bytes: Vec<u8>,
    ends: Vec<i32>,
}

impl Values {
    /// Room for that many rows. Errors: the type has no JSON form.
    pub(super) fn new(field: &Field, unknown: UnknownFields, rows: usize) -> Result<Self> {
        Ok(match field.data_type() {
            DataType::Boolean => Self::Boolean(BooleanBufferBuilder::new(rows)),
            DataType::Int8 => Self::Int8(Vec::with_capacity(rows)),
            DataType::Int16 => Self::Int16(Vec::with_capacity(rows)),
            DataType::Int32 => Self::Int32(Vec::with_capacity(rows)),
            DataType::Int64 => Self::Int64(Vec::with_capacity(rows)),
            DataType::Float32 => Self::Float32(Vec::with_capacity(rows)),
            DataType::Float64 => Self::Float64(Vec::with_capacity(rows)),
            DataType::Decimal128(precision, scale @ 0..) => {
                Self::Decimal(Vec::with_capacity(rows), *precision, scale.unsigned_abs())
            }
            DataType::Date32 => Self::Date(Vec::with_capacity(rows)),
            DataType::Timestamp(unit, None) => Self::Timestamp(Vec::with_capacity(rows), *unit, LastDay::default()),
            DataType::Utf8 => Self::Text(Spans::new(rows)),
            DataType::Binary => Self::Binary(Spans::new(rows)),
            DataType::List(item) => {
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(0);
                Self::List(offsets, Box::new(ColumnReader::new(item, unknown, rows)?))
            }
            DataType::Struct(fields) => Self::Object(ObjectReader::new(fields, unknown, rows)?, 0),
            other => {
                return Err(Error::config(format!(
                    "column `{}`: {} cannot be read from JSON, expected a type that a topic can have",
                    field.name(),
                    type_text(other)
                )));
            }
        })
    }

    /// Takes the next value, which begins as one of this type does.
    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>, field: &Field) -> Outcome<()> {
        match self {
            Self::Boolean(values) => {
                let value = scanner.peek() == Some(b't');
                scanner.word(if value { "true" } else { "false" })?;
                values.append(value);
            }
            Self::Int8(values) => values.push(whole(scanner.number()?, field)?),
            Self::Int16(values) => values.push(whole(scanner.number()?, field)?),
            Self::Int32(values) => values.push(whole(scanner.number()?, field)?),
            Self::Int64(values) => values.push(whole(scanner.number()?, field)?),
            Self::Float32(values) => {
                let number = scanner.number()?;
                values.push(number::float(number).or_else(|why| misfit(number, why, field))?);
            }
            Self::Float64(values) => {
                let number = scanner.number()?;
                values.push(number::double(number).or_else(|why| misfit(number, why, field))?);
            }
            Self::Decimal(values, precision, scale) => {
                let number = scanner.number()?;
                let value = number::scaled(number, u32::from(*scale)).or_else(|why| misfit(number, why, field))?;
                if value.unsigned_abs() >= 10u128.pow(u32::from(*precision)) {
                    return misfit(number, Misfit::Range, field);
                }
                values.push(value);
            }
            Self::Date(values) => {
                let text = scanner.string()?;
                values.push(time::parse_date(&text).or_else(|why| mistimed(&text, why, field))?);
            }
            Self::Timestamp(values, unit, last) => {
                let text = scanner.string()?;
                values.push(time::parse_timestamp(&text, *unit, last).or_else(|why| mistimed(&text, why, field))?);
            }
            Self::Text(texts) => texts.push(scanner.string()?.as_bytes()),
            Self::Binary(values) => {
                let text = scanner.string()?;
                if STANDARD.decode_vec(text.as_bytes(), &mut values.bytes).is_err() {
                    return refuse(format!("{} is not base64, expected {}", shown(text), wanted(field)));
                }
                values.end();
            }
            Self::List(offsets, items) => {
                read_items(scanner, items)?;
                offsets.push(items.len() as i32);
            }
            Self::Object(object, rows) => {
                object.read(scanner, *rows)?;
                *rows += 1;
            }
        }
        Ok(())
    }

    /// Takes a row that is null.
    pub(super) fn push_placeholder(&mut self) {
        match self {
            Self::Boolean(values) => values.append(false),
            Self::Int8(values) => values.push(0),
            Self::Int16(values) => values.push(0),
            Self::Int32(values) | Self::Date(values) => values.push(0),
            Self::Int64(values) | Self::Timestamp(values, ..) => values.push(0),
            Self::Float32(values) => values.push(0.0),
            Self::Float64(values) => values.push(0.0),
            Self::Decimal(values, ..) => values.push(0),
            Self::Text(values) | Self::Binary(values) => values.end(),
            Self::List(offsets, items) => offsets.push(items.len() as i32),
            Self::Object(object, rows) => {
                object.read_below_null();
                *rows += 1;
            }
        }
    }

    /// Forgets all but the first rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        match self {
            Self::Boolean(values) => values.truncate(rows),
            Self::Int8(values) => values.truncate(rows),
            Self::Int16(values) => values.truncate(rows),
            Self::Int32(values) | Self::Date(values) => values.truncate(rows),
            Self::Int64(values) | Self::Timestamp(values, ..) => values.truncate(rows),
            Self::Float32(values) => values.truncate(rows),
            Self::Float64(values) => values.truncate(rows),
            Self::Decimal(values, ..) => values.truncate(rows),
            Self::Text(values) | Self::Binary(values) => values.truncate(rows),
            Self::List(offsets, items) => {
                offsets.truncate(rows + 1);
                items.truncate(offsets[offsets.len() - 1] as usize);
            }
            Self::Object(object, taken) => {
                object.truncate(rows);
                *taken = rows;
            }
        }
    }

    /// The column.
    pub(super) fn finish(self, field: &Field, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        Ok(match self {
            Self::Boolean(mut values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Self::Int8(values) => primitive::<Int8Type>(values, nulls),
            Self::Int16(values) => primitive::<Int16Type>(values, nulls),
            Self::Int32(values) => primitive::<Int32Type>(values, nulls),
            Self::Int64(values) => primitive::<Int64Type>(values, nulls),
            Self::Float32(values) => primitive::<Float32Type>(values, nulls),
            Self::Float64(values) => primitive::<Float64Type>(values, nulls),
            Self::Decimal(values, precision, scale) => {
                let values = PrimitiveArray::<Decimal128Type>::new(values.into(), nulls);
                Arc::new(values.with_precision_and_scale(precision, scale as i8).map_err(ill_formed)?)
            }
            Self::Date(values) => primitive::<Date32Type>(values, nulls),
            Self::Timestamp(values, TimeUnit::Second, _) => primitive::<TimestampSecondType>(values, nulls),
            Self::Timestamp(values, TimeUnit::Millisecond, _) => primitive::<TimestampMillisecondType>(values, nulls),
            Self::Timestamp(values, TimeUnit::Microsecond, _) => primitive::<TimestampMicrosecondType>(values, nulls),
            Self::Timestamp(values, TimeUnit::Nanosecond, _) => primitive::<TimestampNanosecondType>(values, nulls),
            Self::Text(values) => {
                let (offsets, bytes) = values.finish();
                Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(ill_formed)?)
            }
            Self::Binary(values) => {
                let (offsets, bytes) = values.finish();
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls).map_err(ill_formed)?)
            }
            Self::List(offsets, items) => {
                let DataType::List(item) = field.data_type() else {
                    return Err(Error::fatal("a list of no list type"));
                };
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(ListArray::try_new(item.clone(), offsets, items.finish()?, nulls).map_err(ill_formed)?)
            }
            Self::Object(object, rows) => {
                let DataType::Struct(fields) = field.data_type() else {
                    return Err(Error::fatal("a struct of no struct type"));
                };
                let columns = object.finish_columns()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows).map_err(ill_formed)?)
            }
        })
    }
}

impl Spans {
    fn new(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { bytes: Vec::with_capacity(rows * 8), ends }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.end();
    }

    /// Ends a span where the bytes end. They fit, because a payload is never shorter than what is read from it, and the
    /// payloads of a batch lie in one buffer with offsets of the same size.
    fn end(&mut self) {
        self.ends.push(self.bytes.len() as i32);
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows + 1);
        self.bytes.truncate(self.ends[self.ends.len() - 1] as usize);
    }

    fn finish(self) -> (OffsetBuffer<i32>, Buffer) {
        (OffsetBuffer::new(ScalarBuffer::from(self.ends)), Buffer::from_vec(self.bytes))
    }
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
}

fn read_items(scanner: &mut Scanner<'_>, items: &mut ColumnReader) -> Outcome<()> {
    let first = items.len();
    scanner.open(b'[')?;
    if scanner.closes(b']') {
        return Ok(());
    }
    loop {
        let index = items.len() - first;
        items.read_next(scanner).map_err(|refusal| refusal.within(&format!("[{index}]")))?;
        if !scanner.goes_on(b']')? {
            return Ok(());
        }
    }
}

fn whole<T: TryFrom<i128>>(number: Number<'_>, field: &Field) -> Outcome<T> {
    match number::scaled(number, 0).map(T::try_from) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => misfit(number, Misfit::Range, field),
        Err(why) => misfit(number, why, field),
    }
}

fn misfit<T>(number: Number<'_>, why: Misfit, field: &Field) -> Outcome<T> {
    let problem = match (why, field.data_type()) {
        (Misfit::Finer, DataType::Decimal128(_, scale)) => format!("has more than {scale} digits behind the point"),
        (Misfit::Finer, _) => "has a fraction".to_owned(),
        (Misfit::Range, _) => "is out of range".to_owned(),
        (Misfit::Rounded, of) => {
            let of = type_text(of);
            return refuse(format!(
                "{} would be rounded as a {of}, expected a bigint or decimal column",
                shown(number.text)
            ));
        }
    };
    refuse(format!("{} {problem}, expected {}", shown(number.text), wanted(field)))
}

fn mistimed<T>(text: &str, why: TimeProblem, field: &Field) -> Outcome<T> {
    let problem = match why {
        TimeProblem::Form => "is no such time",
        TimeProblem::Finer => "is finer than the column",
        TimeProblem::Range => "is out of range",
    };
    refuse(format!("{} {problem}, expected {}", shown(text), wanted(field)))
}

fn ill_formed(error: arrow::error::ArrowError) -> Error {
    Error::fatal("the decoded values do not form a column").with_source(error)
}
