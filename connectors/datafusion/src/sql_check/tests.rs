use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, TimeUnit};
use pipeline_api::{ErrorKind, OffsetRange, RecordBatch, Severity, Timestamp, Verdict};
use serde_json::json;

use super::*;
use crate::LocalTable;
use crate::testing::{batch, dataset, write_parquet};

fn records(ids: &[Option<i64>], closes: &[f64]) -> RecordBatch {
    let now = Timestamp::now().as_millisecond();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(ids.to_vec()))),
        ("close", Arc::new(Float64Array::from(closes.to_vec()))),
        ("at", Arc::new(TimestampMillisecondArray::from(vec![now - 5_400_000; ids.len()]))),
        ("name", Arc::new(StringArray::from(vec!["it's"; ids.len()]))),
    ];
    batch(columns)
}

fn schema() -> Schema {
    Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("close", DataType::Float64, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, None), true),
        Field::new("name", DataType::Utf8, true),
    ])
}

fn context(folder: &Path) -> Context {
    let dataset = dataset(&folder.join("out"), schema(), Schema::empty());
    Context { dataset: Some(dataset), folder: folder.to_owned(), ..Context::new("lake", Arc::new(schema())) }
}

fn config(checks: serde_json::Value, rest: serde_json::Value) -> SqlCheckConfig {
    let mut config = json!({ "table": "t", "checks": checks });
    config.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    serde_json::from_value(config).unwrap()
}

async fn table(folder: &Path) -> LocalTable {
    let config = serde_json::from_value(json!({ "table": "t" })).unwrap();
    LocalTable::open(config, context(folder)).await.unwrap()
}

/// What each check found at the end of a run that wrote `records`.
async fn at_end(records: &RecordBatch, checks: serde_json::Value) -> Vec<(String, Verdict)> {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = [write_parquet(folder.path(), "out/f.parquet", records)];
    let mut check = SqlCheck::open(config(checks, json!({})), context(folder.path())).await.unwrap();
    table(folder.path()).await.after_flush(&artifacts).await.unwrap();
    check.after_flush(&artifacts).await.unwrap();
    let outcomes = check.at_end(2).await.unwrap().into_iter();
    outcomes
        .map(|outcome| (format!("{} | {} | {}", outcome.check, outcome.found, outcome.expected), outcome.verdict))
        .collect()
}

fn every_check() -> serde_json::Value {
    json!([
        { "row_count": {} },
        { "not_null": ["id", "close"] },
        { "unique": ["id", "close"] },
        { "between": { "column": "close", "min": 0, "max": 10.5 } },
        { "between": { "column": "name", "min": "it's" } },
        { "between": { "column": "at", "max": "2999-01-01 00:00:00" } },
        { "freshness": { "column": "at", "max_age": "2h" } },
        { "sql": { "query": "select count(*) from t where close > 100", "expect": 0 } },
        { "sql": { "name": "names", "query": "select max(name) from t", "expect": "it's" } },
        { "sql": { "name": "highest", "query": "select max(close) from t", "expect": 2 } },
        { "sql": { "name": "all low", "query": "select bool_and(close < 5) from t", "expect": true } },
    ])
}

#[tokio::test]
async fn every_check_passes_on_records_that_are_right_and_says_what_it_found() {
    let outcomes = at_end(&records(&[Some(1), Some(2)], &[1.0, 2.0]), every_check()).await;
    for (text, verdict) in &outcomes {
        assert_eq!(*verdict, Verdict::Passed, "{text}");
    }
    assert_eq!(outcomes[0].0, "t: row_count | 2 rows | at least the 2 of this run");
    assert_eq!(outcomes[1].0, "t: not_null(id, close) | 0 nulls | 0");
    assert_eq!(outcomes[3].0, "t: between(close) | 1.0 to 2.0, 0 outside | 0 to 10.5");
    // And some seconds, on a busy machine.
    assert!(outcomes[6].0.contains(", 1h30m") && outcomes[6].0.contains(" ago | 2h ago at most"), "{}", outcomes[6].0);
    assert_eq!(outcomes[9].0, "t: highest | 2.0 | 2");
}

