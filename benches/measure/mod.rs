//! What the benchmarks share: processes and what they use, the ticks, and where files lie.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub(crate) mod child;
pub(crate) mod ticks;

/// Where everything lies: in the folder that `cargo` builds into.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench")
}

pub(crate) fn this_program() -> Result<PathBuf> {
    std::env::current_exe().context("this program does not know its own file")
}

/// `3 000 000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}
