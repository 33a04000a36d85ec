//! Records as they are stored: columns, compressed.
//!
//! A block is a header of 24 bytes and a payload, which is compressed with LZ4 if that makes it smaller. All numbers are
//! little-endian, and each section of the payload starts at a multiple of 8 bytes, so that it can be used in place:
//!
//! | section | bytes |
//! |---|---|
//! | timestamps | 8 per record |
//! | value offsets | 4 per record, and 4 |
//! | validity of values | 1 bit per record, only if there is a tombstone |
//! | key offsets | 4 per record, and 4, only if there is a key |
//! | validity of keys | 1 bit per record, only if there is a key and a record without one |
//! | headers | only if a record has one |
//! | keys | |
//! | values | |

use arrow::array::{Array, ArrayRef, BinaryArray, Int64Array, TimestampMillisecondArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::concat;
use pipeline_api::OffsetRange;
use pipeline_runtime::broker::{ConsumedRecords, Headers};

use crate::block_header::{BlockHeader, HEADER_BYTES, KEYS, NULL_KEYS, NULL_VALUES};
use crate::record_headers::read_headers;

/// Consecutive records of one partition, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The offset of the first record.
    pub(crate) base: i64,
    keys: BinaryArray,
    values: BinaryArray,
    timestamps: TimestampMillisecondArray,
    headers: Vec<Headers>,
}

impl Block {
    /// Decodes what [`encode`](crate::columns::encode) made. Errors: the bytes are damaged; the text says how.
    pub(crate) fn decode(base: i64, encoded: &[u8]) -> Result<Self, String> {
        let header = BlockHeader::read(encoded)?;
        let payload = header.payload(&encoded[HEADER_BYTES..])?;
        let mut sections = Sections { payload, at: 0 };
        let rows = header.rows as usize;

        let timestamps = ScalarBuffer::new(sections.take(rows * 8)?, 0, rows);
        let value_offsets = sections.offsets(rows, header.values)?;
        let value_nulls = sections.nulls(rows, header.flags & NULL_VALUES != 0)?;
        let has_keys = header.flags & KEYS != 0;
        let key_offsets = if has_keys { Some(sections.offsets(rows, header.keys)?) } else { None };
        let key_nulls = sections.nulls(rows, header.flags & NULL_KEYS != 0)?;
        let headers = read_headers(&sections.take(header.headers as usize)?, rows)?;
        let key_data = sections.take(header.keys as usize)?;
        let value_data = sections.take(header.values as usize)?;

        let keys = match key_offsets {
            Some(offsets) => BinaryArray::try_new(offsets, key_data, key_nulls).map_err(|error| error.to_string())?,
            None => BinaryArray::new_null(rows),
        };
        let values = BinaryArray::try_new(value_offsets, value_data, value_nulls).map_err(|error| error.to_string())?;
        Ok(Self { base, keys, values, timestamps: TimestampMillisecondArray::new(timestamps, None), headers })
    }

    /// One block of several that follow each other without a gap.
    pub(crate) fn join(blocks: Vec<Self>) -> Option<Self> {
        if blocks.len() < 2 {
            return blocks.into_iter().next();
        }
        let base = blocks[0].base;
        let with_headers = blocks.iter().any(|block| !block.headers.is_empty());
        let columns = |column: fn(&Self) -> &dyn Array| concat(&blocks.iter().map(column).collect::<Vec<_>>()).ok();
        let keys = downcast::<BinaryArray>(&columns(|block| &block.keys)?)?;
        let values = downcast::<BinaryArray>(&columns(|block| &block.values)?)?;
        let timestamps = downcast::<TimestampMillisecondArray>(&columns(|block| &block.timestamps)?)?;
        let mut headers = Vec::new();
        if with_headers {
            for mut block in blocks {
                block.headers.resize(block.values.len(), Headers::new());
                headers.append(&mut block.headers);
            }
        }
        Some(Self { base, keys, values, timestamps, headers })
    }

    /// How many records it holds.
    pub(crate) fn rows(&self) -> usize {
        self.values.len()
    }

    /// How many bytes the keys and values of it hold.
    pub(crate) fn bytes(&self) -> usize {
        self.keys.value_data().len() + self.values.value_data().len()
    }

    /// The offset of the record after the last one.
    pub(crate) fn end(&self) -> i64 {
        self.base + self.rows() as i64
    }

    /// Whether it holds the record of this offset.
    pub(crate) fn contains(&self, offset: i64) -> bool {
        (self.base..self.end()).contains(&offset)
    }

    /// The records from `offset` on, at most `rows` of them and not many more than `bytes` bytes, but at least one.
    /// Copies nothing but headers. `offset` must lie in this block.
    pub(crate) fn slice(&self, partition: i32, offset: i64, rows: usize, bytes: usize) -> ConsumedRecords {
        let first = (offset - self.base) as usize;
        let ends = &self.values.value_offsets()[first..];
        let limit = ends[0].saturating_add(i32::try_from(bytes).unwrap_or(i32::MAX));
        let fitting = ends.partition_point(|&end| end <= limit).saturating_sub(1);
        let rows = fitting.clamp(1, rows.min(self.rows() - first));
        let range = OffsetRange::new(offset, offset + rows as i64);
        ConsumedRecords {
            partition,
            range,
            offsets: Int64Array::from_iter_values(range.start..range.end),
            keys: self.keys.slice(first, rows),
            values: self.values.slice(first, rows),
            timestamps: self.timestamps.slice(first, rows),
            headers: self.headers.get(first..first + rows).map(<[Headers]>::to_vec).unwrap_or_default(),
        }
    }
}

