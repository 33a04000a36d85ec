//! Which rows are made, by whom, and where to resume.

use std::ops::Range;

use pipeline_api::{Error, Result, SourceOffsets, Task};
use serde::{Deserialize, Serialize};

/// Source partitions that there always are, whatever the number of tasks. Each has the symbols whose number gives its own
/// when divided by this, so the rows of a symbol never come from two tasks at once.
const PARTITIONS: usize = 16;

/// The next row of each partition that a task owns.
#[derive(Clone, Debug)]
pub(crate) struct Positions {
    /// What the rows depend on besides their number.
    walk: String,
    symbols: u64,
    /// For each partition its first row that is not made yet, or a later one before which none is left; `None` where
    /// another task owns it or it has no symbol.
    next: [Option<u64>; PARTITIONS],
}

/// As it is stored: all rows of the partition before `next_row` are made, in the order of their numbers over all symbols.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    next_row: u64,
    walk: String,
}

impl Positions {
    /// Where a task resumes. Errors: the offsets were stored for rows of another config.
    pub(crate) fn resume(walk: String, symbols: u64, task: Task, offsets: &SourceOffsets) -> Result<Self> {
        let mut next = [None; PARTITIONS];
        let of_symbols = usize::try_from(symbols).unwrap_or(PARTITIONS);
        for (number, next) in next.iter_mut().enumerate().take(of_symbols).filter(|(number, _)| owns(task, *number)) {
            *next = Some(match offsets.get::<Stored>(&partition(number))? {
                Some(stored) if stored.walk != walk => return Err(another_walk(&walk, &stored)),
                Some(stored) => stored.next_row,
                None => 0,
            });
        }
        Ok(Self { walk, symbols, next })
    }

    /// The first row that may be to make.
    pub(crate) fn first(&self) -> Option<u64> {
        self.next.iter().flatten().min().copied()
    }

    /// Those rows of a range that are to make.
    pub(crate) fn pending(&self, rows: Range<u64>) -> impl Iterator<Item = u64> {
        rows.filter(|row| {
            let symbol = row % self.symbols;
            self.next[symbol as usize % PARTITIONS].is_some_and(|next| next <= *row)
        })
    }

    /// Every row before `end` is made: the offsets that say so.
    pub(crate) fn advance(&mut self, end: u64) -> Result<SourceOffsets> {
        let mut offsets = SourceOffsets::new();
        for (number, next) in self.next.iter_mut().enumerate() {
            if let Some(next) = next.as_mut().filter(|next| **next < end) {
                *next = end;
                offsets.set(partition(number), &Stored { next_row: end, walk: self.walk.clone() })?;
            }
        }
        Ok(offsets)
    }
}

fn owns(task: Task, number: usize) -> bool {
    number % task.of as usize == task.index as usize
}

fn partition(number: usize) -> String {
    format!("ticks-{number}")
}

fn another_walk(walk: &str, stored: &Stored) -> Error {
    Error::config(format!(
        "{} rows of another walk are made already ({}, the file says {walk}), expected the same values or a reset",
        stored.next_row, stored.walk
    ))
}
