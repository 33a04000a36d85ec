//! A query that Athena has run.

use aws_sdk_athena::types::{AthenaError, QueryExecution, QueryExecutionState, QueryExecutionStatus};
use pipeline_api::{Error, ErrorKind};

/// A query that succeeded.
#[derive(Clone, Debug)]
pub(crate) struct Execution {
    /// Athena's id of it, by which its answer is fetched and a person finds it in the console.
    pub(crate) id: String,
    /// The query.
    pub(crate) sql: String,
}

/// Where a query stands.
pub(crate) enum Progress {
    Queued,
    Running,
    Succeeded,
    /// It will never be answered.
    Ended(Error),
}

/// What Athena says of the query `id`.
pub(crate) fn progress(id: &str, sql: &str, execution: &QueryExecution) -> Progress {
    let Some(status) = execution.status() else { return Progress::Queued };
    match status.state() {
        None | Some(QueryExecutionState::Queued) => Progress::Queued,
        Some(QueryExecutionState::Succeeded) => Progress::Succeeded,
        Some(QueryExecutionState::Failed) => Progress::Ended(failed(id, sql, status)),
        Some(QueryExecutionState::Cancelled) => Progress::Ended(cancelled(id, sql, status)),
        Some(_) => Progress::Running,
    }
}

/// So many bytes has it scanned by now.
pub(crate) fn scanned(execution: &QueryExecution) -> u64 {
    let bytes = execution.statistics().and_then(|statistics| statistics.data_scanned_in_bytes());
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0)
}

fn failed(id: &str, sql: &str, status: &QueryExecutionStatus) -> Error {
    let athena = status.athena_error();
    let reason = reason(status, athena);
    let user = athena.and_then(AthenaError::error_category) == Some(2);
    let advice = advice(&reason);
    let kind = match athena {
        Some(error) if error.retryable() => ErrorKind::Retriable,
        _ if user || advice.is_some() => ErrorKind::Config,
        _ => ErrorKind::Fatal,
    };
    Error::new(kind, format!("Athena's query {id} failed: {reason}{}; it was {sql}", advice.unwrap_or_default()))
}

/// A person, or a limit of the workgroup.
fn cancelled(id: &str, sql: &str, status: &QueryExecutionStatus) -> Error {
    let reason = reason(status, None);
    Error::fatal(format!("Athena's query {id} was cancelled: {reason}; it was {sql}"))
}

fn reason(status: &QueryExecutionStatus, athena: Option<&AthenaError>) -> String {
    let said = status.state_change_reason().filter(|reason| !reason.is_empty());
    let said = said.or_else(|| athena.and_then(AthenaError::error_message));
    said.unwrap_or("Athena gives no reason")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .trim_end_matches('.')
        .to_owned()
}

/// What to do about the refusals that Athena begins with a name.
fn advice(reason: &str) -> Option<&'static str> {
    let advice = [
        ("SCHEMA_NOT_FOUND", "; put the hook glue_table before athena_check, and name the same database"),
        ("TABLE_NOT_FOUND", "; put the hook glue_table before athena_check, and name the same table"),
        ("COLUMN_NOT_FOUND", "; expected a column of the table, by its name in Glue"),
        ("SYNTAX_ERROR", ""),
        ("TYPE_MISMATCH", ""),
        ("FUNCTION_NOT_FOUND", "; expected a function of Athena's engine"),
        ("HIVE_METASTORE_ERROR", "; check the table in Glue"),
        ("HIVE_BAD_DATA", "; the table in Glue does not fit its files"),
        ("HIVE_PARTITION_SCHEMA_MISMATCH", "; a partition in Glue does not fit its table"),
        ("HIVE_CURSOR_ERROR", "; what lies below the table's location is not all data"),
        ("PERMISSION_DENIED", "; the caller may not read the table or its files"),
    ];
    advice.iter().find(|(name, _)| reason.starts_with(name)).map(|(_, advice)| *advice)
}
