//! Queries of a person.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use aws_sdk_athena::types::ColumnInfo;
use pipeline_api::{Error, Result};
use serde_json::Value;

use crate::athena::{Athena, Place};

/// Answers `sql`, one SELECT over the tables of a Glue database. `hook` is the config of a hook `athena_check` or
/// `glue_table`, which names the database and who calls. The root package calls it for `pipeline query` and for
/// `report:`. There is always a batch; numbers and booleans have their types, everything else is text as Athena
/// writes it.
///
/// Errors: [`Config`](pipeline_api::ErrorKind::Config) if Athena refuses the query or who asks.
pub async fn query(hook: &Value, sql: &str) -> Result<Vec<RecordBatch>> {
    pipeline_checks::parse_query(sql).map_err(|error| Error::config(format!("the query: {error}")))?;
    let place = Place::deserialize_from(hook)?;
    let mut athena = Athena::open(place, "query".into()).await?;
    let execution = athena.run(sql, "").await?;
    let (columns, rows) = athena.rows(&execution).await?;
    batch(&columns, &rows).map(|batch| vec![batch])
}

impl Place {
    fn deserialize_from(hook: &Value) -> Result<Self> {
        serde_json::from_value(hook.clone())
            .map_err(|error| Error::config("the hook does not say where Athena finds the table").with_source(error))
    }
}

fn batch(columns: &[ColumnInfo], rows: &[Vec<Option<String>>]) -> Result<RecordBatch> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let texts = rows.iter().map(|row| row.get(index).and_then(Option::as_deref));
        let array = array(column.r#type(), texts);
        fields.push(Field::new(column.name(), array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| Error::fatal("Athena's answer is no table").with_source(error))
}

/// A column in its type, or as text if it has none of ours or a value is none of it.
fn array<'a>(of: &str, texts: impl Iterator<Item = Option<&'a str>> + Clone) -> ArrayRef {
    let of = match of {
        "tinyint" | "smallint" | "integer" | "int" | "bigint" => DataType::Int64,
        "float" | "real" | "double" => DataType::Float64,
        "boolean" => DataType::Boolean,
        _ => DataType::Utf8,
    };
    let parsed = match of {
        DataType::Int64 => parsed::<i64>(texts.clone()).map(|values| Arc::new(Int64Array::from(values)) as ArrayRef),
        DataType::Float64 => {
            parsed::<f64>(texts.clone()).map(|values| Arc::new(Float64Array::from(values)) as ArrayRef)
        }
        DataType::Boolean => {
            parsed::<bool>(texts.clone()).map(|values| Arc::new(BooleanArray::from(values)) as ArrayRef)
        }
        _ => None,
    };
    parsed.unwrap_or_else(|| Arc::new(texts.collect::<StringArray>()))
}

fn parsed<'a, T: std::str::FromStr>(texts: impl Iterator<Item = Option<&'a str>>) -> Option<Vec<Option<T>>> {
    texts.map(|text| text.map(str::parse).transpose().ok()).collect()
}
