//! Records on their way into blocks.

use arrow::array::{Array, BinaryArray};
use pipeline_runtime::broker::{Headers, ProducedRecords};

use crate::columns::{Columns, Scratch, encode};

/// So many bytes of keys, values and columns are at most in a block.
const BLOCK_BYTES: f64 = (1 << 20) as f64;
/// How much worse than the block before the next one may compress and still fit.
const MARGIN: f64 = 1.03;
/// A timestamp, two offsets and two validities.
const RECORD_BYTES: usize = 18;

/// A block as it is stored, and how many records are in it.
#[derive(Debug)]
pub(crate) struct EncodedBlock {
    pub(crate) rows: u32,
    pub(crate) bytes: Vec<u8>,
}

/// Encodes blocks, and learns from each how large the next one should be.
#[derive(Debug)]
pub(crate) struct Encoder {
    scratch: Scratch,
    /// Columns of builders that are finished, empty, for the next ones.
    spare: Vec<Columns>,
    /// So many bytes fill a block.
    limit: usize,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { scratch: Scratch::default(), spare: Vec::new(), limit: limit(1.0) }
    }
}

impl Encoder {
    /// A builder in the memory of one that is finished.
    pub(crate) fn builder(&mut self) -> BlockBuilder {
        BlockBuilder { columns: self.spare.pop().unwrap_or_default(), ..BlockBuilder::default() }
    }

    fn encode(&mut self, columns: &Columns, size: usize) -> EncodedBlock {
        let bytes = encode(columns, &mut self.scratch);
        self.limit = limit(bytes.len() as f64 / size.max(1) as f64);
        EncodedBlock { rows: columns.timestamps.len() as u32, bytes }
    }
}

/// The most bytes of which a block that compresses like this one just fits a power of two, because the store gives out
/// space in such: one byte more costs as much again.
fn limit(ratio: f64) -> usize {
    let ratio = ratio.clamp(0.01, 1.0) * MARGIN;
    ((BLOCK_BYTES * ratio).log2().floor().exp2() / ratio) as usize
}

/// Collects the records of one partition and encodes them as soon as they fill a block.
#[derive(Debug, Default)]
pub(crate) struct BlockBuilder {
    columns: Columns,
    header_bytes: usize,
    full: Vec<EncodedBlock>,
}

impl BlockBuilder {
    /// Adds the record in row `row`.
    pub(crate) fn push(&mut self, records: &ProducedRecords, row: usize, encoder: &mut Encoder) {
        let key = value_at(&records.keys, row);
        let value = value_at(&records.values, row);
        let headers = records.headers.get(row).filter(|headers| !headers.is_empty());
        let added = headers.map_or(0, header_bytes);
        let size = self.size() + key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + added + RECORD_BYTES;
        if size > encoder.limit && !self.is_empty() {
            self.seal(encoder);
        }
        self.header_bytes += added;
        self.columns.push(key, value, records.timestamps.value(row), headers);
    }

    /// All records as blocks.
    pub(crate) fn finish(mut self, encoder: &mut Encoder) -> Vec<EncodedBlock> {
        if !self.is_empty() {
            self.seal(encoder);
        }
        // What one huge record took is given back.
        if self.columns.values.capacity() <= 2 * BLOCK_BYTES as usize {
            encoder.spare.push(self.columns);
        }
        self.full
    }

    fn is_empty(&self) -> bool {
        self.columns.timestamps.is_empty()
    }

    fn size(&self) -> usize {
        let Columns { keys, values, timestamps, .. } = &self.columns;
        keys.len() + values.len() + timestamps.len() * RECORD_BYTES + self.header_bytes
    }

    fn seal(&mut self, encoder: &mut Encoder) {
        let size = self.size();
        self.full.push(encoder.encode(&self.columns, size));
        self.columns.clear();
        self.header_bytes = 0;
    }
}

fn value_at(array: &BinaryArray, row: usize) -> Option<&[u8]> {
    array.is_valid(row).then(|| array.value(row))
}

fn header_bytes(headers: &Headers) -> usize {
    4 + headers.iter().map(|(name, value)| 8 + name.len() + value.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_block_just_fits_a_power_of_two() {
        for ratio in [1.0, 0.9, 0.55, 0.5, 0.3, 0.1, 0.02] {
            let stored = limit(ratio) as f64 * ratio;
            let space = stored.log2().ceil().exp2();
            assert!(stored / space > 0.95, "{stored} of {space} bytes are used if {ratio} is stored");
            assert!(limit(ratio) >= 500_000 && limit(ratio) <= 1 << 20, "{} bytes if {ratio} is stored", limit(ratio));
        }
    }
}
