//! The engine's errors in the words of this project.

use datafusion::common::{DataFusionError, SchemaError};
use pipeline_api::{Error, ErrorKind, nearest};
pub(crate) use pipeline_checks::parser_reason;

/// Why the engine refuses a query or an expression: a sentence without the engine's own prefixes.
pub(crate) fn reason(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => reason(inner),
        DataFusionError::Shared(inner) => reason(inner),
        DataFusionError::Collection(all) => all.iter().map(reason).collect::<Vec<_>>().join("; "),
        DataFusionError::SQL(error, _) => parser_reason(error),
        DataFusionError::SchemaError(error, _) => schema_reason(error),
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::Configuration(text) => lowered(text),
        DataFusionError::ArrowError(error, _) => lowered(&error.to_string()),
        DataFusionError::ParquetError(error) => lowered(&error.to_string()),
        other => lowered(&other.strip_backtrace()),
    }
}

/// What the caller of an expression over records does next: a value that does not fit is the record's fault, anything
/// else is nobody's.
pub(crate) fn of_records(error: &DataFusionError, doing: &str) -> Error {
    let kind = match error.find_root() {
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => ErrorKind::Data,
        _ => ErrorKind::Fatal,
    };
    Error::new(kind, format!("{doing}: {}", reason(error)))
}

/// What the caller of a query does next: a file that cannot be read now may be readable later, and a query that does
/// not fit its tables is the file's fault.
pub(crate) fn of_query(error: &DataFusionError, doing: &str) -> Error {
    let kind = match error.find_root() {
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_) => ErrorKind::Config,
        _ => ErrorKind::Fatal,
    };
    Error::new(kind, format!("{doing}: {}", reason(error)))
}

fn schema_reason(error: &SchemaError) -> String {
    let SchemaError::FieldNotFound { field, valid_fields } = error else { return lowered(&error.to_string()) };
    let names: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
    unknown_column(&field.name, &names)
}

/// That there is no column `name`, and which was meant.
pub(crate) fn unknown_column(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(meant) if meant.to_lowercase() == name.to_lowercase() => {
            format!("unknown column `{name}`; names without quotes are in small letters, write `\"{meant}\"`")
        }
        Some(meant) => format!("unknown column `{name}`, did you mean `{meant}`?"),
        None if known.is_empty() => format!("unknown column `{name}`, there are none"),
        None => format!("unknown column `{name}`, expected one of {}", known.join(", ")),
    }
}

/// The engine begins with a capital, and appends help on further lines, of which only a guess is worth keeping.
fn lowered(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim().trim_end_matches('.');
    let first = ["Arrow error: ", "Parquet error: "]
        .iter()
        .fold(first, |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
    let guess = lines.find_map(|line| line.trim().strip_prefix("Did you mean "));
    let guess = guess.map(|guess| format!(", did you mean {guess}")).unwrap_or_default();
    let mut letters = first.chars();
    match letters.next() {
        // A word in capitals stays one.
        Some(letter) if !letters.clone().next().is_some_and(char::is_uppercase) => {
            letter.to_lowercase().chain(letters).chain(guess.chars()).collect()
        }
        _ => format!("{first}{guess}"),
    }
}
