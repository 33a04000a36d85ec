//! Keeps some columns.

use arrow::datatypes::Schema;
use pipeline_api::{Context, Findings, Plugin, RecordBatch, Result, SchemaRef, Transform, async_trait, register};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::names;

/// Keeps the named columns, in the order given, and drops all others.
///
/// ```yaml
/// - type: select
///   config: { fields: [symbol, event_time, close] }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectConfig {
    /// The columns to keep, in the order in which they shall stand.
    pub fields: Vec<String>,
}

/// The transform `select`.
pub struct Select {
    columns: Vec<usize>,
    schema: SchemaRef,
}

register!(transform, Select);

#[async_trait]
impl Plugin for Select {
    const TYPE: &'static str = "select";
    type Config = SelectConfig;

    fn validate(config: &SelectConfig, records: &Schema, findings: &mut Findings) {
        Self::plan(config, records, findings);
    }

    async fn open(config: SelectConfig, context: Context) -> Result<Self> {
        names::planned(|findings| Self::plan(&config, &context.schema, findings))
    }
}

impl Select {
    fn plan(config: &SelectConfig, input: &Schema, findings: &mut Findings) -> Self {
        let mut columns = names::find_all(input, &config.fields, "/fields", findings);
        columns.extend(names::metadata_columns(input));
        Self::of(columns, input)
    }

    /// Keeps the columns at these places of the input.
    pub(crate) fn of(columns: Vec<usize>, input: &Schema) -> Self {
        let fields: Vec<_> = columns.iter().map(|&column| input.fields()[column].clone()).collect();
        Self { columns, schema: Schema::new_with_metadata(fields, input.metadata().clone()).into() }
    }
}

impl Transform for Select {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        let columns = self.columns.iter().map(|&column| records.column(column).clone()).collect();
        names::batch(&self.schema, columns, records.num_rows())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{behind_topic, findings, names, open, refusal, stocks};

    #[tokio::test]
    async fn select_keeps_the_named_columns_in_the_order_given() {
        let records = stocks();
        let select = open::<Select>(json!({ "fields": ["close", "symbol"] }), &records).await;
        let kept = select.apply(records.clone()).unwrap();
        assert_eq!(names(&kept), ["close", "symbol"]);
        assert_eq!(kept.schema(), select.schema());
        assert_eq!(kept.column(0), records.column_by_name("close").unwrap());
        assert_eq!(kept.column(1), records.column_by_name("symbol").unwrap());
    }

    #[tokio::test]
    async fn select_passes_the_runtimes_columns_on() {
        let records = behind_topic();
        let select = open::<Select>(json!({ "fields": ["close"] }), &records).await;
        let kept = select.apply(records.clone()).unwrap();
        assert_eq!(names(&kept), ["close", "__topic", "__partition", "__offset", "__timestamp", "__key"]);
        assert_eq!(kept.column_by_name("__offset"), records.column_by_name("__offset"));
    }

    #[tokio::test]
    async fn every_wrong_name_is_found_at_its_own_place() {
        let config = json!({ "fields": ["symbl", "close", "close", "__offset", "wholly_other"] });
        let found = findings::<Select>(config.clone(), &behind_topic());
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[0].0, "/fields/0");
        assert!(found[0].1.contains("did you mean `symbol`? expected one of symbol, "), "{}", found[0].1);
        assert!(!found[0].1.contains("__offset"), "{}", found[0].1);
        assert_eq!(found[1].0, "/fields/2");
        assert!(found[1].1.contains("named twice"), "{}", found[1].1);
        assert_eq!(found[2].0, "/fields/3");
        assert!(found[2].1.contains("belongs to the runtime"), "{}", found[2].1);
        assert_eq!(found[3].0, "/fields/4");

        let refusal = refusal::<Select>(config, &behind_topic()).await;
        for (pointer, message) in found {
            assert!(refusal.contains(&format!("select{pointer}: {message}")), "{refusal}");
        }
    }

    #[test]
    fn a_selection_of_nothing_is_refused() {
        assert_eq!(findings::<Select>(json!({ "fields": [] }), &stocks())[0].0, "/fields");
    }
}
