//! Several tasks of one sink, each with a hook of its own.

use pipeline_api::Task;

use super::Subject;
use super::made::pass;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Hook": "One task calls it, one call at a time; each task of the sink has its own." => [
        tasks_by_turns_leave_the_same,
        tasks_at_once_leave_the_same,
        tasks_with_the_same_artifacts_leave_the_same,
    ]
}

async fn tasks_by_turns_leave_the_same(subject: Subject) -> Outcome {
    let mut tasks =
        [subject.open_task(Task { index: 0, of: 2 }).await?, subject.open_task(Task { index: 1, of: 2 }).await?];
    for (number, artifact) in subject.artifacts().concat().into_iter().enumerate() {
        pass(tasks[number % 2].as_mut(), &[artifact]).await?;
    }
    subject.assert_all_made("after the artifacts went to two tasks by turns");
    Ok(())
}

async fn tasks_at_once_leave_the_same(subject: Subject) -> Outcome {
    let opened = subject.artifacts().iter().zip(0..).map(|(flush, index)| {
        let of = subject.artifacts().len() as u32;
        let subject = &subject;
        async move { pass(subject.open_task(Task { index, of }).await?.as_mut(), flush).await }
    });
    for result in futures::future::join_all(opened).await {
        result?;
    }
    subject.assert_all_made("after each flush went to a task of its own, all at once");
    Ok(())
}

/// A task that lost a partition may still pass on what the new owner passes on too.
async fn tasks_with_the_same_artifacts_leave_the_same(subject: Subject) -> Outcome {
    let mut old = subject.open_task(Task { index: 0, of: 2 }).await?;
    let mut new = subject.open_task(Task { index: 1, of: 2 }).await?;
    for artifacts in subject.artifacts() {
        let (first, second) = futures::join!(pass(old.as_mut(), artifacts), pass(new.as_mut(), artifacts));
        first?;
        second?;
    }
    subject.assert_all_made("after each flush went to both tasks");
    Ok(())
}
