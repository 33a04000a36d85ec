//! The table.

use crate::measure::child::Usage;
use crate::measure::grouped;

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
