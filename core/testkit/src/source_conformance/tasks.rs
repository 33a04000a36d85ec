//! Several tasks of one source.

use pipeline_api::{SourceOffsets, Task};

use super::polled::{Polled, drain, rows};
use super::{Fault, Subject};
use crate::case::{Outcome, list_cases};
use crate::text::assert_same;

list_cases! {
    "Context::task": "Which task this is. Work is divided by it." => [
        its_tasks_together_give_every_record_once,
    ]
    "Context::offsets": "For a source: where to resume, over all its tasks." => [
        its_tasks_resume_from_the_offsets_of_all_of_them,
    ]
    "Context::offsets": "There may have been another number of tasks then." => [
        it_resumes_with_more_tasks,
        it_resumes_with_fewer_tasks,
    ]
}

async fn its_tasks_together_give_every_record_once(subject: Subject) -> Outcome {
    let alone = subject.read().await?;
    for of in [2, 3, 7] {
        let mut found = Vec::new();
        for index in 0..of {
            found.extend(drain(subject.open(Task { index, of }, &SourceOffsets::new()).await?.as_mut()).await?);
        }
        assert_same(rows(&found), rows(&alone), &format!("{of} tasks"));
    }
    Ok(())
}

async fn its_tasks_resume_from_the_offsets_of_all_of_them(subject: Subject) -> Outcome {
    in_two_runs(subject, 3, 3).await
}

async fn it_resumes_with_more_tasks(subject: Subject) -> Outcome {
    in_two_runs(subject.clone(), 1, 2).await?;
    in_two_runs(subject, 2, 5).await
}

async fn it_resumes_with_fewer_tasks(subject: Subject) -> Outcome {
    in_two_runs(subject.clone(), 3, 2).await?;
    in_two_runs(subject, 2, 1).await
}

/// Stops each task of a first run after another number of batches, and reads on in a second run.
async fn in_two_runs(subject: Subject, first: u32, second: u32) -> Outcome {
    if !subject.resumes() {
        return Ok(());
    }
    let expected = subject.read().await?;
    for most in [1, 2, expected.len()] {
        let (mut found, mut offsets) = (Vec::new(), SourceOffsets::new());
        for index in 0..first {
            let polled = some_batches(&subject, Task { index, of: first }, most.saturating_sub(index as usize)).await?;
            polled.iter().for_each(|polled| offsets.merge(polled.offsets.clone()));
            found.extend(polled);
        }
        for index in 0..second {
            found.extend(drain(subject.open(Task { index, of: second }, &offsets).await?.as_mut()).await?);
        }
        assert_same(rows(&found), rows(&expected), &format!("a run of {first} tasks and one of {second}"));
    }
    Ok(())
}

/// What a task gives in its first polls, up to so many.
async fn some_batches(subject: &Subject, task: Task, most: usize) -> Result<Vec<Polled>, Fault> {
    let mut source = subject.open(task, &SourceOffsets::new()).await?;
    let mut polled = Vec::new();
    while polled.len() < most
        && let Some(batch) = source.poll().await?
    {
        polled.push(Polled::new(batch));
    }
    Ok(polled)
}
