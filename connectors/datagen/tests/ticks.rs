//! The source as the runtime sees it: by its name, through the registry.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{
    Decimal128Type, Float64Type, Int32Type, Int64Type, Schema, TimestampMicrosecondType, TimestampMillisecondType,
};
use pipeline_api::{
    Context, ErrorKind, Findings, Kind, Registration, Registry, Result, Source, SourceOffsets, Task, parse_column,
};
use pipeline_datagen as _;
use pipeline_json::{TimestampStyle, write_lines};
use serde_json::{Value, json};

fn ticks() -> &'static Registration {
    Registry::linked().unwrap().get(Kind::Source, "ticks").unwrap()
}

fn context(columns: &[(&str, &str)]) -> Context {
    let fields: Vec<_> = columns.iter().map(|(name, of)| parse_column(name, of).unwrap()).collect();
    Context::new("t", Arc::new(Schema::new(fields)))
}

async fn open(config: Value, offsets: &SourceOffsets, index: u32, of: u32) -> Result<Box<dyn Source>> {
    let context = Context { offsets: offsets.clone(), task: Task { index, of }, ..context(&[]) };
    ticks().open_source(config, context).await
}

/// All rows that are left.
async fn drain(mut source: Box<dyn Source>) -> RecordBatch {
    let mut batches = Vec::new();
    while let Some(batch) = source.poll().await.unwrap() {
        batches.push(batch.records);
    }
    concat_batches(&source.schema(), &batches).unwrap()
}

fn lines(records: &RecordBatch) -> Vec<String> {
    let mut lines = Vec::new();
    write_lines(records, TimestampStyle::Iso, &mut lines).unwrap();
    String::from_utf8(lines).unwrap().lines().map(str::to_owned).collect()
}

/// The rows in the order of their numbers, whoever made them.
fn sorted(lines: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    let key = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        format!("{}{}", row["event_time"].as_str().unwrap(), row["symbol"].as_str().unwrap())
    };
    let mut rows: Vec<_> = lines.into_iter().map(|line| (key(&line), line)).collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn two_runs_agree_to_the_byte_and_with_every_release() {
    let config = json!({ "rows": 20_000 });
    let new = SourceOffsets::new();
    let one = lines(&drain(open(config.clone(), &new, 0, 1).await.unwrap()).await);
    let two = lines(&drain(open(config, &new, 0, 1).await.unwrap()).await);
    assert_eq!(one.len(), 20_000);
    assert_eq!(one, two);
    assert_eq!(
        one[0],
        r#"{"symbol":"SYM001","event_time":"2026-01-02T14:30:00.000","open":406.34,"high":406.92,"low":405.91,"close":406.52,"volume":16914,"trades":778,"vwap":406.1314}"#
    );
    assert_eq!(
        one[19_999],
        r#"{"symbol":"SYM008","event_time":"2026-01-02T15:11:39.000","open":356.44,"high":356.76,"low":356.16,"close":356.45,"volume":3968,"trades":356,"vwap":356.3838}"#
    );
    let bytes = one.iter().map(String::len).sum::<usize>() / one.len();
    assert!((145..165).contains(&bytes), "a row has about 155 bytes of JSON, not {bytes}");
}

#[tokio::test]
async fn more_rows_go_on_where_the_fewer_ended() {
    let config = |rows: u64| json!({ "rows": rows, "symbols": 7 });
    let mut source = open(config(5_000), &SourceOffsets::new(), 0, 1).await.unwrap();
    let mut offsets = SourceOffsets::new();
    while let Some(batch) = source.poll().await.unwrap() {
        offsets.merge(batch.offsets);
    }
    let all = drain(open(config(5_010), &SourceOffsets::new(), 0, 1).await.unwrap()).await;
    let more = drain(open(config(5_010), &offsets, 0, 1).await.unwrap()).await;
    assert_eq!(more, all.slice(5_000, 10));
}

#[tokio::test]
async fn the_number_of_tasks_may_change_without_a_row_lost_doubled_or_out_of_order() {
    let config = |rows: u64| json!({ "rows": rows, "symbols": 21 });
    let whole = drain(open(config(60_000), &SourceOffsets::new(), 0, 1).await.unwrap()).await;

    let (mut offsets, mut made) = (SourceOffsets::new(), Vec::new());
    for (of, polls) in [(3, [1, 2, 0, 0, 0]), (2, [1, 0, 0, 0, 0]), (5, [0, 1, 1, 2, 3]), (1, [100, 0, 0, 0, 0])] {
        let before = offsets.clone();
        for index in 0..of {
            let mut source = open(config(60_000), &before, index, of).await.unwrap();
            for _ in 0..polls[index as usize] {
                let Some(batch) = source.poll().await.unwrap() else { break };
                made.extend(lines(&batch.records));
                offsets.merge(batch.offsets);
            }
        }
    }
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for line in &made {
        let row: Value = serde_json::from_str(line).unwrap();
        let time = row["event_time"].as_str().unwrap().to_owned();
        if let Some(before) = last.insert(row["symbol"].to_string(), time.clone()) {
            assert!(before < time, "the rows of a symbol come in their order");
        }
    }
    assert_eq!(sorted(made), sorted(lines(&whole)));
}

#[tokio::test]
async fn a_task_without_symbols_ends_at_once() {
    let mut idle = open(json!({ "symbols": 1 }), &SourceOffsets::new(), 1, 2).await.unwrap();
    assert!(idle.poll().await.unwrap().is_none());
    let mut none = open(json!({ "rows": 0 }), &SourceOffsets::new(), 0, 1).await.unwrap();
    assert!(none.poll().await.unwrap().is_none());
}

