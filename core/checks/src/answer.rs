//! What an engine answers.

use pipeline_api::{Error, Result};

/// The answer to the query of a check, as far as it is judged: its first row, and how large it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// How many columns it has.
    pub columns: usize,
    /// How many rows it has.
    pub rows: usize,
    /// The values of its first row as texts; `None` is null.
    pub first: Vec<Option<String>>,
}

impl Answer {
    /// A value of the first row. Errors: there is none.
    pub(crate) fn value(&self, column: usize) -> Result<Option<&str>> {
        let value = self.first.get(column).ok_or_else(|| Error::fatal("the query gave no row"))?;
        Ok(value.as_deref())
    }

    /// A number of records in the first row. Errors: there is none.
    pub(crate) fn count(&self, column: usize) -> Result<i64> {
        let count = self.value(column)?.and_then(|text| text.parse().ok());
        count.ok_or_else(|| Error::fatal("the query gave no count"))
    }

    /// The only value. Errors: there are more, or none.
    pub(crate) fn only(&self) -> Result<Option<&str>> {
        if self.rows != 1 || self.columns != 1 {
            return Err(Error::config(format!(
                "the query gives {} rows of {} columns, expected one value, such as SELECT count(*) …",
                self.rows, self.columns
            )));
        }
        self.value(0)
    }
}
