//! What the answer to a check means.

use pipeline_api::{CheckOutcome, Error, HumanDuration, Result, Timestamp, Verdict};

use crate::Answer;
use crate::config::{Between, Check, ColumnList, Freshness, Value};

/// What was found, what was expected, and whether it is the same.
type Finding = (String, String, bool);

impl Check {
    /// Judges the answer to its query. `at_least` is the number of records that the table must hold.
    ///
    /// Errors: the query does not answer what the check asks.
    pub fn judge(&self, table: &str, answer: &Answer, at_least: u64) -> Result<CheckOutcome> {
        let (found, expected, passed) = match self {
            Self::RowCount(_) => {
                let rows = answer.count(0)?;
                let enough = u64::try_from(rows).is_ok_and(|rows| rows >= at_least);
                (format!("{rows} rows"), at_least_text(at_least), enough)
            }
            Self::NotNull(columns) => nulls(columns, answer)?,
            Self::Unique(_) => {
                let keys = answer.count(0)?;
                (format!("{keys} keys more than once"), "0".into(), keys == 0)
            }
            Self::Between(between) => bounds(between, answer)?,
            Self::Freshness(freshness) => age(freshness, answer)?,
            Self::Sql(sql) => {
                let found = answer.only()?;
                let passed = found.is_some_and(|found| equals(found, &sql.expect));
                (found.unwrap_or("null").into(), sql.expect.to_string(), passed)
            }
        };
        let verdict = if passed { Verdict::Passed } else { Verdict::Failed };
        Ok(CheckOutcome { check: self.describe(table), found, expected, verdict })
    }
}

fn nulls(columns: &ColumnList, answer: &Answer) -> Result<Finding> {
    let mut found = Vec::new();
    for (index, column) in columns.0.iter().enumerate() {
        let count = answer.count(index)?;
        if count != 0 {
            found.push(format!("{count} in {column}"));
        }
    }
    let passed = found.is_empty();
    let found = if passed { "0".into() } else { found.join(", ") };
    Ok((format!("{found} nulls"), "0".into(), passed))
}

fn bounds(between: &Between, answer: &Answer) -> Result<Finding> {
    let outside = answer.count(0)?;
    let text = |column| Ok::<_, Error>(answer.value(column)?.unwrap_or("null"));
    let found = format!("{} to {}, {outside} outside", text(1)?, text(2)?);
    let expected = match (&between.min, &between.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} or less"),
        (None, None) => "any".into(),
    };
    Ok((found, expected, outside == 0))
}

fn age(freshness: &Freshness, answer: &Answer) -> Result<Finding> {
    let expected = format!("{} ago at most", freshness.max_age);
    let Some(newest) = answer.value(0)? else { return Ok(("no value".into(), expected, false)) };
    let newest = instant(newest)?;
    let seconds = u64::try_from(newest.duration_until(Timestamp::now()).as_secs()).unwrap_or(0);
    let ago = if seconds == 0 { "now".into() } else { format!("{} ago", HumanDuration::seconds(seconds)) };
    Ok((format!("{newest}, {ago}"), expected, seconds <= freshness.max_age.get().as_secs()))
}

/// A date or a timestamp of an engine, which is in UTC whether the text says so or not.
fn instant(text: &str) -> Result<Timestamp> {
    let plain = text.trim_end_matches(" UTC").trim_end_matches('Z');
    let midnight = if plain.contains(':') { "" } else { "T00:00:00" };
    let instant = format!("{plain}{midnight}Z").parse::<Timestamp>();
    instant.map_err(|error| Error::fatal("the newest value is out of range").with_source(error))
}

fn equals(found: &str, expected: &Value) -> bool {
    match expected {
        Value::Number(number) => {
            let number = number.to_string();
            match (found.parse::<i128>(), number.parse::<i128>()) {
                (Ok(found), Ok(number)) => found == number,
                _ => matches!((found.parse::<f64>(), number.parse::<f64>()), (Ok(a), Ok(b)) if a == b),
            }
        }
        other => *found == other.to_string(),
    }
}

fn at_least_text(rows: u64) -> String {
    if rows == 0 { "0 or more".into() } else { format!("at least the {rows} of this run") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(check: serde_json::Value, first: &[Option<&str>]) -> Result<CheckOutcome> {
        let first: Vec<_> = first.iter().map(|value| value.map(str::to_owned)).collect();
        let check: Check = serde_json::from_value(check).unwrap();
        check.judge("t", &Answer { columns: first.len(), rows: 1, first }, 3)
    }

    #[test]
    fn the_newest_value_is_read_as_each_engine_writes_it() {
        let check = json!({ "freshness": { "column": "at", "max_age": "1d" } });
        for text in [
            "2001-02-03T00:00:00",
            "2001-02-03 00:00:00.000",
            "2001-02-03",
            "2001-02-03 00:00:00.000 UTC",
            "2001-02-03T00:00:00Z",
        ] {
            let found = judged(check.clone(), &[Some(text)]).unwrap();
            assert!(found.found.starts_with("2001-02-03T00:00:00Z, "), "{text}: {}", found.found);
            assert_eq!(found.verdict, Verdict::Failed);
        }
        let error = judged(check.clone(), &[Some("soon")]).unwrap_err();
        assert_eq!(error.to_string(), "the newest value is out of range");
        assert_eq!(judged(check, &[None]).unwrap().found, "no value");
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_null_is_equal_to_nothing() {
        let check = |expect: serde_json::Value| json!({ "sql": { "query": "select 1", "expect": expect } });
        for (found, expect, verdict) in [
            (Some("2.0"), json!(2), Verdict::Passed),
            (Some("2.0E0"), json!(2), Verdict::Passed),
            (Some("9007199254740993"), json!(9_007_199_254_740_992_i64), Verdict::Failed),
            (Some("it's"), json!("it's"), Verdict::Passed),
            (Some("true"), json!(true), Verdict::Passed),
            (None, json!("null"), Verdict::Failed),
        ] {
            assert_eq!(judged(check(expect.clone()), &[found]).unwrap().verdict, verdict, "{found:?} {expect}");
        }
        let error = judged(check(json!(1)), &[Some("1"), Some("2")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the query gives 1 rows of 2 columns, expected one value, such as SELECT count(*) …"
        );
    }

    #[test]
    fn an_answer_that_is_no_count_is_an_error_and_no_verdict() {
        assert!(judged(json!({ "row_count": {} }), &[Some("many")]).is_err());
        assert!(judged(json!({ "unique": ["a"] }), &[]).is_err());
        assert_eq!(judged(json!({ "row_count": {} }), &[Some("2")]).unwrap().verdict, Verdict::Failed);
    }
}
