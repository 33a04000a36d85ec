//! What an action does: the runtime's steps.

use crate::group::{Committed, Fenced, Step, Worker};
use crate::mutation::Mutation;
use crate::properties::FILTERED;
use crate::protocol::Protocol;
use crate::task::{Doing, Flight, Held, Range, Task, settled};
use crate::world::{Action, Due, World};

impl Protocol {
    pub(crate) fn take(&self, world: &mut World, action: Action) {
        match action {
            Action::Open(worker) => {
                world.tasks[worker] = Some(Task::open(world.file));
                world.group.join(worker);
            }
            Action::Poll(worker) => self.poll(world, worker),
            Action::Assign(worker) => self.assign(world, worker),
            Action::Discard(worker) => self.discard(world, worker),
            Action::Put(worker) => {
                let Some(task) = &mut world.tasks[worker] else { return };
                let Some(held) = &mut task.held else { return };
                if held.next != FILTERED {
                    task.buffer.add(held.next);
                }
                held.next += 1;
            }
            Action::Plan(worker) => self.advance(world, worker, Due::Plan),
            Action::Replay(worker) => self.launch_replay(world, worker),
            Action::Settle(worker) => self.advance(world, worker, Due::Settlement),
            Action::SettleAndPlan(worker) => self.advance(world, worker, Due::Both),
            Action::LoseAnswer(worker, due) => self.lose_answer(world, worker, due),
            Action::Retry(worker) => {
                let Some(task) = &mut world.tasks[worker] else { return };
                let Doing::Committing(leg) = task.doing else { return };
                task.doing = Doing::Polling;
                self.commit_and_launch(world, worker, leg);
            }
            Action::Flush(worker) => self.flush(world, worker),
            Action::Hook(worker) => self.hook(world, worker),
            Action::Land(worker) => self.land(world, worker),
            Action::Rewind(worker) => {
                world.faults += 1;
                self.rewind(world, worker);
            }
            Action::Crash(worker) => {
                world.faults += 1;
                world.tasks[worker] = None;
                world.group.remove(worker);
            }
            Action::Evict(worker) => {
                world.faults += 1;
                world.group.remove(worker);
            }
            Action::Balance(worker) => world.group.balance(worker),
            Action::Edit => {
                world.file += 1;
                if self.mutation != Mutation::FileChangedBeneathWorker {
                    world.tasks = [None, None];
                    world.group.members = [None, None];
                }
            }
        }
    }

    fn poll(&self, world: &mut World, worker: Worker) {
        let Some(task) = &mut world.tasks[worker] else { return };
        match world.group.step(worker) {
            Step::Nothing => {}
            Step::Revoked | Step::Lost => task.give_up(self.mutation),
            Step::Assigned => task.doing = Doing::Assigning,
        }
    }

    fn assign(&self, world: &mut World, worker: Worker) {
        let clock = world.faults;
        let Some(task) = &mut world.tasks[worker] else { return };
        task.doing = Doing::Polling;
        let Some(committed) = &world.group.committed else {
            task.held = Some(Held::at(0, None, 0));
            return;
        };
        let Some((mut range, file)) = Range::read(committed.offset, &committed.metadata) else {
            task.held = Some(Held::at(committed.offset, None, 0));
            return;
        };
        if file == task.file || self.mutation == Mutation::FingerprintIgnored {
            if self.mutation == Mutation::AtFromClock {
                range.at = clock;
            }
            task.held = Some(Held::at(range.start, Some(range), 0));
        } else {
            task.doing = Doing::Discarding(range);
        }
    }

    fn discard(&self, world: &mut World, worker: Worker) {
        let Some(task) = &mut world.tasks[worker] else { return };
        let Doing::Discarding(range) = task.doing else { return };
        match world.store.first_of(range).filter(|_| self.mutation != Mutation::DiscardLeftOut) {
            Some(name) => world.store.remove(name),
            None => {
                task.doing = Doing::Polling;
                let revision = match self.mutation {
                    Mutation::RevisionLeftOut => 0,
                    _ => range.revision + 1,
                };
                task.held = Some(Held::at(range.start, None, revision));
            }
        }
    }

    /// The range that `Held::leg` gives.
    fn leg(&self, world: &World, worker: Worker, due: Due) -> Option<Range> {
        let held = world.tasks[worker].as_ref()?.held?;
        let planned = Range { start: held.start, end: held.next, at: world.faults, revision: held.revision };
        match due {
            Due::Plan | Due::Both => Some(planned),
            Due::Settlement => None,
        }
    }

