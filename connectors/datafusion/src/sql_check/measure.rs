//! One check of a whole table: the query, and what its answer means.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, Schema, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use datafusion::prelude::SessionContext;
use pipeline_api::{CheckOutcome, Error, HumanDuration, Result, Timestamp, Verdict};

use super::config::{Between, Check, ColumnList, Freshness, SqlQuery, Value};
use crate::query::collect;

impl Check {
    /// The check as a person would name it.
    pub(super) fn describe(&self, table: &str) -> String {
        match self {
            Self::RowCount(_) => format!("{table}: row_count"),
            Self::NotNull(columns) => format!("{table}: not_null({})", columns.0.join(", ")),
            Self::Unique(columns) => format!("{table}: unique({})", columns.0.join(", ")),
            Self::Between(between) => format!("{table}: between({})", between.column),
            Self::Freshness(freshness) => format!("{table}: freshness({})", freshness.column),
            Self::Sql(SqlQuery { name: Some(name), .. }) => format!("{table}: {name}"),
            Self::Sql(sql) => format!("{table}: {}", sql.query.trim()),
        }
    }

    /// Its query over the whole table, which has the given columns.
    pub(super) fn query(&self, table: &str, columns: &Schema) -> Option<String> {
        let table = quoted(table);
        Some(match self {
            Self::RowCount(_) => format!("SELECT count(*) FROM {table}"),
            Self::NotNull(columns) => {
                let nulls = columns.0.iter().map(|column| format!("count(*) - count({})", quoted(column)));
                format!("SELECT {} FROM {table}", nulls.collect::<Vec<_>>().join(", "))
            }
            Self::Unique(columns) => {
                let columns = columns.0.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
                format!("SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {columns} HAVING count(*) > 1)")
            }
            Self::Between(between) => between_query(between, &table, columns),
            Self::Freshness(freshness) => {
                let column = quoted(&freshness.column);
                format!("SELECT arrow_cast(max({column}), 'Timestamp(Microsecond, None)') FROM {table}")
            }
            Self::Sql(sql) => sql.query.clone(),
        })
    }
}

/// Runs one check. `at_least` is the number of records that the table must hold.
pub(super) async fn measure(
    check: &Check,
    table: &str,
    columns: &Schema,
    session: &SessionContext,
    at_least: u64,
) -> Result<CheckOutcome> {
    let Some(query) = check.query(table, columns) else { return Err(Error::fatal("a check without a query")) };
    let batches = collect(session, &query).await?;
    let (found, expected, passed) = match check {
        Check::RowCount(_) => {
            let rows = integer(&batches, 0)?;
            (format!("{rows} rows"), at_least_text(at_least), u64::try_from(rows).is_ok_and(|rows| rows >= at_least))
        }
        Check::NotNull(columns) => nulls(columns, &batches)?,
        Check::Unique(_) => {
            let keys = integer(&batches, 0)?;
            (format!("{keys} keys more than once"), "0".into(), keys == 0)
        }
        Check::Between(between) => bounds(between, &batches)?,
        Check::Freshness(freshness) => age(freshness, &batches)?,
        Check::Sql(sql) => {
            let found = only_value(&batches)?;
            let passed = equals(&found, &sql.expect);
            (found.unwrap_or_else(|| "null".into()), sql.expect.to_string(), passed)
        }
    };
    let verdict = if passed { Verdict::Passed } else { Verdict::Failed };
    Ok(CheckOutcome { check: check.describe(table), found, expected, verdict })
}

/// An identifier, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn between_query(between: &Between, table: &str, columns: &Schema) -> String {
    let column = quoted(&between.column);
    let timestamp = columns.field_with_name(&between.column).ok().map(|field| field.data_type());
    let timestamp = timestamp.filter(|of| matches!(of, DataType::Timestamp(..)));
    let literal = |value: &Value| match (value, timestamp) {
        // By itself the engine compares nanoseconds, in which neither the year 1600 nor 2300 can be written.
        (Value::Text(text), Some(of)) => format!("arrow_cast({}, '{of}')", quoted_text(text)),
        (Value::Text(text), None) => quoted_text(text),
        (other, _) => other.to_string(),
    };
    let below = between.min.as_ref().map(|min| format!("{column} < {}", literal(min)));
    let above = between.max.as_ref().map(|max| format!("{column} > {}", literal(max)));
    let outside = below.into_iter().chain(above).collect::<Vec<_>>().join(" OR ");
    format!("SELECT count(CASE WHEN {outside} THEN 1 END), min({column}), max({column}) FROM {table}")
}

