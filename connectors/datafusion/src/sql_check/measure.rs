//! One check of a whole table, by this engine.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::array_value_to_string;
use datafusion::prelude::SessionContext;
use pipeline_api::{CheckOutcome, Error, Result};
use pipeline_checks::{Answer, Check, Dialect, quoted_text};

use crate::query::collect;

/// Runs one check. `at_least` is the number of records that the table must hold.
pub(super) async fn measure(
    check: &Check,
    table: &str,
    columns: &Schema,
    session: &SessionContext,
    at_least: u64,
) -> Result<CheckOutcome> {
    let batches = collect(session, &check.query(table, columns, &LocalSql)).await?;
    check.judge(table, &answer(&batches)?, at_least)
}

/// The SQL of the local engine.
pub(super) struct LocalSql;

impl Dialect for LocalSql {
    fn literal(&self, text: &str, of: Option<&DataType>) -> String {
        match of {
            // By itself the engine compares nanoseconds, in which neither the year 1600 nor 2300 can be written.
            Some(of @ DataType::Timestamp(..)) => format!("arrow_cast({}, '{of}')", quoted_text(text)),
            _ => quoted_text(text),
        }
    }

    fn newest(&self, column: &str) -> String {
        format!("arrow_cast(max({column}), 'Timestamp(Microsecond, None)')")
    }
}

fn answer(batches: &[RecordBatch]) -> Result<Answer> {
    let first = batches.iter().find(|batch| batch.num_rows() > 0);
    Ok(Answer {
        columns: batches.first().map_or(0, RecordBatch::num_columns),
        rows: batches.iter().map(RecordBatch::num_rows).sum(),
        first: first.map(first_row).transpose()?.unwrap_or_default(),
    })
}

fn first_row(batch: &RecordBatch) -> Result<Vec<Option<String>>> {
    let text = |column: &arrow::array::ArrayRef| match column.is_null(0) {
        true => Ok(None),
        false => array_value_to_string(column, 0)
            .map(Some)
            .map_err(|error| Error::fatal("the query gave a value that cannot be shown").with_source(error)),
    };
    batch.columns().iter().map(text).collect()
}