#[tokio::test]
async fn each_check_fails_on_the_records_that_break_it() {
    let broken = records(&[Some(1), None, Some(1), Some(1)], &[2.0, -1.0, 2.0, 200.0]);
    let checks = json!([
        { "not_null": ["close", "id"] },
        { "unique": ["id"] },
        { "between": { "column": "close", "min": 0, "max": 100 } },
        { "freshness": { "column": "at", "max_age": "1h" } },
        { "sql": { "query": "select count(*) from t where close > 100", "expect": 0 } },
    ]);
    let outcomes = at_end(&broken, checks).await;
    let texts: Vec<_> = outcomes.iter().map(|(text, _)| text.as_str()).collect();
    assert!(outcomes.iter().all(|(_, verdict)| *verdict == Verdict::Failed), "{texts:?}");
    assert_eq!(texts[0], "t: not_null(close, id) | 1 in id nulls | 0");
    assert_eq!(texts[1], "t: unique(id) | 1 keys more than once | 0");
    assert_eq!(texts[2], "t: between(close) | -1.0 to 200.0, 2 outside | 0 to 100");
    assert_eq!(texts[4], "t: select count(*) from t where close > 100 | 1 | 0");
}

#[tokio::test]
async fn a_file_with_other_rows_than_the_sink_says_fails_its_flush_and_a_lost_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let good = write_parquet(folder.path(), "out/a.parquet", &records(&[Some(1)], &[1.0]));
    let mut short = write_parquet(folder.path(), "out/b.parquet", &records(&[Some(2)], &[1.0]));
    short.rows = 2;
    let mut lost = good.clone();
    lost.url = lost.url.replace("a.parquet", "c.parquet");
    let checks = json!([{ "row_count": {} }]);
    let mut check = SqlCheck::open(config(checks.clone(), json!({})), context(folder.path())).await.unwrap();
    let outcomes = check.after_flush(&[good.clone(), short.clone(), lost]).await.unwrap();
    let found: Vec<_> = outcomes.iter().map(|o| (o.found.as_str(), o.expected.as_str(), o.verdict)).collect();
    assert_eq!(
        found,
        [
            ("1 rows", "2 rows", Verdict::Failed),
            ("no such file", "1 rows", Verdict::Failed),
            ("1 rows in 1 file", "1 rows in 1 file", Verdict::Passed)
        ]
    );
    let warn = config(checks, json!({ "on_failure": "warn" }));
    let mut check = SqlCheck::open(warn, context(folder.path())).await.unwrap();
    assert_eq!(check.after_flush(&[short]).await.unwrap()[0].verdict, Verdict::Warned);
}

#[tokio::test]
async fn the_table_must_hold_what_was_written_and_a_flush_that_came_twice_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut artifact = write_parquet(folder.path(), "out/a.parquet", &records(&[Some(1), Some(2)], &[1.0, 2.0]));
    table(folder.path()).await;
    let checks = config(json!([{ "row_count": {} }]), json!({}));
    let mut check = SqlCheck::open(checks, context(folder.path())).await.unwrap();
    check.after_flush(std::slice::from_ref(&artifact)).await.unwrap();
    check.after_flush(std::slice::from_ref(&artifact)).await.unwrap();
    assert_eq!(check.at_end(2).await.unwrap()[0].verdict, Verdict::Passed);
    artifact.offsets = OffsetRange::new(2, 4);
    check.after_flush(&[artifact]).await.unwrap();
    let outcome = &check.at_end(4).await.unwrap()[0];
    assert_eq!((outcome.found.as_str(), outcome.expected.as_str()), ("2 rows", "at least the 4 of this run"));
    assert_eq!(outcome.verdict, Verdict::Failed);
}

