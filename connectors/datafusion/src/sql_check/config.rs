//! What a file says about checks.

use pipeline_checks::{Check, OnFailure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
