//! What is wrong with the config of a check, before anything runs.

use arrow::datatypes::DataType;
use pipeline_api::{Findings, Schema, Severity, Timestamp, type_text};
use pipeline_checks::{Check, Value, check_name};

use crate::AthenaCheckConfig;

/// Reports what is wrong. A column that nobody knows may be one of the sink's, as for a partition, and is refused by
/// Athena itself.
pub(crate) fn validate(config: &AthenaCheckConfig, records: &Schema, findings: &mut Findings) {
    for (what, name) in [("database", &config.database), ("table", &config.table)] {
        if let Err(message) = check_name(what, name) {
            findings.error(format!("/{what}"), message);
        }
    }
    if config.workgroup.trim().is_empty() {
        findings.error("/workgroup", "expected the name of a workgroup, such as primary");
    }
    if config.catalog.trim().is_empty() {
        findings.error("/catalog", "expected the name of a data catalog, such as AwsDataCatalog");
    }
    if let Some(location) = &config.output_location
        && location.strip_prefix("s3://").is_none_or(|rest| rest.is_empty() || rest.starts_with('/'))
    {
        findings
            .error("/output_location", format!("`{location}` is no place for answers, expected s3://bucket/prefix/"));
    }
    config.aws.check("/aws", findings);
    pipeline_checks::validate(&config.checks, records, Severity::Error, findings);
    for (index, check) in config.checks.iter().enumerate() {
        let Check::Between(between) = check else { continue };
        let Ok(column) = records.field_with_name(&between.column) else { continue };
        for (bound, value) in [("min", &between.min), ("max", &between.max)] {
            if let Some(expected) = value.as_ref().and_then(|value| misfit(value, column.data_type())) {
                findings.error(
                    format!("/checks/{index}/between/{bound}"),
                    format!("`{}` is a {}, expected {expected}", between.column, type_text(column.data_type())),
                );
            }
        }
    }
}

/// What a bound of a column of this type has to be, if it is something else: Athena compares nothing of two kinds.
fn misfit(value: &Value, of: &DataType) -> Option<&'static str> {
    let (fits, expected) = match of {
        DataType::Utf8 => (matches!(value, Value::Text(_)), "a text"),
        DataType::Boolean => (matches!(value, Value::Boolean(_)), "true or false"),
        DataType::Date32 => (matches!(value, Value::Text(text) if is_date(text)), "a date such as 2026-01-31"),
        DataType::Timestamp(..) => {
            let fits = matches!(value, Value::Text(text) if is_date(text) || is_instant(text));
            (fits, "a timestamp in UTC such as 2026-01-31 14:30:00")
        }
        other if other.is_numeric() => (matches!(value, Value::Number(_)), "a number"),
        _ => return None,
    };
    (!fits).then_some(expected)
}

fn is_date(text: &str) -> bool {
    !text.contains(':') && format!("{text}T00:00:00Z").parse::<Timestamp>().is_ok()
}

fn is_instant(text: &str) -> bool {
    format!("{}Z", text.trim_end_matches('Z')).parse::<Timestamp>().is_ok()
}
