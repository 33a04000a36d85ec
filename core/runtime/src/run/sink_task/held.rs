//! What a task knows of a partition that it holds.

use std::collections::BTreeMap;

use pipeline_api::{Artifact, OffsetRange, PlannedRange, Timestamp};

use crate::run::dead_letter::DeadLetter;
use crate::run::flight::Leg;

/// A partition that this task holds.
#[derive(Debug)]
pub(super) struct Held {
    /// The assignment: a partition that was away and came back has another.
    pub(super) epoch: u64,
    /// Where the range begins that is being put: everything below is flushed, or being flushed.
    pub(super) start: i64,
    /// One past the last offset that was put.
    pub(super) next: i64,
    /// The planned range that is being put again, exactly.
    pub(super) replay: Option<PlannedRange>,
    /// That of the next range to be planned.
    pub(super) revision: u32,
    /// How many records of the range that is being put the sink took.
    pub(super) rows: u64,
    /// Dead letters of the range that is being put.
    pub(super) letters: Vec<DeadLetter>,
}

/// What was flushed and is not committed yet.
#[derive(Debug, Default)]
pub(super) struct Landed {
    pub(super) ends: BTreeMap<i32, i64>,
    pub(super) artifacts: Vec<Artifact>,
    pub(super) rows: u64,
    pub(super) rejected: u64,
}

impl Held {
    /// A partition whose next record is at `start`.
    pub(super) fn at(start: i64, epoch: u64, replay: Option<PlannedRange>) -> Self {
        Self { epoch, start, next: start, replay, revision: 0, rows: 0, letters: Vec::new() }
    }

    /// Whether the whole planned range was put again.
    pub(super) fn is_replayed(&self) -> bool {
        self.replay.is_some_and(|replay| self.next >= replay.offsets.end)
    }

    /// What is to be flushed of this partition: a range that was replayed, or, if a flush is due, what was put.
    pub(super) fn leg(&self, due: bool, at: Timestamp) -> Option<Leg> {
        let range = match self.replay {
            Some(replay) if self.is_replayed() => replay,
            None if due && self.next > self.start => {
                PlannedRange { offsets: OffsetRange::new(self.start, self.next), at, revision: self.revision }
            }
            _ => return None,
        };
        Some(Leg { range, epoch: self.epoch, rows: self.rows, rejected: self.letters.len() as u64 })
    }
}