/// The sections of a payload, front to back.
struct Sections {
    payload: Buffer,
    at: usize,
}

impl Sections {
    fn take(&mut self, length: usize) -> Result<Buffer, String> {
        if self.at + length > self.payload.len() {
            return Err("a block is shorter than its header says".to_owned());
        }
        let section = self.payload.slice_with_length(self.at, length);
        self.at += length.next_multiple_of(8);
        Ok(section)
    }

    fn offsets(&mut self, rows: usize, bytes: u32) -> Result<OffsetBuffer<i32>, String> {
        let offsets = ScalarBuffer::<i32>::new(self.take((rows + 1) * 4)?, 0, rows + 1);
        let ascending = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        if offsets[0] != 0 || !ascending || offsets[rows] as u32 != bytes {
            return Err("a block has offsets that are not in order".to_owned());
        }
        Ok(OffsetBuffer::new(offsets))
    }

    fn nulls(&mut self, rows: usize, present: bool) -> Result<Option<NullBuffer>, String> {
        if !present {
            return Ok(None);
        }
        let bits = self.take(rows.div_ceil(8))?;
        Ok(Some(NullBuffer::new(BooleanBuffer::new(bits, 0, rows))))
    }
}

fn downcast<T: Array + Clone + 'static>(array: &ArrayRef) -> Option<T> {
    array.as_any().downcast_ref::<T>().cloned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::columns::{Columns, Scratch, encode};

    fn columns(rows: usize) -> Columns {
        let mut columns = Columns { key_offsets: vec![0], value_offsets: vec![0], ..Columns::default() };
        for row in 0..rows {
            columns.timestamps.push(row as i64);
            columns.values.extend_from_slice(format!("value {row}").as_bytes());
            columns.value_offsets.push(columns.values.len() as i32);
            columns.value_validity.push(true);
            columns.key_offsets.push(0);
            columns.key_validity.push(false);
        }
        columns
    }

    fn texts(block: &Block) -> Vec<String> {
        block.values.iter().flatten().map(|value| String::from_utf8(value.to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_block_that_repeats_itself_is_stored_smaller() {
        let columns = columns(10_000);
        let encoded = encode(&columns, &mut Scratch::default());
        assert!(encoded.len() < columns.values.len() + 10_000 * 16, "{} bytes", encoded.len());
        let decoded = Block::decode(7, &encoded).unwrap();
        assert_eq!((decoded.base, decoded.end()), (7, 10_007));
        assert_eq!(texts(&decoded)[9_999], "value 9999");
    }

    #[test]
    fn a_block_of_noise_is_stored_as_it_is() {
        let mut columns = columns(1);
        columns.values = (0..50_000).map(|_| rand::random()).collect();
        columns.value_offsets = vec![0, 50_000];
        let encoded = encode(&columns, &mut Scratch::default());
        assert!(encoded.len() < 50_000 + 100);
        let decoded = Block::decode(0, &encoded).unwrap();
        assert_eq!(decoded.values.value(0), columns.values);
    }

    #[test]
    fn every_damaged_byte_is_an_error_or_another_value_but_no_panic() {
        let mut columns = columns(20);
        columns.headers = vec![vec![("name".to_owned(), Bytes::from_static(b"value"))]];
        let encoded = encode(&columns, &mut Scratch::default());
        for at in 0..encoded.len() {
            let mut damaged = encoded.clone();
            damaged[at] ^= 0x55;
            let _ = Block::decode(0, &damaged);
            let _ = Block::decode(0, &encoded[..at]);
        }
    }

    #[test]
    fn joined_blocks_keep_the_headers_with_their_records() {
        let mut second = columns(2);
        second.headers = vec![vec![], vec![("name".to_owned(), Bytes::from_static(b"value"))]];
        let first = Block::decode(0, &encode(&columns(2), &mut Scratch::default())).unwrap();
        let second = Block::decode(2, &encode(&second, &mut Scratch::default())).unwrap();
        let joined = Block::join(vec![first, second]).unwrap();
        assert_eq!(texts(&joined), ["value 0", "value 1", "value 0", "value 1"]);
        let counts: Vec<usize> = joined.headers.iter().map(Vec::len).collect();
        assert_eq!(counts, [0, 0, 0, 1]);
    }

    #[test]
    fn a_slice_stays_within_its_bytes_but_has_one_record() {
        let block = Block::decode(100, &encode(&columns(10), &mut Scratch::default())).unwrap();
        let of_bytes = |bytes| block.slice(0, 104, 100, bytes);
        assert_eq!(of_bytes(15).range, OffsetRange::new(104, 106));
        assert_eq!(of_bytes(1).range, OffsetRange::new(104, 105));
        assert_eq!(of_bytes(1000).range, OffsetRange::new(104, 110));
        assert_eq!(of_bytes(15).offsets.values(), &[104, 105]);
        assert_eq!(block.slice(0, 104, 3, 1000).values.value(2), b"value 6");
    }
}
