//! Why a payload is no record.

use pipeline_api::RejectedRow;

/// What did not fit, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The path of the field: `quote.levels[2].price`.
    field: Option<String>,
    reason: String,
}

/// The result of reading: boxed, because refusals are rare and every value returns one of these.
pub(crate) type Outcome<T> = Result<T, Box<Refusal>>;

/// Refuses the payload, or the field that a caller adds with [`Refusal::within`].
pub(crate) fn refuse<T>(reason: impl Into<String>) -> Outcome<T> {
    Err(Box::new(Refusal { field: None, reason: reason.into() }))
}

/// Refuses a record without a value.
pub(crate) fn tombstone() -> Refusal {
    Refusal { field: None, reason: "is a tombstone (a record without a value), expected a JSON object".into() }
}

/// Refuses a payload that is no text.
pub(crate) fn not_utf8(error: std::str::Utf8Error) -> Refusal {
    Refusal { field: None, reason: format!("is not UTF-8 at byte {}, expected JSON", error.valid_up_to()) }
}

impl Refusal {
    /// Puts `parent` before the path of the field.
    pub(crate) fn within(mut self: Box<Self>, parent: &str) -> Box<Self> {
        self.field = Some(match self.field.take() {
            None => parent.to_owned(),
            Some(path) if path.starts_with('[') => format!("{parent}{path}"),
            Some(path) => format!("{parent}.{path}"),
        });
        self
    }

    /// As the runtime wants it.
    pub(crate) fn of_row(self, row: usize) -> RejectedRow {
        RejectedRow { row, field: self.field, reason: self.reason }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// A text of the payload as a message shows it: in backticks, on one line, not longer than a person reads.
pub(crate) fn shown(text: impl ToString) -> String {
    const LONGEST: usize = 60;
    let text = text.to_string();
    let clean = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let start: String = text.chars().take(LONGEST).map(clean).collect();
    let dots = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    format!("`{start}{dots}`")
}
