//! The transform `sql`.

use anyhow::{Result, ensure};
use arrow::compute::kernels::numeric::sub;
use criterion::Criterion;
use pipeline_api::{Context, Plugin, Transform};
use pipeline_datafusion::{SqlTransform, SqlTransformConfig};

use crate::Group;
use crate::rows::{BATCH_ROWS, Rows};

/// Columns to one more column.
pub(crate) fn measure(criterion: &mut Criterion, rows: &Rows) -> Result<()> {
    let batch = &rows.batches[0];
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let config = SqlTransformConfig { query: "SELECT *, high - low AS spread FROM input".into() };
    let sql = runtime.block_on(SqlTransform::open(config, Context::new("ticks", rows.schema.clone())))?;
    let [high, low] = ["high", "low"].map(|name| &batch[name]);
    let mut group = Group::new(criterion, "one more column", BATCH_ROWS);
    let records = group.add("pipeline, sql", || sql.apply(batch.clone()))?;
    let spread = group.add("arrow's kernel alone", || sub(high, low))?;
    ensure!(records["spread"] == spread, "not both have computed the same");
    Ok(())
}
