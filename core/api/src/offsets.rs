//! Places in a topic and in a source.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

/// One partition of a topic. Shown as `topic+partition`, the form that file names use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.topic, self.partition)
    }
}

/// The offsets `start..end` of one partition: `end` is the first that is not in it.
///
/// A range covers every offset in it, also those that hold no record for us (filtered, rejected, control records).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OffsetRange {
    /// The first offset.
    pub start: i64,
    /// One past the last offset.
    pub end: i64,
}

impl OffsetRange {
    /// The offsets `start..end`.
    pub fn new(start: i64, end: i64) -> Self {
        Self { start, end }
    }

    /// Whether it holds no offset.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Whether `offset` lies in it.
    pub fn contains(&self, offset: i64) -> bool {
        (self.start..self.end).contains(&offset)
    }
}

impl fmt::Display for OffsetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A range that is being made durable, and when that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedRange {
    /// The offsets.
    pub offsets: OffsetRange,
    /// When the range was planned: the only clock that a flush may look at, equal in every replay.
    pub at: Timestamp,
    /// How often what was planned from this start was discarded before, because the file had changed; almost always 0. A
    /// part of the names, so that whoever discards too late does not remove what took the place.
    pub revision: u32,
}

/// What one flush makes durable: a planned range for each partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(BTreeMap<TopicPartition, PlannedRange>);

impl Ranges {
    /// Whether there is nothing to flush.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The range of one partition.
    pub fn get(&self, partition: &TopicPartition) -> Option<&PlannedRange> {
        self.0.get(partition)
    }

    /// All ranges, by partition.
    pub fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &PlannedRange)> {
        self.0.iter()
    }
}

impl FromIterator<(TopicPartition, PlannedRange)> for Ranges {
    fn from_iter<I: IntoIterator<Item = (TopicPartition, PlannedRange)>>(ranges: I) -> Self {
        Self(ranges.into_iter().collect())
    }
}

/// Where to resume in a source: for each of its own partitions (a file, a symbol) a position of its own shape.
///
/// Stored by the runtime in one transaction with the records before them, and given back at the next open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceOffsets(BTreeMap<String, Value>);

impl SourceOffsets {
    /// No position at all: the source starts at its beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// The position of `partition`, or `None` if there is none yet. Errors: what is stored has another shape.
    pub fn get<P: DeserializeOwned>(&self, partition: &str) -> Result<Option<P>> {
        let Some(value) = self.0.get(partition) else { return Ok(None) };
        serde_json::from_value(value.clone()).map(Some).map_err(|error| {
            Error::fatal(format!("the stored offset of `{partition}` cannot be read")).with_source(error)
        })
    }

    /// Sets the position of `partition`. Errors: `position` does not serialize to JSON.
    pub fn set<P: Serialize>(&mut self, partition: impl Into<String>, position: &P) -> Result<()> {
        let value = serde_json::to_value(position)
            .map_err(|error| Error::fatal("an offset does not serialize").with_source(error))?;
        self.0.insert(partition.into(), value);
        Ok(())
    }

    /// Takes over the positions of `later`, which win.
    pub fn merge(&mut self, later: SourceOffsets) {
        self.0.extend(later.0);
    }

    /// Whether no position is stored.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The partitions that have a position, in order.
    pub fn partitions(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The positions as they are stored.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(partition, position)| (partition.as_str(), position))
    }
}

impl FromIterator<(String, Value)> for SourceOffsets {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(positions: I) -> Self {
        Self(positions.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    fn planned() -> impl Strategy<Value = PlannedRange> {
        (any::<i64>(), any::<i64>(), 0..i64::from(i32::MAX), any::<u32>()).prop_map(|(start, end, second, revision)| {
            let at = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
            PlannedRange { offsets: OffsetRange::new(start, end), at, revision }
        })
    }

    fn source_offsets() -> impl Strategy<Value = SourceOffsets> {
        let positions = btree_map("[a-d]", any::<i64>().prop_map(Value::from), 0..4);
        positions.prop_map(|positions| positions.into_iter().collect())
    }

    fn merged<const N: usize>(all: [&SourceOffsets; N]) -> SourceOffsets {
        all.into_iter().cloned().fold(SourceOffsets::new(), |mut sum, next| {
            sum.merge(next);
            sum
        })
    }

    proptest! {
        #[test]
        fn a_range_is_empty_if_it_contains_nothing(start in -9..9i64, end in -9..9i64) {
            let range = OffsetRange::new(start, end);
            let found: Vec<i64> = (-9..9).filter(|offset| range.contains(*offset)).collect();
            prop_assert_eq!(&found, &(start..end).collect::<Vec<_>>());
            prop_assert_eq!(range.is_empty(), found.is_empty());
        }

        #[test]
        fn two_halves_of_a_range_hold_each_offset_once(start in -9..9i64, length in 0..18i64, cut in 0..18i64) {
            let (end, cut) = (start + length, start + cut.min(length));
            let halves = [OffsetRange::new(start, cut), OffsetRange::new(cut, end)];
            for offset in -20..30 {
                let held = halves.iter().filter(|half| half.contains(offset)).count();
                prop_assert_eq!(held, usize::from(OffsetRange::new(start, end).contains(offset)));
            }
        }

        #[test]
        fn of_two_ranges_for_a_partition_the_last_stays(entries in vec((0..4i32, planned()), 0..9)) {
            let of = |partition: &i32| TopicPartition::new("t", *partition);
            let ranges: Ranges = entries.iter().map(|(partition, range)| (of(partition), *range)).collect();
            for partition in 0..4 {
                let last = entries.iter().rev().find(|(other, _)| *other == partition).map(|(_, range)| range);
                prop_assert_eq!(ranges.get(&of(&partition)), last);
            }
            let listed: Vec<i32> = ranges.iter().map(|(partition, _)| partition.partition).collect();
            prop_assert!(listed.is_sorted());
            prop_assert_eq!(ranges.is_empty(), entries.is_empty());
            let again: Ranges = ranges.iter().map(|(partition, range)| (partition.clone(), *range)).collect();
            prop_assert_eq!(again, ranges);
        }

        #[test]
        fn later_offsets_win_however_they_are_grouped(
            a in source_offsets(), b in source_offsets(), c in source_offsets(),
        ) {
            prop_assert_eq!(merged([&merged([&a, &b]), &c]), merged([&a, &merged([&b, &c])]));
            prop_assert_eq!(merged([&a, &a]), a.clone());
            prop_assert_eq!(merged([&SourceOffsets::new(), &a]), merged([&a, &SourceOffsets::new()]));
            let both = merged([&a, &b]);
            for partition in ["a", "b", "c", "d"] {
                let position = |offsets: &SourceOffsets| offsets.get::<i64>(partition).ok().flatten();
                prop_assert_eq!(position(&both), position(&b).or(position(&a)));
            }
        }

        #[test]
        fn source_offsets_are_stored_without_a_change(offsets in source_offsets()) {
            let stored = serde_json::to_string(&offsets).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(serde_json::from_str::<SourceOffsets>(&stored).ok(), Some(offsets));
        }
    }
}
