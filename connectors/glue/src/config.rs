//! What stands under `config:`.

use std::collections::BTreeMap;

use pipeline_api::Findings;
use pipeline_aws::AwsSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes what a sink writes to S3 a table of the Glue Data Catalog, as part of each flush: Athena finds the records as soon as
/// they are committed, without a crawler.
///
/// The table is made at the first start. Later a new column is appended to it if it may be null; any other change is
/// refused, with what differs, and so is a table that this pipeline did not make. Each new partition costs one call for up
/// to 100 of them, and a flush without one costs none.
///
/// ```yaml
/// type: glue_table
/// config: { database: market, table: stocks, create_database: true }
/// ```
///
/// With `partitions: projection` Athena computes the partitions from their columns, and a flush makes no call at all:
///
/// ```yaml
/// type: glue_table
/// config:
///   database: market
///   table: stocks
///   partitions: projection
///   projection:
///     date: { range: [2024-01-01, NOW] }
///     symbol: { values: [IBM, MSFT] }
///   aws: { region: eu-central-1 }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlueTableConfig {
    /// The database: small letters, digits and `_`.
    pub database: String,

    /// The table's name in queries: small letters, digits and `_`.
    pub table: String,

    /// Makes the database if there is none.
    #[serde(default)]
    pub create_database: bool,

    /// How readers find the partitions.
    #[serde(default)]
    pub partitions: Partitions,

    /// With `partitions: projection`, what each partition column may be. A text column that is not named here is
    /// `injected`: each query has to say its value. `month` and `hour` need not be named.
    #[serde(default)]
    pub projection: BTreeMap<String, ProjectedColumn>,

    /// What follows if Glue refuses a partition.
    #[serde(default)]
    pub on_failure: OnFailure,

    /// The account that the catalog belongs to, if it is not the caller's own.
    pub catalog_id: Option<String>,

    /// Where AWS is, and who calls.
    #[serde(default)]
    pub aws: AwsSettings,
}

/// How readers find the partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Partitions {
    /// Each is registered when the first file of it is written.
    #[default]
    Registered,
    /// Athena computes them (`projection.enabled`), and looks at nothing that is registered.
    Projection,
}

/// What a partition column may be: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectedColumn {
    /// The first and the last value of an integer or date column. A date is `2024-01-01`, `NOW`, or so many days from now:
    /// `NOW+1DAYS`.
    pub range: Option<[Bound; 2]>,

    /// All values of a text column.
    #[schemars(length(min = 1))]
    pub values: Option<Vec<String>>,
}

/// An end of a range.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Bound {
    /// Of an integer column.
    Number(i64),
    /// Of a date column.
    Text(String),
}

/// What follows if Glue refuses a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The flush is not committed, and the run fails.
    #[default]
    Stop,
    /// The run goes on and says so. The partition is tried again with the next flush.
    Warn,
}

impl GlueTableConfig {
    /// Reports what is wrong, but for what the sink's partition columns tell (see [`Projection`](crate::projection::Projection)).
    pub(crate) fn check(&self, findings: &mut Findings) {
        for (pointer, name, what) in [("/database", &self.database, "database"), ("/table", &self.table, "table")] {
            if let Err(message) = check_name(name, what) {
                findings.error(pointer, message);
            }
        }
        if self.partitions == Partitions::Registered && !self.projection.is_empty() {
            findings.error("/projection", "`projection` has no effect without `partitions: projection`");
        }
        for (column, projected) in &self.projection {
            if projected.range.is_some() == projected.values.is_some() {
                findings.error(format!("/projection/{column}"), "expected either `range` or `values`");
            }
        }
        if self.catalog_id.as_ref().is_some_and(|id| id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit())) {
            findings.error("/catalog_id", "expected the 12 digits of an account");
        }
        self.aws.check("/aws", findings);
    }
}

/// Errors: Glue would write it in another way, or Athena could not name it without quotes.
fn check_name(name: &str, what: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.len() <= 255 && name.chars().all(legal) && !name.starts_with('_') {
        return Ok(());
    }
    Err(format!("`{name}` cannot be a {what}'s name, expected small letters, digits and `_`, such as `stocks_daily`"))
}