type Finding = (String, String, bool);

fn nulls(columns: &ColumnList, batches: &[RecordBatch]) -> Result<Finding> {
    let mut found = Vec::new();
    for (index, column) in columns.0.iter().enumerate() {
        let count = integer(batches, index)?;
        if count != 0 {
            found.push(format!("{count} in {column}"));
        }
    }
    let passed = found.is_empty();
    let found = if passed { "0".into() } else { found.join(", ") };
    Ok((format!("{found} nulls"), "0".into(), passed))
}

fn bounds(between: &Between, batches: &[RecordBatch]) -> Result<Finding> {
    let outside = integer(batches, 0)?;
    let text = |column| Ok::<_, Error>(value(batches, column)?.unwrap_or_else(|| "null".into()));
    let found = format!("{} to {}, {outside} outside", text(1)?, text(2)?);
    let expected = match (&between.min, &between.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} or less"),
        (None, None) => "any".into(),
    };
    Ok((found, expected, outside == 0))
}

fn age(freshness: &Freshness, batches: &[RecordBatch]) -> Result<Finding> {
    let expected = format!("{} ago at most", freshness.max_age);
    let column = first(batches, 0)?.as_primitive_opt::<TimestampMicrosecondType>();
    let Some(column) = column.filter(|column| column.is_valid(0)) else {
        return Ok(("no value".into(), expected, false));
    };
    let newest = Timestamp::from_microsecond(column.value(0))
        .map_err(|error| Error::fatal("the newest value is out of range").with_source(error))?;
    let seconds = u64::try_from(newest.duration_until(Timestamp::now()).as_secs()).unwrap_or(0);
    let ago = if seconds == 0 { "now".into() } else { format!("{} ago", HumanDuration::seconds(seconds)) };
    Ok((format!("{newest}, {ago}"), expected, seconds <= freshness.max_age.get().as_secs()))
}

/// The answer's only value. Errors: it has more than one, or none.
fn only_value(batches: &[RecordBatch]) -> Result<Option<String>> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let columns = batches.first().map_or(0, RecordBatch::num_columns);
    if rows != 1 || columns != 1 {
        return Err(Error::config(format!(
            "the query gives {rows} rows of {columns} columns, expected one value, such as SELECT count(*) …"
        )));
    }
    value(batches, 0)
}

fn equals(found: &Option<String>, expected: &Value) -> bool {
    let Some(found) = found else { return false };
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

fn first(batches: &[RecordBatch], column: usize) -> Result<&dyn Array> {
    let batch = batches.iter().find(|batch| batch.num_rows() > 0);
    let column = batch.filter(|batch| column < batch.num_columns()).map(|batch| batch.column(column).as_ref());
    column.ok_or_else(|| Error::fatal("the query gave no row"))
}

fn integer(batches: &[RecordBatch], column: usize) -> Result<i64> {
    let column = first(batches, column)?.as_primitive_opt::<Int64Type>();
    column.map(|column| column.value(0)).ok_or_else(|| Error::fatal("the query gave no count"))
}

/// The text of a value in the first row; `None` is null.
fn value(batches: &[RecordBatch], column: usize) -> Result<Option<String>> {
    let column = first(batches, column)?;
    if column.is_null(0) {
        return Ok(None);
    }
    let text = array_value_to_string(column, 0);
    text.map(Some).map_err(|error| Error::fatal("the query gave a value that cannot be shown").with_source(error))
}

fn at_least_text(rows: u64) -> String {
    if rows == 0 { "0 or more".into() } else { format!("at least the {rows} of this run") }
}
