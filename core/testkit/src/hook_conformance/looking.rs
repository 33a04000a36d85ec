//! Somebody asks what readers find.

use pipeline_api::{Found, Origin, Result, Rows, Task, Unreached};

use super::Subject;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Hook::unreached": "Which of these files, that the sink before it has left and committed, readers of what a hook with this config has made do not find." => [
        what_passed_is_found_by_readers,
    ]
    "Hook::unreached": "Called in place of `open`, because a person wants to know whether all is there; changes nothing" => [
        a_look_makes_nothing,
    ]
}

impl Subject {
    /// Asks for every artifact.
    async fn unreached(&self) -> Result<Vec<Unreached>> {
        let found = self.artifacts().concat().into_iter().map(|artifact| Found {
            url: artifact.url,
            bytes: artifact.bytes,
            origin: Origin::Flush { partition: artifact.partition, offsets: artifact.offsets, revision: 0 },
            rows: Rows::Counted(artifact.rows),
            flushed: None,
        });
        let context = self.context(Task { index: 0, of: 1 });
        self.plugin.registration.unreached(self.plugin.config.clone(), context, found.collect()).await
    }
}

async fn what_passed_is_found_by_readers(subject: Subject) -> Outcome {
    subject.pass_all(subject.open().await?.as_mut()).await?;
    assert_eq!(subject.unreached().await?, [], "what readers do not find after all flushes");
    Ok(())
}

async fn a_look_makes_nothing(subject: Subject) -> Outcome {
    subject.unreached().await?;
    assert_eq!(subject.made(), [""; 0], "what a look makes where nothing was made yet");
    subject.pass_all(subject.open().await?.as_mut()).await?;
    subject.unreached().await?;
    subject.assert_all_made("after all flushes and a look");
    Ok(())
}
