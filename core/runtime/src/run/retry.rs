//! Repeating a call that may work later.

use std::time::Duration;

use pipeline_api::{Error, ErrorKind, Result};
use rand::Rng;
use tokio::time::Instant;
use tracing::warn;

use super::stop::Stop;
use crate::plan::RetryPolicy;

/// The pauses between the attempts of one call, until its budget is spent.
#[derive(Debug)]
pub(super) struct Retry {
    policy: RetryPolicy,
    pause: Duration,
    since: Option<Instant>,
}

impl Retry {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        Self { policy, pause: policy.pause, since: None }
    }

    /// The call worked: the next failure has the whole budget again.
    pub(super) fn succeeded(&mut self) {
        *self = Self::new(self.policy);
    }

    /// How long to wait before the next attempt. Errors: the error itself, if trying again is no use or the budget is spent.
    pub(super) fn pause_after(&mut self, error: Error) -> Result<Duration> {
        if error.kind() != ErrorKind::Retriable {
            return Err(error);
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() + self.pause > self.policy.timeout {
            let message = format!("gave up after {:.0?} of trying again (errors.retry.timeout)", since.elapsed());
            return Err(Error::fatal(message).with_source(error));
        }
        // Between half and the whole, so that tasks that failed together do not come back together.
        let pause = self.pause.mul_f64(rand::rng().random_range(0.5..=1.0));
        warn!(error = %format!("{error:#}"), pause = ?pause, "trying again");
        self.pause = (self.pause * 2).min(self.policy.max_pause);
        Ok(pause)
    }

    /// The same, and waits so long, or until somebody asks for a stop.
    pub(super) async fn wait_after(&mut self, error: Error, stop: &mut Stop) -> Result<()> {
        let pause = self.pause_after(error)?;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.requested() => {}
        }
        Ok(())
    }
}

/// Repeats `call` while it fails with errors that may pass.
pub(super) async fn retry<T, F: Future<Output = Result<T>>>(
    policy: RetryPolicy,
    mut call: impl FnMut() -> F,
) -> Result<T> {
    let mut attempts = Retry::new(policy);
    loop {
        match call().await {
            Ok(value) => return Ok(value),
            Err(error) => tokio::time::sleep(attempts.pause_after(error)?).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy {
            timeout: Duration::from_secs(60),
            pause: Duration::from_millis(100),
            max_pause: Duration::from_secs(1),
        }
    }

    #[test]
    fn pauses_double_with_jitter_up_to_the_longest() -> Result<()> {
        let policy = policy();
        let mut attempts = Retry::new(policy);
        for expected in [100, 200, 400, 800, 1000, 1000] {
            let pause = attempts.pause_after(Error::retriable("busy"))?.as_millis();
            assert!((expected / 2..=expected).contains(&pause), "{pause} of {expected}");
        }
        Ok(())
    }

    #[test]
    fn an_error_that_does_not_pass_is_given_back_at_once() {
        let policy = policy();
        assert!(Retry::new(policy).pause_after(Error::fatal("denied")).is_err());
        let spent = RetryPolicy { timeout: Duration::from_millis(50), ..policy };
        assert!(Retry::new(spent).pause_after(Error::retriable("busy")).is_err());
    }
}
