//! What is wrong with a file, as a person or a program reads it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use pipeline_api::Severity;
use serde_json::{Value, json};

/// What is wrong with one pipeline file, in the order in which it stands there. No message and no quoted line holds a
/// secret.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    file: PathBuf,
    source: Arc<str>,
    list: Vec<Diagnostic>,
}

/// One thing that is wrong with a pipeline file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the file is refused for it.
    pub severity: Severity,
    /// Where it stands in the file. `None` for what does not: a value of `--set`, or a file that cannot be read.
    pub place: Option<Place>,
    /// What it is about: `sinks[0].config.format`; empty for the whole file.
    pub path: String,
    /// What was found and what would be right, in lower case, without a full stop.
    pub message: String,
    /// What else helps.
    pub help: Option<String>,
}

/// A stretch of one line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    bytes: Range<usize>,
}

/// Whether text is drawn with terminal colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Plain text.
    Never,
    /// With ANSI escapes.
    Always,
}

impl Diagnostics {
    /// Of the file at `file`. `source` is its text, in which whatever must not be shown is masked.
    pub(super) fn new(file: &Path, source: &str, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|diagnostic| match &diagnostic.place {
            Some(place) => (0, place.bytes.start),
            None => (1, 0),
        });
        Self { file: file.into(), source: source.into(), list }
    }

    /// Whoever puts these right will see more.
    pub(super) fn more_follow() -> Diagnostic {
        let message = "more mistakes follow, which show once these are put right".into();
        Diagnostic { severity: Severity::Error, place: None, path: String::new(), message, help: None }
    }

    /// A single error about the file as a whole, which could not be read.
    pub(super) fn unreadable(file: &Path, message: String) -> Self {
        let diagnostic =
            Diagnostic { severity: Severity::Error, place: None, path: String::new(), message, help: None };
        Self::new(file, "", vec![diagnostic])
    }

    /// The file that they are about.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Each of them, by place.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    /// All of them as rustc draws its own, with a blank line between two.
    pub fn render(&self, color: Color) -> String {
        let renderer = match color {
            Color::Never => Renderer::plain(),
            Color::Always => Renderer::styled(),
        };
        let drawn: Vec<String> = self.list.iter().map(|diagnostic| self.draw(diagnostic, &renderer)).collect();
        drawn.join("\n\n")
    }

    /// All of them for a program: a list of objects with `severity`, `file`, `line`, `column`, `path`, `message`, `help`.
    pub fn to_json(&self) -> Value {
        let file = self.file.display().to_string();
        let object = |diagnostic: &Diagnostic| {
            json!({
                "severity": word(diagnostic.severity),
                "file": file,
                "line": diagnostic.place.as_ref().map(|place| place.line),
                "column": diagnostic.place.as_ref().map(|place| place.column),
                "path": diagnostic.path,
                "message": diagnostic.message,
                "help": diagnostic.help,
            })
        };
        Value::Array(self.list.iter().map(object).collect())
    }

    fn draw(&self, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(diagnostic.text());
        let path = self.file.display().to_string();
        let group = match &diagnostic.place {
            Some(place) if line_around(place.bytes.start, &self.source).1.len() > LONGEST_LINE => {
                Group::with_title(title).element(Origin::path(path).line(place.line).char_column(place.column))
            }
            Some(place) => {
                let (start, line) = line_around(place.bytes.start, &self.source);
                let span = place.bytes.start - start..place.bytes.end - start;
                let snippet = Snippet::source(line).line_start(place.line).path(path);
                title.element(snippet.annotation(AnnotationKind::Primary.span(span)))
            }
            None => Group::with_title(title).element(Origin::path(path)),
        };
        match &diagnostic.help {
            Some(help) => renderer.render(&[group, Group::with_title(Level::HELP.secondary_title(help.as_str()))]),
            None => renderer.render(&[group]),
        }
    }
}

impl fmt::Display for Diagnostics {
    /// One line each: `file:line:column: error: what`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.list {
            write!(f, "{}", self.file.display())?;
            if let Some(place) = &diagnostic.place {
                write!(f, ":{}:{}", place.line, place.column)?;
            }
            writeln!(f, ": {}: {}", word(diagnostic.severity), diagnostic.text())?;
        }
        Ok(())
    }
}

impl Diagnostic {
    fn text(&self) -> String {
        if self.path.is_empty() { self.message.clone() } else { format!("{}: {}", self.path, self.message) }
    }
}

impl Place {
    /// The stretch of `bytes` of `text` that is on its first line.
    pub(super) fn of(bytes: Range<usize>, text: &str) -> Self {
        let start = bytes.start.min(text.len());
        let (line_start, line) = line_around(start, text);
        Self {
            line: 1 + text[..line_start].matches('\n').count(),
            column: 1 + text[line_start..start].chars().count(),
            bytes: start..bytes.end.clamp(start, start.max(line_start + line.len())),
        }
    }
}

/// Where the line begins that holds the byte `at`, and the line without its end.
fn line_around(at: usize, text: &str) -> (usize, &str) {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].split('\n').next().unwrap_or_default();
    (start, line.strip_suffix('\r').unwrap_or(line))
}

/// A longer line is not quoted.
const LONGEST_LINE: usize = 4096;

/// More than this of one message nobody reads.
const LONGEST: usize = 1000;
const LONGEST_END: usize = 250;

/// `text` as one line of bounded length: what would break it, or move a terminal's cursor, as Rust would write it.
pub(super) fn line(text: &str) -> String {
    let length = text.chars().count();
    let (begin, end) = match length > LONGEST {
        true => (LONGEST - LONGEST_END, length - LONGEST_END),
        false => (length, length),
    };
    let mut line = String::with_capacity(text.len().min(4 * LONGEST));
    for (at, c) in text.chars().enumerate().filter(|(at, _)| *at <= begin || *at >= end) {
        match c {
            _ if at == begin && begin < end => line.push('…'),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_message_is_one_line_whatever_is_quoted_in_it() {
        assert_eq!(line("`a\n\u{1b}[31mb` größer 🦀"), "`a\\n\\u{1b}[31mb` größer 🦀");
        let long = line(&format!("begin {} end", "x".repeat(1_000_000)));
        assert_eq!(long.chars().count(), 1001);
        assert!(long.starts_with("begin x") && long.contains("x…x") && long.ends_with(" end"));
    }
}
