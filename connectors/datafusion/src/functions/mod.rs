//! Functions that Athena has and the engine lacks or gets wrong, under Athena's names, so that a query that works here works there.

mod aggregates;
mod date_diff;
mod date_parse;
mod date_part;
mod date_trunc;
mod instant;

use std::sync::Arc;

use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::functions_aggregate::any_value::any_value_udaf;
use datafusion::functions_aggregate::approx_percentile_cont::approx_percentile_cont_udaf;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

/// Makes the functions known to a session.
pub(crate) fn register(state: &mut SessionState) {
    let scalars = [
        ScalarUDF::from(date_diff::DateDiff::default()),
        ScalarUDF::from(date_parse::DateParse::default()),
        ScalarUDF::from(date_parse::FromIso8601Timestamp::default()),
        ScalarUDF::from(date_trunc::DateTrunc::default()),
    ];
    let aggregates = [
        AggregateUDF::from(aggregates::ExtremeBy::max_by()),
        AggregateUDF::from(aggregates::ExtremeBy::min_by()),
        AggregateUDF::from(aggregates::CountIf::default()),
        any_value_udaf().as_ref().clone().with_aliases(["arbitrary"]),
        approx_percentile_cont_udaf().as_ref().clone().with_aliases(["approx_percentile"]),
    ];
    let parts = date_part::DatePartFunction::all().map(ScalarUDF::from);
    for function in parts.into_iter().chain(scalars) {
        // A session refuses a function only if it has a registry that cannot be written.
        let _ = state.register_udf(Arc::new(function));
    }
    for function in aggregates {
        let _ = state.register_udaf(Arc::new(function));
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::Result;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionContext;
    use jiff::civil::DateTime;
    use jiff::tz::Offset;

    const PRICES: &str = "(VALUES ('a', 1, 10.0), ('a', 2, 30.0), ('a', 3, 20.0), ('b', 1, 5.0), ('b', NULL, 7.0), \
                          ('c', NULL, 1.0)) AS t (symbol, day, price)";

    async fn answer(sql: &str) -> String {
        collected(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn collected(sql: &str) -> Result<String> {
        let mut state = SessionStateBuilder::new().with_default_features().build();
        super::register(&mut state);
        let batches = SessionContext::new_with_state(state).sql(sql).await?.collect().await?;
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter();
                let texts = cells.map(|c| arrow::util::display::array_value_to_string(c, row).unwrap());
                rows.push(texts.collect::<Vec<_>>().join(" "));
            }
        }
        Ok(rows.join("|"))
    }

    #[tokio::test]
    async fn max_by_and_min_by_give_the_value_beside_the_extreme_and_ignore_rows_without_a_key() {
        let sql = format!(
            "SELECT symbol, max_by(price, day), min_by(price, day) FROM {PRICES} GROUP BY symbol ORDER BY symbol"
        );
        assert_eq!(answer(&sql).await, "a 20.0 10.0|b 5.0 5.0|c  ");
        let sql = format!("SELECT max_by(symbol, price), min_by(symbol, price) FROM {PRICES}");
        assert_eq!(answer(&sql).await, "a c");
        let sql = format!("SELECT max_by(price, day) FILTER (WHERE price < 20) FROM {PRICES} WHERE symbol = 'a'");
        assert_eq!(answer(&sql).await, "10.0");
    }

    #[tokio::test]
    async fn count_if_counts_what_is_true_and_neither_false_nor_null() {
        assert_eq!(answer(&format!("SELECT count_if(day > 1), count_if(price > 99) FROM {PRICES}")).await, "2 0");
        let sql = format!("SELECT count_if(day >= 1) FILTER (WHERE symbol = 'a') FROM {PRICES}");
        assert_eq!(answer(&sql).await, "3");
    }

    #[tokio::test]
    async fn arbitrary_is_a_value_that_is_there_and_approx_percentile_lies_in_the_middle() {
        assert_eq!(answer(&format!("SELECT arbitrary(day) FROM {PRICES} WHERE symbol = 'b'")).await, "1");
        let sql =
            "SELECT abs(approx_percentile(v, 0.5) - 51) < 0.5 FROM (SELECT value AS v FROM generate_series(1, 101))";
        assert_eq!(answer(sql).await, "true");
    }

    #[tokio::test]
    async fn parts_of_a_date_and_of_a_timestamp_are_bigints() {
        let sql = "SELECT year(d), month(d), day(d), hour(t), arrow_typeof(year(d)) \
                   FROM (SELECT DATE '2024-02-29' AS d, TIMESTAMP '2024-02-29 23:59:59' AS t)";
        assert_eq!(answer(sql).await, "2024 2 29 23 Int64");
        assert_eq!(answer("SELECT year(CAST(NULL AS DATE))").await, "");
    }

    #[tokio::test]
    async fn date_diff_counts_whole_units_from_the_first_to_the_second() {
        for (unit, from, to, expected) in [
            ("day", "2024-02-28", "2024-03-01", "2"),
            ("day", "2024-03-01", "2024-02-28", "-2"),
            ("week", "2024-01-01", "2024-01-14", "1"),
            ("month", "2024-01-15", "2024-02-14", "0"),
            ("month", "2024-01-15", "2024-02-15", "1"),
            ("month", "2024-02-15", "2024-01-15", "-1"),
            ("month", "2024-01-31", "2024-02-29", "1"),
            ("quarter", "2023-12-01", "2024-06-01", "2"),
            ("year", "2020-02-29", "2024-02-28", "3"),
            ("year", "2020-01-01", "9999-12-31", "7979"),
        ] {
            let sql = format!("SELECT date_diff('{unit}', DATE '{from}', DATE '{to}')");
            assert_eq!(answer(&sql).await, expected, "{sql}");
        }
        let sql = "SELECT date_diff('hour', TIMESTAMP '2024-01-01 00:30:00', TIMESTAMP '2024-01-01 02:29:59.999')";
        assert_eq!(answer(sql).await, "1");
        let sql = "SELECT date_diff('day', CAST(NULL AS DATE), DATE '2024-01-01')";
        assert_eq!(answer(sql).await, "");
    }

    #[tokio::test]
    async fn texts_are_parsed_by_the_formats_of_mysql_and_of_iso_8601() {
        for (text, format, expected) in [
            ("2024-02-29 13:05:09", "%Y-%m-%d %H:%i:%s", "2024-02-29T13:05:09"),
            ("29/02/24", "%d/%m/%y", "2024-02-29T00:00:00"),
            ("Mar 1 2024 01:05 PM", "%b %e %Y %h:%i %p", "2024-03-01T13:05:00"),
            ("2024-02-29 13:05:09.25", "%Y-%m-%d %T.%f", "2024-02-29T13:05:09.250"),
        ] {
            assert_eq!(answer(&format!("SELECT date_parse('{text}', '{format}')")).await, expected);
        }
        let sql = "SELECT from_iso8601_timestamp('2024-02-29T13:05:09+01:00')";
        assert_eq!(answer(sql).await, "2024-02-29T12:05:09");
    }

    /// The start of a unit in ticks, of a column and of a constant: the engine computes the two apart.
    async fn truncated(unit: &str, ticks: &str, resolution: &str) -> Result<String> {
        let sql = |of: &str| {
            format!(
                "SELECT arrow_cast(date_trunc('{unit}', arrow_cast({of}, 'Timestamp({resolution}, None)')), 'Int64')"
            )
        };
        let column = collected(&format!("{} FROM (VALUES ({ticks})) AS t (n)", sql("n"))).await;
        let constant = collected(&sql(&format!("({ticks})"))).await;
        match (column, constant) {
            (Ok(column), Ok(constant)) => {
                assert_eq!(column, constant, "{unit} of {ticks} as a column and as a constant");
                Ok(column)
            }
            (Err(error), Err(_)) => Err(error),
            (column, constant) => panic!("{unit} of {ticks}: {column:?} as a column and {constant:?} as a constant"),
        }
    }

    #[tokio::test]
    async fn date_trunc_gives_the_start_of_the_unit_on_either_side_of_1970() {
        // 2024-05-15T10:30:45.123456 and 1969-12-31T23:59:59.999500, in microseconds.
        let (after, before) = ("1715769045123456", "-500");
        for (unit, ticks, expected) in [
            ("microsecond", after, "2024-05-15T10:30:45.123456"),
            ("millisecond", after, "2024-05-15T10:30:45.123"),
            ("second", after, "2024-05-15T10:30:45"),
            ("minute", after, "2024-05-15T10:30:00"),
            ("hour", after, "2024-05-15T10:00:00"),
            ("DAY", after, "2024-05-15T00:00:00"),
            ("week", after, "2024-05-13T00:00:00"),
            ("month", after, "2024-05-01T00:00:00"),
            ("quarter", after, "2024-04-01T00:00:00"),
            ("year", after, "2024-01-01T00:00:00"),
            ("microsecond", before, "1969-12-31T23:59:59.999500"),
            ("millisecond", before, "1969-12-31T23:59:59.999"),
            ("second", before, "1969-12-31T23:59:59"),
            ("hour", before, "1969-12-31T23:00:00"),
            ("week", before, "1969-12-29T00:00:00"),
            ("quarter", before, "1969-10-01T00:00:00"),
            // A date that stands for "never" in many tables, which nanoseconds cannot count to.
            ("month", "253402214400000000", "9999-12-01T00:00:00"),
            ("year", "-62135596800000000", "0001-01-01T00:00:00"),
        ] {
            let start: DateTime = expected.parse().unwrap();
            let start = Offset::UTC.to_timestamp(start).unwrap();
            let found = truncated(unit, ticks, "Microsecond").await.unwrap();
            assert_eq!(found, start.as_microsecond().to_string(), "{unit} of {ticks}");
        }
        assert_eq!(answer("SELECT date_trunc('month', CAST(NULL AS TIMESTAMP))").await, "");
        assert_eq!(answer("SELECT date_trunc('month', DATE '9999-12-31')").await, "9999-12-01T00:00:00");
        let zoned =
            "SELECT date_trunc('day', arrow_cast('2024-01-01T00:30:00Z', 'Timestamp(Second, Some(\"+01:00\"))'))";
        assert_eq!(answer(zoned).await, "2024-01-01T00:00:00+01:00");
    }

    #[tokio::test]
    async fn date_trunc_near_the_least_timestamp_is_right_or_an_error_and_never_wraps_around() {
        let least = "-9223372036854775807 - 1";
        for resolution in ["Second", "Millisecond", "Microsecond", "Nanosecond"] {
            for unit in ["minute", "hour", "day", "week", "month", "quarter", "year"] {
                let error = truncated(unit, least, resolution).await.unwrap_err().to_string();
                assert!(error.contains("out of range"), "{unit} of {resolution}: {error}");
            }
            let finest = truncated("microsecond", least, resolution).await;
            assert_eq!(finest.is_err(), resolution == "Nanosecond", "{resolution}: {finest:?}");
        }
        // The least one whose minute begins within range.
        let first = "-9223372036800000000";
        assert_eq!(truncated("minute", &format!("{first} + 1"), "Microsecond").await.unwrap(), first);
        truncated("minute", &format!("{first} - 1"), "Microsecond").await.unwrap_err();
    }
}
