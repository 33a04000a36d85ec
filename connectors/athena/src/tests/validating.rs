use pipeline_api::{Findings, Severity};

use super::*;

fn findings(config: Value) -> Vec<(String, Severity, String)> {
    let config: AthenaCheckConfig = serde_json::from_value(config).unwrap();
    let mut findings = Findings::default();
    AthenaCheck::validate(&config, &columns(), &mut findings);
    findings.into_iter().map(|finding| (finding.pointer, finding.severity, finding.message)).collect()
}

#[test]
fn every_mistake_is_found_with_its_place() {
    let found = findings(json!({
        "database": "Market", "table": "a b", "workgroup": "", "catalog": " ", "output_location": "results",
        "aws": { "endpoint": "athena" },
        "checks": [
            { "not_null": ["id", "cloze"] },
            { "sql": { "query": "select close as c, count(*) as n from stocks group by c", "expect": 0 } },
            { "sql": { "query": "select close as c from stocks group by 1", "expect": 0 } },
            { "between": { "column": "close", "min": "0", "max": 1 } },
            { "between": { "column": "at", "min": "soon", "max": "2026-01-31" } },
            { "between": { "column": "at", "min": "2026-01-31T10:00:00Z", "max": 5 } },
            { "between": { "column": "name", "min": 5, "max": "x" } },
        ],
    }));
    let places = [
        ("/database", "`Market` cannot be a database's name"),
        ("/table", "`a b` cannot be a table's name"),
        ("/workgroup", "such as primary"),
        ("/catalog", "such as AwsDataCatalog"),
        ("/output_location", "expected s3://bucket/prefix/"),
        ("/aws/endpoint", "no URL"),
        ("/checks/0/not_null/1", "did you mean `close`?"),
        (
            "/checks/1/sql/query",
            "GROUP BY `c` names a column of the SELECT list, which Athena refuses; write GROUP BY 1, 2",
        ),
        ("/checks/3/between/min", "`close` is a double, expected a number"),
        ("/checks/4/between/min", "`at` is a timestamp, expected a timestamp in UTC such as"),
        ("/checks/5/between/max", "`at` is a timestamp, expected a timestamp in UTC such as"),
        ("/checks/6/between/min", "`name` is a string, expected a text"),
    ];
    assert_eq!(found.len(), places.len(), "{found:#?}");
    for (found, (pointer, part)) in found.iter().zip(places) {
        assert_eq!((found.0.as_str(), found.1), (pointer, Severity::Error), "{found:?}");
        assert!(found.2.contains(part), "{found:?}");
    }
}

#[test]
fn what_is_left_out_has_a_default_that_costs_little() {
    let config: AthenaCheckConfig =
        serde_json::from_value(json!({ "database": "d", "table": "t", "checks": [{ "row_count": {} }] })).unwrap();
    assert_eq!(config.when, serde_json::from_value(json!({ "every": "15m" })).unwrap());
    assert_eq!((config.workgroup.as_str(), config.catalog.as_str()), ("primary", "AwsDataCatalog"));
    assert_eq!(config.timeout.to_string(), "10m");
    assert_eq!((config.max_scanned, config.output_location), (None, None));
    let schema = pipeline_api::Registry::linked().unwrap();
    let schema = schema.get(pipeline_api::Kind::Hook, "athena_check").unwrap().config_schema();
    assert_eq!(schema["properties"]["when"]["default"], json!({ "every": "15m" }));
}
