//! What can happen next.

use crate::group::{WORKERS, Worker};
use crate::mutation::Mutation;
use crate::protocol::Protocol;
use crate::task::{Doing, Flight, Held, Task};
use crate::world::{Action, Due, World};

impl Protocol {
    /// Everything that can happen in this world.
    pub(crate) fn choices(&self, world: &World, actions: &mut Vec<Action>) {
        actions.extend(WORKERS.into_iter().filter(|worker| world.group.can_balance(*worker)).map(Action::Balance));
        if !actions.is_empty() {
            // A generation begins at once: that commutes with whatever else could happen.
            return;
        }
        let fault = world.faults < self.faults;
        for worker in WORKERS {
            match &world.tasks[worker] {
                Some(task) => {
                    self.task_actions(world, worker, task, actions);
                    if fault {
                        actions.push(Action::Crash(worker));
                        if world.group.is_member(worker) {
                            actions.push(Action::Evict(worker));
                        }
                    }
                }
                None => actions.push(Action::Open(worker)),
            }
        }
        if world.file < self.edits {
            actions.push(Action::Edit);
        }
    }

    /// What a worker can do, as `SinkTask::pump` lets it.
    fn task_actions(&self, world: &World, worker: Worker, task: &Task, actions: &mut Vec<Action>) {
        if let Some(flight) = &task.flight {
            self.flight_actions(world, worker, task, flight, actions);
        }
        if task.overdue.is_some() {
            actions.push(Action::Hook(worker));
        }
        match task.doing {
            Doing::Assigning => actions.push(Action::Assign(worker)),
            Doing::Discarding(_) => actions.push(Action::Discard(worker)),
            Doing::Committing(_) => actions.push(Action::Retry(worker)),
            Doing::Polling => self.polling_actions(world, worker, task, actions),
        }
    }

    fn flight_actions(&self, world: &World, worker: Worker, task: &Task, flight: &Flight, actions: &mut Vec<Action>) {
        let is_written = flight.unwritten(task.file).is_empty();
        if !is_written {
            actions.push(Action::Flush(worker));
        } else if !flight.hooked {
            actions.push(Action::Hook(worker));
        }
        // Landing is a branch of the loop that polls: it waits while another call is under way.
        let lands = flight.hooked || is_written && self.mutation == Mutation::SettleBeforeHook;
        if task.doing == Doing::Polling && lands {
            actions.push(Action::Land(worker));
        }
        if task.doing == Doing::Polling && !flight.hooked && world.faults < self.faults {
            actions.push(Action::Rewind(worker));
        }
    }

    fn polling_actions(&self, world: &World, worker: Worker, task: &Task, actions: &mut Vec<Action>) {
        if task.flight.is_none() {
            let due = match (task.landed, task.held) {
                (None, Some(held)) if held.is_replayed() => {
                    actions.push(Action::Replay(worker));
                    None
                }
                (None, Some(held)) if held.may_be_due() => {
                    actions.push(Action::Plan(worker));
                    Some(Due::Plan)
                }
                (Some(_), held) => {
                    actions.push(Action::Settle(worker));
                    match held.is_some_and(|held| held.may_be_due()) {
                        true => {
                            actions.push(Action::SettleAndPlan(worker));
                            Some(Due::Both)
                        }
                        false => Some(Due::Settlement),
                    }
                }
                (None, _) => None,
            };
            if let Some(due) = due
                && world.faults < self.faults
            {
                actions.push(Action::LoseAnswer(worker, due));
            }
        }
        // What has landed is settled before the next poll.
        if task.landed.is_some() {
            return;
        }
        if world.group.has_news(worker) {
            actions.push(Action::Poll(worker));
        }
        let may_go_on = |held: Held| !held.is_replayed() || self.mutation == Mutation::ReplayBeyondPlan;
        let reads = task.held.is_some_and(|held| held.next < self.records && may_go_on(held));
        // What a worker puts after it was replaced makes no difference to anybody.
        if reads && world.group.has_records(worker) {
            actions.push(Action::Put(worker));
        }
    }
}
