//! A wait that ends when there is something to do.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Set by any thread, waited for by one.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    /// Ends the wait that is under way, or else the next one.
    pub(crate) fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    /// Waits until it is set, at most so long, and takes it back.
    pub(crate) fn wait(&self, at_most: Duration) {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(is_set, at_most, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}
