//! Hides what columns hold.

use arrow::array::Array;
use arrow::datatypes::{DataType, Schema};
use pipeline_api::{
    Context, Findings, Plugin, RecordBatch, Result, SchemaRef, Transform, async_trait, register, type_text,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::constant::{Constant, Value};
use crate::names;

/// Replaces what columns hold by one value for all records. Their types stay, and null stays null.
///
/// ```yaml
/// - type: mask_field
///   config: { fields: [account, trader], replacement: "***" }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskFieldConfig {
    /// The columns to mask.
    pub fields: Vec<String>,
    /// The value that stands there instead; it must fit the type of every column. Default: the one that stands for
    /// nothing in the column's type (the empty text, 0, false, the start of 1970).
    #[serde(default)]
    pub replacement: Option<Constant>,
}

/// The transform `mask_field`.
pub struct MaskField {
    masked: Vec<(usize, Value)>,
    schema: SchemaRef,
}

register!(transform, MaskField);

#[async_trait]
impl Plugin for MaskField {
    const TYPE: &'static str = "mask_field";
    type Config = MaskFieldConfig;

    fn validate(config: &MaskFieldConfig, records: &Schema, findings: &mut Findings) {
        Self::plan(config, records, findings);
    }

    async fn open(config: MaskFieldConfig, context: Context) -> Result<Self> {
        names::planned(|findings| Self::plan(&config, &context.schema, findings))
    }
}

impl MaskField {
    fn plan(config: &MaskFieldConfig, input: &Schema, findings: &mut Findings) -> Self {
        let mut masked = Vec::with_capacity(config.fields.len());
        for place in names::find_all(input, &config.fields, "/fields", findings) {
            let field = input.field(place);
            match mask(config.replacement.as_ref(), field.data_type()) {
                Ok(value) => masked.push((place, value)),
                Err(reason) => {
                    let index = config.fields.iter().position(|name| name == field.name()).unwrap_or_default();
                    findings
                        .error(format!("/fields/{index}"), format!("`{}` cannot be masked: {reason}", field.name()));
                }
            }
        }
        Self { masked, schema: Schema::new_with_metadata(input.fields().clone(), input.metadata().clone()).into() }
    }
}

fn mask(replacement: Option<&Constant>, of: &DataType) -> Result<Value, String> {
    if of.is_nested() {
        return Err(format!(
            "it is of the type {}, expected a column of single values; drop or flatten it",
            type_text(of)
        ));
    }
    match replacement {
        Some(replacement) => replacement.in_type(of),
        None => Value::empty_of(of),
    }
}

impl Transform for MaskField {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        let rows = records.num_rows();
        let (_, mut columns, _) = records.into_parts();
        for (place, value) in &self.masked {
            columns[*place] = value.repeat(rows, columns[*place].nulls())?;
        }
        names::batch(&self.schema, columns, rows)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array};
    use arrow::datatypes::{Float64Type, Int64Type, TimestampMillisecondType};
    use serde_json::json;

    use super::*;
    use crate::testing::{behind_topic, findings, open, stocks};

    #[tokio::test]
    async fn without_a_replacement_each_type_gets_its_own_nothing() {
        let config = json!({ "fields": ["symbol", "close", "volume", "event_time", "day"] });
        let mask = open::<MaskField>(config, &behind_topic()).await;
        let masked = mask.apply(behind_topic()).unwrap();
        assert_eq!(masked.schema(), behind_topic().schema());
        assert!(masked.column(0).as_string::<i32>().iter().all(|value| value == Some("")));
        assert!(masked.column(1).as_primitive::<Float64Type>().iter().all(|value| value == Some(0.0)));
        let volumes: Vec<_> = masked.column(2).as_primitive::<Int64Type>().iter().collect();
        assert_eq!(volumes, [Some(0), None, Some(0)]);
        assert!(masked.column(4).as_primitive::<TimestampMillisecondType>().iter().all(|value| value == Some(0)));
        assert_eq!(masked.columns()[5..], behind_topic().columns()[5..]);
    }

    #[tokio::test]
    async fn every_single_valued_type_can_be_masked() {
        let columns: [ArrayRef; 3] = [
            Arc::new(BinaryArray::from(vec![b"\xff\x00".as_slice()])),
            Arc::new(BooleanArray::from(vec![true])),
            Arc::new(Decimal128Array::from(vec![123]).with_precision_and_scale(9, 2).unwrap()),
        ];
        for column in columns {
            let records = RecordBatch::try_from_iter([("c", column)]).unwrap();
            let masked = open::<MaskField>(json!({ "fields": ["c"] }), &records).await.apply(records.clone()).unwrap();
            assert_eq!(masked.schema(), records.schema());
            assert_ne!(masked, records);
        }
    }

    #[tokio::test]
    async fn a_replacement_takes_the_type_of_its_column() {
        let config = json!({ "fields": ["close", "volume", "symbol"], "replacement": 7 });
        let masked = open::<MaskField>(config, &stocks()).await.apply(stocks()).unwrap();
        assert!(masked.column(1).as_primitive::<Float64Type>().iter().all(|value| value == Some(7.0)));
        assert_eq!(masked.column(2).as_primitive::<Int64Type>().value(2), 7);
        assert_eq!(masked.column(0).as_string::<i32>().value(1), "7");
    }

    #[test]
    fn a_replacement_that_does_not_fit_is_refused_at_each_column_that_it_does_not_fit() {
        let config = json!({ "fields": ["symbol", "close", "quote", "volume"], "replacement": "***" });
        let found = findings::<MaskField>(config, &stocks());
        assert_eq!(
            found.iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(),
            ["/fields/1", "/fields/2", "/fields/3"]
        );
        assert!(found[0].1.contains("`***` is no double"), "{}", found[0].1);
        assert!(found[1].1.contains("drop or flatten"), "{}", found[1].1);
    }
}
