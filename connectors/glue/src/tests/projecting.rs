//! Partitions that Athena computes.

use std::collections::BTreeMap;

use pipeline_testkit::schema;
use serde_json::{Value, json};

use super::artifact;
use crate::config::ProjectedColumn;
use crate::projection::Projection;

fn projection(said: Value, columns: &[(&str, &str)]) -> Result<Projection, String> {
    let said: BTreeMap<String, ProjectedColumn> = serde_json::from_value(said).unwrap();
    Projection::of(&said, &schema(columns)).map_err(|error| error.to_string())
}

#[test]
fn the_properties_follow_from_the_partition_columns() {
    let said = json!({
        "day": { "range": ["2024-01-01", "NOW + 1 DAY"] },
        "year": { "range": [2000, 2100] },
        "Exchange": { "values": ["XNAS", "XNYS"] },
    });
    let columns = [
        ("day", "date"),
        ("year", "int"),
        ("month", "int"),
        ("hour", "int"),
        ("Exchange", "string"),
        ("symbol", "string"),
        ("open", "boolean"),
    ];
    let mut parameters: Vec<_> = projection(said, &columns).unwrap().parameters().into_iter().collect();
    parameters.sort();
    let expected = [
        ("projection.day.format", "yyyy-MM-dd"),
        ("projection.day.interval", "1"),
        ("projection.day.interval.unit", "DAYS"),
        ("projection.day.range", "2024-01-01,NOW+1DAYS"),
        ("projection.day.type", "date"),
        ("projection.enabled", "true"),
        ("projection.exchange.type", "enum"),
        ("projection.exchange.values", "XNAS,XNYS"),
        ("projection.hour.range", "0,23"),
        ("projection.hour.type", "integer"),
        ("projection.month.range", "1,12"),
        ("projection.month.type", "integer"),
        ("projection.open.type", "enum"),
        ("projection.open.values", "false,true"),
        ("projection.symbol.type", "injected"),
        ("projection.year.range", "2000,2100"),
        ("projection.year.type", "integer"),
    ];
    assert_eq!(parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn what_does_not_fit_the_partition_columns_is_refused() {
    for (said, columns, expected) in [
        (json!({}), &[][..], "needs a sink with `partition_by`"),
        (json!({ "yaer": { "range": [1, 2] } }), &[("year", "int")], "`yaer` is no partition column, expected year"),
        (json!({}), &[("year", "int")], "/projection/year: expected the first and the last value"),
        (json!({}), &[("day", "date")], "/projection/day: expected since when and until when"),
        (json!({ "day": { "range": ["2024", "NOW"] } }), &[("day", "date")], "expected a date such as 2024-01-01"),
        (json!({ "day": { "range": ["NOW-3YEARS", "NOW"] } }), &[("day", "date")], "so many days from now"),
        (json!({ "day": { "range": [1, 2] } }), &[("day", "date")], "expected a date such as"),
        (json!({ "year": { "range": ["a", "b"] } }), &[("year", "int")], "expected two integers"),
        (json!({ "s": { "range": [1, 2] } }), &[("s", "string")], "`s` is a string, expected `values` for a string"),
        (json!({ "s": { "values": ["a,b"] } }), &[("s", "string")], "`a,b` has a comma"),
        (json!({}), &[("price", "decimal(9,2)")], "`price` is a decimal(9,2)"),
    ] {
        let error = projection(said, columns).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_file_that_no_query_would_see_is_refused() {
    let said = json!({ "day": { "range": ["2024-01-01", "NOW"] }, "exchange": { "values": ["XNAS"] } });
    let projection = projection(said, &[("day", "date"), ("exchange", "string"), ("symbol", "string")]).unwrap();
    let check = |day: Option<&str>, exchange: &str, symbol: &str, folder: &str| {
        let values = [("day", day), ("exchange", Some(exchange)), ("symbol", Some(symbol))];
        projection.check(&artifact(folder, &values), "s3://lake/stocks/").map_err(|error| error.to_string())
    };
    let seen = check(Some("2024-01-01"), "XNAS", "IBM", "day=2024-01-01/exchange=XNAS/symbol=IBM/");
    assert_eq!(seen, Ok(()));
    for (day, exchange, symbol, folder, expected) in [
        (
            Some("2023-12-31"),
            "XNAS",
            "A",
            "",
            "`day` is 2023-12-31, outside of what `projection` says: 2024-01-01 to NOW",
        ),
        (Some("2999-01-01"), "XNAS", "A", "", "`day` is 2999-01-01, outside"),
        (Some("2024-01-01"), "XNYS", "A", "", "`exchange` is XNYS, outside of what `projection` says: XNAS"),
        (None, "XNAS", "A", "", "`day` is null, which cannot be projected"),
        // Hive writes it in another way than Athena looks for it.
        (
            Some("2024-01-01"),
            "XNAS",
            "A:B",
            "day=2024-01-01/exchange=XNAS/symbol=A%3AB/",
            "a projection looks into s3://lake/stocks/day=2024-01-01/exchange=XNAS/symbol=A:B/",
        ),
    ] {
        let error = check(day, exchange, symbol, folder).unwrap_err();
        assert!(error.contains("would be seen by no query") && error.contains(expected), "{error}");
    }
}
