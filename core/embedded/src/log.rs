//! The records of a partition, in blocks.

use pipeline_api::{Error, Result};
use redb::{ReadableTable, WriteTransaction};

use crate::block::Block;
use crate::block_builder::EncodedBlock;
use crate::store::{LOG, PARTITIONS, Store};
use crate::topic::{PartitionState, Topic};

/// Reads records from `offset` on, in one block: what is stored in small blocks is joined up to half of `rows` records or
/// `bytes` bytes, because joining copies them and larger blocks are worth a call of their own. `None`: the record of that
/// offset is not there.
pub(crate) fn read(
    store: &Store,
    topic: &Topic,
    partition: i32,
    offset: i64,
    rows: usize,
    bytes: usize,
) -> Result<Option<Block>> {
    let blocks = store.read(|transaction| {
        let log = transaction.open_table(LOG)?;
        let until = |last| (topic.id, partition, 0)..=(topic.id, partition, last);
        let Some(first) = log.range(until(offset))?.next_back() else { return Ok(Vec::new()) };
        let base = first?.0.value().2;
        let mut blocks: Vec<Block> = Vec::new();
        let (mut read_rows, mut read_bytes) = (0, 0);
        for entry in log.range((topic.id, partition, base)..=(topic.id, partition, i64::MAX))? {
            let (key, value) = entry?;
            let block = Block::decode(key.value().2, value.value()).map_err(redb::Error::Corrupted)?;
            read_rows += block.rows();
            read_bytes += block.bytes();
            blocks.push(block);
            if read_rows >= rows / 2 || read_bytes >= bytes / 2 {
                break;
            }
        }
        Ok(blocks)
    });
    let blocks = blocks.map_err(|error| error.context(format!("cannot read {}+{partition}", topic.name)))?;
    Ok(Block::join(blocks).filter(|block| block.contains(offset)))
}

/// Adds blocks to a partition. Returns what it holds then, and by how many bytes it grew.
pub(crate) fn append(
    transaction: &WriteTransaction,
    topic: &Topic,
    partition: i32,
    blocks: &[EncodedBlock],
) -> Result<(PartitionState, u64), redb::Error> {
    let mut log = transaction.open_table(LOG)?;
    let mut partitions = transaction.open_table(PARTITIONS)?;
    let stored = partitions.get((topic.id, partition))?.map(|stored| stored.value());
    let mut state = stored.map_or(PartitionState::EMPTY, PartitionState::from_stored);
    let before = state.bytes;
    for block in blocks {
        log.insert((topic.id, partition, state.range.end), block.bytes.as_slice())?;
        state.range.end += i64::from(block.rows);
        state.bytes += block.bytes.len() as u64;
    }
    partitions.insert((topic.id, partition), state.to_stored())?;
    Ok((state, state.bytes - before))
}

/// Removes whole blocks from the front of a partition: those that end at or before `floor`, and of those no more than
/// are needed to free `bytes`. Returns where the partition starts then, and the bytes that it gave up.
pub(crate) fn remove(
    transaction: &WriteTransaction,
    topic: &Topic,
    partition: i32,
    floor: i64,
    bytes: u64,
) -> Result<(i64, u64), redb::Error> {
    let mut log = transaction.open_table(LOG)?;
    let mut partitions = transaction.open_table(PARTITIONS)?;
    let stored = partitions.get((topic.id, partition))?.map(|stored| stored.value());
    let mut state = stored.map_or(PartitionState::EMPTY, PartitionState::from_stored);
    let before = state.bytes;
    while state.range.start < floor && before - state.bytes < bytes {
        let mut following = log.range((topic.id, partition, state.range.start)..=(topic.id, partition, i64::MAX))?;
        let Some(first) = following.next().transpose()? else { break };
        let (base, length) = (first.0.value().2, first.1.value().len() as u64);
        let end = following.next().transpose()?.map_or(state.range.end, |next| next.0.value().2);
        drop(following);
        drop(first);
        if end > floor {
            break;
        }
        log.remove((topic.id, partition, base))?;
        state.range.start = end;
        state.bytes = state.bytes.saturating_sub(length);
    }
    partitions.insert((topic.id, partition), state.to_stored())?;
    Ok((state.range.start, before - state.bytes))
}

/// The error of somebody who wants to read `offset`, which the topic does not hold any more.
pub(crate) fn gone(topic: &Topic, partition: i32, offset: i64, start: i64) -> Error {
    Error::fatal(format!(
        "records {offset}..{start} of {}+{partition} are gone: the topic starts at {start} now, because they were removed \
         before they were read",
        topic.name
    ))
}
