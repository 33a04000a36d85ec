//! Rows of a walk as columns, in the types that the topic asks for.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringBuilder,
    TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use pipeline_api::{Error, Result};

use crate::walk::{Symbol, Tick};

/// How a number of a [`Tick`] becomes a value.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// A text: the symbol.
    Name,
    /// A number of milliseconds since 1970.
    Time,
    /// A number with that many digits behind the point.
    Price(u8),
    /// A whole number.
    Count,
}

/// The columns in their order.
const COLUMNS: [(&str, Form); 9] = [
    ("symbol", Form::Name),
    ("event_time", Form::Time),
    ("open", Form::Price(2)),
    ("high", Form::Price(2)),
    ("low", Form::Price(2)),
    ("close", Form::Price(2)),
    ("volume", Form::Count),
    ("trades", Form::Count),
    ("vwap", Form::Price(4)),
];

/// Prices have up to three digits before the point.
const PRICE_DIGITS: u8 = 3;

/// The columns of the source, each in its type.
#[derive(Clone, Debug)]
pub(crate) struct TickColumns(SchemaRef);

impl TickColumns {
    /// The columns in the types that the topic has for their names, where they can have them without a loss, else in their
    /// own: a transform may change them on their way, and the runtime refuses what still differs behind it.
    pub(crate) fn new(topic: &Schema) -> Self {
        let field = |(name, form): &(&str, Form)| {
            let asked = topic.column_with_name(name).map(|(_, asked)| asked.data_type());
            let of = asked.filter(|asked| form.takes(asked)).cloned().unwrap_or_else(|| form.own_type());
            Field::new(*name, of, false)
        };
        Self(Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>())))
    }

    /// The schema of the batches.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.0.clone()
    }

    /// A batch of the rows.
    pub(crate) fn batch<'a>(&self, rows: impl Iterator<Item = (&'a Symbol, Tick)>, most: usize) -> Result<RecordBatch> {
        let mut names = StringBuilder::with_capacity(most, most * 6);
        let mut numbers: [Vec<i64>; 8] = std::array::from_fn(|_| Vec::with_capacity(most));
        for (symbol, tick) in rows {
            names.append_value(&symbol.name);
            let Tick { event_time, open, high, low, close, volume, trades, vwap } = tick;
            let row = [event_time, open, high, low, close, volume, trades, vwap];
            numbers.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
        }
        let mut columns: Vec<ArrayRef> = vec![Arc::new(names.finish())];
        for ((numbers, (_, form)), field) in numbers.into_iter().zip(&COLUMNS[1..]).zip(&self.0.fields()[1..]) {
            columns.push(form.column(numbers, field.data_type())?);
        }
        RecordBatch::try_new(self.schema(), columns).map_err(ill_formed)
    }
}

impl Form {
    fn own_type(self) -> DataType {
        match self {
            Self::Name => DataType::Utf8,
            Self::Time => DataType::Timestamp(TimeUnit::Millisecond, None),
            Self::Price(_) => DataType::Float64,
            Self::Count => DataType::Int64,
        }
    }

    /// Whether its values can have that type without a loss.
    fn takes(self, asked: &DataType) -> bool {
        match (self, asked) {
            (Self::Time, DataType::Timestamp(TimeUnit::Microsecond, None)) | (Self::Count, DataType::Int32) => true,
            (Self::Price(digits), DataType::Decimal128(precision, scale)) => {
                i16::from(*scale) >= i16::from(digits)
                    && i16::from(*precision) - i16::from(*scale) >= i16::from(PRICE_DIGITS)
            }
            _ => *asked == self.own_type(),
        }
    }

    fn column(self, mut numbers: Vec<i64>, of: &DataType) -> Result<ArrayRef> {
        Ok(match (self, of) {
            (Self::Price(digits), DataType::Decimal128(precision, scale)) => {
                let factor = 10i128.pow(u32::from(scale.unsigned_abs() - digits));
                let values =
                    Decimal128Array::from_iter_values(numbers.into_iter().map(|number| i128::from(number) * factor));
                Arc::new(values.with_precision_and_scale(*precision, *scale).map_err(ill_formed)?)
            }
            (Self::Price(digits), _) => {
                let divisor = 10f64.powi(digits.into());
                Arc::new(Float64Array::from_iter_values(numbers.into_iter().map(|number| number as f64 / divisor)))
            }
            // Volumes stay far below two thousand millions.
            (_, DataType::Int32) => {
                Arc::new(Int32Array::from_iter_values(numbers.into_iter().map(|number| number as i32)))
            }
            (_, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
                numbers.iter_mut().for_each(|millis| *millis *= 1_000);
                Arc::new(TimestampMicrosecondArray::from(numbers))
            }
            (_, DataType::Timestamp(..)) => Arc::new(TimestampMillisecondArray::from(numbers)),
            _ => Arc::new(Int64Array::from(numbers)),
        })
    }
}

fn ill_formed(error: arrow::error::ArrowError) -> Error {
    Error::fatal("the generated columns do not form a batch").with_source(error)
}
