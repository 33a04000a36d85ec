//! The note that travels with a committed offset: the whole state of a sink.

use std::fmt;

use jiff::Timestamp;
use pipeline_api::{Error, OffsetRange, PlannedRange, Result};

/// What stands in the metadata of a committed offset `o`.
///
/// | metadata | meaning |
/// |---|---|
/// | empty, or without a planned end | everything below `o` is durable, nothing from `o` on is |
/// | `…;end=e;at=t;cfg=f` | everything below `o` is durable, and `o..e` is being made durable, planned at `t` under a config of fingerprint `f`: replay exactly that range |
///
/// Written as `v1;topic=<id>` and `v1;topic=<id>;end=<offset>;at=<ms since 1970>;cfg=<16 hex>`, with `;rev=<n>` behind it
/// where the range was planned anew after a discard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitNote {
    /// The id of the topic that the offset belongs to. A topic that was deleted and created again has another.
    pub topic_id: String,
    /// The range that is being made durable, if there is one.
    pub plan: Option<Plan>,
}

/// A planned range, as it is noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One past its last offset.
    pub end: i64,
    /// When it was planned, to the millisecond.
    pub at: Timestamp,
    /// The fingerprint of the config under which it was planned.
    pub fingerprint: String,
    /// See [`PlannedRange::revision`].
    pub revision: u32,
}

impl CommitNote {
    /// Nothing is being made durable.
    pub fn settled(topic_id: &str) -> Self {
        Self { topic_id: topic_id.to_owned(), plan: None }
    }

    /// `range` is being made durable.
    pub fn planned(topic_id: &str, range: &PlannedRange, fingerprint: &str) -> Self {
        let PlannedRange { offsets, at, revision } = *range;
        let plan = Plan { end: offsets.end, at, fingerprint: fingerprint.to_owned(), revision };
        Self { topic_id: topic_id.to_owned(), plan: Some(plan) }
    }

    /// The note in a committed offset's metadata; `None` if there is none. Errors: somebody else wrote it.
    pub fn parse(metadata: &str) -> Result<Option<Self>> {
        if metadata.is_empty() {
            return Ok(None);
        }
        let ours = Self::parse_fields(metadata).filter(|note| note.to_string() == metadata);
        ours.map(Some).ok_or_else(|| {
            Error::fatal(format!("the committed offset carries the note `{metadata}`, which is not ours, expected v1;topic=…; does another program commit for this group?"))
        })
    }

    fn parse_fields(metadata: &str) -> Option<Self> {
        let mut parts = metadata.split(';');
        if parts.next()? != "v1" {
            return None;
        }
        let topic_id = parts.next()?.strip_prefix("topic=")?.to_owned();
        let Some(end) = parts.next() else { return Some(Self { topic_id, plan: None }) };
        let end = end.strip_prefix("end=")?.parse().ok()?;
        let at = Timestamp::from_millisecond(parts.next()?.strip_prefix("at=")?.parse().ok()?).ok()?;
        let fingerprint = parts.next()?.strip_prefix("cfg=")?.to_owned();
        let revision = match parts.next() {
            Some(revision) => revision.strip_prefix("rev=")?.parse().ok()?,
            None => 0,
        };
        let plan = Plan { end, at, fingerprint, revision };
        parts.next().is_none().then_some(Self { topic_id, plan: Some(plan) })
    }
}

impl Plan {
    /// The range that begins at the committed offset.
    pub fn range(&self, committed: i64) -> PlannedRange {
        PlannedRange { offsets: OffsetRange::new(committed, self.end), at: self.at, revision: self.revision }
    }
}

impl fmt::Display for CommitNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1;topic={}", self.topic_id)?;
        let Some(plan) = &self.plan else { return Ok(()) };
        write!(f, ";end={};at={};cfg={}", plan.end, plan.at.as_millisecond(), plan.fingerprint)?;
        match plan.revision {
            0 => Ok(()),
            revision => write!(f, ";rev={revision}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn notes() -> impl Strategy<Value = CommitNote> {
        let plan = (any::<i64>(), -377_705_023_201_000..253_402_207_200_999i64, "[0-9a-f]{16}", any::<u32>());
        let plan = plan.prop_map(|(end, at, fingerprint, revision)| {
            let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
            Plan { end, at, fingerprint, revision }
        });
        ("[A-Za-z0-9_-]{1,32}", proptest::option::of(plan)).prop_map(|(topic_id, plan)| CommitNote { topic_id, plan })
    }

    proptest! {
        #[test]
        fn every_note_reads_back_as_it_was_written(note in notes()) {
            prop_assert_eq!(CommitNote::parse(&note.to_string()).ok(), Some(Some(note)));
        }

        #[test]
        fn a_note_that_was_tampered_with_is_refused_or_reads_as_it_stands(
            note in notes(), place in any::<prop::sample::Index>(), cut in 0..3usize, text in "[v1;=a-z0-9+-]{0,3}",
        ) {
            let mut metadata = note.to_string();
            let start = place.index(metadata.len());
            metadata.replace_range(start..(start + cut).min(metadata.len()), &text);
            if let Ok(Some(read)) = CommitNote::parse(&metadata) {
                prop_assert_eq!(read.to_string(), metadata);
            }
        }

        #[test]
        fn what_anybody_else_writes_is_refused(metadata in "([^v].*|v[^1].*|v1[^;].*|v1;[^t].*)") {
            prop_assert!(CommitNote::parse(&metadata).is_err());
        }
    }

    #[test]
    fn a_note_reads_back_as_it_was_written() -> Result<()> {
        let at = Timestamp::from_millisecond(1_767_364_200_123).map_err(|error| Error::fatal(error.to_string()))?;
        let range = PlannedRange { offsets: OffsetRange::new(10, 25), at, revision: 0 };
        for note in [CommitNote::settled("a1"), CommitNote::planned("a1", &range, "0123456789abcdef")] {
            assert_eq!(CommitNote::parse(&note.to_string())?, Some(note));
        }
        assert_eq!(CommitNote::planned("a1", &range, "00").plan.map(|plan| plan.range(10)), Some(range));
        Ok(())
    }

    #[test]
    fn a_note_of_somebody_else_is_refused_and_none_is_none() {
        assert!(matches!(CommitNote::parse(""), Ok(None)));
        for text in [
            "v2;topic=a",
            "v1",
            "hello",
            "v1;topic=a;end=x",
            "v1;topic=a;end=1;at=2",
            "v1;topic=a;end=1;at=2;cfg=3;more=4",
            "v1;topic=a;end=+1;at=2;cfg=3",
            "v1;topic=a;end=01;at=2;cfg=3",
            "v1;topic=a;end=1;at=2;cfg=3;rev=0",
        ] {
            assert!(CommitNote::parse(text).is_err(), "{text}");
        }
    }
}
