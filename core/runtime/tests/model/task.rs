//! What a worker knows: `SinkTask`, its `Held` partition and its `Flight`.

use pipeline_api::{OffsetRange, PlannedRange, Timestamp};
use pipeline_runtime::run::CommitNote;

use crate::mutation::Mutation;
use crate::store::{Name, Rows, objects};

/// A planned range, as `PlannedRange`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Range {
    pub(crate) start: u8,
    pub(crate) end: u8,
    pub(crate) at: u8,
    pub(crate) revision: u8,
}

const TOPIC: &str = "t";

impl Range {
    /// The real note of this plan.
    pub(crate) fn note(self, file: u8) -> String {
        let offsets = OffsetRange::new(self.start.into(), self.end.into());
        let at = Timestamp::from_millisecond(self.at.into()).unwrap();
        let planned = PlannedRange { offsets, at, revision: self.revision.into() };
        CommitNote::planned(TOPIC, &planned, &file.to_string()).to_string()
    }

    /// The range that a real note plans, and under which file.
    pub(crate) fn read(committed: u8, metadata: &str) -> Option<(Self, u8)> {
        let plan = CommitNote::parse(metadata).unwrap().unwrap().plan?;
        let PlannedRange { offsets, at, revision } = plan.range(committed.into());
        let range = Self {
            start: offsets.start.try_into().unwrap(),
            end: offsets.end.try_into().unwrap(),
            at: at.as_millisecond().try_into().unwrap(),
            revision: revision.try_into().unwrap(),
        };
        Some((range, plan.fingerprint.parse().unwrap()))
    }

    /// Whether objects of both have one name, but for their folders.
    pub(crate) fn is_same_name(self, other: Self) -> bool {
        (self.start, self.end, self.revision) == (other.start, other.end, other.revision)
    }
}

/// The real note of a commit that plans nothing.
pub(crate) fn settled() -> String {
    CommitNote::settled(TOPIC).to_string()
}

/// A worker that is alive, perhaps without knowing that the group has gone on without it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Task {
    /// The version of the file that it runs.
    pub(crate) file: u8,
    pub(crate) doing: Doing,
    pub(crate) held: Option<Held>,
    /// What the sink was given and has not detached.
    pub(crate) buffer: Rows,
    pub(crate) flight: Option<Flight>,
    /// Up to where a flush has landed that is not settled.
    pub(crate) landed: Option<u8>,
    /// A flush whose hook was put off. Only by a mutation.
    pub(crate) overdue: Option<Flight>,
}

/// In which call it is, between two polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Doing {
    Polling,
    /// It has heard of its partition, and not read what is committed.
    Assigning,
    /// It removes what is left of a range that another file planned.
    Discarding(Range),
    /// It has no answer to a commit that settles what has landed and plans this range.
    Committing(Option<Range>),
}

/// As `Held`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Held {
    pub(crate) start: u8,
    pub(crate) next: u8,
    pub(crate) replay: Option<Range>,
    /// That of the next plan.
    pub(crate) revision: u8,
}

/// As `Flight`, with one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Flight {
    pub(crate) range: Range,
    /// What the sink detached for it.
    pub(crate) rows: Rows,
    /// How many objects are in the store.
    pub(crate) written: u8,
    pub(crate) hooked: bool,
    /// Whether the partition has been held without a break since it was read: the epoch of the leg is that of `Held`.
    pub(crate) held: bool,
}

impl Task {
    pub(crate) fn open(file: u8) -> Self {
        Self {
            file,
            doing: Doing::Polling,
            held: None,
            buffer: Rows::default(),
            flight: None,
            landed: None,
            overdue: None,
        }
    }

    /// `SinkTask::give_up`.
    pub(crate) fn give_up(&mut self, mutation: Mutation) {
        self.held = None;
        self.landed = None;
        if let Some(flight) = &mut self.flight {
            flight.held = false;
        }
        self.revoke(mutation);
    }

    /// `Sink::revoke`.
    pub(crate) fn revoke(&mut self, mutation: Mutation) {
        if mutation != Mutation::RevokeLeftOut {
            self.buffer = Rows::default();
        }
    }
}

impl Task {
    /// Whether it has to do with a range that begins at this offset, and may yet touch its objects.
    pub(crate) fn is_about(&self, start: u8) -> bool {
        let replay = self.held.and_then(|held| held.replay);
        let discarding = match self.doing {
            Doing::Discarding(range) => Some(range),
            _ => None,
        };
        let flights = [self.flight, self.overdue].into_iter().flatten().map(|flight| flight.range);
        flights.chain(replay).chain(discarding).any(|range| range.start == start)
    }
}

impl Held {
    pub(crate) fn at(start: u8, replay: Option<Range>, revision: u8) -> Self {
        Self { start, next: start, replay, revision }
    }

    pub(crate) fn is_replayed(&self) -> bool {
        self.replay.is_some_and(|replay| self.next >= replay.end)
    }

    /// Whether something was put whose flush is not planned: any trigger may make it due.
    pub(crate) fn may_be_due(&self) -> bool {
        self.replay.is_none() && self.next > self.start
    }
}

impl Flight {
    pub(crate) fn objects(&self, file: u8) -> Vec<(Name, Rows)> {
        objects(self.range, self.rows, file)
    }

    /// The objects that are not in the store yet.
    pub(crate) fn unwritten(&self, file: u8) -> Vec<(Name, Rows)> {
        self.objects(file).split_off(self.written.into())
    }
}
