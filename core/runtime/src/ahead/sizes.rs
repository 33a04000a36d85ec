//! What a record takes in a file, by the types of its columns: as wide as their values are in memory, or in JSON as they are
//! written, and before compression.

use arrow::datatypes::{DataType, Field};
use pipeline_api::FileFormat;

use crate::plan::SinkPlan;

/// A text of unknown length.
const TEXT: f64 = 16.0;
/// How many there are in a list of unknown length.
const ITEMS: f64 = 4.0;

/// What a record takes in the files of the sink.
pub(super) fn record_bytes(sink: &SinkPlan) -> f64 {
    let (columns, format) = match &sink.dataset {
        Some(dataset) => (&dataset.columns, dataset.format),
        None => (&sink.schema, FileFormat::Parquet),
    };
    columns.fields().iter().map(|field| column_bytes(field, format)).sum()
}

/// What a value of the column takes.
pub(super) fn column_bytes(field: &Field, format: FileFormat) -> f64 {
    match format {
        FileFormat::Parquet => in_memory(field.data_type()),
        // `"name":value,`
        FileFormat::JsonLines => field.name().len() as f64 + 4.0 + in_json(field.data_type()),
    }
}

fn in_memory(of: &DataType) -> f64 {
    match of {
        DataType::Boolean => 0.125,
        DataType::List(item) => ITEMS * in_memory(item.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| in_memory(field.data_type())).sum(),
        DataType::Decimal128(precision, _) if *precision <= 18 => 8.0,
        other => other.primitive_width().map_or(TEXT, |width| width as f64),
    }
}

fn in_json(of: &DataType) -> f64 {
    match of {
        DataType::Boolean => 5.0,
        DataType::Int8 | DataType::Int16 => 4.0,
        DataType::Int32 | DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => 8.0,
        DataType::Int64 => 10.0,
        // With their quotes.
        DataType::Date32 => 12.0,
        DataType::Timestamp(..) => 25.0,
        DataType::List(item) => 2.0 + ITEMS * (1.0 + in_json(item.data_type())),
        DataType::Struct(fields) => {
            2.0 + fields.iter().map(|field| column_bytes(field, FileFormat::JsonLines)).sum::<f64>()
        }
        _ => 2.0 + TEXT,
    }
}
