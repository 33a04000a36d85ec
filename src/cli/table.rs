//! Lines and tables for a person.

use std::io::{self, IsTerminal, Write};

use arrow::array::RecordBatch;
use arrow::util::display::FormatOptions;
use arrow::util::pretty::pretty_format_batches_with_options;
use pipeline_api::Error;

use super::redaction::redacted;

/// A line about what is going on, on standard error.
#[allow(clippy::print_stderr, reason = "this is the one door for such lines")]
pub(super) fn say(line: &str) {
    eprintln!("{line}");
}

/// The line that says why a command failed.
pub(super) fn complain(message: &str) {
    let message = redacted(message);
    match io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        true => say(&format!("\x1b[1;31merror\x1b[0m: {message}")),
        false => say(&format!("error: {message}")),
    }
}

/// Writes a query's answer as a table: at most `limit` rows, and how many more there are.
pub(super) fn write_table(out: &mut impl Write, batches: &[RecordBatch], limit: usize) -> Result<(), super::Failure> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut left = limit;
    let mut shown = Vec::new();
    for batch in batches {
        let take = batch.num_rows().min(left);
        shown.push(batch.slice(0, take));
        left -= take;
    }
    let options = FormatOptions::default().with_null("null").with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.3f"));
    let table = pretty_format_batches_with_options(&shown, &options)
        .map_err(|error| Error::fatal("the answer cannot be shown").with_source(error))?;
    writeln!(out, "{table}")?;
    if rows > limit {
        writeln!(out, "… and {} more rows", grouped((rows - limit) as u64))?;
    }
    Ok(())
}

/// `12154` as `12,154`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1234567` as `1.2 MB`.
pub(super) fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(["0", "999", "1,000", "12,154", "1,234,567"], [0, 999, 1000, 12_154, 1_234_567].map(grouped)[..]);
        assert_eq!(["999 B", "1.0 kB", "46.8 MB"], [999, 1000, 46_800_000].map(size)[..]);
    }
}
