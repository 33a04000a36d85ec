//! The transform `sql`.

use pipeline_api::{Context, Findings, Plugin, RecordBatch, Result, Schema, SchemaRef, Transform, async_trait};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::expression::Select;

/// Makes new columns by one SELECT, and drops the records that its WHERE does not hold for.
///
/// The records are called `input`. Each record is looked at by itself: aggregates, joins, ORDER BY, LIMIT, DISTINCT,
/// window functions and subqueries are refused, and so are functions such as `now()` and `random()`, because a replay
/// after a crash must give the same records again. A record on which an expression fails (a division by zero, a number
/// that is too large, a text that is no number) is treated as `errors:` says. Names without double quotes are in small
/// letters.
///
/// ```yaml
/// type: sql
/// config:
///   query: SELECT symbol, date, close, (close - open) / open AS change FROM input WHERE volume > 0
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlTransformConfig {
    /// One SELECT over `input`, of expressions with names and a WHERE: `SELECT *, close * 2 AS twice FROM input`. `*`
    /// stands for all columns, `* EXCEPT (a, b)` for all but some.
    pub query: String,
}

/// Runs one SELECT over whole columns.
#[derive(Debug)]
pub struct SqlTransform {
    select: Select,
}

#[async_trait]
impl Plugin for SqlTransform {
    const TYPE: &'static str = "sql";
    type Config = SqlTransformConfig;

    fn validate(config: &Self::Config, records: &Schema, findings: &mut Findings) {
        if let Err(error) = Select::compile(&config.query, records) {
            findings.error("/query", format!("{error:#}"));
        }
    }

    async fn open(config: Self::Config, context: Context) -> Result<Self> {
        Ok(Self { select: Select::compile(&config.query, &context.schema)? })
    }
}

impl Transform for SqlTransform {
    fn schema(&self) -> SchemaRef {
        self.select.schema()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        self.select.apply(&records)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Date32Array, Float64Array, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimeUnit};
    use pipeline_api::ErrorKind;

    use super::*;
    use crate::testing::batch;

    fn prices() -> RecordBatch {
        batch(vec![
            ("symbol", Arc::new(StringArray::from(vec![Some("IBM"), Some("MSFT"), None, Some("FB")]))),
            ("day", Arc::new(Date32Array::from(vec![10957, 10958, 10959, 10960]))),
            ("close", Arc::new(Float64Array::from(vec![Some(100.0), Some(50.5), Some(1.0), None]))),
            ("volume", Arc::new(Int64Array::from(vec![Some(10), Some(0), Some(i64::MAX), None]))),
            ("__offset", Arc::new(Int64Array::from(vec![7, 8, 9, 10]))),
        ])
    }

    async fn opened(query: &str) -> Result<SqlTransform> {
        let config = SqlTransformConfig { query: query.into() };
        SqlTransform::open(config, Context::new("t", prices().schema())).await
    }

    async fn refusal(query: &str) -> String {
        let mut findings = Findings::default();
        let config = SqlTransformConfig { query: query.into() };
        SqlTransform::validate(&config, &prices().schema(), &mut findings);
        let found: Vec<_> = findings.iter().collect();
        assert_eq!(found.len(), 1, "{query}: {found:?}");
        assert_eq!(found[0].pointer, "/query");
        assert_eq!(opened(query).await.unwrap_err().kind(), ErrorKind::Config);
        found[0].message.clone()
    }