    fn advance(&self, world: &mut World, worker: Worker, due: Due) {
        let leg = self.leg(world, worker, due);
        self.commit_and_launch(world, worker, leg);
    }

    fn lose_answer(&self, world: &mut World, worker: Worker, due: Due) {
        let leg = self.leg(world, worker, due);
        world.faults += 1;
        // A refusal that is lost is followed by another.
        let _refused = self.commit(world, worker, leg);
        if let Some(task) = &mut world.tasks[worker] {
            task.doing = Doing::Committing(leg);
        }
    }

    fn commit_and_launch(&self, world: &mut World, worker: Worker, leg: Option<Range>) {
        let done = self.commit(world, worker, leg);
        let Some(task) = &mut world.tasks[worker] else { return };
        match done {
            Ok(()) => {
                task.landed = None;
                if let Some(range) = leg {
                    self.launch(world, worker, range);
                }
            }
            Err(Fenced) => task.give_up(self.mutation),
        }
    }

    fn commit(&self, world: &mut World, worker: Worker, leg: Option<Range>) -> Result<(), Fenced> {
        let Some(task) = &world.tasks[worker] else { return Ok(()) };
        let planned = leg.filter(|_| !matches!(self.mutation, Mutation::PlanLeftOut | Mutation::PlanAfterPut));
        let committed = match (planned, task.landed) {
            (Some(range), _) => Committed { offset: range.start, metadata: range.note(task.file) },
            (None, Some(end)) => Committed { offset: end, metadata: settled() },
            (None, None) => return Ok(()),
        };
        world.group.commit(worker, committed, self.mutation)
    }

    fn launch_replay(&self, world: &mut World, worker: Worker) {
        let Some(task) = &world.tasks[worker] else { return };
        let Some(Held { next, replay: Some(mut range), .. }) = task.held else { return };
        if self.mutation == Mutation::ReplayBeyondPlan {
            range.end = next;
        }
        self.launch(world, worker, range);
    }

    /// `SinkTask::launch`: the sink detaches all that it was given.
    fn launch(&self, world: &mut World, worker: Worker, mut range: Range) {
        let Some(task) = &mut world.tasks[worker] else { return };
        if self.mutation == Mutation::NameFromClock {
            range.revision = world.faults;
        }
        let rows = std::mem::take(&mut task.buffer);
        task.held = Some(Held::at(range.end, None, 0));
        task.flight = Some(Flight { range, rows, written: 0, hooked: false, held: true });
    }

    fn flush(&self, world: &mut World, worker: Worker) {
        let Some(task) = &mut world.tasks[worker] else { return };
        let Some(flight) = &mut task.flight else { return };
        if let Some((name, rows)) = flight.unwritten(task.file).first() {
            world.store.put(*name, *rows);
            flight.written += 1;
        }
    }

    fn hook(&self, world: &mut World, worker: Worker) {
        let Some(task) = &mut world.tasks[worker] else { return };
        let flight = match &mut task.flight {
            _ if task.overdue.is_some() => task.overdue.take(),
            Some(flight) => {
                flight.hooked = true;
                Some(*flight)
            }
            None => None,
        };
        for (name, _) in flight.into_iter().flat_map(|flight| flight.objects(task.file)) {
            world.store.register(name);
        }
    }

    fn land(&self, world: &mut World, worker: Worker) {
        let Some(task) = &mut world.tasks[worker] else { return };
        let Some(flight) = task.flight.take() else { return };
        if !flight.hooked {
            task.overdue = Some(flight);
        }
        if self.mutation == Mutation::PlanAfterPut {
            let Range { start, .. } = flight.range;
            let committed = Committed { offset: start, metadata: flight.range.note(task.file) };
            let _refused = world.group.commit(worker, committed, self.mutation);
        }
        if flight.held || self.mutation == Mutation::RevokedFlushSettled {
            task.landed = Some(flight.range.end);
        }
    }

    fn rewind(&self, world: &mut World, worker: Worker) {
        let Some(task) = &mut world.tasks[worker] else { return };
        let Some(Flight { range, held, .. }) = task.flight.take() else { return };
        if held {
            task.revoke(self.mutation);
            task.held = Some(Held::at(range.start, Some(range), 0));
        }
    }
}
