//! The model within bounds.

use stateright::{Model, Property};

use crate::group::Group;
use crate::mutation::Mutation;
use crate::store::Store;
use crate::world::{Action, World};

/// The protocol within bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol {
    /// How many records the topic holds.
    pub(crate) records: u8,
    /// How many faults may happen.
    pub(crate) faults: u8,
    /// How often the file may change.
    pub(crate) edits: u8,
    pub(crate) mutation: Mutation,
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World { group: Group::default(), store: Store::default(), tasks: [None, None], file: 0, faults: 0 }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.choices(world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        self.take(&mut next, action);
        next.archive();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        [Self::promises(), Self::sights()].into_iter().flatten().collect()
    }
}
