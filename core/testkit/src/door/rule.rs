//! Which requests a fault meets.

use std::fmt::Debug;

use super::fault::Fault;

/// What a request is about, as far as rules ask.
pub trait Target: Clone + Debug + Send + Sync + 'static {
    /// Narrows a rule down. The default is every request.
    type Filter: Clone + Debug + Default + Send;

    /// An error of the server's kind.
    type Refusal: Copy + Debug + Send;

    /// Whether a rule with this filter is about it.
    fn fits(&self, filter: &Self::Filter) -> bool;
}

/// A fault, and which requests it meets: every one, unless it is narrowed down.
#[derive(Clone, Debug)]
pub struct Rule<T: Target> {
    pub(crate) filter: T::Filter,
    fault: Fault<T::Refusal>,
    skipped: u64,
    left: u64,
}

impl<T: Target> Rule<T> {
    /// A rule for every request.
    pub fn new(fault: Fault<T::Refusal>) -> Self {
        Self { filter: T::Filter::default(), fault, skipped: 0, left: u64::MAX }
    }

    /// Not the first `requests` of those.
    #[must_use]
    pub fn after(self, requests: u64) -> Self {
        Self { skipped: requests, ..self }
    }

    /// At most so many of those.
    #[must_use]
    pub fn times(self, requests: u64) -> Self {
        Self { left: requests, ..self }
    }

    /// The fault for this request, if the rule is about it.
    pub(super) fn meets(&mut self, target: &T) -> Option<Fault<T::Refusal>> {
        if !target.fits(&self.filter) {
            return None;
        }
        if self.skipped > 0 {
            self.skipped -= 1;
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        Some(self.fault)
    }
}
