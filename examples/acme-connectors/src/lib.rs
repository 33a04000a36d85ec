//! A connector as somebody outside this project writes it: one crate, one config struct, one trait.
//!
//! It thinks in rows: a Rust struct per record, turned into a batch by `pipeline_json::to_batch`.

mod weekdays;

pub use weekdays::{Weekdays, WeekdaysConfig};
