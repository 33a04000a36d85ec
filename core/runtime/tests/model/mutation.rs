//! What could be wrong with the runtime. A model that finds nothing wrong with any of these proves nothing.

use stateright::{Checker, HasDiscoveries, Model};

use crate::properties::{AS_THE_TOPIC, COMPLETE, ONCE};
use crate::protocol::Protocol;

/// A step of the runtime that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// Everything is as the runtime has it.
    None,
    /// A flush begins without a commit of its plan.
    PlanLeftOut,
    /// The plan is committed once the objects are there.
    PlanAfterPut,
    /// A flush is settled before its hook has run.
    SettleBeforeHook,
    /// An object is named after the moment of its flush, not after the range.
    NameFromClock,
    /// A replay takes the clock for `at`, not the note.
    AtFromClock,
    /// The coordinator lets any commit through.
    CommitNotFenced,
    /// A replay flushes all that was put, not the planned range.
    ReplayBeyondPlan,
    /// A range that was planned under another file is replayed as if it were one's own.
    FingerprintIgnored,
    /// A range that was planned under another file is planned anew, and its objects stay.
    DiscardLeftOut,
    /// What was planned anew after a discard has the names of what was discarded.
    RevisionLeftOut,
    /// A flush whose partition was away meanwhile is settled all the same.
    RevokedFlushSettled,
    /// The sink keeps what was put for a partition that is given up, or comes again.
    RevokeLeftOut,
    /// Not the runtime, but a person: the file is changed while a worker of the old one still runs.
    FileChangedBeneathWorker,
}

/// Within these bounds each of them does harm.
fn assert_found(mutation: Mutation, expected: &str) {
    let protocol = Protocol { records: 3, faults: 2, edits: 1, mutation };
    let checker = protocol.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let broken = |name: &'static str| protocol.property(name).expectation.discovery_is_failure();
    let found = checker.discoveries().into_iter().filter(|(name, _)| broken(name));
    let found: Vec<_> = found.map(|(name, path)| (name, path.into_actions())).collect();
    println!("{mutation:?}: {found:?}");
    assert!(found.iter().any(|(name, _)| *name == expected), "{found:?}");
}

#[test]
fn a_flush_without_a_plan_is_found() {
    assert_found(Mutation::PlanLeftOut, ONCE);
}

#[test]
fn a_plan_after_the_flush_is_found() {
    assert_found(Mutation::PlanAfterPut, ONCE);
}

#[test]
fn a_settlement_before_the_hook_is_found() {
    assert_found(Mutation::SettleBeforeHook, COMPLETE);
}

#[test]
fn a_name_from_the_clock_is_found() {
    assert_found(Mutation::NameFromClock, ONCE);
}

#[test]
fn a_replay_by_the_clock_is_found() {
    assert_found(Mutation::AtFromClock, ONCE);
}

#[test]
fn a_commit_that_is_not_fenced_is_found() {
    assert_found(Mutation::CommitNotFenced, ONCE);
}

#[test]
fn a_replay_beyond_the_plan_is_found() {
    assert_found(Mutation::ReplayBeyondPlan, ONCE);
}

#[test]
fn a_replay_under_another_file_is_found() {
    assert_found(Mutation::FingerprintIgnored, ONCE);
}

#[test]
fn a_discard_left_out_is_found() {
    assert_found(Mutation::DiscardLeftOut, ONCE);
}

#[test]
fn a_discard_that_hits_the_next_owner_is_found() {
    assert_found(Mutation::RevisionLeftOut, COMPLETE);
}

#[test]
fn a_settlement_of_a_revoked_flush_is_found() {
    assert_found(Mutation::RevokedFlushSettled, AS_THE_TOPIC);
}

#[test]
fn a_sink_that_keeps_what_was_revoked_is_found() {
    assert_found(Mutation::RevokeLeftOut, ONCE);
}

#[test]
fn a_file_that_changes_beneath_a_worker_is_beyond_the_protocol() {
    assert_found(Mutation::FileChangedBeneathWorker, ONCE);
}
