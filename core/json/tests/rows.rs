//! Between batches and structs.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, Schema, SchemaRef};
use pipeline_api::{ErrorKind, parse_column};
use pipeline_json::{to_batch, to_rows};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Quote {
    symbol: String,
    bid: Option<f64>,
    sizes: Vec<i64>,
    at: String,
}

fn quotes() -> Vec<Quote> {
    let quote = |symbol: &str, bid, sizes: &[i64]| Quote {
        symbol: symbol.into(),
        bid,
        sizes: sizes.into(),
        at: "2026-01-02T14:30:00.123".into(),
    };
    vec![quote("IBM", Some(182.25), &[1, 2]), quote("A\"B", None, &[])]
}

fn schema(columns: &[(&str, &str)]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|(name, of)| parse_column(name, of).unwrap()).collect::<Vec<_>>()))
}

#[test]
fn rows_become_columns_and_rows_again() {
    let schema =
        schema(&[("at", "timestamp"), ("symbol", "string not null"), ("bid", "double"), ("sizes", "array<bigint>")]);
    let batch = to_batch(&schema, &quotes()).unwrap();
    assert_eq!(batch.schema(), schema);
    assert_eq!(batch.column(2).as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(182.25), None]);
    assert_eq!(to_rows::<Quote>(&batch).unwrap(), quotes());
    assert_eq!(to_batch(&schema, &[] as &[Quote]).unwrap().num_rows(), 0);
}

#[test]
fn a_row_that_does_not_fit_is_named() {
    let narrow = schema(&[("at", "timestamp"), ("symbol", "string"), ("bid", "bigint"), ("sizes", "array<bigint>")]);
    let error = to_batch(&narrow, &quotes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(error.to_string(), "row 0: bid: `182.25` has a fraction, expected a whole number (bigint)");

    let short = schema(&[("at", "timestamp"), ("symbol", "string"), ("bid", "double")]);
    assert!(to_batch(&short, &quotes()).unwrap_err().to_string().contains("row 0: sizes: is no field of the schema"));

    let text = schema(&[("symbol", "string")]);
    let batch = to_batch(&text, &[serde_json::json!({ "symbol": "IBM" })]).unwrap();
    let error = to_rows::<Quote>(&batch).unwrap_err();
    assert!(format!("{error:#}").starts_with("row 0 does not fit the type: missing field"), "{error:#}");
}
