//! What a hook made, as somebody else reads it.

use pipeline_api::{Artifact, Hook, Result, Verdict};

use super::Subject;
use crate::text::assert_same;

/// The name, value and verdict of each check.
pub(super) type Outcomes = Vec<(String, String, Verdict)>;

impl Subject {
    /// Everything that the hook has made, in order.
    pub(super) fn made(&self) -> Vec<String> {
        let mut made = (self.read)(self.folder.path());
        made.sort();
        made
    }

    /// Panics unless the hook has made what it should of all flushes, each thing once.
    pub(super) fn assert_all_made(&self, what: &str) {
        assert_same(self.made(), self.leaves.iter().cloned(), what);
    }

    /// Passes every flush to the hook, one by one.
    pub(super) async fn pass_all(&self, hook: &mut dyn Hook) -> Result<Vec<Outcomes>> {
        let mut all = Vec::new();
        for artifacts in self.artifacts() {
            all.push(pass(hook, artifacts).await?);
        }
        Ok(all)
    }
}

/// Passes one flush to the hook.
pub(super) async fn pass(hook: &mut dyn Hook, artifacts: &[Artifact]) -> Result<Outcomes> {
    let outcomes = hook.after_flush(artifacts).await?;
    Ok(outcomes.into_iter().map(|outcome| (outcome.check, outcome.found, outcome.verdict)).collect())
}
