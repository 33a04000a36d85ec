//! Columns on their way into a block.

use arrow::buffer::BooleanBuffer;
use pipeline_runtime::broker::Headers;

use crate::block_header::{BlockHeader, HEADER_BYTES, KEYS, NULL_KEYS, NULL_VALUES};
use crate::record_headers::write_headers;

/// The columns of a block before it is encoded. All have one entry per record, offsets one more, headers none for
/// the records behind the last that has one.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) timestamps: Vec<i64>,
    pub(crate) value_offsets: Vec<i32>,
    pub(crate) value_validity: Vec<bool>,
    pub(crate) values: Vec<u8>,
    pub(crate) key_offsets: Vec<i32>,
    pub(crate) key_validity: Vec<bool>,
    pub(crate) keys: Vec<u8>,
    pub(crate) headers: Vec<Headers>,
}

impl Columns {
    /// Adds a record.
    pub(crate) fn push(&mut self, key: Option<&[u8]>, value: Option<&[u8]>, timestamp: i64, headers: Option<&Headers>) {
        if self.timestamps.is_empty() {
            self.key_offsets.push(0);
            self.value_offsets.push(0);
        }
        if let Some(headers) = headers {
            self.headers.resize(self.timestamps.len(), Headers::new());
            self.headers.push(headers.clone());
        }
        self.timestamps.push(timestamp);
        self.keys.extend_from_slice(key.unwrap_or_default());
        self.key_offsets.push(self.keys.len() as i32);
        self.key_validity.push(key.is_some());
        self.values.extend_from_slice(value.unwrap_or_default());
        self.value_offsets.push(self.values.len() as i32);
        self.value_validity.push(value.is_some());
    }

    /// Forgets the records and keeps the memory.
    pub(crate) fn clear(&mut self) {
        let Self { timestamps, value_offsets, value_validity, values, key_offsets, key_validity, keys, headers } = self;
        timestamps.clear();
        value_offsets.clear();
        value_validity.clear();
        values.clear();
        key_offsets.clear();
        key_validity.clear();
        keys.clear();
        headers.clear();
    }
}

/// Memory of [`encode`] that is only there to be used again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    payload: Vec<u8>,
    /// As long as the longest that was needed: what is in it means nothing.
    compressed: Vec<u8>,
}

/// Encodes columns as a [block](crate::block).
pub(crate) fn encode(columns: &Columns, scratch: &mut Scratch) -> Vec<u8> {
    let Scratch { payload, compressed } = scratch;
    let headers = write_headers(&columns.headers, columns.timestamps.len());
    let mut flags = 0;
    payload.clear();
    put_numbers(payload, columns.timestamps.iter().map(|timestamp| timestamp.to_le_bytes()));
    put_numbers(payload, columns.value_offsets.iter().map(|offset| offset.to_le_bytes()));
    if columns.value_validity.contains(&false) {
        flags |= NULL_VALUES;
        put_bits(payload, &columns.value_validity);
    }
    if columns.key_validity.contains(&true) {
        flags |= KEYS;
        put_numbers(payload, columns.key_offsets.iter().map(|offset| offset.to_le_bytes()));
        if columns.key_validity.contains(&false) {
            flags |= NULL_KEYS;
            put_bits(payload, &columns.key_validity);
        }
    }
    put_bytes(payload, &headers);
    put_bytes(payload, &columns.keys);
    put_bytes(payload, &columns.values);

    let header = BlockHeader {
        compressed: 0,
        flags,
        rows: columns.timestamps.len() as u32,
        payload: payload.len() as u32,
        headers: headers.len() as u32,
        keys: columns.keys.len() as u32,
        values: columns.values.len() as u32,
    };
    seal(header, payload, compressed)
}

/// Compresses the payload if that saves at least an eighth: below, reading costs more than it saves.
fn seal(mut header: BlockHeader, payload: &[u8], compressed: &mut Vec<u8>) -> Vec<u8> {
    let longest = lz4_flex::block::get_maximum_output_size(payload.len());
    if compressed.len() < longest {
        compressed.resize(longest, 0);
    }
    let content = match lz4_flex::block::compress_into(payload, compressed) {
        Ok(length) if length <= payload.len() / 8 * 7 => {
            header.compressed = 1;
            &compressed[..length]
        }
        _ => payload,
    };
    let mut encoded = Vec::with_capacity(HEADER_BYTES + content.len());
    header.write(&mut encoded);
    encoded.extend_from_slice(content);
    encoded
}

fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend_from_slice(bytes);
    into.resize(into.len().next_multiple_of(8), 0);
}

fn put_numbers<const N: usize>(into: &mut Vec<u8>, numbers: impl Iterator<Item = [u8; N]>) {
    for number in numbers {
        into.extend_from_slice(&number);
    }
    into.resize(into.len().next_multiple_of(8), 0);
}

fn put_bits(into: &mut Vec<u8>, bits: &[bool]) {
    put_bytes(into, BooleanBuffer::from(bits).values());
}
