//! What this program starts itself as to see rows land: a reader that shares nothing with whoever writes them.

use std::collections::HashSet;
use std::io::BufRead;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::fill::DUE;
use crate::store;

/// How long between two looks at what is there.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lists a bucket again and again and reads each new object, until so many rows were there, and says how long after they were due they were
/// read: the middle one, the one that 99 of 100 are not behind, the last, in microseconds; and how many objects there were. The rows that were
/// due first are left out: so many.
pub(crate) fn watch(bucket: &str, rows: usize, skip: usize) -> Result<()> {
    let bucket = store::client(bucket)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut landed: Vec<(i64, i64)> = Vec::with_capacity(rows);
    let mut known = HashSet::new();
    runtime.block_on(async {
        let mut last = Instant::now();
        while landed.len() < rows {
            let looked = Instant::now();
            for object in bucket.list(None).try_collect::<Vec<_>>().await? {
                if known.contains(&object.location) {
                    continue;
                }
                let bytes = bucket.get(&object.location).await?.bytes().await?;
                let due = due(object.location.filename().unwrap_or_default(), bytes)?;
                let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
                landed.extend(due.into_iter().map(|due| (due, now - due)));
                known.insert(object.location);
                last = Instant::now();
            }
            ensure!(last.elapsed() < PATIENCE, "{} of {rows} rows landed, and no more come", landed.len());
            tokio::time::sleep(LOOK_AGAIN.saturating_sub(looked.elapsed())).await;
        }
        anyhow::Ok(())
    })?;
    ensure!(landed.len() == rows, "{} rows landed of {rows}", landed.len());
    landed.sort_unstable();
    let mut took: Vec<i64> = landed.iter().skip(skip).map(|(_, took)| *took).collect();
    took.sort_unstable();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len() - 1));
    let [middle, most, all] = [at(50), at(99), at(100)].map(|took| took.context("no row is left"));
    println!("{} {} {} {}", middle?, most?, all?, known.len());
    Ok(())
}

/// When the rows of an object were due.
fn due(name: &str, bytes: Bytes) -> Result<Vec<i64>> {
    match name.split_once('.').map(|(_, extension)| extension) {
        Some("parquet") => {
            let mut due = Vec::new();
            for batch in ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()? {
                let batch = batch?;
                let column = batch.column_by_name(DUE).context("a file without the column")?;
                due.extend_from_slice(column.as_primitive::<Int64Type>().values());
            }
            Ok(due)
        }
        Some("json.zst") => {
            let lines = std::io::BufReader::new(zstd::Decoder::new(&bytes[..])?).lines();
            lines.map(|line| serde_json::from_str::<Value>(&line?)?[DUE].as_i64().context("a row without it")).collect()
        }
        _ => bail!("an object {name}"),
    }
}
