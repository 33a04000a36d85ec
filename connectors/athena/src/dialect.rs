//! Athena's SQL, where it differs.

use arrow::datatypes::DataType;
use pipeline_checks::{Dialect, quoted_text};

/// The SQL of Athena, which compares a column only with a value of its own type.
pub(crate) struct AthenaSql;

impl Dialect for AthenaSql {
    fn literal(&self, text: &str, of: Option<&DataType>) -> String {
        match of {
            Some(DataType::Date32) => format!("date {}", quoted_text(text)),
            // A `T` and a `Z` are not understood there; the zone is UTC in any case.
            Some(DataType::Timestamp(..)) => {
                format!("timestamp {}", quoted_text(&text.trim_end_matches('Z').replacen('T', " ", 1)))
            }
            Some(DataType::Decimal128(..)) => format!("decimal {}", quoted_text(text)),
            Some(of) if of.is_numeric() || *of == DataType::Boolean => text.to_owned(),
            _ => quoted_text(text),
        }
    }
}
