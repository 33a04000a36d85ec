//! The coordinator: who is in the group, and what the group has committed.
//!
//! The rules are those of `core/embedded/src/group.rs`, which are Kafka's: a commit is let through by membership and
//! generation, and nobody asks who holds the partition. A generation is no number here: a member knows the current one
//! exactly in the phases in which its commits are let through.

use crate::mutation::Mutation;

/// One of the two workers.
pub(crate) type Worker = usize;

pub(crate) const WORKERS: [Worker; 2] = [0, 1];

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    /// `None` is no member: a worker that was evicted does not know, and joins again with its next poll.
    pub(crate) members: [Option<Phase>; 2],
    pub(crate) committed: Option<Committed>,
}

/// As `pipeline_runtime::broker::Committed`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Committed {
    pub(crate) offset: u8,
    pub(crate) metadata: String,
}

/// As `group::Phase`, without the phases of members that hold nothing and are only yet to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    /// Knows the generation, in which it has nothing.
    Idle,
    /// Holds the partition.
    Stable,
    /// Holds the partition, and does not know of the rebalance yet.
    Untold,
    /// Holds nothing, and waits for the next generation.
    Ready,
    /// Does not know of its partition yet.
    Assigned,
}

/// What a poll finds, as `group::Step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    Revoked,
    Assigned,
    /// The member was evicted, and has joined anew.
    Lost,
}

/// The commit was refused: illegal generation, unknown member.
#[derive(Debug)]
pub(crate) struct Fenced;

impl Group {
    pub(crate) fn is_member(&self, worker: Worker) -> bool {
        self.members[worker].is_some()
    }

    /// Whether a poll finds something else than records.
    pub(crate) fn has_news(&self, worker: Worker) -> bool {
        matches!(self.members[worker], None | Some(Phase::Untold | Phase::Assigned))
    }

    /// Whether a poll may find records.
    pub(crate) fn has_records(&self, worker: Worker) -> bool {
        self.members[worker] == Some(Phase::Stable)
    }

    pub(crate) fn join(&mut self, worker: Worker) {
        self.members[worker] = Some(Phase::Ready);
        self.start_rebalance();
    }

    /// The member has left, is dead, or was evicted because it did not poll.
    pub(crate) fn remove(&mut self, worker: Worker) {
        self.members[worker] = None;
        self.start_rebalance();
    }

    fn start_rebalance(&mut self) {
        for phase in self.members.iter_mut().flatten() {
            *phase = match phase {
                Phase::Stable | Phase::Untold => Phase::Untold,
                // It never learned what it held, so there is nothing to take away.
                Phase::Idle | Phase::Assigned | Phase::Ready => Phase::Ready,
            };
        }
    }

    /// Whether the next generation can begin with this owner.
    pub(crate) fn can_balance(&self, owner: Worker) -> bool {
        self.is_member(owner) && self.members.iter().flatten().all(|phase| *phase == Phase::Ready)
    }

    /// The next generation begins. Any member may get the partition, whatever an assignor would say.
    pub(crate) fn balance(&mut self, owner: Worker) {
        for (worker, member) in self.members.iter_mut().enumerate() {
            let phase = if worker == owner { Phase::Assigned } else { Phase::Idle };
            *member = member.map(|_| phase);
        }
    }

    pub(crate) fn step(&mut self, worker: Worker) -> Step {
        let (next, step) = match self.members[worker] {
            None => {
                self.join(worker);
                return Step::Lost;
            }
            Some(Phase::Untold) => (Phase::Ready, Step::Revoked),
            Some(Phase::Assigned) => (Phase::Stable, Step::Assigned),
            Some(phase) => (phase, Step::Nothing),
        };
        self.members[worker] = Some(next);
        step
    }

    /// As `Group::begin_commit`.
    pub(crate) fn commit(&mut self, worker: Worker, committed: Committed, mutation: Mutation) -> Result<(), Fenced> {
        let is_current = matches!(self.members[worker], Some(Phase::Idle | Phase::Stable | Phase::Untold));
        if !is_current && mutation != Mutation::CommitNotFenced {
            return Err(Fenced);
        }
        self.committed = Some(committed);
        Ok(())
    }
}
