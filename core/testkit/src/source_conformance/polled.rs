//! What a source gave, so that it can be compared and shown.

use pipeline_api::{Source, SourceBatch, SourceOffsets};

use super::Fault;
use crate::text::Row;

/// One batch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Polled {
    /// Its records, and behind them those that were rejected.
    pub(super) rows: Vec<Row>,
    pub(super) offsets: SourceOffsets,
}

/// No source to test with needs more polls.
const MOST_POLLS: usize = 100_000;

impl Polled {
    pub(super) fn new(batch: SourceBatch) -> Self {
        let mut rows = Row::all_of(batch.records);
        rows.extend(batch.rejected.iter().map(|rejected| Row::text(&format!("{rejected:?}"))));
        Self { rows, offsets: batch.offsets }
    }
}

/// Polls until the end.
pub(super) async fn drain(source: &mut dyn Source) -> Result<Vec<Polled>, Fault> {
    let mut all = Vec::new();
    while let Some(batch) = source.poll().await? {
        all.push(Polled::new(batch));
        if all.len() == MOST_POLLS {
            return Err("it does not end, expected a config with which it does".into());
        }
    }
    Ok(all)
}

/// The rows of all batches, one behind the other.
pub(super) fn rows(all: &[Polled]) -> Vec<&Row> {
    all.iter().flat_map(|polled| &polled.rows).collect()
}

/// Where to resume after these batches.
pub(super) fn offsets_after(all: &[Polled]) -> SourceOffsets {
    let mut offsets = SourceOffsets::new();
    all.iter().for_each(|polled| offsets.merge(polled.offsets.clone()));
    offsets
}
