//! One value for all records.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, UInt32Array, new_empty_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::DataType;
use pipeline_api::{Error, Result, type_text};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::cast::{Conversion, TimeFormat};

/// A value that a file writes out: a text, a number, `true` or `false`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text, a number, true or false")]
pub enum Constant {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction.
    Number(f64),
    /// A text.
    Text(String),
}

impl Constant {
    /// The type that it has by itself: boolean, bigint, double or string.
    pub(crate) fn own_type(&self) -> DataType {
        match self {
            Self::Boolean(_) => DataType::Boolean,
            Self::Whole(_) => DataType::Int64,
            Self::Number(_) => DataType::Float64,
            Self::Text(_) => DataType::Utf8,
        }
    }

    /// The value in a type, exactly. Errors: why it has none there.
    pub(crate) fn in_type(&self, of: &DataType) -> Result<Value, String> {
        let own: ArrayRef = match self {
            Self::Boolean(value) => Arc::new(BooleanArray::from(vec![*value])),
            Self::Whole(value) => Arc::new(Int64Array::from(vec![*value])),
            // A whole number beyond a bigint comes here as its neighbour among the doubles.
            Self::Number(value) if value.fract() == 0.0 && value.abs() >= 2f64.powi(63) => {
                return Err(format!(
                    "`{value}` is more than a bigint holds, expected the number in quotes, and its type"
                ));
            }
            Self::Number(value) => Arc::new(Float64Array::from(vec![*value])),
            Self::Text(value) => Arc::new(StringArray::from(vec![value.as_str()])),
        };
        let conversion = Conversion::new(&self.own_type(), of, TimeFormat::iso())?;
        let value = conversion.apply(&own).map_err(|misfit| misfit.to_string())?;
        Ok(Value(value))
    }
}

/// A value in the type of its column, ready to be repeated.
pub(crate) struct Value(ArrayRef);

impl Value {
    /// The value that stands for nothing in a type: the empty text, 0, false, the start of 1970. Errors: a type that has
    /// none.
    pub(crate) fn empty_of(of: &DataType) -> Result<Self, String> {
        let zero: ArrayRef = match of {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Arc::new(StringArray::from(vec![""])),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Arc::new(StringArray::from(vec![""])),
            DataType::Boolean => Arc::new(BooleanArray::from(vec![false])),
            of if of.is_nested() => return Err(format!("a {} has no value that stands for nothing", type_text(of))),
            _ => Arc::new(Int64Array::from(vec![0])),
        };
        let of_days = [DataType::Date32, DataType::Date64].contains(of);
        let zero = if of_days { arrow::compute::cast(&zero, &DataType::Int32) } else { Ok(zero) };
        let zero = zero.and_then(|zero| arrow::compute::cast(&zero, of));
        zero.map(Self).map_err(|error| format!("a {} cannot be replaced: {error}", type_text(of)))
    }

    /// The value in each of `rows` rows, and null where `nulls` says so.
    pub(crate) fn repeat(&self, rows: usize, nulls: Option<&NullBuffer>) -> Result<ArrayRef> {
        if rows == 0 {
            return Ok(new_empty_array(self.0.data_type()));
        }
        let places = UInt32Array::new(vec![0; rows].into(), nulls.cloned());
        take(&self.0, &places, None).map_err(|error| Error::fatal("a value cannot be repeated").with_source(error))
    }

    /// Its type.
    pub(crate) fn data_type(&self) -> &DataType {
        self.0.data_type()
    }
}
