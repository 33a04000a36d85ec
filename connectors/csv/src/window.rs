//! The part of a file that is in memory, and the fingerprint of what is behind it.

use pipeline_api::Result;
use sha2::{Digest, Sha256};

use crate::input::{Input, Stamp};

/// A window that moves over the decompressed bytes of a file. What was consumed takes part in the fingerprint.
pub(crate) struct Window {
    input: Input,
    bytes: Vec<u8>,
    /// The first byte in `bytes` that is not consumed.
    start: usize,
    /// The end of what was read into `bytes`.
    end: usize,
    /// Where `start` is in the file.
    offset: u64,
    head: Sha256,
}

const CHUNK: usize = 256 * 1024;
/// As much of the beginning takes part in the fingerprint.
const HEAD: u64 = 64 * 1024;
/// As much of the end does.
const TAIL: usize = 4 * 1024;

impl Window {
    /// A window at the byte `offset` of the file; `None` if the file is shorter.
    pub(crate) fn open(mut input: Input, offset: u64) -> Result<Option<Self>> {
        let head_length = offset.min(HEAD) as usize;
        let mut bytes = vec![0; head_length];
        if read_full(&mut input, &mut bytes)? < head_length {
            return Ok(None);
        }
        let mut head = Sha256::new();
        head.update(&bytes);
        if offset > HEAD {
            let skipped = (offset - HEAD).saturating_sub(TAIL as u64);
            input.skip(skipped)?;
            let rest = (offset - HEAD - skipped) as usize;
            bytes.resize(head_length + rest, 0);
            if read_full(&mut input, &mut bytes[head_length..])? < rest {
                return Ok(None);
            }
        }
        // Of what lies behind, only the tail is needed.
        bytes.drain(..bytes.len().saturating_sub(TAIL));
        let end = bytes.len();
        Ok(Some(Self { input, bytes, start: end, end, offset, head }))
    }

    /// What was read and not consumed.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The last byte that was consumed.
    pub(crate) fn last_consumed(&self) -> Option<u8> {
        self.start.checked_sub(1).map(|last| self.bytes[last])
    }

    /// Where in the file the first byte is that is not consumed.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// What the file was when it was opened.
    pub(crate) fn stamp(&self) -> Stamp {
        self.input.stamp()
    }

    /// What people call the file.
    pub(crate) fn name(&self) -> &str {
        self.input.name()
    }

    /// Reads more; false at the end of the file.
    pub(crate) fn fill(&mut self) -> Result<bool> {
        let behind = self.start.saturating_sub(TAIL);
        if behind > 0 {
            self.bytes.copy_within(behind..self.end, 0);
            self.start -= behind;
            self.end -= behind;
        }
        if self.bytes.len() < self.end + CHUNK {
            self.bytes.resize(self.end + CHUNK, 0);
        }
        let read = self.input.read(&mut self.bytes[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }

    /// Reads until `count` bytes are there; false if the file ends before.
    pub(crate) fn ensure(&mut self, count: usize) -> Result<bool> {
        while self.unread().len() < count {
            if !self.fill()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Moves on by `count` bytes of what is unread.
    pub(crate) fn consume(&mut self, count: usize) {
        if self.offset < HEAD {
            let hashed = count.min((HEAD - self.offset) as usize);
            self.head.update(&self.bytes[self.start..self.start + hashed]);
        }
        self.start += count;
        self.offset += count as u64;
    }

    /// A digest of the first 64 KiB and the last 4 KiB of what was consumed.
    pub(crate) fn fingerprint(&self) -> String {
        let mut digest = self.head.clone();
        digest.update(&self.bytes[self.start.saturating_sub(TAIL)..self.start]);
        digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

fn read_full(input: &mut Input, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
