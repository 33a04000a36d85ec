//! The tokens by which Athena knows a request that it has had before.

use std::hash::{BuildHasher, Hasher, RandomState};

use sha2::{Digest, Sha256};

/// What tells one asking of a query from the next.
///
/// Athena answers a token that it has seen with the query of that time, and runs and bills nothing. So while an answer is
/// awaited the same query gets the same token, however often the call is repeated: after a cut connection, or by a flush
/// that comes again. Once it has been answered, or has failed, the next asking is a new one: the table is another by
/// then, or a person has mended it. For the same reason no token outlives the process.
#[derive(Debug)]
pub(crate) struct Occasion {
    process: u64,
    number: u64,
}

impl Occasion {
    pub(crate) fn first() -> Self {
        // Seeded by the system for each process and each call.
        Self { process: RandomState::new().build_hasher().finish(), number: 0 }
    }

    /// What is asked from now on is asked anew.
    pub(crate) fn next(&mut self) {
        self.number += 1;
    }

    /// A token of 64 characters for everything that makes a query what it is. Athena takes 32 to 128, and refuses one that it
    /// knows with another query.
    pub(crate) fn token(&self, parts: &[&str]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.process.to_be_bytes());
        hash.update(self.number.to_be_bytes());
        for part in parts {
            // With its length, so that no two lists look the same.
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Occasion;

    #[test]
    fn a_token_is_the_same_for_the_same_asking_alone() {
        let mut occasion = Occasion::first();
        let token = occasion.token(&["a", "bc"]);
        assert_eq!((token.len(), &occasion.token(&["a", "bc"])), (64, &token));
        assert_ne!(occasion.token(&["ab", "c"]), token);
        assert_ne!(Occasion::first().token(&["a", "bc"]), token);
        occasion.next();
        assert_ne!(occasion.token(&["a", "bc"]), token);
    }
}
