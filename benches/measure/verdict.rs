//! What came of the goals.

use serde_json::{Value, json};

/// A goal, and what was found.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) title: String,
    pub(crate) goal: String,
    pub(crate) found: f64,
    pub(crate) is_met: bool,
}

/// How wide the first column is.
const TITLE: usize = 104;

pub(crate) fn print<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) {
    println!("| {:<TITLE$} | goal | found | |", "");
    println!("|:{:-<TITLE$}-|-----:|------:|-|", "");
    for Verdict { title, goal, found, is_met } in verdicts {
        println!("| {title:<TITLE$} | {goal} | {found:.2} | {} |", if *is_met { "met" } else { "missed" });
    }
}

pub(crate) fn figures(verdicts: &[Verdict]) -> Vec<Value> {
    let figures = |Verdict { title, goal, found, is_met }: &Verdict| json!({ "title": title, "goal": goal, "found": found, "met": is_met });
    verdicts.iter().map(figures).collect()
}
