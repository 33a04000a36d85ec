//! The way in to a server: every request goes through here, and some come to harm.

mod entry;
mod fault;
mod rule;

mod desk;
mod serve;

pub(crate) use entry::{Answer, Entry, answer};
pub(crate) use fault::Fault;
pub(crate) use rule::{Rule, Target};
pub(crate) use serve::Door;
