//! What happens between a flush and its commit.

use async_trait::async_trait;

use crate::{Artifact, Context, Dataset, Examined, Findings, Found, Outlook, Plugin, Result, Unreached};

/// Acts on what a sink made durable, before its offsets are committed: registers a table, proves that the rows are there.
/// One task calls it, one call at a time; each task of the sink has its own.
#[async_trait]
pub trait Hook: Send {
    /// Removes what a hook with this config has ever made, because a person starts over. Called in place of `open`, and works
    /// whatever was changed in the file since. Returns what was removed, for that person: `table stocks`. `None` if there
    /// was nothing.
    async fn reset(_config: Self::Config, _context: Context) -> Result<Option<String>>
    where
        Self: Plugin,
    {
        Ok(None)
    }

    /// Tries what a hook with this config will need of the outside world, because a person wants to know whether a run would
    /// work. Called in place of `open`; changes nothing that stays, and tasks of the same sink may run meanwhile. Goes on after
    /// what fails. Nothing where there is nothing to try.
    async fn examine(_config: Self::Config, _context: Context) -> Vec<Examined>
    where
        Self: Plugin,
    {
        Vec::new()
    }

    /// Which of these files, that the sink before it has left and committed, readers of what a hook with this config has made do
    /// not find. Called in place of `open`, because a person wants to know whether all is there; changes nothing, and tasks of
    /// the same hook may run meanwhile.
    async fn unreached(_config: Self::Config, _context: Context, _found: &[Found]) -> Result<Vec<Unreached>>
    where
        Self: Plugin,
    {
        Ok(Vec::new())
    }

    /// Reports what is wrong with `config` for records that lie as `dataset` says, beyond what [`Plugin::validate`] finds, and as
    /// pure as that.
    fn validate_dataset(_config: &Self::Config, _dataset: &Dataset, _findings: &mut Findings)
    where
        Self: Plugin,
    {
    }

    /// What it would make and call in a run whose flushes leave such `artifacts`, for a person who thinks about it beforehand.
    /// Pure.
    ///
    /// Errors: those of `open` that are known without a look at the outside.
    fn outlook(_config: &Self::Config, _context: &Context, _artifacts: &[Artifact]) -> Result<Outlook>
    where
        Self: Plugin,
    {
        Ok(Outlook::default())
    }

    /// The artifacts of one flush, never none. After a crash the same artifacts come again: it must be idempotent. Returns
    /// what it checked, if anything.
    ///
    /// Errors: the flush counts as failed, and comes again if that is [`Retriable`](crate::ErrorKind::Retriable).
    async fn after_flush(&mut self, artifacts: &[Artifact]) -> Result<Vec<CheckOutcome>>;

    /// Everything that the sources had is flushed and committed, and the run ends. Called on one task of the sink, also if
    /// there was nothing new. `rows` is how many records this run has committed to the sink, over all its tasks. Returns
    /// what it checked, if anything.
    async fn at_end(&mut self, _rows: u64) -> Result<Vec<CheckOutcome>> {
        Ok(Vec::new())
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOutcome {
    /// What was checked, as a person would name it: `stocks: unique(symbol, date)`.
    pub check: String,
    /// The value that was found.
    pub found: String,
    /// The value that was expected.
    pub expected: String,
    /// What follows from it.
    pub verdict: Verdict,
}

/// What follows from a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Not as expected, and the file says to go on.
    Warned,
    /// Not as expected: the flush is not committed and the run fails.
    Failed,
}
