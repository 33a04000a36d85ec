//! The condition `sql`.

use arrow::array::BooleanArray;
use pipeline_api::{Condition, Context, Findings, Plugin, RecordBatch, Result, Schema, async_trait};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::expression::Expression;

/// Judges each record by an SQL expression; this is what stands after `when:`.
///
/// The same expressions as in the transform `sql`. Null counts as false.
///
/// ```yaml
/// type: sql
/// config: { expression: volume > 0 AND symbol <> 'TEST' }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlConditionConfig {
    /// What must hold: `volume > 0`.
    pub expression: String,
}

/// Evaluates one expression over whole columns.
#[derive(Debug)]
pub struct SqlCondition {
    expression: Expression,
}

#[async_trait]
impl Plugin for SqlCondition {
    const TYPE: &'static str = "sql";
    type Config = SqlConditionConfig;

    fn validate(config: &Self::Config, records: &Schema, findings: &mut Findings) {
        if let Err(error) = Expression::condition(&config.expression, records) {
            findings.error("/expression", format!("{error:#}"));
        }
    }

    async fn open(config: Self::Config, context: Context) -> Result<Self> {
        Ok(Self { expression: Expression::condition(&config.expression, &context.schema)? })
    }
}

impl Condition for SqlCondition {
    fn holds(&self, records: &RecordBatch) -> Result<BooleanArray> {
        self.expression.holds(records)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;
    use crate::testing::batch;

    fn records() -> RecordBatch {
        batch(vec![
            ("volume", Arc::new(Int64Array::from(vec![Some(1), Some(0), None]))),
            ("__key", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ])
    }

    #[tokio::test]
    async fn a_condition_judges_each_row_and_may_look_at_metadata() {
        for (text, expected) in [
            ("volume > 0", [Some(true), Some(false), None]),
            ("volume IS NULL OR __key = 'a'", [Some(true), Some(false), Some(true)]),
            ("true", [Some(true); 3]),
        ] {
            let config = SqlConditionConfig { expression: text.into() };
            let condition = SqlCondition::open(config, Context::new("c", records().schema())).await.unwrap();
            assert_eq!(condition.holds(&records()).unwrap(), BooleanArray::from(expected.to_vec()), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for (text, reason) in [
            ("volume", "expected a condition"),
            ("volum > 0", "did you mean `volume`"),
            ("volume > 0; DROP TABLE x", "expected"),
            ("volume > 0) OR (1 = 1", "expected"),
            ("count(*) > 1", "aggregate"),
            ("", "expected"),
        ] {
            let mut findings = Findings::default();
            let config = SqlConditionConfig { expression: text.into() };
            SqlCondition::validate(&config, &records().schema(), &mut findings);
            let message = findings.iter().map(|finding| finding.message.to_lowercase()).collect::<String>();
            assert!(message.contains(reason), "{text}: {message}");
        }
    }
}
