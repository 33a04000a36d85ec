//! Gives columns other names.

use arrow::datatypes::Schema;
use indexmap::IndexMap;
use pipeline_api::{Context, Findings, Plugin, RecordBatch, Result, SchemaRef, Transform, async_trait, register};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::names;

/// Gives columns other names. They keep their places, types and values. All renamings happen at once, so that two
/// columns can swap their names.
///
/// ```yaml
/// - type: rename
///   config: { fields: { ts: event_time, px: price } }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameConfig {
    /// For each column to rename its present name, and behind it the new one.
    pub fields: IndexMap<String, String>,
}

/// The transform `rename`.
pub struct Rename {
    schema: SchemaRef,
}

register!(transform, Rename);

#[async_trait]
impl Plugin for Rename {
    const TYPE: &'static str = "rename";
    type Config = RenameConfig;

    fn validate(config: &RenameConfig, records: &Schema, findings: &mut Findings) {
        Self::plan(config, records, findings);
    }

    async fn open(config: RenameConfig, context: Context) -> Result<Self> {
        names::planned(|findings| Self::plan(&config, &context.schema, findings))
    }
}

impl Rename {
    fn plan(config: &RenameConfig, input: &Schema, findings: &mut Findings) -> Self {
        if config.fields.is_empty() {
            findings.error("/fields", "no column is named, expected at least one");
        }
        let mut renamed: Vec<(usize, &str, String)> = Vec::with_capacity(config.fields.len());
        for (from, to) in &config.fields {
            let pointer = format!("/fields/{}", names::segment(from));
            if let Some(column) = names::find(input, from, &pointer, findings) {
                renamed.push((column, to, pointer));
            }
        }
        let mut fields = input.fields().to_vec();
        for (column, to, _) in &renamed {
            fields[*column] = fields[*column].as_ref().clone().with_name(*to).into();
        }
        for (column, to, pointer) in &renamed {
            let others = fields.iter().enumerate().filter(|(other, _)| other != column);
            names::check_new(to, others.map(|(_, field)| field.name().as_str()), pointer, findings);
        }
        Self { schema: Schema::new_with_metadata(fields, input.metadata().clone()).into() }
    }
}

impl Transform for Rename {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        let rows = records.num_rows();
        let (_, columns, _) = records.into_parts();
        names::batch(&self.schema, columns, rows)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{behind_topic, findings, names, open, stocks};

    #[tokio::test]
    async fn a_renamed_column_keeps_its_place_and_values() {
        let records = behind_topic();
        let rename = open::<Rename>(json!({ "fields": { "close": "price", "event_time": "ts" } }), &records).await;
        let renamed = rename.apply(records.clone()).unwrap();
        assert_eq!(names(&renamed)[..6], ["symbol", "price", "volume", "day", "ts", "quote"]);
        assert_eq!(names(&renamed)[6..], names(&records)[6..]);
        assert_eq!(renamed.columns(), records.columns());
        assert!(!renamed.schema().field(0).is_nullable());
    }

    #[tokio::test]
    async fn two_columns_can_swap_their_names() {
        let records = stocks();
        let rename = open::<Rename>(json!({ "fields": { "close": "volume", "volume": "close" } }), &records).await;
        let swapped = rename.apply(records.clone()).unwrap();
        assert_eq!(swapped.column_by_name("volume"), records.column_by_name("close"));
        assert_eq!(swapped.column_by_name("close"), records.column_by_name("volume"));
    }

    #[tokio::test]
    async fn a_name_may_change_its_case() {
        let records = stocks();
        let rename = open::<Rename>(json!({ "fields": { "close": "Close" } }), &records).await;
        assert_eq!(names(&rename.apply(records).unwrap())[1], "Close");
    }

    #[test]
    fn names_that_clash_are_refused_each_at_its_place() {
        for (config, pointer, what) in [
            (json!({ "close": "volume" }), "/fields/close", "there is a column `volume` already"),
            (json!({ "close": "Volume" }), "/fields/close", "differ by case alone"),
            (json!({ "close": "__close" }), "/fields/close", "kept for the runtime"),
            (json!({ "close": " " }), "/fields/close", "empty"),
            (json!({ "clse": "price" }), "/fields/clse", "did you mean `close`?"),
            (json!({ "a/b~": "price" }), "/fields/a~1b~0", "there is no column `a/b~`"),
            (json!({}), "/fields", "at least one"),
        ] {
            let found = findings::<Rename>(json!({ "fields": config }), &stocks());
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].0, pointer);
            assert!(found[0].1.contains(what), "{}", found[0].1);
        }
        let both = findings::<Rename>(json!({ "fields": { "close": "price", "volume": "price" } }), &stocks());
        assert_eq!(
            both.iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(),
            ["/fields/close", "/fields/volume"]
        );
    }
}
