//! What a sink made durable, as somebody else reads it.

use std::ops::Range;

use super::Subject;
use super::writing::{Spans, number};
use crate::text::assert_same;

/// One durable thing: a file, an object, a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stored {
    /// Its address, as the [`Artifact`](pipeline_api::Artifact) says it.
    pub url: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// The number of each record in it.
    pub numbers: Vec<i64>,
}

impl Subject {
    /// Everything that is durable, in the order of its addresses.
    pub(super) fn stored(&self) -> Vec<Stored> {
        let mut stored = (self.read)(self.folder.path());
        stored.sort();
        stored
    }

    /// Panics unless exactly the records of these ranges are durable, each once.
    pub(super) fn assert_stored(&self, spans: &Spans, what: &str) {
        let mut found: Vec<i64> = self.stored().into_iter().flat_map(|stored| stored.numbers).collect();
        if !self.is_exactly_once() {
            found.sort_unstable();
            found.dedup();
        }
        let of_span = |(partition, offsets): &(i32, Range<i64>)| {
            let partition = *partition;
            offsets.clone().map(move |offset| number(partition, offset))
        };
        assert_same(found, spans.iter().flat_map(of_span), what);
    }

    /// Panics unless the same is durable as before, to the byte.
    pub(super) fn assert_still_stored(&self, before: &[Stored], what: &str) {
        let after = self.stored();
        let address = |stored: &Stored| stored.url.clone();
        assert_same(after.iter().map(address), before.iter().map(address), what);
        for (after, before) in after.iter().zip(before) {
            assert_eq!(after.numbers, before.numbers, "{what}: other records in {}", after.url);
            assert!(after.bytes == before.bytes, "{what}: the same records, but other bytes in {}", after.url);
        }
    }
}
