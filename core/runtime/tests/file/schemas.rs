//! The schema for editors.

use pipeline_runtime::file::schema;
use serde_json::Value;

use crate::fakes::registry;
use crate::{File, GOOD};

/// Whether an editor that knows the schema accepts the file. Reads it by the YAML library's own path.
fn accepts(text: &str) -> bool {
    let file: Value = serde_yaml::from_str(text).unwrap();
    jsonschema::draft202012::new(&schema(&registry())).unwrap().is_valid(&file)
}

#[tokio::test]
async fn an_editor_accepts_what_loads_and_refuses_what_does_not() {
    for (what, with) in [
        ("name: stocks", "name: stocks"),
        ("name: stocks", "nam: stocks"),
        ("type: csv", "type: cvs"),
        ("type: csv", "type: lake"),
        ("path: stocks.csv", "pth: stocks.csv"),
        ("    config: { path: stocks.csv }\n", ""),
        ("  key: symbol", "  format: json"),
        ("  key: symbol", "  format: jsn"),
        ("  key: symbol", "  format: { type: json }"),
        ("  key: symbol", "  format: { type: json, config: { x: 1 } }"),
        ("partition_by: [symbol]", "compression: lzo"),
        ("partition_by: [symbol] }", "compression: zstd }\n    hooks: [{ type: table, config: { table: a } }]"),
        ("partition_by: [symbol] }", "compression: zstd }\n    hooks: [{ type: table, config: { tabl: a } }]"),
        ("partition_by: [symbol] }", "compression: zstd }\n    transforms: [{ type: rename, config: {} }]"),
        (
            "name: stocks",
            "name: stocks\nkafka: { bootstrap.servers: k, fetch.min.bytes: 1, admin: { sasl.password: x } }",
        ),
        ("name: stocks", "name: stocks\nkafka: { fetch.min.bytes: 1 }"),
        ("name: stocks", "name: stocks\nkafka: { bootstrap.servers: k, sasl.password: 1 }"),
        ("name: stocks", "name: stocks\nkafka: { bootstrap.servers: k, latency: lo }"),
        ("name: stocks", "name: stocks\nkafka:"),
    ] {
        let text = GOOD.replace(what, with);
        assert_eq!(accepts(&text), File::new(&text).load().await.is_ok(), "{with}");
    }
}

#[test]
fn every_field_of_a_file_is_described() {
    fn check(schema: &Value, at: &str) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            assert!(field["description"].is_string(), "{at}");
            check(field, &at);
            check(&field["items"], &at);
        }
    }
    check(&schema(&registry()), "");
}

#[test]
fn defaults_are_shown() {
    let schema = schema(&registry());
    let sink = &schema["properties"]["sinks"]["items"]["properties"];
    let every = &sink["flush"]["properties"]["every"];
    assert_eq!((&sink["tasks"]["default"], &every["default"]), (&1.into(), &"1m".into()));
}
