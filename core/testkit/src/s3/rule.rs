//! Which requests a fault meets.

use super::fault::Fault;
use super::request::{Action, Target};

/// A fault, and which requests it meets: every one, unless it is narrowed down.
#[derive(Clone, Debug)]
pub struct Rule {
    fault: Fault,
    action: Option<Action>,
    key: String,
    skipped: u64,
    left: u64,
}

impl Rule {
    /// A rule for every request.
    pub fn new(fault: Fault) -> Self {
        Self { fault, action: None, key: String::new(), skipped: 0, left: u64::MAX }
    }

    /// Only requests that ask for this.
    #[must_use]
    pub fn on(self, action: Action) -> Self {
        Self { action: Some(action), ..self }
    }

    /// Only requests about a key that has this in it.
    #[must_use]
    pub fn key(self, part: impl Into<String>) -> Self {
        Self { key: part.into(), ..self }
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
    pub(super) fn meets(&mut self, target: &Target) -> Option<Fault> {
        if self.action.is_some_and(|action| action != target.action) || !target.key.contains(&self.key) {
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
