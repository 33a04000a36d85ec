//! The headers of records as bytes.

use bytes::Bytes;
use pipeline_runtime::broker::Headers;

/// Per record the number of headers, and of each its name and value with their lengths before them.
pub(crate) fn write_headers(records: &[Headers], rows: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    if records.is_empty() {
        return bytes;
    }
    for row in 0..rows {
        let headers = records.get(row).map_or(&[][..], Vec::as_slice);
        bytes.extend_from_slice(&(headers.len() as u32).to_le_bytes());
        for (name, value) in headers {
            for part in [name.as_bytes(), value] {
                bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
                bytes.extend_from_slice(part);
            }
        }
    }
    bytes
}

/// Reads what [`write_headers`] wrote. Errors: the bytes are damaged; the text says how.
pub(crate) fn read_headers(bytes: &[u8], rows: usize) -> Result<Vec<Headers>, String> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut rest = bytes;
    let records = (0..rows).map(|_| read_record_headers(&mut rest)).collect::<Option<Vec<_>>>();
    records.ok_or_else(|| "a block has damaged headers".to_owned())
}

fn read_record_headers(rest: &mut &[u8]) -> Option<Headers> {
    let count = read_number(rest)?;
    (0..count)
        .map(|_| {
            let name = String::from_utf8(read_part(rest)?.to_vec()).ok()?;
            Some((name, Bytes::copy_from_slice(read_part(rest)?)))
        })
        .collect()
}

fn read_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = read_number(rest)? as usize;
    let (part, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(part)
}

fn read_number(rest: &mut &[u8]) -> Option<u32> {
    let (number, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_le_bytes(*number))
}
