//! What must hold, and what the model must have seen for that to mean anything.

use stateright::{Model, Property};

use crate::protocol::Protocol;
use crate::task::{Doing, Task, settled};
use crate::world::World;

/// The record that the sink's transforms drop.
pub(crate) const FILTERED: u8 = 1;

pub(crate) const ONCE: &str = "no row is in the store twice";
pub(crate) const COMPLETE: &str = "what is committed is in the store, and its hook has run";
pub(crate) const AS_THE_TOPIC: &str = "where everything ends, the store is as the topic";

impl Protocol {
    pub(crate) fn promises() -> Vec<Property<Self>> {
        vec![
            Property::always(ONCE, |protocol: &Self, world: &World| {
                protocol.offsets().all(|offset| world.store.count(offset) <= 1)
            }),
            Property::always("no row is in the store that the topic does not have", |_, world: &World| {
                world.store.count(FILTERED) == 0
            }),
            Property::always(COMPLETE, |protocol: &Self, world: &World| {
                let mut below = protocol.kept().take_while(|offset| *offset < world.committed());
                below.all(|offset| world.store.count(offset) == 1 && world.store.is_registered(offset))
            }),
            Property::always(AS_THE_TOPIC, |protocol: &Self, world: &World| {
                let mut actions = Vec::new();
                protocol.actions(world, &mut actions);
                !actions.is_empty() || protocol.is_delivered(world)
            }),
            Property::eventually("everything is delivered", Self::is_delivered),
        ]
    }

    pub(crate) fn sights() -> Vec<Property<Self>> {
        vec![
            Property::sometimes("everything is delivered after all faults", |protocol: &Self, world: &World| {
                world.faults == protocol.faults && world.file == protocol.edits && protocol.is_delivered(world)
            }),
            Property::sometimes(
                "a worker that was replaced writes beside its successor's replay",
                |_, world: &World| {
                    let [Some(one), Some(other)] = &world.tasks else { return false };
                    let writes = |task: &Task| task.flight.is_some_and(|flight| !flight.hooked && flight.written > 0);
                    let replays = |task: &Task| task.held.is_some_and(|held| held.is_replayed());
                    writes(one) && !world.group.is_member(0) && replays(other)
                        || writes(other) && !world.group.is_member(1) && replays(one)
                },
            ),
            Property::sometimes("a settlement and a plan are due in one commit", |_, world: &World| {
                let both = |task: &Task| task.landed.is_some() && task.held.is_some_and(|held| held.may_be_due());
                world.tasks.iter().flatten().any(both)
            }),
            Property::sometimes("a flush ends after its partition has moved", |_, world: &World| {
                let ended = |task: &Task| task.flight.is_some_and(|flight| flight.hooked && !flight.held);
                world.tasks.iter().flatten().any(ended)
            }),
            Property::sometimes("a discard finds something", |_, world: &World| {
                let finds = |task: &Task| match task.doing {
                    Doing::Discarding(range) => world.store.first_of(range).is_some(),
                    _ => false,
                };
                world.tasks.iter().flatten().any(finds)
            }),
        ]
    }

    fn offsets(&self) -> impl Iterator<Item = u8> {
        0..self.records
    }

    /// The records that the filter lets through.
    fn kept(&self) -> impl Iterator<Item = u8> {
        self.offsets().filter(|offset| *offset != FILTERED)
    }

    /// Everything is settled, every row is there once, and there is no object that no committed range names.
    fn is_delivered(&self, world: &World) -> bool {
        let settled = world.group.committed.as_ref().is_some_and(|committed| committed.metadata == settled());
        settled
            && world.committed() == self.records
            && world.store.ends_at(self.records)
            && self.kept().all(|offset| world.store.count(offset) == 1)
    }
}
