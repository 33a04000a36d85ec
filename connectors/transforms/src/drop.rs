//! Drops some columns.

use arrow::datatypes::Schema;
use pipeline_api::{Context, Findings, Plugin, RecordBatch, Result, SchemaRef, Transform, async_trait, register};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::names;
use crate::select::Select;

/// Drops the named columns and keeps all others. (The `sql` transform drops records.)
///
/// ```yaml
/// - type: drop
///   config: { fields: [adj_close] }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropConfig {
    /// The columns to drop.
    pub fields: Vec<String>,
}

/// The transform `drop`: a `select` of all other columns.
pub struct Drop(Select);

register!(transform, Drop);

#[async_trait]
impl Plugin for Drop {
    const TYPE: &'static str = "drop";
    type Config = DropConfig;

    fn validate(config: &DropConfig, records: &Schema, findings: &mut Findings) {
        Self::plan(config, records, findings);
    }

    async fn open(config: DropConfig, context: Context) -> Result<Self> {
        names::planned(|findings| Self::plan(&config, &context.schema, findings))
    }
}

impl Drop {
    fn plan(config: &DropConfig, input: &Schema, findings: &mut Findings) -> Self {
        let dropped = names::find_all(input, &config.fields, "/fields", findings);
        let kept: Vec<usize> = (0..input.fields().len()).filter(|column| !dropped.contains(column)).collect();
        if !dropped.is_empty() && kept.iter().all(|&column| names::is_metadata(input.field(column).name())) {
            findings.error("/fields", "no column would be left, expected at least one that is not dropped");
        }
        Self(Select::of(kept, input))
    }
}

impl Transform for Drop {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        self.0.apply(records)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{behind_topic, findings, names, open, stocks};

    #[tokio::test]
    async fn drop_keeps_all_other_columns_and_those_of_the_runtime() {
        let records = behind_topic();
        let drop = open::<Drop>(json!({ "fields": ["symbol", "quote", "day"] }), &records).await;
        let kept = drop.apply(records.clone()).unwrap();
        assert_eq!(
            names(&kept),
            ["close", "volume", "event_time", "__topic", "__partition", "__offset", "__timestamp", "__key"]
        );
        for field in kept.schema().fields() {
            assert_eq!(kept.column_by_name(field.name()), records.column_by_name(field.name()));
        }
    }

    #[test]
    fn dropping_every_column_is_refused() {
        let all = json!({ "fields": ["symbol", "close", "volume", "day", "event_time", "quote"] });
        for records in [stocks(), behind_topic()] {
            let found = findings::<Drop>(all.clone(), &records);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].1.contains("no column would be left"), "{}", found[0].1);
        }
    }
}
