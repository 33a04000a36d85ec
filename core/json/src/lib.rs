//! JSON on the topic, and rows for authors who think in rows.
//!
//! - [`JsonConverter`] is the converter `json`: one compact object per record.
//! - [`write_lines`] writes a batch as JSON lines, for sinks.
//! - [`to_batch`] and [`to_rows`] are between batches and an author's own structs.
//!
//! Reading is strict and by column: a value either means exactly what the column's type can hold, or its record is
//! rejected with the field and the text that did not fit. General JSON readers for Arrow cut `1.9` down to an integer, take
//! `"5"` for a number, let the last of two equal keys win and shorten timestamps without a word; that is why this crate
//! has a reader of its own.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod converter;
mod lines;
mod payloads;
mod reader;
mod rows;
mod writer;

mod number;
mod refusal;
mod scanner;
mod time;

pub use converter::{JsonConfig, JsonConverter, UnknownFields};
pub use rows::{to_batch, to_rows};
pub use writer::{TimestampStyle, write_lines};
