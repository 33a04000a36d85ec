//! The table.

use crate::child::Usage;

/// How wide the first column is.
const TITLE: usize = 42;

pub(crate) fn print_table_head() {
    println!("| {:<TITLE$} | CPU | wall clock | records/s of CPU | records/s | peak memory |", "");
    println!("|:{:-<TITLE$}-|----:|-----------:|-----------------:|----------:|------------:|", "");
}

pub(crate) fn print_row(title: &str, rows: u64, usage: &Usage) {
    let Usage { cpu, wall, peak_memory } = usage;
    let rate = |seconds: f64| grouped((rows as f64 / seconds.max(1e-6) / 1000.0).round() as u64 * 1000);
    let memory = peak_memory / 1_000_000;
    println!("| {title:<TITLE$} | {cpu:.2} s | {wall:.2} s | {} | {} | {memory} MB |", rate(*cpu), rate(*wall));
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
