//! What it tries, where a person wants to know whether a run would work.

use pipeline_api::{Examined, Result};

use super::Subject;
use super::writing::ROWS;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Sink::examine": "Called in place of `open`; changes nothing that stays, and tasks of the same sink may run meanwhile." => [
        an_examination_changes_nothing_that_stays,
    ]
}

impl Subject {
    async fn examine(&self) -> Result<Vec<Examined>> {
        self.plugin.registration.examine(self.plugin.config.clone(), self.context()).await
    }
}

async fn an_examination_changes_nothing_that_stays(subject: Subject) -> Outcome {
    assert_fine(&subject.examine().await?);
    let made: Vec<_> = std::fs::read_dir(subject.folder.path())?.collect();
    assert!(made.is_empty(), "what an examination makes: {made:?}");
    let (mut sink, spans) = (subject.open().await?, [(0, 0..50), (1, 0..50)]);
    subject.put(sink.as_mut(), &spans, ROWS).await?;
    let work = sink.flush(subject.ranges(&spans));
    subject.examine().await?;
    work.await?;
    let before = subject.stored();
    assert_fine(&subject.examine().await?);
    subject.assert_still_stored(&before, "after an examination");
    Ok(())
}

fn assert_fine(examined: &[Examined]) {
    assert!(examined.iter().all(|examined| examined.outcome.is_ok()), "what is right is found wrong: {examined:?}");
}
