//! What is wrong with checks, before anything runs.

use arrow::datatypes::DataType;
use pipeline_api::{Dataset, Findings, Schema, Severity, nearest, type_text};

use crate::config::{Check, SqlQuery};
use crate::parse::{grouped_aliases, parse_query};

/// Reports what is wrong with the checks at `/checks`. The table may have columns that the records have not (its
/// partitions'), so an unknown name that resembles no known one is only doubtful here. `grouped_alias` says how much it
/// weighs that a query groups by an alias, which Athena refuses.
pub fn validate(checks: &[Check], records: &Schema, grouped_alias: Severity, findings: &mut Findings) {
    if checks.is_empty() {
        findings.error("/checks", "expected at least one check, such as `row_count: {}`");
    }
    for (index, check) in checks.iter().enumerate() {
        let at = |rest: &str| format!("/checks/{index}/{rest}");
        match check {
            Check::RowCount(_) => {}
            Check::NotNull(columns) => validate_columns(&columns.0, &at("not_null"), records, findings),
            Check::Unique(columns) => validate_columns(&columns.0, &at("unique"), records, findings),
            Check::Between(between) => {
                validate_column(&between.column, &at("between/column"), records, findings);
                if between.min.is_none() && between.max.is_none() {
                    findings.error(at("between"), "expected min, max or both");
                }
            }
            Check::Freshness(freshness) => {
                validate_column(&freshness.column, &at("freshness/column"), records, findings);
                validate_time(&freshness.column, &at("freshness/column"), records, findings);
            }
            Check::Sql(sql) => validate_query(sql, &at("sql/query"), grouped_alias, findings),
        }
    }
}

/// Warns of the checks at `/checks` that, if they hold, say that each record lies in a partition of its own.
pub fn validate_dataset(checks: &[Check], dataset: &Dataset, findings: &mut Findings) {
    for (index, check) in checks.iter().enumerate() {
        let Check::Unique(columns) = check else { continue };
        let is_folder = |column: &String| dataset.partition_columns.field_with_name(column).is_ok();
        if !columns.0.is_empty() && columns.0.iter().all(is_folder) {
            let names = columns.0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            findings.warning(
                format!("/checks/{index}/unique"),
                format!(
                    "{names} is unique and makes the sink's folders, so that each record is a file of its own; expected a \
                     partition_by whose values many records share"
                ),
            );
        }
    }
}

/// Errors: `name` could not be the name of a table or a database, as `what` says, here or in Glue, and why.
pub fn check_name(what: &str, name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.len() <= 255 && name.chars().all(legal) && !name.starts_with('_') {
        return Ok(());
    }
    Err(format!("`{name}` cannot be a {what}'s name, expected small letters, digits and `_`, such as `stocks_daily`"))
}

fn validate_columns(columns: &[String], pointer: &str, records: &Schema, findings: &mut Findings) {
    if columns.is_empty() {
        findings.error(pointer, "expected at least one column");
    }
    for (index, column) in columns.iter().enumerate() {
        validate_column(column, &format!("{pointer}/{index}"), records, findings);
        if columns[..index].contains(column) {
            findings.error(format!("{pointer}/{index}"), format!("`{column}` is named twice"));
        }
    }
}

fn validate_column(column: &str, pointer: &str, records: &Schema, findings: &mut Findings) {
    if records.field_with_name(column).is_ok() {
        return;
    }
    match nearest(column, records.fields().iter().map(|field| field.name().as_str())) {
        Some(meant) => findings.error(pointer, format!("unknown column `{column}`, did you mean `{meant}`?")),
        None => findings.warning(
            pointer,
            format!("`{column}` is no column of the records; expected one that the sink adds, as for a partition"),
        ),
    }
}

fn validate_time(column: &str, pointer: &str, records: &Schema, findings: &mut Findings) {
    let Ok(field) = records.field_with_name(column) else { return };
    if !matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..)) {
        let found = type_text(field.data_type());
        findings.error(pointer, format!("`{column}` is a {found}, expected a date or timestamp column"));
    }
}

fn validate_query(sql: &SqlQuery, pointer: &str, grouped_alias: Severity, findings: &mut Findings) {
    let query = match parse_query(&sql.query) {
        Ok(query) => query,
        Err(error) => return findings.error(pointer, error.to_string()),
    };
    for alias in grouped_aliases(&query) {
        let message =
            format!("GROUP BY `{alias}` names a column of the SELECT list, which Athena refuses; write GROUP BY 1, 2");
        match grouped_alias {
            Severity::Error => findings.error(pointer, message),
            Severity::Warning => findings.warning(pointer, message),
        }
    }
}
