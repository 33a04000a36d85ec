//! How a file begins: its byte order mark, and its header.

use std::collections::BTreeSet;

use pipeline_api::{Error, METADATA_PREFIX, Result};

use crate::files::CsvFile;
use crate::input::Input;
use crate::layout::place;
use crate::record_reader::{Next, RecordReader, Rules};
use crate::window::Window;

/// The names of a file's columns, and where its records begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) names: Vec<String>,
    pub(crate) start: Start,
}

/// Where the records of a file begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) byte: u64,
    /// From 1.
    pub(crate) line: u64,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the header of `file`; `None` if the file is empty, or its first line is still being written.
pub(crate) fn read(file: &CsvFile, rules: Rules) -> Result<Option<Header>> {
    let Some(window) = open(file)? else { return Ok(None) };
    let mut reader = RecordReader::new(window, rules, 1);
    match reader.peek()? {
        Next::Record => {}
        Next::End(_) => return Ok(None),
        Next::TooLong => {
            return Err(Error::config(format!(
                "{}:1:1: the header is longer than {} bytes; `max_record` allows more",
                file.partition, rules.max_record
            )));
        }
    }
    let names = names(file, &reader, rules)?;
    reader.advance();
    let position = reader.position();
    Ok(Some(Header { names, start: Start { byte: position.byte, line: position.line } }))
}

/// Where the records of a file without a header begin.
pub(crate) fn start_without_header(file: &CsvFile) -> Result<Start> {
    let byte = open(file)?.map_or(0, |window| window.offset());
    Ok(Start { byte, line: 1 })
}

/// The file behind its byte order mark.
fn open(file: &CsvFile) -> Result<Option<Window>> {
    let input = Input::open(&file.path, &file.partition)?;
    let Some(mut window) = Window::open(input, 0)? else { return Ok(None) };
    window.ensure(BYTE_ORDER_MARK.len())?;
    if window.unread().starts_with(BYTE_ORDER_MARK) {
        window.consume(BYTE_ORDER_MARK.len());
    }
    Ok(Some(window))
}

fn names(file: &CsvFile, reader: &RecordReader, rules: Rules) -> Result<Vec<String>> {
    let record = reader.record();
    let wrong = |byte: usize, message: &str| {
        let (line, column) = place(record.raw, record.line, byte);
        Error::config(format!("{}:{line}:{column}: {message}", file.partition))
    };
    if let Some(fault) = rules.dialect.quote_fault(record.raw).filter(|_| record.had_quotes()) {
        return Err(wrong(fault.byte, &format!("in the header: {}", fault.reason)));
    }
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, field) in record.fields().enumerate() {
        let wrong = |message: &str| wrong(rules.dialect.field_start(record.raw, index), message);
        let name = std::str::from_utf8(field).map_err(|_| wrong("the header is not UTF-8, expected UTF-8 text"))?;
        if name.contains('\0') {
            return Err(wrong("the header holds a NUL byte, expected text"));
        }
        if name.is_empty() {
            return Err(wrong("a column has no name, expected one in the header"));
        }
        if name.starts_with(METADATA_PREFIX) {
            return Err(wrong(&format!(
                "`{name}`: names that begin with {METADATA_PREFIX} are reserved, expected another"
            )));
        }
        if !seen.insert(name) {
            return Err(wrong(&format!("the header names `{name}` twice, expected unique names")));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}
