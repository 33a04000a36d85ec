//! The same artifacts again.

use super::Subject;
use super::made::pass;
use crate::case::{Outcome, list_cases};
use crate::interrupted::interrupted;

list_cases! {
    "Hook::after_flush": "After a crash the same artifacts come again: it must be idempotent." => [
        the_same_artifacts_twice_leave_the_same,
        a_hook_that_is_opened_anew_leaves_the_same,
        an_older_flush_again_leaves_the_same,
        a_call_that_was_cut_off_is_made_whole_by_the_next,
        the_same_artifacts_are_judged_the_same,
    ]
}

async fn the_same_artifacts_twice_leave_the_same(subject: Subject) -> Outcome {
    let mut hook = subject.open().await?;
    for artifacts in subject.artifacts() {
        pass(hook.as_mut(), artifacts).await?;
        let once = subject.made();
        pass(hook.as_mut(), artifacts).await?;
        assert_eq!(subject.made(), once, "what is made after the same artifacts twice");
    }
    subject.assert_all_made("after each flush twice");
    Ok(())
}

async fn a_hook_that_is_opened_anew_leaves_the_same(subject: Subject) -> Outcome {
    for artifacts in subject.artifacts() {
        pass(subject.open().await?.as_mut(), artifacts).await?;
        let once = subject.made();
        pass(subject.open().await?.as_mut(), artifacts).await?;
        assert_eq!(subject.made(), once, "what is made after the same artifacts came to a new hook");
    }
    subject.assert_all_made("after each flush twice, each time to a new hook");
    Ok(())
}

async fn an_older_flush_again_leaves_the_same(subject: Subject) -> Outcome {
    let mut hook = subject.open().await?;
    subject.pass_all(hook.as_mut()).await?;
    // Another task lost its partition and replays what it had planned long ago.
    subject.pass_all(hook.as_mut()).await?;
    subject.assert_all_made("after all flushes twice");
    Ok(())
}

async fn a_call_that_was_cut_off_is_made_whole_by_the_next(subject: Subject) -> Outcome {
    // Each comes once, because what came in full hides what was cut off.
    for (number, artifact) in subject.artifacts().concat().into_iter().enumerate() {
        let mut hook = subject.open().await?;
        interrupted(hook.after_flush(std::slice::from_ref(&artifact)), number / 2).await;
        if number % 2 == 1 {
            hook = subject.open().await?;
        }
        pass(hook.as_mut(), &[artifact]).await?;
    }
    subject.assert_all_made("after calls that were cut off and came again");
    Ok(())
}

async fn the_same_artifacts_are_judged_the_same(subject: Subject) -> Outcome {
    let mut hook = subject.open().await?;
    for artifacts in subject.artifacts() {
        let once = pass(hook.as_mut(), artifacts).await?;
        assert_eq!(pass(hook.as_mut(), artifacts).await?, once, "what it found in the same artifacts again");
        let anew = pass(subject.open().await?.as_mut(), artifacts).await?;
        assert_eq!(anew, once, "what a new hook found in the same artifacts");
    }
    Ok(())
}
