//! The delivery protocol, on the broker in memory and with plugins that fail on demand.
#![allow(clippy::unwrap_used, reason = "tests")]

mod plugins;
mod spy;
mod state;
mod world;

mod dead_letters;
mod endings;
mod failures;
mod flushes;
mod lines;
mod rebalances;
mod resumption;
mod sources;
mod storms;
