//! The calls of a run without a fault.

use pipeline_api::Verdict;

use super::Subject;
use super::made::pass;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Hook": "Acts on what a sink made durable, before its offsets are committed: registers a table, proves that the rows are there." => [
        after_all_flushes_everything_is_made,
        what_is_right_is_not_found_wrong,
        all_flushes_at_once_leave_the_same,
        the_order_of_artifacts_does_not_matter,
    ]
    "Hook::at_end": "Called on one task of the sink, also if there was nothing new." => [
        an_end_without_a_flush_is_no_error,
        an_end_changes_nothing,
        an_end_comes_on_a_task_that_had_no_flush,
    ]
}

async fn after_all_flushes_everything_is_made(subject: Subject) -> Outcome {
    subject.pass_all(subject.open().await?.as_mut()).await?;
    subject.assert_all_made("after all flushes");
    Ok(())
}

async fn what_is_right_is_not_found_wrong(subject: Subject) -> Outcome {
    let wrong = subject.pass_all(subject.open().await?.as_mut()).await?.concat();
    let wrong: Vec<_> = wrong.into_iter().filter(|(_, _, verdict)| *verdict == Verdict::Failed).collect();
    assert_eq!(wrong, [], "checks failed on what the config to test with should accept");
    Ok(())
}

async fn all_flushes_at_once_leave_the_same(subject: Subject) -> Outcome {
    pass(subject.open().await?.as_mut(), &subject.artifacts().concat()).await?;
    subject.assert_all_made("after one flush with the artifacts of all");
    Ok(())
}

async fn the_order_of_artifacts_does_not_matter(subject: Subject) -> Outcome {
    let mut hook = subject.open().await?;
    for flush in subject.artifacts().iter().rev() {
        pass(hook.as_mut(), &flush.iter().rev().cloned().collect::<Vec<_>>()).await?;
    }
    subject.assert_all_made("after all flushes and artifacts in the reverse order");
    Ok(())
}

async fn an_end_without_a_flush_is_no_error(subject: Subject) -> Outcome {
    subject.open().await?.at_end(0).await?;
    Ok(())
}

async fn an_end_changes_nothing(subject: Subject) -> Outcome {
    let mut hook = subject.open().await?;
    subject.pass_all(hook.as_mut()).await?;
    let rows = subject.artifacts().iter().flatten().map(|artifact| artifact.rows).sum();
    let outcomes = hook.at_end(rows).await?;
    let wrong: Vec<_> = outcomes.into_iter().filter(|outcome| outcome.verdict == Verdict::Failed).collect();
    assert_eq!(wrong, [], "checks failed at the end on what the config to test with should accept");
    subject.assert_all_made("after the end");
    Ok(())
}

async fn an_end_comes_on_a_task_that_had_no_flush(subject: Subject) -> Outcome {
    let mut idle = subject.open().await?;
    subject.pass_all(subject.open().await?.as_mut()).await?;
    let rows = subject.artifacts().iter().flatten().map(|artifact| artifact.rows).sum();
    let outcomes = idle.at_end(rows).await?;
    let wrong: Vec<_> = outcomes.into_iter().filter(|outcome| outcome.verdict == Verdict::Failed).collect();
    assert_eq!(wrong, [], "checks failed on a task that had no flush itself");
    subject.assert_all_made("after the end on a task that had no flush");
    Ok(())
}
