//! Adds columns.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema};
use indexmap::IndexMap;
use pipeline_api::{
    Context, Findings, Plugin, RecordBatch, Result, SchemaRef, Transform, async_trait, metadata_column, parse_type,
    register,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::constant::{Constant, Value};
use crate::names;

/// Adds columns behind the others: the same value for all records, or what the topic says of each record.
///
/// ```yaml
/// - type: insert_field
///   config:
///     fields:
///       exchange: { value: NYSE }
///       loaded_for: { value: "2026-01-02", type: date }
///       kafka_offset: { metadata: offset }      # under a sink only
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InsertFieldConfig {
    /// The new columns by name, in the order in which they shall stand.
    pub fields: IndexMap<String, Insert>,
}

/// What a new column holds: either `value` or `metadata`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Insert {
    /// The value, the same for all records: a text, a number, `true` or `false`.
    #[serde(default)]
    pub value: Option<Constant>,
    /// The type of `value`, such as `decimal(18,6)`. Default: string, bigint, double or boolean, as it is written.
    #[serde(default)]
    pub r#type: Option<String>,
    /// What the topic says of each record. Known behind the topic only: under a sink, not under a source.
    #[serde(default)]
    pub metadata: Option<MetadataField>,
}

/// What the topic says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetadataField {
    /// The topic's name: string.
    Topic,
    /// The partition's number: int.
    Partition,
    /// The record's offset: bigint.
    Offset,
    /// The record's timestamp: timestamp.
    Timestamp,
    /// The record's key as text: string, null if it has none.
    Key,
}

impl MetadataField {
    fn column(self) -> &'static str {
        match self {
            Self::Topic => metadata_column::TOPIC,
            Self::Partition => metadata_column::PARTITION,
            Self::Offset => metadata_column::OFFSET,
            Self::Timestamp => metadata_column::TIMESTAMP,
            Self::Key => metadata_column::KEY,
        }
    }
}

/// The transform `insert_field`.
pub struct InsertField {
    inserted: Vec<Inserted>,
    schema: SchemaRef,
}

enum Inserted {
    Value(Value),
    /// A copy of the column at this place.
    Column(usize),
}

register!(transform, InsertField);

#[async_trait]
impl Plugin for InsertField {
    const TYPE: &'static str = "insert_field";
    type Config = InsertFieldConfig;

    fn validate(config: &InsertFieldConfig, records: &Schema, findings: &mut Findings) {
        Self::plan(config, records, findings);
    }

    async fn open(config: InsertFieldConfig, context: Context) -> Result<Self> {
        names::planned(|findings| Self::plan(&config, &context.schema, findings))
    }
}

impl InsertField {
    fn plan(config: &InsertFieldConfig, input: &Schema, findings: &mut Findings) -> Self {
        if config.fields.is_empty() {
            findings.error("/fields", "no column is named, expected at least one");
        }
        let mut fields = input.fields().to_vec();
        let mut inserted = Vec::with_capacity(config.fields.len());
        for (name, insert) in &config.fields {
            let pointer = format!("/fields/{}", names::segment(name));
            let is_new = names::check_new(name, fields.iter().map(|field| field.name().as_str()), &pointer, findings);
            let planned = insert.plan(name, input, &pointer, findings);
            if let (true, Some((field, source))) = (is_new, planned) {
                fields.push(field);
                inserted.push(source);
            }
        }
        Self { inserted, schema: Schema::new_with_metadata(fields, input.metadata().clone()).into() }
    }
}

impl Insert {
    fn plan(&self, name: &str, input: &Schema, pointer: &str, findings: &mut Findings) -> Option<(FieldRef, Inserted)> {
        match (&self.value, self.metadata) {
            (Some(value), None) => plan_value(name, value, self.r#type.as_deref(), pointer, findings),
            (None, Some(metadata)) => {
                if self.r#type.is_some() {
                    let message = "a type goes with `value` alone, expected none; cast changes the type of a column";
                    findings.error(format!("{pointer}/type"), message);
                }
                plan_metadata(name, metadata, input, pointer, findings)
            }
            (Some(_), Some(_)) => {
                findings.error(pointer, "both `value` and `metadata` are given, expected one of them");
                None
            }
            (None, None) => {
                findings.error(pointer, "neither `value` nor `metadata` is given, expected one of them");
                None
            }
        }
    }
}

fn plan_value(
    name: &str,
    value: &Constant,
    of: Option<&str>,
    pointer: &str,
    findings: &mut Findings,
) -> Option<(FieldRef, Inserted)> {
    let of = match of.map(parse_type) {
        None => value.own_type(),
        Some(Ok(of)) => of,
        Some(Err(error)) => {
            findings.error(format!("{pointer}/type"), error.to_string());
            return None;
        }
    };
    match value.in_type(&of) {
        Ok(value) => Some((Arc::new(Field::new(name, value.data_type().clone(), false)), Inserted::Value(value))),
        Err(reason) => {
            findings.error(format!("{pointer}/value"), reason);
            None
        }
    }
}

