//! What the server and its test both know.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fault::Fault;
use super::request::{Request, Target};
use super::rule::Rule;

/// Far beyond what anything takes here.
const LONGEST: Duration = Duration::from_secs(30);

/// The rules that the test has ordered, and the record of what has come in.
#[derive(Debug, Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    requests: Vec<Request>,
    /// Open connections and requests under way.
    busy: usize,
}

/// As long as it lives the server is not idle.
pub(super) struct Busy(Arc<Desk>);

impl Desk {
    pub(super) fn order(&self, rule: Rule) {
        self.state().rules.push(rule);
    }

    pub(super) fn heal(&self) {
        self.state().rules.clear();
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Puts a request on record, and says what goes wrong with it: what the first rule says that is about it.
    pub(super) fn enter(&self, target: &Target) -> Option<Fault> {
        let mut state = self.state();
        let fault = state.rules.iter_mut().find_map(|rule| rule.meets(target));
        state.requests.push(Request { action: target.action, key: target.key.clone(), fault });
        fault
    }

    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.state().busy += 1;
        Busy(Arc::clone(self))
    }

    /// False if that takes longer than anything does.
    pub(super) fn becomes_idle(&self) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), LONGEST, |state| state.busy > 0);
        waited.is_ok_and(|(_, waited)| !waited.timed_out())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.state().busy -= 1;
        self.0.changed.notify_all();
    }
}
