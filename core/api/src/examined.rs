//! What a look at the outside world came to.

use std::time::Duration;

use crate::{Error, Result};

/// How long one thing is tried.
const LIMIT: Duration = Duration::from_secs(10);

/// Something of the outside world that a run will need, and what came of trying it.
#[derive(Debug)]
pub struct Examined {
    /// What was tried, as a person would name it: `s3://lake/stocks/: list objects`.
    pub what: String,
    /// What came of it: if all is fine, what else is worth knowing; else what is wrong and what to do about it.
    pub outcome: Result<Option<String>>,
}

impl Examined {
    /// Tries something, for ten seconds at most: then the trial is dropped, and that is what is wrong.
    pub async fn of(what: impl Into<String>, trial: impl Future<Output = Result<Option<String>>>) -> Self {
        let outcome = tokio::time::timeout(LIMIT, trial).await.unwrap_or_else(|_| {
            Err(Error::retriable(format!(
                "no answer within {} s; check the address, the network, and that whoever is asked is not overloaded",
                LIMIT.as_secs()
            )))
        });
        Self { what: what.into(), outcome }
    }

    /// Whether waiting is no use to whoever has more to try at the same place: nobody answers there.
    pub fn is_unanswered(&self) -> bool {
        self.outcome.as_ref().is_err_and(|error| error.kind() == crate::ErrorKind::Retriable)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_never_ends_is_wrong_after_ten_seconds() {
        let started = tokio::time::Instant::now();
        let examined = Examined::of("a host: answer", std::future::pending()).await;
        assert_eq!(started.elapsed(), LIMIT);
        assert!(examined.is_unanswered());
        assert!(examined.outcome.unwrap_err().to_string().starts_with("no answer within 10 s; check "));
    }
}
