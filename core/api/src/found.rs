//! What lies where a sink writes.

use crate::{OffsetRange, TopicPartition};

/// One thing that lies where a sink writes: a file or an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its address, as the [`Artifact`](crate::Artifact) says it.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Who wrote it, as its name says.
    pub origin: Origin,
    /// The records in it.
    pub rows: Rows,
    /// The records that its flush left of this range, in all of its files, if it says so: one file of several that is missing
    /// is known by it.
    pub flushed: Option<u64>,
}

/// Who wrote something, as its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flush of this range. Several things of one flush share it.
    Flush {
        /// The partition of the topic.
        partition: TopicPartition,
        /// The offsets.
        offsets: OffsetRange,
        /// See [`PlannedRange::revision`](crate::PlannedRange::revision).
        revision: u32,
    },
    /// Somebody else, or a sink of another topic.
    Foreign,
}

/// How many records something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// So many.
    Counted(u64),
    /// Nobody looked.
    NotCounted,
    /// It cannot be read to its end, and why.
    Unreadable(String),
}

/// Files that readers of a table do not find, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// Where they are: never none.
    pub urls: Vec<String>,
    /// Why: `Glue table market.stocks has no partition there`.
    pub why: String,
}

/// Where records are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountRows {
    /// Where that does not read everything that was written, such as in the footer of a file.
    WhereCheap,
    /// Everywhere.
    Everywhere,
}
