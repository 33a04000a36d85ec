//! A person starts over.

use super::Subject;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Hook::reset": "Removes what a hook with this config has ever made, because a person starts over." => [
        a_reset_leaves_nothing,
        a_reset_of_nothing_is_no_error,
        after_a_reset_everything_is_made_anew,
    ]
    "Hook::reset": "Returns what was removed, for that person: `table stocks`. `None` if there was nothing." => [
        a_reset_says_what_it_removed,
    ]
}

async fn a_reset_leaves_nothing(subject: Subject) -> Outcome {
    subject.pass_all(subject.open().await?.as_mut()).await?;
    subject.reset().await?;
    assert_eq!(subject.made(), [""; 0], "what is left after a reset");
    Ok(())
}

async fn a_reset_of_nothing_is_no_error(subject: Subject) -> Outcome {
    subject.reset().await?;
    subject.pass_all(subject.open().await?.as_mut()).await?;
    for _ in 0..2 {
        subject.reset().await?;
    }
    Ok(())
}

async fn after_a_reset_everything_is_made_anew(subject: Subject) -> Outcome {
    let mut hook = subject.open().await?;
    subject.pass_all(hook.as_mut()).await?;
    subject.reset().await?;
    subject.pass_all(subject.open().await?.as_mut()).await?;
    subject.assert_all_made("after a reset and a new run");
    Ok(())
}

async fn a_reset_says_what_it_removed(subject: Subject) -> Outcome {
    assert_eq!(subject.reset().await?, None, "what it says where there was nothing");
    subject.pass_all(subject.open().await?.as_mut()).await?;
    match subject.reset().await? {
        Some(said) => assert!(!said.trim().is_empty(), "it says an empty text"),
        None => assert!(subject.leaves.is_empty(), "it says that there was nothing, and removed {:?}", subject.leaves),
    }
    assert_eq!(subject.reset().await?, None, "what it says the second time");
    Ok(())
}
