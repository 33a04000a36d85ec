use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::*;

const TEXT: &str = "t,n\n\
    2026-01-02T10:00:00,1\n2026-01-02T10:00:00,2\n2026-01-02T10:01:00,3\n2026-01-02T09:00:00,4\n,5\n2026-01-02T11:00:00,6\n";

fn config() -> Value {
    json!({ "path": "a.csv", "replay": { "by": "t", "speed": 60 } })
}

fn fixture() -> Fixture {
    let fixture = Fixture::new(&[("t", "timestamp"), ("n", "int")]);
    fixture.write("a.csv", TEXT);
    fixture
}

fn numbers(batch: &pipeline_api::SourceBatch) -> Vec<String> {
    rows(&batch.records).iter().map(|row| row.split('|').next_back().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn rows_are_released_when_they_are_due_and_late_ones_at_once() {
    let fixture = fixture();
    let mut source = fixture.open(config(), SourceOffsets::new()).await.unwrap();
    let start = Instant::now();
    let first = source.poll().await.unwrap().unwrap();
    assert_eq!((numbers(&first), start.elapsed()), (vec!["1".into(), "2".into()], Duration::ZERO));
    let second = source.poll().await.unwrap().unwrap();
    assert_eq!(numbers(&second), ["3", "4", "5"]);
    assert_eq!(start.elapsed().as_millis(), 1_000);
    let third = source.poll().await.unwrap().unwrap();
    assert_eq!(numbers(&third), ["6"]);
    assert_eq!(start.elapsed().as_millis(), 60_000);
    assert!(source.poll().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_catches_up_because_deadlines_are_absolute() {
    let fixture = fixture();
    let mut source = fixture.open(config(), SourceOffsets::new()).await.unwrap();
    let start = Instant::now();
    source.poll().await.unwrap();
    tokio::time::advance(Duration::from_secs(40)).await;
    assert_eq!(numbers(&source.poll().await.unwrap().unwrap()), ["3", "4", "5"]);
    assert_eq!(start.elapsed().as_secs(), 40);
    source.poll().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_dropped_while_it_waits_loses_nothing() {
    let fixture = fixture();
    let mut source = fixture.open(config(), SourceOffsets::new()).await.unwrap();
    let mut read = Read::default();
    let mut dropped = 0;
    loop {
        match timeout(Duration::from_millis(700), source.poll()).await {
            Ok(Ok(Some(batch))) => read.add(batch),
            Ok(end) => break assert!(end.unwrap().is_none()),
            Err(_) => dropped += 1,
        }
    }
    assert!(dropped > 50, "{dropped}");
    let numbers: Vec<&str> = read.rows.iter().map(|row| row.rsplit('|').next().unwrap()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_start_begins_with_the_row_that_was_waited_for() {
    let fixture = fixture();
    let mut source = fixture.open(config(), SourceOffsets::new()).await.unwrap();
    let first = source.poll().await.unwrap().unwrap();
    assert!(timeout(Duration::from_millis(10), source.poll()).await.is_err());
    let start = Instant::now();
    let mut source = fixture.open(config(), first.offsets).await.unwrap();
    assert_eq!(numbers(&source.poll().await.unwrap().unwrap()), ["3", "4", "5"]);
    assert_eq!(start.elapsed(), Duration::ZERO);
}
