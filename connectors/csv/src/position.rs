//! How far a file was read.

use serde::{Deserialize, Serialize};

use crate::input::Stamp;

/// How far a file was read: what is stored as its source offset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The next byte to read, of the decompressed file.
    pub(crate) byte: u64,
    /// Its line, from 1.
    pub(crate) line: u64,
    /// A digest of the bytes before it, by which a replaced file is noticed.
    pub(crate) fingerprint: String,
    /// The size of the file when it was opened, compressed.
    pub(crate) size: u64,
    /// When it had been changed, in nanoseconds since 1970.
    pub(crate) modified: u64,
    /// Whether everything was read that was there.
    pub(crate) done: bool,
}

impl Position {
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp { size: self.size, modified: self.modified }
    }
}
