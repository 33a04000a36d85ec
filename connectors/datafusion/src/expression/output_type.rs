//! The engine's types, and the nearest that a topic can carry.

use arrow::datatypes::{DataType, TimeUnit};

/// The type in which a column leaves: that of the engine, or the next one that holds its values. Errors: there is none,
/// and what to do.
pub(super) fn output_type(engine: &DataType) -> Result<DataType, String> {
    Ok(match engine {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32 => engine.clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        // A value beyond the range is the record's fault: the cast refuses it.
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond, _) => {
            DataType::Timestamp(TimeUnit::Millisecond, None)
        }
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, _) => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
            if (0..=*precision as i8).contains(scale) =>
        {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::List(item) if output_type(item.data_type()).as_ref() == Ok(item.data_type()) => engine.clone(),
        DataType::Struct(fields)
            if fields.iter().all(|field| output_type(field.data_type()).as_ref() == Ok(field.data_type())) =>
        {
            engine.clone()
        }
        DataType::Null => return Err("is always null, say of which type: `CAST(NULL AS double)`".into()),
        other => {
            return Err(format!("is of type {other}, which no column can have; cast it, as in `CAST(… AS double)`"));
        }
    })
}
