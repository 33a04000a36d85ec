//! The plugins do what the engine relies on.

use std::fs;
use std::path::Path;

use arrow::datatypes::Schema;
use pipeline_api::{Artifact, PartitionValue, SchemaRef};
use pipeline_testkit::hook_conformance::{self, Flushes};
use pipeline_testkit::{all_types, records, schema, transform_conformance};
use serde_json::{Value, json};
use url::Url;

use crate::testing::{dataset, write_parquet};
use crate::{LocalTable, SqlCheck, SqlTransform};

#[tokio::test]
async fn the_sql_transform_conforms() {
    for query in [
        "SELECT *, CASE WHEN price > 0.1 THEN 'high' ELSE 'low' END AS level, 1 AS one FROM input",
        "SELECT * EXCEPT (note, quote), large * 2 AS twice FROM input WHERE medium > 10",
        "SELECT id, upper(name) AS name, CAST(tiny AS double) / 3 AS third, coalesce(price, 0) AS price FROM input",
        "SELECT id, date_trunc('hour', event_time) AS hour, date_trunc('month', day) AS month FROM input",
        "SELECT id, date_trunc('month', event_time) AS month, year(day) AS y, amount + 1 AS more, small % 7 AS rest, \
         CASE WHEN active THEN 'yes' ELSE 'no' END AS open FROM input WHERE active IS NOT NULL",
        "SELECT id, 100 / tiny AS share, CAST(name AS int) AS number FROM input WHERE tiny > 0 AND name = '1'",
    ] {
        let subject = transform_conformance::Subject::of::<SqlTransform>;
        transform_conformance::run(subject(json!({ "query": query }), records(&all_types(), 0..60))).await;
    }
}

fn columns() -> SchemaRef {
    schema(&[("id", "bigint not null"), ("price", "double")])
}

/// Three flushes of a sink that makes a folder of each symbol.
fn by_symbol(folder: &Path) -> Flushes {
    let file = |symbol: Option<&str>, first: i64| {
        let path = format!("out/symbol={}/{first}.parquet", symbol.unwrap_or("__HIVE_DEFAULT_PARTITION__"));
        let artifact = write_parquet(folder, &path, &records(&columns(), first..first + 10));
        let value = PartitionValue { column: "symbol".into(), value: symbol.map(str::to_owned) };
        Artifact { partition_values: vec![value], ..artifact }
    };
    Flushes {
        records: columns(),
        dataset: dataset(
            &folder.join("out"),
            columns().as_ref().clone(),
            schema(&[("symbol", "string")]).as_ref().clone(),
        ),
        artifacts: vec![
            vec![file(Some("IBM"), 0), file(Some("MSFT"), 10)],
            vec![file(Some("IBM"), 20), file(None, 30)],
            vec![file(Some("AAPL"), 40)],
        ],
    }
}

/// Two flushes of a sink that makes no folders.
fn in_one_folder(folder: &Path) -> Flushes {
    let file =
        |first: i64| write_parquet(folder, &format!("out/{first}.parquet"), &records(&columns(), first..first + 10));
    Flushes {
        records: columns(),
        dataset: dataset(&folder.join("out"), columns().as_ref().clone(), Schema::empty()),
        artifacts: vec![vec![file(0), file(10)], vec![file(20)]],
    }
}

/// The table and its partitions, read as plain JSON.
fn registered(folder: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(folder.join(".pipeline/catalog/stocks.json")) else { return Vec::new() };
    let table: Value = serde_json::from_str(&text).unwrap();
    let partition = |partition: &Value| format!("{} at {}", partition["values"], last_folder(&partition["location"]));
    let partitions = table["partitions"].as_array().unwrap().iter().map(partition);
    partitions.chain([format!("table {}", table["name"])]).collect()
}

fn last_folder(location: &Value) -> String {
    let location = Url::parse(location.as_str().unwrap()).unwrap();
    location.path().trim_end_matches('/').rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn local_table_conforms() {
    let all = [
        "table \"stocks\"",
        "[\"IBM\"] at symbol=IBM",
        "[\"MSFT\"] at symbol=MSFT",
        "[\"AAPL\"] at symbol=AAPL",
        "[null] at symbol=__HIVE_DEFAULT_PARTITION__",
    ];
    let config = json!({ "table": "stocks" });
    let subject = hook_conformance::Subject::of::<LocalTable>;
    hook_conformance::run(|| subject(config.clone(), by_symbol).leaving(registered, &all)).await;
    let subject = hook_conformance::Subject::of::<LocalTable>;
    hook_conformance::run(|| subject(config.clone(), in_one_folder).leaving(registered, &all[..1])).await;
}

/// Registers the table by hand, as the hook before this one would.
fn with_a_table(folder: &Path) -> Flushes {
    let flushes = in_one_folder(folder);
    let table = json!({
        "name": "stocks", "pipeline": "p", "format": "parquet", "location": flushes.dataset.location,
        "columns": [{ "name": "id", "type": "bigint not null" }, { "name": "price", "type": "double" }],
        "partition_columns": [], "partitions": [],
    });
    fs::create_dir_all(folder.join(".pipeline/catalog")).unwrap();
    fs::write(folder.join(".pipeline/catalog/stocks.json"), table.to_string()).unwrap();
    flushes
}

#[tokio::test]
async fn sql_check_conforms() {
    for when in ["end", "flush"] {
        let checks = json!([
            { "row_count": {} },
            { "not_null": ["id"] },
            { "unique": ["id"] },
            { "between": { "column": "price", "min": 0 } },
            { "sql": { "query": "select count(*) from stocks where id < 0", "expect": 0 } },
        ]);
        let config = json!({ "table": "stocks", "checks": checks, "when": when });
        let subject = hook_conformance::Subject::of::<SqlCheck>;
        hook_conformance::run(|| subject(config.clone(), with_a_table)).await;
    }
}
