//! The records of one file.

use csv_core::ReadRecordResult;
use pipeline_api::{Error, Result};

use crate::layout::{Dialect, place};
use crate::position::Position;
use crate::window::Window;

/// Reads the records of one file, each with its place.
///
/// A record stays the current one until [`advance`](Self::advance), so that a reader that has to wait with a record has not
/// consumed it.
pub(crate) struct RecordReader {
    window: Window,
    rules: Rules,
    parser: csv_core::Reader,
    line: u64,
    current: Option<Current>,
    /// The place of a record that is left out and of which a part is consumed: the file is resumed before it.
    before_long_record: Option<Position>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// How records are told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) dialect: Dialect,
    /// In bytes.
    pub(crate) max_record: usize,
    pub(crate) last_line: LastLine,
}

/// What a last line without a line break is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastLine {
    /// A record.
    Complete,
    /// The beginning of one that is being written.
    Awaited,
}

/// What comes next in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A record.
    Record,
    /// A record beyond the limit, of which only the beginning is there.
    TooLong,
    /// Nothing for now.
    End(End),
}

/// Why nothing comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Everything was read.
    Complete,
    /// There is a line that is not complete yet.
    MidLine,
}

#[derive(Clone, Copy)]
struct Current {
    next: Next,
    fields: usize,
    text: usize,
    /// The bytes of the record, without its line break.
    content: usize,
    /// The bytes to consume, with it.
    consumed: usize,
    /// The line breaks in the bytes to consume.
    breaks: u64,
}

/// One record as it lies in the file.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    /// Its fields without quotes, one behind the other.
    pub(crate) text: &'a [u8],
    /// Where each of them ends.
    pub(crate) ends: &'a [usize],
    /// Its bytes in the file, without the line break; of one that is too long the first 4 KiB.
    pub(crate) raw: &'a [u8],
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
}

/// As much of a record beyond the limit is kept.
const SAMPLE: usize = 4 * 1024;

impl RecordReader {
    /// Reads on from the window's place, which is at the beginning of `line`.
    pub(crate) fn new(window: Window, rules: Rules, line: u64) -> Self {
        let mut parser = csv_core::ReaderBuilder::new()
            .delimiter(rules.dialect.delimiter)
            .quote(rules.dialect.quote.unwrap_or(b'"'))
            .quoting(rules.dialect.quote.is_some())
            .build();
        // Before its first bytes csv-core would drop a byte order mark, which in the middle of a file is text.
        parser.read_record(b"\n", &mut [0], &mut [0]);
        Self {
            window,
            rules,
            parser,
            line,
            current: None,
            before_long_record: None,
            text: vec![0; SAMPLE],
            ends: vec![0; 64],
        }
    }

    /// What comes next. It stays the same until it is consumed.
    pub(crate) fn peek(&mut self) -> Result<Next> {
        match self.current {
            Some(current) => Ok(current.next),
            None => {
                let current = self.parse()?;
                self.current = Some(current);
                Ok(current.next)
            }
        }
    }

