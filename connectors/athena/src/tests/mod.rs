//! The hook against a server that is as strict as AWS.

mod asking;
mod checking;
mod conforming;
mod examining;
mod foreseeing;
mod server;
mod validating;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use pipeline_api::{
    Artifact, Context, Dataset, FileFormat, OffsetRange, PartitionValue, Plugin, Result, TopicPartition,
};
use serde_json::{Value, json};

use self::server::{AthenaServer, Reply};
use crate::{AthenaCheck, AthenaCheckConfig};

fn columns() -> Schema {
    Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("close", DataType::Float64, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, None), true),
        Field::new("name", DataType::Utf8, true),
    ])
}

fn dataset() -> Dataset {
    Dataset {
        location: "s3://lake/stocks/".into(),
        format: FileFormat::Parquet,
        columns: Arc::new(columns()),
        partition_columns: Arc::new(Schema::new(vec![
            Field::new("symbol", DataType::Utf8, true),
            Field::new("year", DataType::Int32, true),
        ])),
    }
}

fn context() -> Context {
    Context { dataset: Some(dataset()), ..Context::new("lake", Arc::new(columns())) }
}

/// A file of ten records.
fn file(symbol: Option<&str>, first: i64) -> Artifact {
    let value =
        |column: &str, value: Option<&str>| PartitionValue { column: column.into(), value: value.map(str::to_owned) };
    let folder = symbol.unwrap_or("__HIVE_DEFAULT_PARTITION__");
    Artifact {
        url: format!("s3://lake/stocks/symbol={folder}/year=2012/stocks+0+{first}.parquet"),
        rows: 10,
        bytes: 1000,
        partition_values: vec![value("symbol", symbol), value("year", Some("2012"))],
        partition: TopicPartition::new("stocks", 0),
        offsets: OffsetRange::new(first, first + 10),
    }
}

fn config(server: &AthenaServer, checks: Value, rest: Value) -> Value {
    let mut config = json!({ "database": "market", "table": "stocks", "checks": checks, "aws": server.aws() });
    config.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    config
}

async fn open(server: &AthenaServer, checks: Value, rest: Value) -> Result<AthenaCheck> {
    let config: AthenaCheckConfig = serde_json::from_value(config(server, checks, rest)).unwrap();
    AthenaCheck::open(config, context()).await
}

fn row(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| (*value != "null").then(|| (*value).to_owned())).collect()
}

/// One row of texts; `null` is null.
fn one(values: &[&str]) -> Reply {
    Reply::Rows(vec!["_col bigint"; values.len()], vec![row(values)])
}

/// Counts the files that a query names as `rows` says.
fn files(sql: &str, rows: impl Fn(&str) -> Option<u64>) -> Reply {
    let (_, list) = sql.split_once("\"$path\" IN (").unwrap();
    let (list, _) = list.split_once(')').unwrap();
    let paths = list.split(", ").map(|path| path[1..path.len() - 1].replace("''", "'"));
    let counted = paths.filter_map(|path| Some(row(&[&path, &rows(&path)?.to_string()])));
    Reply::Rows(vec!["$path varchar", "_col1 bigint"], counted.collect())
}
