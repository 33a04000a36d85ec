//! Functions that Athena has and the engine lacks, under Athena's names, so that a query that works here works there.

mod aggregates;
mod date_diff;
mod date_parse;
mod date_part;
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
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionContext;

    const PRICES: &str = "(VALUES ('a', 1, 10.0), ('a', 2, 30.0), ('a', 3, 20.0), ('b', 1, 5.0), ('b', NULL, 7.0), \
                          ('c', NULL, 1.0)) AS t (symbol, day, price)";

    async fn answer(sql: &str) -> String {
        let mut state = SessionStateBuilder::new().with_default_features().build();
        super::register(&mut state);
        let batches = SessionContext::new_with_state(state).sql(sql).await.unwrap().collect().await.unwrap();
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter();
                let texts = cells.map(|c| arrow::util::display::array_value_to_string(c, row).unwrap());
                rows.push(texts.collect::<Vec<_>>().join(" "));
            }
        }
        rows.join("|")
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
}
