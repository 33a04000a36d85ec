//! Which requests a fault meets.

use super::refusal::Refusal;
use super::request::{Action, Target};
use crate::door;

/// A fault, and which requests it meets: every one, unless it is narrowed down.
pub type Rule = door::Rule<Target>;

/// What a rule is about.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    action: Option<Action>,
    key: String,
}

impl door::Rule<Target> {
    /// Only requests that ask for this.
    #[must_use]
    pub fn on(mut self, action: Action) -> Self {
        self.filter.action = Some(action);
        self
    }

    /// Only requests about a key that has this in it.
    #[must_use]
    pub fn key(mut self, part: impl Into<String>) -> Self {
        self.filter.key = part.into();
        self
    }
}

impl door::Target for Target {
    type Filter = Filter;
    type Refusal = Refusal;

    fn fits(&self, filter: &Filter) -> bool {
        filter.action.is_none_or(|action| action == self.action) && self.key.contains(&filter.key)
    }
}
