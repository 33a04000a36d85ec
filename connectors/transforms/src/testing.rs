//! Records, and the door through which the runtime would open a transform.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, StringArray, StructArray, TimestampMillisecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use pipeline_api::{Context, Findings, Plugin, RecordBatch, Registration, Transform};
use serde_json::Value;

/// Three records as a source gives them: symbol, close, volume, day, event_time and a struct `quote`. The second has no
/// quote and no volume.
pub(crate) fn stocks() -> RecordBatch {
    let side =
        Fields::from(vec![Field::new("price", DataType::Float64, false), Field::new("size", DataType::Int64, true)]);
    let bid = StructArray::new(
        side.clone(),
        vec![
            Arc::new(Float64Array::from(vec![9.5, 0.0, 19.5])) as ArrayRef,
            Arc::new(Int64Array::from(vec![Some(100), Some(7), None])),
        ],
        None,
    );
    let quote_fields = Fields::from(vec![
        Field::new("venue", DataType::Utf8, false),
        Field::new("bid", DataType::Struct(side), false),
    ]);
    let quote = StructArray::new(
        quote_fields.clone(),
        vec![Arc::new(StringArray::from(vec!["NYSE", "hidden", "ARCA"])) as ArrayRef, Arc::new(bid)],
        Some(NullBuffer::from(vec![true, false, true])),
    );
    let schema = Schema::new(vec![
        Field::new("symbol", DataType::Utf8, false),
        Field::new("close", DataType::Float64, true),
        Field::new("volume", DataType::Int64, true),
        Field::new("day", DataType::Date32, true),
        Field::new("event_time", timestamp(), true),
        Field::new("quote", DataType::Struct(quote_fields), true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["AAPL", "IBM", "MSFT"])),
        Arc::new(Float64Array::from(vec![118.56, 102.0, 89.62])),
        Arc::new(Int64Array::from(vec![Some(1000), None, Some(3000)])),
        Arc::new(Date32Array::from(vec![20_455, 20_456, 20_457])),
        Arc::new(TimestampMillisecondArray::from(vec![1_767_364_200_000, 1_767_364_200_001, 1_767_364_200_002])),
        Arc::new(quote),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

/// The same records as they come from the topic `stocks`, with the runtime's columns behind them.
pub(crate) fn behind_topic() -> RecordBatch {
    let records = stocks();
    let mut fields = records.schema().fields().to_vec();
    for (name, of, nullable) in [
        ("__topic", DataType::Utf8, false),
        ("__partition", DataType::Int32, false),
        ("__offset", DataType::Int64, false),
        ("__timestamp", timestamp(), false),
        ("__key", DataType::Utf8, true),
    ] {
        fields.push(Arc::new(Field::new(name, of, nullable)));
    }
    let mut columns = records.columns().to_vec();
    columns.push(Arc::new(StringArray::from(vec!["stocks"; 3])));
    columns.push(Arc::new(Int32Array::from(vec![2; 3])));
    columns.push(Arc::new(Int64Array::from(vec![40, 41, 43])));
    columns.push(Arc::new(TimestampMillisecondArray::from(vec![1, 2, 3])));
    columns.push(Arc::new(StringArray::from(vec![Some("AAPL"), Some("IBM"), None])));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// The batch of one column, `c`.
pub(crate) fn column(values: impl arrow::array::Array + 'static) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("c", Arc::new(values) as ArrayRef, true)]).unwrap()
}

pub(crate) async fn open<P: Plugin + Transform>(config: Value, input: &RecordBatch) -> Box<dyn Transform> {
    Registration::transform::<P>("test").open_transform(config, Context::new("test", input.schema())).await.unwrap()
}

/// What `open` says to a config that is wrong.
pub(crate) async fn refusal<P: Plugin + Transform>(config: Value, input: &RecordBatch) -> String {
    let context = Context::new("test", input.schema());
    match Registration::transform::<P>("test").open_transform(config, context).await {
        Ok(_) => panic!("a wrong config was opened"),
        Err(error) => error.to_string(),
    }
}

/// What `validate` finds: where, and what.
pub(crate) fn findings<P: Plugin + Transform>(config: Value, input: &RecordBatch) -> Vec<(String, String)> {
    let mut findings = Findings::default();
    Registration::transform::<P>("test").validate(config, &input.schema(), &mut findings);
    findings.into_iter().map(|finding| (finding.pointer, finding.message)).collect()
}

pub(crate) fn names(records: &RecordBatch) -> Vec<String> {
    records.schema().fields().iter().map(|field| field.name().clone()).collect()
}

fn timestamp() -> DataType {
    DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, None)
}