    #[tokio::test]
    async fn rows_are_filtered_and_columns_computed_and_metadata_follows_its_row() {
        let query = "SELECT i.symbol, close * 2 AS twice FROM input AS i WHERE volume > 0";
        let transform = opened(query).await.unwrap();
        let result = transform.apply(prices()).unwrap();
        assert_eq!(result.schema(), transform.schema());
        let names: Vec<_> = result.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["symbol", "twice", "__offset"]);
        assert_eq!(result.column(0).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("IBM"), None]);
        assert_eq!(result.column(1).as_primitive::<Float64Type>().values(), &[200.0, 2.0]);
        assert_eq!(result.column(2).as_primitive::<Int64Type>().values(), &[7, 9]);
    }

    #[tokio::test]
    async fn a_star_means_the_columns_of_the_record_and_can_leave_some_out() {
        let names = |transform: &SqlTransform| {
            transform.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>()
        };
        let all = opened("SELECT * FROM input").await.unwrap();
        assert_eq!(names(&all), ["symbol", "day", "close", "volume", "__offset"]);
        let some = opened("SELECT * EXCEPT (day, volume), volume AS v FROM input").await.unwrap();
        assert_eq!(names(&some), ["symbol", "close", "v", "__offset"]);
        let own = opened("SELECT symbol, __offset, __offset AS place FROM input").await.unwrap();
        assert_eq!(names(&own), ["symbol", "place", "__offset"]);
    }

    #[tokio::test]
    async fn columns_leave_in_types_that_a_topic_can_carry() {
        let query = "SELECT CAST(close AS VARCHAR) AS text, upper(symbol) AS upper, to_timestamp('2024-01-02') AS t, \
                     date_trunc('month', day) AS month, CAST(1 AS DECIMAL(9, 2)) AS d, year(day) AS y, \
                     coalesce(symbol, '?') AS s FROM input";
        let transform = opened(query).await.unwrap();
        let schema = transform.schema();
        let of = |name| schema.field_with_name(name).unwrap().data_type().clone();
        assert_eq!(of("text"), DataType::Utf8);
        assert_eq!(of("upper"), DataType::Utf8);
        assert_eq!(of("t"), DataType::Timestamp(TimeUnit::Microsecond, None));
        assert_eq!(of("d"), DataType::Decimal128(9, 2));
        assert_eq!(of("y"), DataType::Int64);
        let result = transform.apply(prices()).unwrap();
        assert_eq!(result.column_by_name("s").unwrap().as_string::<i32>().value(2), "?");
    }

    #[tokio::test]
    async fn a_record_that_an_expression_fails_on_is_an_error_of_the_data() {
        for query in [
            "SELECT 1 / volume AS x FROM input",
            "SELECT volume + 1 AS x FROM input",
            "SELECT volume * 3 AS x FROM input",
            "SELECT -volume - 2 AS x FROM input",
            "SELECT CAST(symbol AS bigint) AS x FROM input",
            "SELECT symbol FROM input WHERE 5 % volume = 1",
        ] {
            let error = opened(query).await.unwrap().apply(prices()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{query}: {error:#}");
        }
        let least = Schema::new(vec![Field::new("v", DataType::Int64, true)]);
        let config = SqlTransformConfig { query: "SELECT -v AS x FROM input".into() };
        let context = Context::new("t", Arc::new(least));
        let transform = SqlTransform::open(config, context).await.unwrap();
        let records = batch(vec![("v", Arc::new(Int64Array::from(vec![i64::MIN])))]);
        assert_eq!(transform.apply(records).unwrap_err().kind(), ErrorKind::Data);
        let guarded = opened("SELECT 10 / volume AS x FROM input WHERE volume > 0").await.unwrap();
        assert_eq!(guarded.apply(prices()).unwrap().num_rows(), 2);
    }

    #[tokio::test]
    async fn whatever_looks_beyond_one_record_is_refused_with_the_reason() {
        for (query, reason) in [
            ("SELECT sum(volume) AS v FROM input", "the aggregate sum() is not allowed here"),
            ("SELECT symbol FROM input GROUP BY symbol", "GROUP BY is not allowed"),
            ("SELECT symbol FROM input ORDER BY symbol", "ORDER BY is not allowed"),
            ("SELECT symbol FROM input LIMIT 3", "LIMIT is not allowed"),
            ("SELECT DISTINCT symbol FROM input", "DISTINCT is not allowed"),
            ("SELECT lag(close) OVER (ORDER BY day) AS l FROM input", "window function"),
            ("SELECT a.symbol FROM input a JOIN input b ON a.day = b.day", "a join is not allowed"),
            ("SELECT symbol FROM input, input b", "a join is not allowed"),
            ("SELECT symbol FROM (SELECT * FROM input)", "a subquery is not allowed"),
            ("SELECT symbol FROM input WHERE close > (SELECT 1)", "a subquery is not allowed"),
            ("SELECT symbol FROM input WHERE symbol IN (SELECT 'a')", "a subquery is not allowed"),
            ("SELECT symbol FROM input UNION SELECT symbol FROM input", "UNION is not allowed"),
            ("WITH a AS (SELECT 1) SELECT symbol FROM input", "WITH is not allowed"),
            ("SELECT now() AS t FROM input", "a replay after a crash"),
            ("SELECT random() AS r FROM input", "a replay after a crash"),
            ("SELECT current_date AS r FROM input", "a replay after a crash"),
            ("SELECT 1 AS one", "a SELECT without FROM"),
            ("DELETE FROM input", "it is no SELECT"),
        ] {
            let message = refusal(query).await;
            assert!(message.contains(reason), "{query}: {message}");
        }
    }

    #[tokio::test]
    async fn a_mistake_is_named_with_what_would_be_right() {
        for (query, reason) in [
            ("SELECT clsoe FROM input", "unknown column `clsoe`, did you mean `close`?"),
            ("SELECT symbol FROM input WHERE qty > 0", "unknown column `qty`, expected one of symbol, day, close"),
            ("SELECT close * 2 FROM input", "needs a name for its column, write `close * 2 AS name`"),
            ("SELECT close, volume AS close FROM input", "two columns are called `close`"),
            ("SELECT close AS __x FROM input", "the runtime's own"),
            ("SELECT NULL AS x FROM input", "is always null"),
            ("SELECT symbol FROM inptu", "the records are called `input`"),
            ("SELECT symbol FROM input WHERE volume", "`volume` is a bigint, expected a condition"),
            ("SELECT symbol FROM input WHERE", "expected"),
            ("SELECT uper(symbol) AS x FROM input", "did you mean 'upper'"),
            ("SELECT symbol + day AS x FROM input", "+"),
            ("SELECT * EXCEPT (vol) FROM input", "unknown column `vol`"),
            ("SELECT volume + (9223372036854775807 + 1) AS x FROM input", "overflow"),
        ] {
            let message = refusal(query).await;
            assert!(message.to_lowercase().contains(&reason.to_lowercase()), "{query}: {message}");
        }
    }
}
