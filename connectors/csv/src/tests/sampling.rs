//! A look at the first records.

use super::*;

async fn sample(fixture: &Fixture, config: Value, most: usize) -> Result<Vec<String>> {
    let found = CsvSource::sample(parsed(config), fixture.context(SourceOffsets::new()), most).await?;
    Ok(rows(&found.unwrap()))
}

#[tokio::test]
async fn the_first_records_are_those_of_a_run_whatever_it_would_wait_for() {
    let fixture = Fixture::new(&[("n", "bigint"), ("at", "timestamp")]);
    let lines: String = (0..20_000).map(|n| format!("{n},2026-01-{:02}T00:00:00\n", n % 28 + 1)).collect();
    fixture.write("a.csv", format!("n,at\n{lines}"));
    let config = json!({ "path": "a.csv", "follow": true, "replay": { "by": "at", "speed": 0.001 } });
    let found = sample(&fixture, config, 10_000).await.unwrap();
    assert_eq!((found.len(), found[9_999].as_str()), (10_000, "9999|2026-01-04T00:00:00"));
    let short = sample(&fixture, json!({ "path": "a.csv" }), 3).await.unwrap();
    assert_eq!(short, ["0|2026-01-01T00:00:00", "1|2026-01-02T00:00:00", "2|2026-01-03T00:00:00"]);
}

#[tokio::test]
async fn a_line_that_does_not_fit_is_left_out_and_files_that_are_not_there_are_an_error() {
    let fixture = Fixture::new(&[("n", "bigint")]);
    fixture.write("a.csv", "n\n1\ntwo\n3\n");
    assert_eq!(sample(&fixture, json!({ "path": "a.csv" }), 10).await.unwrap(), ["1", "3"]);
    sample(&fixture, json!({ "path": "b.csv" }), 10).await.unwrap_err();
}
