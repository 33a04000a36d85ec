//! What the server and its test both know.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::fault::Fault;
use super::rule::{Rule, Target};

/// Far beyond what anything takes here.
const LONGEST: Duration = Duration::from_secs(30);

/// A request that has come in, and what was done to it, if a rule fitted it.
pub(super) type Entered<T> = (T, Option<Fault<<T as Target>::Refusal>>);

/// The rules that the test has ordered, and the record of what has come in.
#[derive(Debug)]
pub(super) struct Desk<T: Target> {
    state: Mutex<State<T>>,
    changed: Condvar,
    released: Notify,
}

#[derive(Debug)]
struct State<T: Target> {
    rules: Vec<Rule<T>>,
    requests: Vec<Entered<T>>,
    /// Open connections and requests under way.
    busy: usize,
    /// Answers that wait.
    held: usize,
}

/// As long as it lives the server is not idle.
pub(super) struct Busy<T: Target>(Arc<Desk<T>>);

/// As long as it lives an answer waits.
struct Held<'a, T: Target>(&'a Desk<T>);

impl<T: Target> Desk<T> {
    pub(super) fn new() -> Self {
        let state = State { rules: Vec::new(), requests: Vec::new(), busy: 0, held: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), released: Notify::new() }
    }

    pub(super) fn order(&self, rule: Rule<T>) {
        self.state().rules.push(rule);
    }

    pub(super) fn heal(&self) {
        self.state().rules.clear();
    }

    pub(super) fn requests(&self) -> Vec<Entered<T>> {
        self.state().requests.clone()
    }

    /// Puts a request on record, and says what goes wrong with it: what the first rule says that is about it.
    pub(super) fn enter(&self, target: T) -> Option<Fault<T::Refusal>> {
        let mut state = self.state();
        let fault = state.rules.iter_mut().find_map(|rule| rule.meets(&target));
        state.requests.push((target, fault));
        fault
    }

    pub(super) fn busy(self: &Arc<Self>) -> Busy<T> {
        self.state().busy += 1;
        Busy(Arc::clone(self))
    }

    /// False if that takes longer than anything does.
    pub(super) fn becomes_idle(&self) -> bool {
        self.becomes(|state| state.busy == 0)
    }

    /// Waits until the test lets answers go.
    pub(super) async fn hold(&self) {
        let mut released = pin!(self.released.notified());
        released.as_mut().enable();
        self.state().held += 1;
        self.changed.notify_all();
        let _held = Held(self);
        released.await;
    }

    /// False if that takes longer than anything does.
    pub(super) fn holds(&self, answers: usize) -> bool {
        self.becomes(|state| state.held >= answers)
    }

    pub(super) fn release(&self) {
        self.released.notify_waiters();
    }

    fn becomes(&self, wanted: impl Fn(&State<T>) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), LONGEST, |state| !wanted(state));
        waited.is_ok_and(|(_, waited)| !waited.timed_out())
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Target> Drop for Busy<T> {
    fn drop(&mut self) {
        self.0.state().busy -= 1;
        self.0.changed.notify_all();
    }
}

impl<T: Target> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.0.state().held -= 1;
    }
}
