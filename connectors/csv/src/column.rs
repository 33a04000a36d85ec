//! The values of one column of a batch.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, NullBufferBuilder, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray,
};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, TimeUnit};
use pipeline_api::{Error, Result, type_text};

use crate::number::{boolean, decimal, double, float, whole};
use crate::time::TimeReader;

/// Takes the texts of one column, and makes an array of them. Unlike Arrow's own builders it can take back the last one.
pub(crate) struct Column {
    field: Field,
    time: TimeReader,
    values: Values,
    nulls: NullBufferBuilder,
}

enum Values {
    Text(Texts),
    Binary(Texts),
    Boolean(Vec<bool>),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Decimal { values: Vec<i128>, precision: u8, scale: u8 },
    Date(Vec<i32>),
    Millis(Vec<i64>),
    Micros(Vec<i64>),
}

/// Texts one behind the other, as Arrow holds them.
struct Texts {
    bytes: Vec<u8>,
    offsets: Vec<i32>,
}

/// Whether a field of a CSV file can be read as that type.
pub(crate) fn is_readable(data_type: &DataType) -> bool {
    Values::new(data_type).is_some()
}

impl Column {
    /// An empty column. Errors: a field of a CSV file holds no such type.
    pub(crate) fn new(field: Field, time: TimeReader) -> Result<Self> {
        let values = Values::new(field.data_type()).ok_or_else(|| {
            Error::config(format!(
                "column `{0}`: a field of a csv file holds no {1}; `types: {{ {0}: string }}` reads its text",
                field.name(),
                type_text(field.data_type())
            ))
        })?;
        Ok(Self { field, time, values, nulls: NullBufferBuilder::new(0) })
    }

    pub(crate) fn field(&self) -> &Field {
        &self.field
    }

    /// Takes a text. Errors: why it does not fit; nothing is taken then.
    pub(crate) fn push(&mut self, text: &str) -> Result<(), String> {
        self.values.push(text, &self.time)?;
        self.nulls.append_non_null();
        Ok(())
    }

    /// Takes a null. Errors: the column has none.
    pub(crate) fn push_null(&mut self) -> Result<(), String> {
        if !self.field.is_nullable() {
            return Err(format!(
                "is null, expected a {}, because the column is not null",
                type_text(self.field.data_type())
            ));
        }
        self.values.push_default();
        self.nulls.append_null();
        Ok(())
    }

    /// Takes back what came after the first `rows` values.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.nulls.truncate(rows);
    }

    /// The time of a text of a date or timestamp column, in microseconds since 1970.
    pub(crate) fn micros(&self, text: &str) -> Option<i64> {
        match self.field.data_type() {
            DataType::Date32 => self.time.days(text).ok().map(|days| i64::from(days) * 86_400_000_000),
            _ => self.time.moment(text).ok().map(|moment| moment.micros()),
        }
    }

    /// The values as an array; the column is empty then.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef> {
        let nulls = self.nulls.finish();
        let values = std::mem::replace(&mut self.values, Values::Boolean(Vec::new()));
        self.values = values.empty_like();
        Ok(match values {
            Values::Text(texts) => {
                let (offsets, bytes) = texts.buffers();
                Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(broken)?)
            }
            Values::Binary(texts) => {
                let (offsets, bytes) = texts.buffers();
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls).map_err(broken)?)
            }
            Values::Boolean(values) => Arc::new(BooleanArray::new(values.into(), nulls)),
            Values::Int8(values) => Arc::new(Int8Array::new(values.into(), nulls)),
            Values::Int16(values) => Arc::new(Int16Array::new(values.into(), nulls)),
            Values::Int32(values) => Arc::new(Int32Array::new(values.into(), nulls)),
            Values::Int64(values) => Arc::new(Int64Array::new(values.into(), nulls)),
            Values::Float32(values) => Arc::new(Float32Array::new(values.into(), nulls)),
            Values::Float64(values) => Arc::new(Float64Array::new(values.into(), nulls)),
            Values::Decimal { values, .. } => {
                Arc::new(Decimal128Array::new(values.into(), nulls).with_data_type(self.field.data_type().clone()))
            }
            Values::Date(values) => Arc::new(Date32Array::new(values.into(), nulls)),
            Values::Millis(values) => Arc::new(TimestampMillisecondArray::new(values.into(), nulls)),
            Values::Micros(values) => Arc::new(TimestampMicrosecondArray::new(values.into(), nulls)),
        })
    }
}

/// Runs `$body` with the vector of any of the plain kinds, or `$texts` with the texts.
macro_rules! each {
    ($values:expr, $vec:ident => $body:expr, $texts:ident => $other:expr) => {
        match $values {
            Values::Text($texts) | Values::Binary($texts) => $other,
            Values::Boolean($vec) => $body,
            Values::Int8($vec) => $body,
            Values::Int16($vec) => $body,
            Values::Int32($vec) | Values::Date($vec) => $body,
            Values::Int64($vec) | Values::Millis($vec) | Values::Micros($vec) => $body,
            Values::Float32($vec) => $body,
            Values::Float64($vec) => $body,
            Values::Decimal { values: $vec, .. } => $body,
        }
    };
}

