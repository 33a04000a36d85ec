//! The columns of a tick, for whoever has no file to say them.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use csv::ByteRecord;

/// The columns of a tick, as a topic has them.
pub(crate) fn schema() -> Schema {
    let double = |name| Field::new(name, DataType::Float64, true);
    let bigint = |name| Field::new(name, DataType::Int64, true);
    Schema::new(vec![
        Field::new("symbol", DataType::Utf8, false),
        Field::new("event_time", DataType::Timestamp(TimeUnit::Millisecond, None), false),
        double("open"),
        double("high"),
        double("low"),
        double("close"),
        bigint("volume"),
        bigint("trades"),
        double("vwap"),
    ])
}

/// A row of the CSV as JSON: numbers as they stand in the CSV, the rest in quotes: these texts hold nothing to escape.
pub(crate) fn write_json(schema: &Schema, record: &ByteRecord, into: &mut Vec<u8>) {
    for (index, (field, value)) in schema.fields().iter().zip(record).enumerate() {
        into.extend_from_slice(if index == 0 { b"{\"" } else { b",\"" });
        into.extend_from_slice(field.name().as_bytes());
        into.extend_from_slice(b"\":");
        match field.data_type().is_numeric() {
            true => into.extend_from_slice(value),
            false => {
                into.push(b'"');
                into.extend_from_slice(value);
                into.push(b'"');
            }
        }
    }
    into.push(b'}');
}
