//! The planned-range protocol, every interleaving of it: two workers, one partition, a coordinator, a store; a crash, a
//! pause and a fence at every step. The actions of the model are the calls of the runtime: see [`world::Action`].
//!
//! What is committed is a real [`CommitNote`](pipeline_runtime::run::CommitNote). What commutes with everything else is not
//! a step of its own: that a dead member is noticed, that a member without a partition hears of a rebalance, and that a
//! generation begins once everybody is ready. Retention, several partitions and the sources are out of scope.
//!
//! Assumed, because nobody could do without: a commit is applied before its answer or not at all, an object appears as a
//! whole, and the file changes only while no worker runs. [`mutation`] shows what each step and the last of these is for.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::print_stdout, reason = "a failed test shows the way to it")]

mod protocol;
mod world;

mod choices;
mod properties;
mod steps;

mod group;
mod store;
mod task;

mod mutation;

use stateright::{Checker, Model};

use crate::mutation::Mutation;
use crate::protocol::Protocol;
use crate::world::World;

/// Wider bounds for who has the time: `PIPELINE_TEST_MODEL=4,2,1` is four records, two faults, one change of the file.
fn bounds() -> Protocol {
    let text = std::env::var("PIPELINE_TEST_MODEL").unwrap_or_else(|_| "3,2,1".into());
    let numbers: Vec<u8> = text.split(',').map(|number| number.parse().unwrap()).collect();
    let [records, faults, edits] = numbers[..] else {
        panic!("expected PIPELINE_TEST_MODEL=records,faults,edits, found {text}")
    };
    Protocol { records, faults, edits, mutation: Mutation::None }
}

#[test]
fn no_interleaving_loses_or_doubles_a_row() {
    let protocol = bounds();
    let checker = protocol.checker().threads(2).symmetry_fn(World::sorted).spawn_dfs().join();
    println!("{protocol:?}: {} states", checker.unique_state_count());
    checker.assert_properties();
    assert!(checker.unique_state_count() > 200_000, "the model does less than it did");
}
