//! Opens a file where it was left.

use pipeline_api::{Error, Result};

use crate::expected::{Expected, ToldBy};
use crate::files::CsvFile;
use crate::header::{self, Start};
use crate::input::{Compression, Input};
use crate::position::Position;
use crate::record_reader::{LastLine, RecordReader, Rules};
use crate::window::Window;

/// Opens `file` at `position`, or behind its header. `None` if it has no header yet. Errors: its header is not the expected
/// one, or it was replaced or cut since it was read up to `position`.
pub(crate) fn open(
    file: &CsvFile,
    position: Option<&Position>,
    expected: &Expected,
    rules: Rules,
) -> Result<Option<RecordReader>> {
    let rules = rules_for(file, rules);
    let left = position.filter(|position| position.byte > 0);
    let Some(start) = start(file, expected, rules)? else {
        return match left {
            Some(left) => Err(refused(file, left, "it is empty now")),
            None => Ok(None),
        };
    };
    let input = Input::open(&file.path, &file.partition)?;
    match left {
        Some(left) => read_on(file, left, input, rules).map(Some),
        None => match Window::open(input, start.byte)? {
            Some(window) => Ok(Some(RecordReader::new(window, rules, start.line))),
            None => Ok(None),
        },
    }
}

/// A compressed file never grows line by line.
fn rules_for(file: &CsvFile, rules: Rules) -> Rules {
    match Compression::of(&file.path) {
        Compression::None => rules,
        _ => Rules { last_line: LastLine::Complete, ..rules },
    }
}

fn start(file: &CsvFile, expected: &Expected, rules: Rules) -> Result<Option<Start>> {
    let ToldBy::Header { of } = &expected.told_by else {
        return header::start_without_header(file).map(Some);
    };
    match header::read(file, rules)? {
        Some(header) if header.names == expected.names => Ok(Some(header.start)),
        Some(header) => Err(Error::config(format!(
            "{}:1:1: the header is `{}`, but that of {of} is `{}`; the files of a source have the same columns in the same \
             order",
            file.partition,
            header.names.join(","),
            expected.names.join(",")
        ))),
        None => Ok(None),
    }
}

fn read_on(file: &CsvFile, left: &Position, input: Input, rules: Rules) -> Result<RecordReader> {
    let Some(mut window) = Window::open(input, left.byte)? else {
        return Err(refused(file, left, "it is shorter now"));
    };
    if window.fingerprint() != left.fingerprint {
        return Err(refused(file, left, "what was read is different now"));
    }
    if left.line > 1 {
        finish_last_line(file, left, &mut window)?;
    }
    Ok(RecordReader::new(window, rules, left.line))
}

/// A last line that had no line break may have got one since, but nothing else.
fn finish_last_line(file: &CsvFile, left: &Position, window: &mut Window) -> Result<()> {
    let last = window.last_consumed();
    if last == Some(b'\n') || !window.ensure(1)? {
        return Ok(());
    }
    window.ensure(2)?;
    match (last, window.unread()) {
        (Some(b'\r'), [b'\n', ..]) | (_, [b'\n', ..]) => window.consume(1),
        (Some(b'\r'), _) => {}
        (_, [b'\r', b'\n', ..]) => window.consume(2),
        (_, [b'\r', ..]) => window.consume(1),
        _ => return Err(refused(file, left, "its last line, which had no line break, has been continued")),
    }
    Ok(())
}

fn refused(file: &CsvFile, left: &Position, why: &str) -> Error {
    Error::fatal(format!(
        "{}: the file was replaced or cut after it had been read up to line {} (byte {}): {why}; restore it, give the new \
         data a name of its own, or start over with `pipeline reset`",
        file.partition, left.line, left.byte
    ))
}
