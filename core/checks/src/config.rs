//! What a file says about checks.

use pipeline_api::{CheckOutcome, HumanDuration, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use tracing::warn;

/// What follows if a check does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The flush is not committed, and the run fails.
    #[default]
    Fail,
    /// The run goes on, and says so.
    Warn,
}

impl OnFailure {
    /// What follows from checks: one that does not hold is no failure where the run goes on, and is logged.
    pub fn judged(self, mut outcomes: Vec<CheckOutcome>) -> Vec<CheckOutcome> {
        if self == Self::Warn {
            for outcome in outcomes.iter_mut().filter(|outcome| outcome.verdict == Verdict::Failed) {
                outcome.verdict = Verdict::Warned;
                warn!(check = %outcome.check, found = %outcome.found, expected = %outcome.expected, "check failed");
            }
        }
        outcomes
    }
}

/// One thing that has to hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Each file holds as many records as the sink says that it wrote (of a Parquet file, what its footer says: the pages
    /// are read by the checks that look at columns), and at the end the table holds at least as many
    /// as this run wrote.
    RowCount(RowCount),
    /// None of these columns is null anywhere.
    NotNull(ColumnList),
    /// No two records have the same values in these columns.
    Unique(ColumnList),
    /// The values of a column lie between two bounds.
    Between(Between),
    /// The newest value of a column is recent.
    Freshness(Freshness),
    /// A query of one value gives what is expected.
    Sql(SqlQuery),
}

/// `row_count: {}`: there is nothing to say about it.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowCount {}

/// The names of columns, at least one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ColumnList(#[schemars(length(min = 1))] pub Vec<String>);

/// Bounds of a column's values, at least one of them. Null is not looked at.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The column.
    pub column: String,
    /// The least value that is right: a number, or a text for a date, a timestamp (in UTC) or a string.
    pub min: Option<Value>,
    /// The greatest value that is right.
    pub max: Option<Value>,
}

/// How old the newest value of a column may be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// A date or timestamp column, in UTC. A date counts from its midnight.
    pub column: String,
    /// How long ago the newest value may be: `1h`, `7d`.
    pub max_age: HumanDuration,
}

/// A query and what it has to give.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlQuery {
    /// What the check is called in the summary; the query itself if nothing is said.
    pub name: Option<String>,
    /// One SELECT of one value, over any table of the catalog.
    pub query: String,
    /// The value that is right. Numbers are compared as numbers.
    pub expect: Value,
}

/// A number, a text, or true or false.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A number, to all its digits.
    Number(Number),
    /// A text.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}
