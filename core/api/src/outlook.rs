//! What a plugin would do in a run, said before one.

use std::time::Duration;

/// What a hook would do behind the flushes of its sink, for a person who thinks about a run beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// What it would make, as texts of one or more lines: the DDL of a table.
    pub makes: Vec<String>,
    /// What it would call.
    pub calls: Vec<Calls>,
}

/// Calls of an outside system that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// What is called and why, for a person: `Athena: row_count of the files`.
    pub what: String,
    /// How many there are at once.
    pub count: u64,
    /// When.
    pub often: Often,
    /// What each reads, where that is billed.
    pub scans: Option<Scans>,
}

/// When calls are made. Each task of a sink makes its own, but for those at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    /// When a run starts.
    Start,
    /// With each flush.
    Flush,
    /// With a flush that writes to partitions of the table which no flush before it wrote to.
    NewPartitions,
    /// With the first flush that comes so long after the last one which did.
    Every(Duration),
    /// When a run ends because its sources have.
    End,
}

/// What a query reads at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scans {
    /// The files that were written since the query before it.
    Files,
    /// These columns of everything that was ever written, one that is read twice named twice. Forms of files that do not keep
    /// columns apart are read as a whole.
    Columns(Vec<String>),
    /// Everything that was ever written.
    Everything,
}
