//! From one type to another, column by column.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, PrimitiveArray, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use pipeline_api::type_text;

use super::number::{self, Float};
use super::time_conversion;
use super::time_format::TimeFormat;

/// Turns columns of one type into another, exactly.
pub(crate) struct Conversion {
    /// The type that is read: the plainest of several that hold the same values.
    plain: DataType,
    convert: Convert,
    to: DataType,
}

pub(super) type Convert = Box<dyn Fn(&ArrayRef) -> Result<ArrayRef, Misfit> + Send + Sync>;

impl Conversion {
    /// Errors: why there is no exact conversion, and what would be one.
    pub(crate) fn new(from: &DataType, to: &DataType, format: TimeFormat) -> Result<Self, String> {
        let plain = plain(from);
        let convert = convert(&plain, &plain_target(to), format)?;
        Ok(Self { plain, convert, to: to.clone() })
    }

    /// The column in the other type; nulls stay null. Errors: the first value that has no place there.
    pub(crate) fn apply(&self, column: &ArrayRef) -> Result<ArrayRef, Misfit> {
        if column.data_type() == &self.to && self.plain == self.to {
            return Ok(column.clone());
        }
        retyped(&(self.convert)(&retyped(column, &self.plain)?)?, &self.to)
    }
}

/// A value that its new type cannot hold as it is.
#[derive(Debug)]
pub(crate) struct Misfit {
    found: String,
    of: String,
    expected: Cow<'static, str>,
}

impl Misfit {
    pub(super) fn new(found: impl Into<String>, of: &DataType, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { found: found.into(), of: type_text(of), expected: expected.into() }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no {}, expected {}", self.found, self.of, self.expected)
    }
}

/// The plainest type that holds the same values.
fn plain(of: &DataType) -> DataType {
    match of {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Int8 | DataType::Int16 | DataType::Int32 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::Int64,
        DataType::Dictionary(_, values) => plain(values),
        // An instant is the same in whatever zone it is shown.
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, None),
        other => other.clone(),
    }
}

/// Like [`plain`], for types that any value fits.
fn plain_target(of: &DataType) -> DataType {
    if of.is_string() || of.is_binary() { plain(of) } else { of.clone() }
}

