//! Generated records as a source, for demonstrations, benchmarks and crash tests.
//!
//! [`Ticks`] is the source `ticks`: prices of invented symbols, in which every row follows from its number alone.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod ticks;

mod columns;
mod positions;
mod walk;

pub use config::TicksConfig;
pub use ticks::Ticks;
