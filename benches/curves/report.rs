//! What is said of it.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::options::Options;
use crate::verdict::{self, Verdict};

/// A table of what was compared, and the goals that it is held against.
pub(crate) struct Section {
    name: &'static str,
    title: String,
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
    figures: Vec<Value>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl Section {
    pub(crate) fn new(name: &'static str, title: String, head: &'static [&'static str]) -> Self {
        Self { name, title, head, rows: Vec::new(), figures: Vec::new(), verdicts: Vec::new() }
    }

    /// A row for people, and the same for programs.
    pub(crate) fn add(&mut self, row: impl Into<Vec<String>>, figures: Value) {
        self.rows.push(row.into());
        self.figures.push(figures);
    }
}

pub(crate) fn at_most(title: String, goal: f64, found: f64) -> Verdict {
    Verdict { title, goal: format!("≤ {goal:.2}"), found, is_met: found <= goal }
}

/// How wide the first column is.
const TITLE: usize = 48;

pub(crate) fn print(machine: &Machine, options: &Options, sections: &[Section]) {
    println!("{}; {} records, {} rounds\n{machine}", machine.date, options.records, options.rounds);
    for Section { title, head, rows, .. } in sections {
        println!("\n{title}\n");
        let [first, others @ ..] = head else { continue };
        println!("| {first:<TITLE$} | {} |", others.join(" | "));
        let lines: Vec<String> = others.iter().map(|name| "-".repeat(name.chars().count() + 1) + ":").collect();
        println!("|:{:-<TITLE$}-|{}|", "", lines.join("|"));
        for row in rows {
            if let [first, others @ ..] = &row[..] {
                println!("| {first:<TITLE$} | {} |", others.join(" | "));
            }
        }
    }
    println!();
    verdict::print(sections.iter().flat_map(|section| &section.verdicts));
}

pub(crate) fn write_json(file: &Path, machine: &Machine, options: &Options, sections: &[Section]) -> Result<()> {
    let figures = |section: &Section| {
        json!({
            "name": section.name,
            "title": section.title,
            "rows": section.figures,
            "goals": verdict::figures(&section.verdicts),
        })
    };
    let sections: Vec<Value> = sections.iter().map(figures).collect();
    machine.write_json(file, options.records, options.rounds, [("sections", json!(sections))])
}
