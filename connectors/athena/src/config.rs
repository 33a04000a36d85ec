//! What stands under `config:` of `athena_check`.

use pipeline_api::{ByteSize, HumanDuration};
use pipeline_aws::AwsSettings;
use pipeline_checks::{Check, OnFailure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Proves by queries of Amazon Athena that what the sink wrote to S3 is there and is right, and fails the flush or the
/// run if not.
///
/// The table has to be in the Glue catalog: put the hook `glue_table` before this one. Athena bills each query by the
/// bytes that it scans, 10 MB at least: all checks but `sql` are one query, and they run at the end of a bounded run, and
/// in between at most every 15 minutes. `row_count` counts the files that were written since the last check, by `"$path"`
/// and in their partitions alone; at the end it counts the table.
///
/// Calls `athena:GetWorkGroup` (if it may), `athena:StartQueryExecution`, `athena:GetQueryExecution`,
/// `athena:GetQueryResults` and `athena:StopQueryExecution`. On the caller's behalf Athena itself reads the catalog
/// (`glue:GetDatabase`, `glue:GetTable`, `glue:GetPartitions`) and the files (`s3:GetObject`, `s3:ListBucket`), and writes
/// the answers (`s3:GetBucketLocation`, `s3:GetObject`, `s3:PutObject`).
///
/// ```yaml
/// type: athena_check
/// config:
///   database: market
///   table: stocks
///   output_location: s3://lake-results/athena/
///   max_scanned: 1GiB
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
pub struct AthenaCheckConfig {
    /// The database of the table, as the hook `glue_table` has it.
    pub database: String,

    /// The table's name, as the hook `glue_table` has it.
    pub table: String,

    /// What has to hold, at least one check.
    #[schemars(length(min = 1))]
    pub checks: Vec<Check>,

    /// When the checks run: `end`, at the end of a bounded run alone; `flush`, after each flush too, before its offsets
    /// are committed; `{ every: 15m }`, in the first flush that comes so long after the last check, and at the end. Then
    /// a check that fails stops the run, and what the flushes before wrote is committed. Each task of the sink asks for
    /// itself.
    #[serde(default)]
    pub when: When,

    /// What follows if one does not hold. With `warn` a query that Athena does not answer is told as well and stops
    /// nothing.
    #[serde(default)]
    pub on_failure: OnFailure,

    /// The most bytes that one query may scan. Athena says how many they are while the query runs: one that has scanned
    /// more is stopped, and fails. Default: what the workgroup allows.
    pub max_scanned: Option<ByteSize>,

    /// How long one query may take, the time in Athena's queue included. After that it is stopped, and fails.
    #[serde(default = "default_timeout")]
    pub timeout: HumanDuration,

    /// The workgroup that the queries run in.
    #[serde(default = "default_workgroup")]
    pub workgroup: String,

    /// The data catalog of the database.
    #[serde(default = "default_catalog")]
    pub catalog: String,

    /// Where Athena puts the answers: `s3://bucket/prefix/`. Not below the sink's `url`, where readers take everything
    /// for records. Default: what the workgroup says.
    pub output_location: Option<String>,

    /// Where AWS is, and who calls. Default: what the environment says.
    #[serde(default)]
    pub aws: AwsSettings,
}

/// When the checks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At the end of a bounded run.
    End,
    /// After each flush, before its offsets are committed, and at the end. Athena bills each query.
    Flush,
    /// In the first flush that comes so long after the last check, or after the start, and at the end.
    Every(HumanDuration),
}

impl Default for When {
    fn default() -> Self {
        Self::Every(HumanDuration::seconds(15 * 60))
    }
}

pub(crate) fn default_timeout() -> HumanDuration {
    HumanDuration::seconds(10 * 60)
}

pub(crate) fn default_workgroup() -> String {
    "primary".into()
}

pub(crate) fn default_catalog() -> String {
    "AwsDataCatalog".into()
}
