//! What it tries, where a person wants to know whether a run would work.

use pipeline_api::{Result, Task};

use super::Subject;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Hook::examine": "Called in place of `open`; changes nothing that stays, and tasks of the same sink may run meanwhile." => [
        an_examination_changes_nothing_that_stays,
    ]
}

impl Subject {
    /// Panics if something is found wrong.
    async fn examine(&self) -> Result<()> {
        let context = self.context(Task { index: 0, of: 1 });
        let examined = self.plugin.registration.examine(self.plugin.config.clone(), context).await?;
        assert!(examined.iter().all(|examined| examined.outcome.is_ok()), "what is right is found wrong: {examined:?}");
        Ok(())
    }
}

async fn an_examination_changes_nothing_that_stays(subject: Subject) -> Outcome {
    let before = subject.made();
    subject.examine().await?;
    assert_eq!(subject.made(), before, "what an examination makes");
    let mut hook = subject.open().await?;
    subject.examine().await?;
    subject.pass_all(hook.as_mut()).await?;
    subject.examine().await?;
    subject.assert_all_made("after an examination");
    Ok(())
}
