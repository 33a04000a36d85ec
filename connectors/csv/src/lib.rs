//! CSV files as a source.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod source;

mod schedule;

mod expected;
mod files;
mod header;
mod places;
mod position;
mod resume;

mod input;
mod layout;
mod record_reader;
mod window;

mod batch;
mod column;
mod columns;
mod iso;
mod number;
mod time;

pub use config::{CsvConfig, Replay, Time};
pub use source::CsvSource;

pipeline_api::register!(source, CsvSource);

#[cfg(test)]
mod tests;
