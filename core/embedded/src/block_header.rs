//! The first bytes of a block, which say how to read the others.

use arrow::buffer::{Buffer, MutableBuffer};

/// The first 24 bytes of a block.
pub(crate) struct BlockHeader {
    pub(crate) compressed: u8,
    pub(crate) flags: u16,
    pub(crate) rows: u32,
    pub(crate) payload: u32,
    pub(crate) headers: u32,
    pub(crate) keys: u32,
    pub(crate) values: u32,
}

impl BlockHeader {
    pub(crate) fn read(encoded: &[u8]) -> Result<Self, String> {
        let Some(bytes) = encoded.first_chunk::<HEADER_BYTES>() else {
            return Err(format!("a block has {} bytes, fewer than its header", encoded.len()));
        };
        if bytes[0] != VERSION {
            return Err(format!("a block is of version {}, expected {VERSION}", bytes[0]));
        }
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Ok(Self {
            compressed: bytes[1],
            flags: u16::from_le_bytes([bytes[2], bytes[3]]),
            rows: number(4),
            payload: number(8),
            headers: number(12),
            keys: number(16),
            values: number(20),
        })
    }

    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&[VERSION, self.compressed]);
        into.extend_from_slice(&self.flags.to_le_bytes());
        for number in [self.rows, self.payload, self.headers, self.keys, self.values] {
            into.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// The payload in memory that is aligned for every column.
    pub(crate) fn payload(&self, stored: &[u8]) -> Result<Buffer, String> {
        let length = self.payload as usize;
        if length / LZ4_MAX_RATIO > stored.len() {
            return Err(format!("a block of {} bytes cannot hold the {length} that its header says", stored.len()));
        }
        let mut payload = MutableBuffer::from_len_zeroed(length);
        if self.compressed == 0 {
            if stored.len() != length {
                return Err(format!("a block has {} bytes, its header says {length}", stored.len()));
            }
            payload.as_slice_mut().copy_from_slice(stored);
        } else {
            let written = lz4_flex::block::decompress_into(stored, payload.as_slice_mut());
            match written {
                Ok(written) if written == length => {}
                Ok(written) => return Err(format!("a block has {written} bytes, its header says {length}")),
                Err(error) => return Err(format!("a block does not decompress: {error}")),
            }
        }
        Ok(payload.into())
    }
}

/// The size of a header.
pub(crate) const HEADER_BYTES: usize = 24;
const VERSION: u8 = 1;
/// LZ4 cannot shrink anything more than this, so that a damaged length is noticed before memory is asked for.
const LZ4_MAX_RATIO: usize = 255;
/// Flag: there is a key.
pub(crate) const KEYS: u16 = 1;
/// Flag: there is a key, and a record without one.
pub(crate) const NULL_KEYS: u16 = 2;
/// Flag: there is a tombstone.
pub(crate) const NULL_VALUES: u16 = 4;
