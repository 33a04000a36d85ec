//! Payloads as texts.

use std::str::{Utf8Error, from_utf8};

use arrow::array::{Array, BinaryArray};

/// The values of a batch as texts.
pub(crate) struct Payloads<'a> {
    values: &'a BinaryArray,
    /// All of them in one text, if they are one: to check it at once costs a fraction of checking each payload by itself.
    together: Option<Together<'a>>,
}

struct Together<'a> {
    text: &'a str,
    /// Where it begins in the values.
    start: usize,
}

impl<'a> Payloads<'a> {
    pub(crate) fn new(values: &'a BinaryArray) -> Self {
        let offsets = values.value_offsets();
        let (start, end) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
        let together = from_utf8(&values.value_data()[start..end]).ok().map(|text| Together { text, start });
        Self { values, together }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// How many bytes they take together.
    pub(crate) fn bytes(&self) -> usize {
        let offsets = self.values.value_offsets();
        (offsets[offsets.len() - 1] - offsets[0]) as usize
    }

    /// The payload of a row, `None` for a tombstone. Errors: it is no UTF-8.
    pub(crate) fn get(&self, row: usize) -> Result<Option<&'a str>, Utf8Error> {
        if self.values.is_null(row) {
            return Ok(None);
        }
        // Where a character goes on in the next payload, neither of the two is a text.
        match self.in_text(row) {
            Some(text) => Ok(Some(text)),
            None => from_utf8(self.values.value(row)).map(Some),
        }
    }

    fn in_text(&self, row: usize) -> Option<&'a str> {
        let Together { text, start } = self.together.as_ref()?;
        let offsets = self.values.value_offsets();
        text.get(offsets[row] as usize - start..offsets[row + 1] as usize - start)
    }
}
