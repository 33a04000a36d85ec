//! What was found wrong so far, by pointer.

use pipeline_api::{Finding, Severity};

use super::pointer;

/// Collects what is wrong with a file, by JSON pointer; the outline tells later where that stands.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    settled: Vec<String>,
    overflow: bool,
}

/// Nobody reads more mistakes at once than this; a file that has more of them is no pipeline.
pub(super) const MOST: usize = 100;

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) severity: Severity,
    pub(super) pointer: String,
    pub(super) aspect: Aspect,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// What of a field to point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aspect {
    /// Its name: it should not be there, or the whole of it is meant.
    Key,
    /// Its value.
    Value,
}

impl Problems {
    /// The value at `pointer` is wrong.
    pub(super) fn value(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Error, pointer.into(), Aspect::Value, message.into());
    }

    /// The field at `pointer` is wrong, whatever its value.
    pub(super) fn key(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Error, pointer.into(), Aspect::Key, message.into());
    }

    /// A person should know of the value at `pointer`.
    pub(super) fn warning(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Warning, pointer.into(), Aspect::Value, message.into());
    }

    /// What a plugin found in its config at `pointer`.
    pub(super) fn finding(&mut self, pointer: &str, finding: Finding) {
        self.add(finding.severity, format!("{pointer}{}", finding.pointer), Aspect::Value, finding.message);
    }

    /// Adds what helps to the problem that was found last, if it was found at `pointer`.
    pub(super) fn help(&mut self, pointer: &str, help: impl Into<String>) {
        if let Some(last) = self.found.last_mut().filter(|last| last.pointer == pointer) {
            last.help = Some(help.into());
        }
    }

    /// Nothing more is said of what is at `pointer` or below: its value is unknown, and what follows from that would
    /// only distract.
    pub(super) fn settle(&mut self, pointer: impl Into<String>) {
        self.settled.push(pointer.into());
    }

    /// Whether an error was found at `pointer` or below.
    pub(super) fn has_errors_within(&self, pointer: &str) -> bool {
        self.errors().any(|problem| pointer::is_within(&problem.pointer, pointer))
    }

    /// All errors.
    pub(super) fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter().filter(|problem| problem.severity == Severity::Error)
    }

    /// Whether more was found than is kept.
    pub(super) fn overflowed(&self) -> bool {
        self.overflow
    }

    /// Everything that was found.
    pub(super) fn into_found(self) -> Vec<Problem> {
        self.found
    }

    fn add(&mut self, severity: Severity, pointer: String, aspect: Aspect, message: String) {
        if self.found.len() == MOST {
            self.overflow = true;
            return;
        }
        let settled = self.settled.iter().any(|settled| pointer::is_within(&pointer, settled));
        let known = self.found.iter().any(|known| known.pointer == pointer && known.message == message);
        if !settled && !known {
            self.found.push(Problem { severity, pointer, aspect, message, help: None });
        }
    }
}
