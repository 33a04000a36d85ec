//! All that there is, and what can happen to it.

use crate::group::{Group, Worker};
use crate::store::Store;
use crate::task::Task;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) group: Group,
    pub(crate) store: Store,
    pub(crate) tasks: [Option<Task>; 2],
    /// The version of the file.
    pub(crate) file: u8,
    /// How many faults have happened. It is the clock as well.
    pub(crate) faults: u8,
}

impl World {
    /// The same with the workers in an order of their own: which one is which makes no difference.
    pub(crate) fn sorted(&self) -> Self {
        let mut world = self.clone();
        let key = |worker: Worker| (&world.tasks[worker], world.group.members[worker]);
        if key(0) > key(1) {
            world.tasks.swap(0, 1);
            world.group.members.swap(0, 1);
        }
        world
    }

    /// Forgets how rows are cut that nobody will touch any more.
    pub(crate) fn archive(&mut self) {
        let (committed, tasks) = (self.committed(), &self.tasks);
        self.store.archive(committed, |start| tasks.iter().flatten().any(|task| task.is_about(start)));
    }

    /// Up to where the group has committed.
    pub(crate) fn committed(&self) -> u8 {
        self.group.committed.as_ref().map_or(0, |committed| committed.offset)
    }
}

/// What happens next, by the names of the runtime. A worker that is paused is one that takes no step for a while, so that
/// every pause is among the interleavings, and whoever goes on after an `Evict` is a zombie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// `SinkTask::open` and the first poll: a worker starts with the file as it is, and joins the group.
    Open(Worker),
    /// `SinkTask::polled` with all but records: `Polled::Revoked` and `Lost` lead to `give_up`, `Assigned` to `assign`.
    Poll(Worker),
    /// `SinkTask::assign` up to `resume`: reads what is committed.
    Assign(Worker),
    /// `Sink::discard` in `resume`: removes one object, or finds none and ends.
    Discard(Worker),
    /// `SinkTask::consume`: puts one record.
    Put(Worker),
    /// `SinkTask::advance` with a flush that is due: `commit` of the plan, then `launch`.
    Plan(Worker),
    /// `SinkTask::advance` with a range that was put again: `launch`.
    Replay(Worker),
    /// `SinkTask::advance` with what has landed, and no flush due: `commit` of the settlement.
    Settle(Worker),
    /// `SinkTask::advance` with both: one `commit`, then `launch`.
    SettleAndPlan(Worker),
    /// The broker has done the commit that comes next, and its answer is lost: the loop in `SinkTask::commit` goes on.
    LoseAnswer(Worker, Due),
    /// `SinkTask::commit` once more.
    Retry(Worker),
    /// The work that `Sink::flush` detached: one object becomes durable.
    Flush(Worker),
    /// `AfterFlush::fly` behind the work: `Hook::after_flush`.
    Hook(Worker),
    /// `SinkTask::land` of a flush that worked.
    Land(Worker),
    /// `SinkTask::land` of a flush that failed: `rewind`.
    Rewind(Worker),
    /// SIGKILL, or `SinkTask::close` because of a stop. The coordinator finds out before anything depends on it.
    Crash(Worker),
    /// The coordinator gives a member up of which it has not heard for too long. The worker goes on.
    Evict(Worker),
    /// The coordinator begins the next generation, in which this worker has the partition.
    Balance(Worker),
    /// Everything is killed, and the file changed.
    Edit,
}

/// What a commit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Plan,
    Settlement,
    Both,
}