    /// The current record. Empty at the end.
    pub(crate) fn record(&self) -> Record<'_> {
        let Some(current) = self.current else {
            return Record { text: &[], ends: &[], raw: &[], line: self.line };
        };
        let raw = match current.next {
            Next::TooLong => &self.text[..current.content],
            _ => &self.window.unread()[..current.content],
        };
        Record { text: &self.text[..current.text], ends: &self.ends[..current.fields], raw, line: self.line }
    }

    /// Consumes the current record.
    pub(crate) fn advance(&mut self) {
        if let Some(current) = self.current.take() {
            self.window.consume(current.consumed);
            self.line += current.breaks;
            self.before_long_record = None;
        }
    }

    /// How far the file was read.
    pub(crate) fn position(&self) -> Position {
        if let Some(position) = &self.before_long_record {
            return position.clone();
        }
        let stamp = self.window.stamp();
        Position {
            byte: self.window.offset(),
            line: self.line,
            fingerprint: self.window.fingerprint(),
            size: stamp.size,
            modified: stamp.modified,
            done: matches!(self.current, Some(Current { next: Next::End(End::Complete), .. })),
        }
    }

    fn parse(&mut self) -> Result<Current> {
        if let Some(end) = self.skip_line_breaks()? {
            return Ok(Current::end(end));
        }
        let (mut fed, mut text, mut fields) = (0, 0, 0);
        loop {
            if fed == self.window.unread().len() {
                if fed > self.rules.max_record {
                    return self.skip_long_record(fed);
                }
                if !self.window.fill()? {
                    return Ok(self.last_record(fed, text, fields));
                }
            }
            let unread = &self.window.unread()[fed..];
            let (result, read, written, ended) =
                self.parser.read_record(unread, &mut self.text[text..], &mut self.ends[fields..]);
            fed += read;
            text += written;
            fields += ended;
            match result {
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => return self.whole_record(fed, text, fields),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
    }

    /// The record of which csv-core has read `fed` bytes: the first byte of its line break included.
    fn whole_record(&mut self, fed: usize, text: usize, fields: usize) -> Result<Current> {
        let content = fed - 1;
        let mut consumed = fed;
        if self.window.unread()[content] == b'\r' {
            let more = self.window.ensure(fed + 1)?;
            if !more && self.rules.last_line == LastLine::Awaited {
                return Ok(Current::end(End::MidLine));
            }
            consumed += usize::from(more && self.window.unread()[fed] == b'\n');
        }
        Ok(self.record_of(content, consumed, text, fields, 1))
    }

    fn record_of(&mut self, content: usize, consumed: usize, text: usize, fields: usize, breaks: u64) -> Current {
        // Only quotes that were taken away can have hidden a line break.
        let quoted = text + fields != content + 1;
        let inner = if quoted { count_breaks(&self.window.unread()[..content]) } else { 0 };
        let breaks = breaks + inner;
        if content > self.rules.max_record {
            let sample = self.window.unread()[..content.min(SAMPLE)].to_vec();
            return self.long_record(&sample, consumed, breaks);
        }
        Current { next: Next::Record, fields, text, content, consumed, breaks }
    }

    /// What the end of the file makes of the `fed` bytes behind the last line break.
    fn last_record(&mut self, fed: usize, text: usize, mut fields: usize) -> Current {
        if self.rules.last_line == LastLine::Awaited {
            return Current::end(End::MidLine);
        }
        loop {
            let (result, _, _, ended) = self.parser.read_record(&[], &mut self.text[text..], &mut self.ends[fields..]);
            fields += ended;
            match result {
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                _ => return self.record_of(fed, fed, text, fields, 1),
            }
        }
    }

    /// Leaves out a record that is too long, of which csv-core has read `fed` bytes, without holding it in memory.
    fn skip_long_record(&mut self, mut fed: usize) -> Result<Current> {
        self.before_long_record = Some(self.position());
        let (line, offset) = (self.line, self.window.offset());
        let sample = self.window.unread()[..fed.min(SAMPLE)].to_vec();
        let mut breaks = 0;
        loop {
            breaks += count_breaks(&self.window.unread()[..fed]);
            self.window.consume(fed);
            if self.window.unread().is_empty() && !self.window.fill()? {
                return self.end_of_long_record(sample, breaks, line, offset);
            }
            let (result, read, ..) = self.parser.read_record(self.window.unread(), &mut self.text, &mut self.ends);
            fed = read;
            if result == ReadRecordResult::Record {
                break;
            }
        }
        let carriage_return = self.window.unread()[fed - 1] == b'\r';
        let line_feed = carriage_return && self.window.ensure(fed + 1)? && self.window.unread()[fed] == b'\n';
        let consumed = fed + usize::from(line_feed);
        breaks += count_breaks(&self.window.unread()[..consumed]) + u64::from(carriage_return && !line_feed);
        Ok(self.long_record(&sample, consumed, breaks))
    }

    fn end_of_long_record(&mut self, sample: Vec<u8>, breaks: u64, line: u64, offset: u64) -> Result<Current> {
        // A line break ends the record, unless a quote is open.
        let ended = self.parser.read_record(b"\n", &mut self.text, &mut self.ends).0;
        if ended != ReadRecordResult::Record {
            let opened = self.rules.dialect.quote_fault(&sample).map_or(0, |fault| fault.byte);
            let (line, column) = place(&sample, line, opened);
            return Err(Error::fatal(format!(
                "{}:{line}:{column}: a quote that opens in this record never closes, and the record takes all {} bytes up \
                 to the end of the file; correct the quote",
                self.window.name(),
                self.window.offset() - offset
            )));
        }
        match self.rules.last_line {
            LastLine::Awaited => Ok(Current::end(End::MidLine)),
            LastLine::Complete => Ok(self.long_record(&sample, 0, breaks + 1)),
        }
    }

    fn long_record(&mut self, sample: &[u8], consumed: usize, breaks: u64) -> Current {
        self.text[..sample.len()].copy_from_slice(sample);
        Current { next: Next::TooLong, fields: 0, text: 0, content: sample.len(), consumed, breaks }
    }

    /// Consumes blank lines; tells whether nothing comes behind them.
    fn skip_line_breaks(&mut self) -> Result<Option<End>> {
        loop {
            if !self.window.ensure(1)? {
                return Ok(Some(End::Complete));
            }
            let length = match self.window.unread()[0] {
                b'\n' => 1,
                b'\r' => {
                    let more = self.window.ensure(2)?;
                    if !more && self.rules.last_line == LastLine::Awaited {
                        return Ok(Some(End::MidLine));
                    }
                    1 + usize::from(more && self.window.unread()[1] == b'\n')
                }
                _ => return Ok(None),
            };
            self.window.consume(length);
            self.line += 1;
        }
    }
}

impl Current {
    fn end(end: End) -> Self {
        Self { next: Next::End(end), fields: 0, text: 0, content: 0, consumed: 0, breaks: 0 }
    }
}

impl<'a> Record<'a> {
    /// The bytes of each field, without quotes.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (text, ends) = (self.text, self.ends);
        (0..ends.len()).map(move |index| {
            let start = if index == 0 { 0 } else { ends[index - 1] };
            &text[start..ends[index]]
        })
    }

    /// Whether quotes were taken away.
    pub(crate) fn had_quotes(&self) -> bool {
        self.text.len() + self.ends.len() != self.raw.len() + 1
    }
}

fn count_breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
