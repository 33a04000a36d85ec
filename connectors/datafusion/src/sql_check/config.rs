//! What a file says about checks.

use pipeline_api::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::local_table::default_catalog;

/// Proves by queries that what the sink wrote is there and is right, and fails the flush or the run if not.
///
/// `row_count` reads back each file of a flush before its offsets are committed. The other checks look at the whole
/// table: at the end of a bounded run, and after each flush too with `when: flush`. The table has to be in the local
/// catalog: put the hook `local_table` before this one.
///
/// ```yaml
/// type: sql_check
/// config:
///   table: stocks
///   checks:
///     - row_count: {}
///     - not_null: [symbol, date]
///     - unique: [symbol, date]
///     - between: { column: close, min: 0, max: 10_000 }
///     - freshness: { column: date, max_age: 7d }
///     - sql: { name: high is highest, query: select count(*) from stocks where close > high, expect: 0 }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlCheckConfig {
    /// The table's name, as the hook `local_table` has it.
    pub table: String,
    /// The folder of the catalog, relative to the folder of the pipeline file.
    #[serde(default = "default_catalog")]
    pub catalog: String,
    /// What has to hold, at least one check.
    #[schemars(length(min = 1))]
    pub checks: Vec<Check>,
    /// When the checks of the whole table run. `row_count` counts the files of each flush in any case.
    #[serde(default)]
    pub when: When,
    /// What follows if one does not hold.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// When the checks of the whole table run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At the end of a bounded run.
    #[default]
    End,
    /// After each flush, before its offsets are committed, and at the end. Reads the whole table each time.
    Flush,
}

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
