//! Who uses the broker in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The members and producers of this process, by group or pipeline, each with a number of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<Mutex<BTreeMap<String, BTreeSet<u32>>>>);

/// A number that is taken, until it is dropped.
pub(crate) struct Place {
    places: Places,
    of: String,
    pub(crate) number: u32,
}

impl Places {
    /// Takes the least number that is free.
    pub(crate) fn take(&self, of: &str) -> Place {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(of.to_owned()).or_default();
        let number = (0..).find(|number| !taken.contains(number)).unwrap_or(0);
        taken.insert(number);
        Place { places: self.clone(), of: of.to_owned(), number }
    }

    /// Whether anybody has one.
    pub(crate) fn is_taken(&self, of: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(of).is_some_and(|taken| !taken.is_empty())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.of) {
            taken.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_again_once_it_is_free() {
        let places = Places::default();
        let (first, second) = (places.take("a"), places.take("a"));
        assert_eq!((first.number, second.number, places.take("b").number), (0, 1, 0));
        drop(first);
        assert_eq!(places.take("a").number, 0);
        assert!(places.is_taken("a") && !places.is_taken("b"));
    }
}