#[tokio::test]
async fn rows_of_another_walk_are_not_continued() {
    let mut source = open(json!({ "seed": 1 }), &SourceOffsets::new(), 0, 1).await.unwrap();
    let offsets = source.poll().await.unwrap().unwrap().offsets;
    for changed in [json!({ "seed": 2 }), json!({ "seed": 1, "symbols": 9 }), json!({ "seed": 1, "interval": "2s" })] {
        let error = open(changed, &offsets, 0, 1).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("seed 1"), "{error}");
    }
    assert!(open(json!({ "seed": 1, "start": "2026-01-02 14:30", "rate": 5.0 }), &offsets, 0, 1).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_on_a_schedule_that_does_not_drift() {
    let config = json!({ "rate": 1_000, "rows": 3_000 });
    let begin = tokio::time::Instant::now();
    let mut source = open(config, &SourceOffsets::new(), 0, 1).await.unwrap();
    let mut made = 0;
    while made < 1_000 {
        made += source.poll().await.unwrap().unwrap().records.num_rows();
        let due = Duration::from_millis(made as u64);
        assert!(
            begin.elapsed() >= due && begin.elapsed() < due + Duration::from_millis(5),
            "{made}: {:?}",
            begin.elapsed()
        );
    }
    // Whatever holds the pipeline up for a second and a half, the rows that became due meanwhile come at once.
    tokio::time::advance(Duration::from_millis(1_500)).await;
    let late = source.poll().await.unwrap().unwrap().records.num_rows();
    assert!((1_490..=1_510).contains(&late), "{late}");
    while source.poll().await.unwrap().is_some() {}
    assert!(begin.elapsed() < Duration::from_millis(3_010), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_column_comes_in_the_type_that_the_topic_asks_for() {
    let own = drain(open(json!({ "rows": 100 }), &SourceOffsets::new(), 0, 1).await.unwrap()).await;
    let asked = [
        ("open", "decimal(18,6)"),
        ("vwap", "decimal(7,4)"),
        ("trades", "int"),
        ("event_time", "timestamp(6)"),
        ("close", "double"),
    ];
    let source = ticks().open_source(json!({ "rows": 100 }), context(&asked)).await.unwrap();
    let schema = source.schema();
    let cast = drain(source).await;
    assert_eq!(cast.schema(), schema);
    for row in 0..100 {
        let double = |name: &str| own[name].as_primitive::<Float64Type>().value(row);
        let decimal = |name: &str| cast[name].as_primitive::<Decimal128Type>().value(row) as f64;
        assert_eq!(decimal("open"), (double("open") * 1e6).round());
        assert_eq!(decimal("vwap"), (double("vwap") * 1e4).round());
        let trades = own["trades"].as_primitive::<Int64Type>().value(row);
        assert_eq!(i64::from(cast["trades"].as_primitive::<Int32Type>().value(row)), trades);
        let time = own["event_time"].as_primitive::<TimestampMillisecondType>().value(row);
        assert_eq!(cast["event_time"].as_primitive::<TimestampMicrosecondType>().value(row), time * 1000);
    }
}

#[test]
fn the_rate_of_the_file_is_known_before_a_run() {
    assert_eq!(ticks().rate(json!({ "rate": 2500 })).unwrap(), Some(2500.0));
    assert_eq!(ticks().rate(json!({})).unwrap(), None);
}

#[tokio::test]
async fn a_type_that_would_lose_something_is_left_to_a_transform() {
    for (name, asked) in [
        ("open", "decimal(9,1)"),
        ("open", "decimal(4,2)"),
        ("open", "float"),
        ("vwap", "decimal(18,2)"),
        ("volume", "smallint"),
        ("symbol", "int"),
        ("event_time", "date"),
    ] {
        let own = ticks().open_source(json!({}), context(&[])).await.unwrap().schema();
        let found = ticks().open_source(json!({}), context(&[(name, asked)])).await.unwrap().schema();
        assert_eq!(found, own, "{name} as {asked}");
    }
}

#[test]
fn all_mistakes_of_a_config_are_found_at_once() {
    let pointers = |config: Value| {
        let mut findings = Findings::default();
        ticks().validate(config, &Schema::empty(), &mut findings);
        findings.iter().map(|finding| finding.pointer.clone()).collect::<Vec<_>>()
    };
    assert_eq!(pointers(json!({ "symbols": 0, "rate": 0, "start": "yesterday" })), ["/symbols", "/rate", "/start"]);
    assert_eq!(pointers(json!({ "start": "2026-01-02T14:30:00.0001" })), ["/start"]);
    assert_eq!(pointers(json!({ "rows": 100_000_000, "interval": "365d" })), ["/rows"]);
    assert_eq!(pointers(json!({ "speed": 3 })), ["/speed"]);
    assert_eq!(pointers(json!({ "start": "2026-01-02" })), Vec::<String>::new());
}

#[tokio::test]
async fn the_last_year_that_can_be_written_is_the_end() {
    let config = json!({ "symbols": 2, "start": "9999-12-31T23:59:58" });
    let mut source = open(config, &SourceOffsets::new(), 0, 1).await.unwrap();
    assert_eq!(source.poll().await.unwrap().unwrap().records.num_rows(), 4);
    assert!(source.poll().await.unwrap_err().to_string().contains("behind the year 9999"));
}

#[test]
fn the_reference_shows_the_defaults() {
    let schema = ticks().config_schema();
    assert_eq!(schema["properties"]["symbols"]["default"], 8);
    assert_eq!(schema["properties"]["start"]["default"], "2026-01-02T14:30:00");
    assert_eq!(schema["properties"]["interval"]["default"], "1s");
    assert!(schema["description"].as_str().unwrap().contains("```yaml"));
}