fn plan_metadata(
    name: &str,
    metadata: MetadataField,
    input: &Schema,
    pointer: &str,
    findings: &mut Findings,
) -> Option<(FieldRef, Inserted)> {
    let Some((place, field)) = input.column_with_name(metadata.column()) else {
        findings.error(
            format!("{pointer}/metadata"),
            "a record gets its topic, partition, offset, timestamp and key when it is produced, so they are known behind \
             the topic only; expected this transform under a sink",
        );
        return None;
    };
    Some((Arc::new(field.clone().with_name(name)), Inserted::Column(place)))
}

impl Transform for InsertField {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        let rows = records.num_rows();
        let (_, mut columns, _) = records.into_parts();
        for inserted in &self.inserted {
            columns.push(match inserted {
                Inserted::Value(value) => value.repeat(rows, None)?,
                Inserted::Column(place) => columns[*place].clone(),
            });
        }
        names::batch(&self.schema, columns, rows)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type};
    use serde_json::json;

    use super::*;
    use crate::testing::{behind_topic, findings, open, refusal, stocks};

    #[tokio::test]
    async fn a_value_stands_in_every_record_in_the_type_asked_for() {
        let config = json!({ "fields": {
            "exchange": { "value": "NYSE" },
            "version": { "value": 3 },
            "ratio": { "value": 0.5 },
            "live": { "value": true },
            "since": { "value": "2026-01-02", "type": "date" },
            "fee": { "value": "0.10", "type": "decimal(9,4)" },
        } });
        let insert = open::<InsertField>(config, &stocks()).await;
        let records = insert.apply(stocks()).unwrap();
        let column = |name| records.column_by_name(name).unwrap();
        assert!(column("exchange").as_string::<i32>().iter().all(|value| value == Some("NYSE")));
        assert!(column("version").as_primitive::<Int64Type>().iter().all(|value| value == Some(3)));
        assert_eq!(column("ratio").data_type(), &DataType::Float64);
        assert!(column("live").as_boolean().iter().all(|value| value == Some(true)));
        assert!(column("since").as_primitive::<Date32Type>().iter().all(|value| value == Some(20_455)));
        assert!(column("fee").as_primitive::<Decimal128Type>().iter().all(|value| value == Some(1000)));
        assert_eq!(records.column(6).len(), 3);
        assert!(!records.schema().field_with_name("exchange").unwrap().is_nullable());
        assert_eq!(insert.apply(stocks().slice(0, 0)).unwrap().num_rows(), 0);
    }

    #[tokio::test]
    async fn what_the_topic_says_of_a_record_gets_a_name_of_ones_own() {
        let config = json!({ "fields": {
            "a": { "metadata": "topic" }, "b": { "metadata": "partition" }, "c": { "metadata": "offset" },
            "d": { "metadata": "timestamp" }, "e": { "metadata": "key" },
        } });
        let records = open::<InsertField>(config, &behind_topic()).await.apply(behind_topic()).unwrap();
        for (name, of) in
            [("a", "__topic"), ("b", "__partition"), ("c", "__offset"), ("d", "__timestamp"), ("e", "__key")]
        {
            assert_eq!(records.column_by_name(name), behind_topic().column_by_name(of));
        }
        assert!(records.schema().field_with_name("e").unwrap().is_nullable());
    }

    #[tokio::test]
    async fn before_the_topic_an_offset_is_refused_with_the_reason() {
        let config = json!({ "fields": { "o": { "metadata": "offset" } } });
        let found = findings::<InsertField>(config.clone(), &stocks());
        assert_eq!(found[0].0, "/fields/o/metadata");
        assert!(found[0].1.contains("known behind the topic only"), "{}", found[0].1);
        assert!(refusal::<InsertField>(config, &stocks()).await.contains("expected this transform under a sink"));
    }

    #[test]
    fn every_wrong_field_is_found_at_its_own_place() {
        for (name, insert, pointer, what) in [
            ("close", json!({ "value": 1 }), "/fields/close", "there is a column `close` already"),
            ("Close", json!({ "value": 1 }), "/fields/Close", "differ by case alone"),
            ("__x", json!({ "value": 1 }), "/fields/__x", "kept for the runtime"),
            ("x", json!({}), "/fields/x", "neither `value` nor `metadata`"),
            ("x", json!({ "value": 1, "metadata": "key" }), "/fields/x", "both `value` and `metadata`"),
            ("x", json!({ "value": 1, "type": "long" }), "/fields/x/type", "did you mean `bigint`"),
            ("x", json!({ "value": 300, "type": "tinyint" }), "/fields/x/value", "`300` is no tinyint"),
            ("x", json!({ "value": "soon", "type": "date" }), "/fields/x/value", "`soon` is no date"),
            (
                "x",
                json!({ "value": u64::MAX, "type": "decimal(38,0)" }),
                "/fields/x/value",
                "expected the number in quotes",
            ),
            ("x", json!({ "value": [1] }), "/fields/x/value", "expected a text, a number, true or false"),
            ("x", json!({ "value": 1, "valu": 1 }), "/fields/x", "unknown field `valu`"),
        ] {
            let found = findings::<InsertField>(json!({ "fields": { name: insert } }), &behind_topic());
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].0.starts_with(pointer), "{found:?}");
            assert!(found[0].1.contains(what), "{}", found[0].1);
        }
    }
}
