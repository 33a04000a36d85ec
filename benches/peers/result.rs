//! What was measured.

use crate::measure::child::{Usage, median};
use crate::work::Work;

/// Of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) usage: Usage,
    /// Seconds from the start to the first object or record that others can see.
    pub(crate) first: Option<f64>,
    /// Counted by somebody else.
    pub(crate) found: Option<Found>,
}

/// What a run left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    /// Rows of objects, or records.
    pub(crate) rows: u64,
    /// None where it left records.
    pub(crate) objects: Option<u64>,
}

/// The runs of each work, in the order in which they were first run.
#[derive(Debug, Default)]
pub(crate) struct Results(Vec<(Work, Vec<Run>)>);

impl Results {
    pub(crate) fn add(&mut self, work: Work, run: Run) {
        match self.0.iter_mut().find(|(known, _)| *known == work) {
            Some((_, runs)) => runs.push(run),
            None => self.0.push((work, vec![run])),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Work, &[Run])> {
        self.0.iter().map(|(work, runs)| (*work, runs.as_slice()))
    }

    /// The middle one of each measure, and the most that was found.
    pub(crate) fn median(&self, work: Work) -> Option<Run> {
        let (_, runs) = self.iter().find(|(known, _)| *known == work)?;
        let usages: Vec<Usage> = runs.iter().map(|run| run.usage).collect();
        let firsts: Vec<f64> = runs.iter().filter_map(|run| run.first).collect();
        Some(Run {
            usage: Usage::median(&usages),
            first: (!firsts.is_empty()).then(|| median(firsts)),
            found: runs.iter().filter_map(|run| run.found).max(),
        })
    }
}