impl Values {
    fn new(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 => Self::Text(Texts::new()),
            DataType::Binary => Self::Binary(Texts::new()),
            DataType::Boolean => Self::Boolean(Vec::new()),
            DataType::Int8 => Self::Int8(Vec::new()),
            DataType::Int16 => Self::Int16(Vec::new()),
            DataType::Int32 => Self::Int32(Vec::new()),
            DataType::Int64 => Self::Int64(Vec::new()),
            DataType::Float32 => Self::Float32(Vec::new()),
            DataType::Float64 => Self::Float64(Vec::new()),
            DataType::Decimal128(precision, scale) => {
                Self::Decimal { values: Vec::new(), precision: *precision, scale: u8::try_from(*scale).ok()? }
            }
            DataType::Date32 => Self::Date(Vec::new()),
            DataType::Timestamp(TimeUnit::Millisecond, None) => Self::Millis(Vec::new()),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Self::Micros(Vec::new()),
            _ => return None,
        })
    }

    /// No values of the same kind, with room for as many.
    fn empty_like(&self) -> Self {
        match self {
            Self::Text(texts) => Self::Text(texts.empty_like()),
            Self::Binary(texts) => Self::Binary(texts.empty_like()),
            Self::Boolean(values) => Self::Boolean(Vec::with_capacity(values.len())),
            Self::Int8(values) => Self::Int8(Vec::with_capacity(values.len())),
            Self::Int16(values) => Self::Int16(Vec::with_capacity(values.len())),
            Self::Int32(values) => Self::Int32(Vec::with_capacity(values.len())),
            Self::Int64(values) => Self::Int64(Vec::with_capacity(values.len())),
            Self::Float32(values) => Self::Float32(Vec::with_capacity(values.len())),
            Self::Float64(values) => Self::Float64(Vec::with_capacity(values.len())),
            Self::Decimal { values, precision, scale } => {
                Self::Decimal { values: Vec::with_capacity(values.len()), precision: *precision, scale: *scale }
            }
            Self::Date(values) => Self::Date(Vec::with_capacity(values.len())),
            Self::Millis(values) => Self::Millis(Vec::with_capacity(values.len())),
            Self::Micros(values) => Self::Micros(Vec::with_capacity(values.len())),
        }
    }

    fn push(&mut self, text: &str, time: &TimeReader) -> Result<(), String> {
        match self {
            Self::Text(texts) | Self::Binary(texts) => texts.push(text.as_bytes()),
            Self::Boolean(values) => values.push(boolean(text)?),
            Self::Int8(values) => values.push(whole(text, "tinyint", i8::MIN, i8::MAX)?),
            Self::Int16(values) => values.push(whole(text, "smallint", i16::MIN, i16::MAX)?),
            Self::Int32(values) => values.push(whole(text, "int", i32::MIN, i32::MAX)?),
            Self::Int64(values) => values.push(whole(text, "bigint", i64::MIN, i64::MAX)?),
            Self::Float32(values) => values.push(float(text)?),
            Self::Float64(values) => values.push(double(text)?),
            Self::Decimal { values, precision, scale } => values.push(decimal(text, *precision, *scale)?),
            Self::Date(values) => values.push(time.days(text)?),
            Self::Millis(values) => values.push(time.moment(text)?.exactly(1_000)?),
            Self::Micros(values) => values.push(time.moment(text)?.exactly(1_000_000)?),
        }
        Ok(())
    }

    fn push_default(&mut self) {
        each!(self, values => values.push(Default::default()), texts => texts.push(&[]));
    }

    fn truncate(&mut self, rows: usize) {
        each!(self, values => values.truncate(rows), texts => texts.truncate(rows));
    }
}

impl Texts {
    fn new() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0] }
    }

    fn empty_like(&self) -> Self {
        let mut offsets = Vec::with_capacity(self.offsets.len());
        offsets.push(0);
        Self { bytes: Vec::with_capacity(self.bytes.len()), offsets }
    }

    /// A batch is bounded far below 2 GiB, so that the offset fits.
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.offsets.push(self.bytes.len() as i32);
    }

    fn truncate(&mut self, rows: usize) {
        if self.offsets.len() > rows + 1 {
            self.offsets.truncate(rows + 1);
            self.bytes.truncate(self.offsets[rows] as usize);
        }
    }

    fn buffers(self) -> (OffsetBuffer<i32>, Buffer) {
        (OffsetBuffer::new(self.offsets.into()), Buffer::from_vec(self.bytes))
    }
}

fn broken(error: arrow::error::ArrowError) -> Error {
    Error::fatal("the texts of a batch form no column").with_source(error)
}
