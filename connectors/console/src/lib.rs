//! The console: records typed or piped into standard input, and records shown on standard output.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod sink;
mod source;

mod csv_lines;
mod lines;

pub use sink::{ConsoleSink, ConsoleSinkConfig, SinkFormat};
pub use source::{ConsoleSource, ConsoleSourceConfig, SourceFormat};
