//! Committed offsets, of groups and of sources.

use std::collections::BTreeMap;

use pipeline_api::SourceOffsets;
use pipeline_runtime::broker::{Committed, ProducerId};
use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use crate::store::{GROUP_OFFSETS, SOURCE_OFFSETS};

/// What a group has committed for a partition.
pub(crate) fn read_committed(
    transaction: &ReadTransaction,
    topic: u64,
    group: &str,
    partition: i32,
) -> Result<Option<Committed>, redb::Error> {
    let table = transaction.open_table(GROUP_OFFSETS)?;
    let stored = table.get((topic, group, partition))?;
    Ok(stored.map(|stored| {
        let (offset, metadata) = stored.value();
        Committed { offset, metadata: metadata.to_owned() }
    }))
}

/// The offset alone of what a group has committed for a partition.
pub(crate) fn committed_offset(
    offsets: &impl ReadableTable<(u64, &'static str, i32), (i64, &'static str)>,
    topic: u64,
    group: &str,
    partition: i32,
) -> Result<Option<i64>, redb::Error> {
    Ok(offsets.get((topic, group, partition))?.map(|stored| stored.value().0))
}

/// Commits for a group.
pub(crate) fn write_committed(
    transaction: &WriteTransaction,
    topic: u64,
    group: &str,
    offsets: &BTreeMap<i32, Committed>,
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(GROUP_OFFSETS)?;
    for (&partition, committed) in offsets {
        table.insert((topic, group, partition), (committed.offset, committed.metadata.as_str()))?;
    }
    Ok(())
}

/// The offsets of a source, over all its tasks.
pub(crate) fn read_source(transaction: &ReadTransaction, id: &ProducerId) -> Result<SourceOffsets, redb::Error> {
    let table = transaction.open_table(SOURCE_OFFSETS)?;
    let mut positions = Vec::new();
    for entry in table.range((id.pipeline.as_str(), id.source.as_str(), "")..)? {
        let (key, position) = entry?;
        let (pipeline, source, partition) = key.value();
        if pipeline != id.pipeline || source != id.source {
            break;
        }
        let position = serde_json::from_str(position.value()).map_err(|error| {
            redb::Error::Corrupted(format!("the offset of source `{source}` at `{partition}` is not JSON: {error}"))
        })?;
        positions.push((partition.to_owned(), position));
    }
    Ok(positions.into_iter().collect())
}

/// Stores the offsets of a source. Those of other partitions stay.
pub(crate) fn write_source(
    transaction: &WriteTransaction,
    id: &ProducerId,
    offsets: &SourceOffsets,
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(SOURCE_OFFSETS)?;
    for (partition, position) in offsets.iter() {
        table.insert((id.pipeline.as_str(), id.source.as_str(), partition), position.to_string().as_str())?;
    }
    Ok(())
}

/// Forgets the offsets of all sources of a pipeline.
pub(crate) fn delete_sources(transaction: &WriteTransaction, pipeline: &str) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(SOURCE_OFFSETS)?;
    // The least name after `pipeline`: all its sources lie between the two.
    let next = format!("{pipeline}\0");
    table.retain_in((pipeline, "", "")..(next.as_str(), "", ""), |_, _| false)?;
    Ok(())
}
