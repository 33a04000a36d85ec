use super::*;

fn findings(columns: &[(&str, &str)], config: Value) -> Vec<Finding> {
    let mut findings = Findings::default();
    CsvSource::validate(&parsed(config), &Fixture::new(columns).schema, &mut findings);
    findings.into_iter().collect()
}

#[test]
fn every_mistake_is_named_at_its_place() {
    let config = json!({
        "path": "", "delimiter": ";;", "quote": "é", "header": false, "columns": ["a", "b", "a", ""],
        "types": { "a": "bigint", "x/y": "long", "b": "array<int>", "c": "int" },
        "time": { "format": "iso", "zone": "Mars/Base", "formats": { "a": "%Y-%m", "b": "unix_s" } },
        "replay": { "by": "a", "speed": 0 }
    });
    let found = findings(&[], config);
    let pointers: Vec<&str> = found.iter().map(|finding| finding.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/path",
            "/delimiter",
            "/quote",
            "/columns/2",
            "/columns/3",
            "/types/b",
            "/types/c",
            "/types/x~1y",
            "/time/zone",
            "/time/format",
            "/time/formats/a",
            "/time/formats/a",
            "/time/formats/b",
            "/replay/speed",
            "/replay/by"
        ],
        "{found:#?}"
    );
    assert!(found.iter().any(|finding| finding.message.contains("did you mean `bigint`")));
}

#[test]
fn a_right_config_has_no_findings() {
    for config in [
        json!({ "path": "data/*.csv" }),
        json!({ "path": "a", "header": false, "columns": ["t"], "types": { "t": "date" }, "replay": { "by": "t" } }),
        json!({ "path": "a", "time": { "formats": { "at": "%d.%m.%Y" }, "zone": "Europe/Berlin" }, "replay": { "by": "at", "speed": 0.5 } }),
        json!({ "path": "a", "delimiter": "\t", "quote": "" }),
    ] {
        assert_eq!(findings(&[("at", "timestamp")], config.clone()), [], "{config}");
    }
}

#[test]
fn contradictions_are_found() {
    for (config, pointer) in [
        (json!({ "path": "a", "header": false }), "/header"),
        (json!({ "path": "a", "columns": ["a"] }), "/columns"),
        (json!({ "path": "a", "max_record": "1025MiB" }), "/max_record"),
        (json!({ "path": "a", "quote": "," }), "/quote"),
        (json!({ "path": "a[" }), "/path"),
        (json!({ "path": "a", "replay": { "by": "n", "speed": 1 } }), "/replay/by"),
        (json!({ "path": "a", "replay": { "by": "unknown", "speed": 1 } }), "/replay/by"),
        (json!({ "path": "a", "replay": { "by": "at", "speed": -1 } }), "/replay/speed"),
    ] {
        let found = findings(&[("at", "timestamp"), ("n", "int")], config);
        assert_eq!(found.iter().map(|finding| finding.pointer.as_str()).collect::<Vec<_>>(), [pointer], "{found:?}");
    }
}

#[test]
fn an_unknown_key_is_refused_and_the_schema_shows_defaults() {
    assert!(serde_json::from_value::<CsvConfig>(json!({ "path": "a", "delimeter": ";" })).is_err());
    let schema = schemars::schema_for!(CsvConfig).to_value();
    assert_eq!(schema["properties"]["delimiter"]["default"], ",");
    assert_eq!(schema["properties"]["max_record"]["default"], "1MiB");
    assert_eq!(schema["properties"]["time"]["default"]["zone"], "UTC");
    assert!(schema["description"].as_str().unwrap().contains("```yaml"));
}

#[tokio::test]
async fn columns_that_no_header_names_are_refused_with_the_nearest() {
    let fixture = Fixture::new(&[("list", "array<int>")]);
    fixture.write("a.csv", "price,day\n").write("b.csv", "list\n");
    for (config, reason) in [
        (
            json!({ "path": "a.csv", "types": { "prise": "double" } }),
            "types: there is no column `prise`, did you mean `price`?",
        ),
        (
            json!({ "path": "a.csv", "replay": { "by": "dya", "speed": 1 } }),
            "replay.by: there is no column `dya`, did you mean `day`?",
        ),
        (json!({ "path": "a.csv", "replay": { "by": "day", "speed": 1 } }), "expected a date or timestamp"),
        (json!({ "path": "b.csv" }), "column `list`: a field of a csv file holds no array<int>"),
    ] {
        let refusal = fixture.refusal(config).await;
        assert!(refusal.contains(reason), "{refusal}");
    }
}
