//! The columns that records have behind the topic, besides their own.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use pipeline_api::{METADATA_PREFIX, SchemaRef, metadata_column};

/// The schema of records as a sink's transforms get them: the topic's columns, then the metadata columns.
pub fn behind_topic(topic: &Schema) -> SchemaRef {
    let metadata = [
        Field::new(metadata_column::TOPIC, DataType::Utf8, false),
        Field::new(metadata_column::PARTITION, DataType::Int32, false),
        Field::new(metadata_column::OFFSET, DataType::Int64, false),
        Field::new(metadata_column::TIMESTAMP, DataType::Timestamp(TimeUnit::Millisecond, None), false),
        Field::new(metadata_column::KEY, DataType::Utf8, true),
    ];
    Arc::new(Schema::new(topic.fields().iter().cloned().chain(metadata.map(Arc::new)).collect::<Vec<_>>()))
}

/// The schema without metadata columns: the records that a sink gets.
pub fn without_metadata(schema: &Schema) -> SchemaRef {
    let own = schema.fields().iter().filter(|field| !field.name().starts_with(METADATA_PREFIX));
    Arc::new(Schema::new(own.cloned().collect::<Vec<_>>()))
}
