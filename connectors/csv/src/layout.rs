//! How the fields of a record lie in its bytes.

/// What separates and encloses fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// `None`: quotes mean nothing.
    pub(crate) quote: Option<u8>,
}

/// Quotes that do not stand as they must: where in the record, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct QuoteFault {
    pub(crate) byte: usize,
    pub(crate) reason: &'static str,
}

impl Dialect {
    /// The delimiter from its text in the file.
    pub(crate) fn delimiter(text: &str) -> Result<u8, String> {
        one_ascii(text)
            .ok_or_else(|| format!("`{}` is no delimiter, expected one ASCII character", text.escape_debug()))
    }

    /// The quote from its text in the file.
    pub(crate) fn quote(text: &str) -> Result<Option<u8>, String> {
        match text {
            "" => Ok(None),
            _ => one_ascii(text).map(Some).ok_or_else(|| {
                format!(
                    "`{}` is no quote, expected one ASCII character, or an empty text for none",
                    text.escape_debug()
                )
            }),
        }
    }

    /// Where the field `index` of `record` begins: at its quote, if it has one.
    pub(crate) fn field_start(self, record: &[u8], index: usize) -> usize {
        let mut start = 0;
        for _ in 0..index {
            let (end, _) = self.field_end(record, start);
            if end == record.len() {
                return end;
            }
            start = end + 1;
        }
        start
    }

    /// The first quotes of `record` that csv-core reads, but not as they were meant.
    pub(crate) fn quote_fault(self, record: &[u8]) -> Option<QuoteFault> {
        let mut start = 0;
        loop {
            match self.field_end(record, start) {
                (_, Some(fault)) => return Some(fault),
                (end, None) if end == record.len() => return None,
                (end, None) => start = end + 1,
            }
        }
    }

    /// The delimiter behind the field that begins at `start`, or the end of the record.
    fn field_end(self, record: &[u8], start: usize) -> (usize, Option<QuoteFault>) {
        let Some(quote) = self.quote.filter(|quote| record.get(start) == Some(quote)) else {
            return (self.next_delimiter(record, start), None);
        };
        let mut at = start + 1;
        loop {
            match record[at..].iter().position(|byte| *byte == quote) {
                None => {
                    let fault = QuoteFault { byte: start, reason: "the quote that opens here never closes" };
                    return (record.len(), Some(fault));
                }
                Some(closing) if record.get(at + closing + 1) == Some(&quote) => at += closing + 2,
                Some(closing) => {
                    let behind = at + closing + 1;
                    let end = self.next_delimiter(record, behind);
                    let fault = (end != behind).then_some(QuoteFault {
                        byte: behind,
                        reason: "text follows a closing quote, expected the delimiter or the end of the line",
                    });
                    return (end, fault);
                }
            }
        }
    }

    fn next_delimiter(self, record: &[u8], from: usize) -> usize {
        record[from..].iter().position(|byte| *byte == self.delimiter).map_or(record.len(), |at| from + at)
    }
}

fn one_ascii(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n' | 0) => Some(*byte),
        _ => None,
    }
}

/// The line and the column of the byte `at` of a record that begins on `line`, both from 1, as an editor shows them.
pub(crate) fn place(record: &[u8], line: u64, at: usize) -> (u64, usize) {
    let before = &record[..at.min(record.len())];
    let breaks = before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    // The bytes that continue a character do not count.
    let characters = before[line_start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    (line + breaks as u64, characters + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Dialect = Dialect { delimiter: b',', quote: Some(b'"') };

    #[test]
    fn a_field_is_found_behind_quoted_delimiters_and_line_breaks() {
        let record = "é,\"a,\"\"b\nü\",c".as_bytes();
        let at = COMMA.field_start(record, 2);
        assert_eq!(&record[at..], b"c");
        assert_eq!(place(record, 7, at), (8, 4));
        assert_eq!(place(record, 7, COMMA.field_start(record, 1)), (7, 3));
    }

    #[test]
    fn quotes_are_judged_where_they_stand() {
        assert_eq!(COMMA.quote_fault(b"\"a\",\"b\"\"\",c\"d"), None);
        assert_eq!(COMMA.quote_fault(b"x,\"a").unwrap().byte, 2);
        assert_eq!(COMMA.quote_fault(b"\"a\"b,c").unwrap().byte, 3);
    }
}