/// The same values in a type that differs in layout alone.
pub(super) fn retyped(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, Misfit> {
    if column.data_type() == to {
        return Ok(column.clone());
    }
    cast(column, to).map_err(|error| Misfit::new(type_text(column.data_type()), to, error.to_string()))
}

fn convert(from: &DataType, to: &DataType, format: TimeFormat) -> Result<Convert, String> {
    use DataType as T;
    if from != to && (time_conversion::is_time(from) || time_conversion::is_time(to)) {
        return time_conversion::convert(from, to, format);
    }
    format.check_unused()?;
    let convert = match (from, to) {
        (from, to) if from == to => Some(Box::new(|column: &ArrayRef| Ok(column.clone())) as Convert),
        (T::Utf8, T::Boolean) => Some(Box::new(text_to_boolean) as Convert),
        (T::Utf8, T::Binary) => Some(Box::new(text_to_binary) as Convert),
        (T::Binary, T::Utf8) => Some(Box::new(binary_to_text) as Convert),
        (from, T::Utf8) if from.is_numeric() || *from == T::Boolean => Some(Box::new(number_to_text) as Convert),
        (_, T::Int8) => to_whole::<Int8Type>(from, to),
        (_, T::Int16) => to_whole::<Int16Type>(from, to),
        (_, T::Int32) => to_whole::<Int32Type>(from, to),
        (_, T::Int64) => to_whole::<Int64Type>(from, to),
        (_, T::Float32) => to_float::<Float32Type>(from, to),
        (_, T::Float64) => to_float::<Float64Type>(from, to),
        (_, T::Decimal128(precision, scale)) => to_decimal(from, to, *precision, *scale),
        _ => None,
    };
    convert.ok_or_else(|| no_conversion(from, to))
}

pub(super) fn no_conversion(from: &DataType, to: &DataType) -> String {
    let hint = match (from.is_nested() || to.is_nested(), *from == DataType::Boolean || *to == DataType::Boolean) {
        (true, _) => "flatten turns structs into columns of single values",
        (_, true) => "the sql transform can say which numbers stand for true, as in `volume > 0`",
        _ => "expected a type that holds the same values",
    };
    format!("there is no exact way from {} to {}; {hint}", type_text(from), type_text(to))
}

fn to_whole<O>(from: &DataType, to: &DataType) -> Option<Convert>
where
    O: ArrowPrimitiveType,
    O::Native: FromStr + TryFrom<i64> + TryFrom<i128>,
{
    let target = Target { of: to.clone(), expected: format!("a whole number {}", number::bounds(to)) };
    Some(match from {
        DataType::Utf8 => map_text::<O>(target, |text| text.parse().ok()),
        DataType::Int64 => map::<Int64Type, O>(target, |value| O::Native::try_from(value).ok()),
        DataType::Float32 => map::<Float32Type, O>(target, |value| number::whole(value.into())?.try_into().ok()),
        DataType::Float64 => map::<Float64Type, O>(target, |value| number::whole(value)?.try_into().ok()),
        DataType::Decimal128(_, scale) => {
            let scale = *scale;
            map_decimal::<O>(target, scale, move |value| number::rescale(value, scale, 0)?.try_into().ok())
        }
        _ => return None,
    })
}

fn to_float<O>(from: &DataType, to: &DataType) -> Option<Convert>
where
    O: ArrowPrimitiveType,
    O::Native: Float,
{
    let exactly = |what: &str| Target { of: to.clone(), expected: format!("{what} that a {} holds", type_text(to)) };
    Some(match from {
        DataType::Utf8 => map_text::<O>(exactly("a number such as 118.56 or 1e-3"), number::parse_float),
        DataType::Int64 => map::<Int64Type, O>(exactly("a whole number"), |value| number::float_of_whole(value.into())),
        DataType::Float32 => map::<Float32Type, O>(exactly("a number"), |value| O::Native::of_double(value.into())),
        DataType::Float64 => map::<Float64Type, O>(exactly("a number"), O::Native::of_double),
        DataType::Decimal128(_, scale) => {
            let scale = *scale;
            let target = exactly("a number of no more digits than those");
            map_decimal::<O>(target, scale, move |value| number::float_of_decimal(value, scale))
        }
        _ => return None,
    })
}

fn to_decimal(from: &DataType, to: &DataType, precision: u8, scale: i8) -> Option<Convert> {
    let before = i16::from(precision) - i16::from(scale);
    let expected = format!("a number with at most {before} digits before the point and {scale} behind it");
    let target = Target { of: to.clone(), expected };
    let fits = move |value: i128| number::fits(value, precision).then_some(value);
    Some(match from {
        DataType::Utf8 => {
            map_text::<Decimal128Type>(target, move |text| number::parse_decimal(text, scale).and_then(fits))
        }
        DataType::Int64 => map::<Int64Type, Decimal128Type>(target, move |value| {
            number::rescale(value.into(), 0, scale).and_then(fits)
        }),
        DataType::Float32 => map::<Float32Type, Decimal128Type>(target, move |value| {
            number::parse_decimal(&value.to_string(), scale).and_then(fits)
        }),
        DataType::Float64 => {
            map::<Float64Type, Decimal128Type>(target, move |value| number::decimal_of(value, scale).and_then(fits))
        }
        DataType::Decimal128(_, before) => {
            let before = *before;
            map_decimal::<Decimal128Type>(target, before, move |value| {
                number::rescale(value, before, scale).and_then(fits)
            })
        }
        _ => return None,
    })
}

/// What a conversion makes, and what it says of a value that does not fit.
pub(super) struct Target {
    pub(super) of: DataType,
    pub(super) expected: String,
}

impl Target {
    fn misfit(&self, found: impl Into<String>) -> Misfit {
        Misfit::new(found, &self.of, self.expected.clone())
    }
}

/// A conversion of single values; `None` is a value that does not fit.
pub(super) fn map<I, O>(
    target: Target,
    convert: impl Fn(I::Native) -> Option<O::Native> + Send + Sync + 'static,
) -> Convert
where
    I: ArrowPrimitiveType<Native: fmt::Display>,
    O: ArrowPrimitiveType,
{
    Box::new(move |column| {
        let converted: PrimitiveArray<O> = column
            .as_primitive::<I>()
            .try_unary(|value| convert(value).ok_or_else(|| target.misfit(value.to_string())))?;
        Ok(Arc::new(converted.with_data_type(target.of.clone())))
    })
}

fn map_decimal<O: ArrowPrimitiveType>(
    target: Target,
    scale: i8,
    convert: impl Fn(i128) -> Option<O::Native> + Send + Sync + 'static,
) -> Convert {
    Box::new(move |column| {
        let converted: PrimitiveArray<O> = column
            .as_primitive::<Decimal128Type>()
            .try_unary(|value| convert(value).ok_or_else(|| target.misfit(number::decimal_text(value, scale))))?;
        Ok(Arc::new(converted.with_data_type(target.of.clone())))
    })
}

fn map_text<O: ArrowPrimitiveType>(
    target: Target,
    convert: impl Fn(&str) -> Option<O::Native> + Send + Sync + 'static,
) -> Convert {
    Box::new(move |column| {
        let converted = column
            .as_string::<i32>()
            .iter()
            .map(|text| text.map(|text| convert(text).ok_or_else(|| target.misfit(text))).transpose())
            .collect::<Result<PrimitiveArray<O>, Misfit>>()?;
        Ok(Arc::new(converted.with_data_type(target.of.clone())))
    })
}

fn text_to_boolean(column: &ArrayRef) -> Result<ArrayRef, Misfit> {
    let read = |text: &str| match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Misfit::new(text, &DataType::Boolean, "true or false")),
    };
    let texts = column.as_string::<i32>().iter();
    let read: BooleanArray = texts.map(|text| text.map(read).transpose()).collect::<Result<_, _>>()?;
    Ok(Arc::new(read))
}

fn text_to_binary(column: &ArrayRef) -> Result<ArrayRef, Misfit> {
    Ok(Arc::new(BinaryArray::from(column.as_string::<i32>().clone())))
}

fn binary_to_text(column: &ArrayRef) -> Result<ArrayRef, Misfit> {
    let bytes = column.as_binary::<i32>();
    let read = |bytes| {
        std::str::from_utf8(bytes)
            .map_err(|_| Misfit::new(String::from_utf8_lossy(bytes), &DataType::Utf8, "bytes that are UTF-8"))
    };
    let texts: StringArray = bytes.iter().map(|bytes| bytes.map(read).transpose()).collect::<Result<_, _>>()?;
    Ok(Arc::new(texts))
}

/// Arrow's texts read back as the same number or boolean.
fn number_to_text(column: &ArrayRef) -> Result<ArrayRef, Misfit> {
    retyped(column, &DataType::Utf8)
}