#[tokio::test]
async fn checks_of_the_table_run_at_each_flush_if_the_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = [write_parquet(folder.path(), "out/a.parquet", &records(&[None], &[1.0]))];
    let checks = config(json!([{ "not_null": ["id"] }]), json!({ "when": "flush" }));
    let mut check = SqlCheck::open(checks, context(folder.path())).await.unwrap();
    let missing = check.after_flush(&artifacts).await.unwrap_err();
    assert!(missing.to_string().contains("put the hook local_table before sql_check"), "{missing}");
    table(folder.path()).await.after_flush(&artifacts).await.unwrap();
    assert_eq!(check.after_flush(&artifacts).await.unwrap()[0].verdict, Verdict::Failed);
}

#[tokio::test]
async fn a_query_that_does_not_fit_the_table_is_refused_before_records_move() {
    let folder = tempfile::tempdir().unwrap();
    for (check, reason) in [
        (json!({ "not_null": ["kafka_offset"] }), "checks[0]: the query: unknown column `kafka_offset`"),
        (json!({ "sql": { "query": "select 1 from tt", "expect": 1 } }), "did you mean `t`?"),
        (json!({ "sql": { "query": "select sum(name) from t", "expect": 1 } }), "sum"),
    ] {
        let error = SqlCheck::open(config(json!([check]), json!({})), context(folder.path())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_query_over_a_table_that_another_sink_will_make_waits_until_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let checks = json!([{ "sql": { "query": "select count(*) from t join elsewhere on true", "expect": 0 } }]);
    let mut check = SqlCheck::open(config(checks, json!({})), context(folder.path())).await.unwrap();
    table(folder.path()).await;
    let error = format!("{:#}", check.at_end(0).await.unwrap_err());
    assert!(error.contains("there is no table `elsewhere`, expected one of t"), "{error}");
}

#[test]
fn every_mistake_of_the_checks_is_found_with_its_place() {
    let checks = json!([
        { "not_null": [] },
        { "unique": ["id", "cloze", "id", "year"] },
        { "between": { "column": "close" } },
        { "freshness": { "column": "close", "max_age": "1d" } },
        { "sql": { "query": "drop table t", "expect": 0 } },
        { "sql": { "query": "select close as c, upper(name) as n from t group by c, n", "expect": 0 } },
        { "sql": { "query": "selec 1", "expect": 0 } },
    ]);
    let mut findings = Findings::default();
    SqlCheck::validate(&config(checks, json!({ "table": "T" })), &schema(), &mut findings);
    let found: Vec<_> = findings.iter().map(|f| (f.pointer.as_str(), f.severity, f.message.as_str())).collect();
    let places = [
        ("/table", Severity::Error, "small letters"),
        ("/checks/0/not_null", Severity::Error, "at least one column"),
        ("/checks/1/unique/1", Severity::Error, "did you mean `close`"),
        ("/checks/1/unique/2", Severity::Error, "twice"),
        ("/checks/1/unique/3", Severity::Warning, "`year` is no column of the records"),
        ("/checks/2/between", Severity::Error, "min, max or both"),
        ("/checks/3/freshness/column", Severity::Error, "expected a date or timestamp"),
        ("/checks/4/sql/query", Severity::Error, "only reads"),
        ("/checks/5/sql/query", Severity::Warning, "GROUP BY `c`"),
        ("/checks/5/sql/query", Severity::Warning, "GROUP BY `n`"),
        ("/checks/6/sql/query", Severity::Error, "expected"),
    ];
    assert_eq!(found.len(), places.len(), "{found:#?}");
    for (found, (pointer, severity, part)) in found.iter().zip(places) {
        assert_eq!((found.0, found.1), (pointer, severity), "{found:?}");
        assert!(found.2.to_lowercase().contains(&part.to_lowercase()), "{found:?}");
    }
}

#[test]
fn an_unknown_check_and_an_unknown_field_are_refused() {
    for checks in
        [json!([{ "uniqe": ["id"] }]), json!([{ "row_count": { "min": 1 } }]), json!([{ "between": { "colum": "c" } }])]
    {
        let config = json!({ "table": "t", "checks": checks });
        let error = serde_json::from_value::<SqlCheckConfig>(config).unwrap_err().to_string();
        assert!(error.contains("unknown"), "{error}");
    }
}
