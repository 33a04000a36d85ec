//! Records on their way into a batch.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use pipeline_api::{Bytes, Error, Rejected, Result, SourceBatch, SourceOffsets};

use crate::column::Column;
use crate::layout::{Dialect, place};
use crate::places::Places;
use crate::record_reader::Record;

/// Collects records column by column, and the rejected ones with why.
pub(crate) struct Batch {
    columns: Vec<Column>,
    schema: SchemaRef,
    nulls: Vec<String>,
    dialect: Dialect,
    rows: usize,
    /// What the records take in their files.
    bytes: usize,
    rejected: Vec<Rejected>,
    offsets: SourceOffsets,
    places: Places,
    /// The places of the batch that was handed over last.
    handed_over: Places,
}

/// Why a record does not fit, and where in it.
struct Misfit {
    at: At,
    field: Option<usize>,
    reason: String,
}

enum At {
    Field(usize),
    Byte(usize),
}

const MAX_ROWS: usize = 8192;
/// Bounds the memory of a batch of long records.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// As much of a text that does not fit is shown.
const SHOWN: usize = 80;

impl Batch {
    pub(crate) fn new(columns: Vec<Column>, nulls: Vec<String>, dialect: Dialect) -> Self {
        let fields: Vec<_> = columns.iter().map(|column| column.field().clone()).collect();
        let schema = Arc::new(Schema::new(fields));
        Self {
            columns,
            schema,
            nulls,
            dialect,
            rows: 0,
            bytes: 0,
            rejected: Vec::new(),
            offsets: SourceOffsets::new(),
            places: Places::default(),
            handed_over: Places::default(),
        }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Whether it is time to hand it over.
    pub(crate) fn is_full(&self) -> bool {
        self.rows + self.rejected.len() >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    /// Whether it holds no record; it may hold an offset.
    pub(crate) fn has_no_records(&self) -> bool {
        self.rows == 0 && self.rejected.is_empty()
    }

    /// Takes a record of `file`, if every field fits, and else rejects it.
    pub(crate) fn push(&mut self, record: Record<'_>, file: &str) {
        self.bytes += record.raw.len();
        match self.try_push(record) {
            Ok(()) => {
                self.rows += 1;
                self.places.push(file, record.line);
            }
            Err(misfit) => {
                for column in &mut self.columns {
                    column.truncate(self.rows);
                }
                self.reject(record, misfit, file);
            }
        }
    }

    /// Rejects a record of which only the beginning is there.
    pub(crate) fn push_too_long(&mut self, record: Record<'_>, max_record: usize, file: &str) {
        self.bytes += record.raw.len();
        let reason = format!("the record is longer than {max_record} bytes; `max_record` allows more");
        self.reject(record, Misfit { at: At::Byte(0), field: None, reason }, file);
    }

    /// Remembers how far `file` was read.
    pub(crate) fn set_offset(&mut self, file: &str, position: &crate::position::Position) -> Result<()> {
        self.offsets.set(file, position)
    }

    /// The time in microseconds by which a record is released; `None` if it has none.
    pub(crate) fn micros(&self, record: Record<'_>, column: usize) -> Option<i64> {
        let text = std::str::from_utf8(record.fields().nth(column)?).ok()?;
        self.columns[column].micros(text)
    }

    /// Where a record of the batch that was handed over last was found.
    pub(crate) fn place(&self, row: usize) -> Option<String> {
        self.handed_over.of(row)
    }

    /// What was collected, if there is anything.
    pub(crate) fn take(&mut self) -> Result<Option<SourceBatch>> {
        if self.has_no_records() && self.offsets.is_empty() {
            return Ok(None);
        }
        let arrays = self.columns.iter_mut().map(Column::finish).collect::<Result<_>>()?;
        let records = RecordBatch::try_new(self.schema.clone(), arrays)
            .map_err(|error| Error::fatal("the columns form no batch").with_source(error))?;
        (self.rows, self.bytes) = (0, 0);
        self.handed_over = std::mem::take(&mut self.places);
        Ok(Some(SourceBatch {
            records,
            offsets: std::mem::take(&mut self.offsets),
            rejected: std::mem::take(&mut self.rejected),
        }))
    }

    fn try_push(&mut self, record: Record<'_>) -> Result<(), Misfit> {
        let text = self.checked_text(record)?;
        let mut start = 0;
        for (index, (column, end)) in self.columns.iter_mut().zip(record.ends).enumerate() {
            // Two halves of a character on both sides of a delimiter make a valid text only together.
            let Some(field) = text.get(start..*end) else { return Err(not_utf8(index)) };
            start = *end;
            let is_null = self.nulls.iter().any(|null| null == field);
            let pushed = if is_null { column.push_null() } else { column.push(field) };
            if let Err(reason) = pushed {
                let reason = format!("`{}` {reason}", shown(field));
                return Err(Misfit { at: At::Field(index), field: Some(index), reason });
            }
        }
        Ok(())
    }

    /// The text of a record that is well formed and has as many fields as there are columns.
    fn checked_text<'a>(&self, record: Record<'a>) -> Result<&'a str, Misfit> {
        if record.had_quotes()
            && let Some(fault) = self.dialect.quote_fault(record.raw)
        {
            return Err(Misfit { at: At::Byte(fault.byte), field: None, reason: fault.reason.into() });
        }
        let (found, expected) = (record.ends.len(), self.columns.len());
        if found != expected {
            let at = if found > expected { At::Field(expected) } else { At::Byte(record.raw.len()) };
            return Err(Misfit {
                at,
                field: None,
                reason: format!("the record has {found} fields, expected {expected}"),
            });
        }
        if record.text.contains(&0) {
            let index = record.fields().position(|field| field.contains(&0)).unwrap_or(0);
            let reason = "the field holds a NUL byte, expected text".into();
            return Err(Misfit { at: At::Field(index), field: Some(index), reason });
        }
        std::str::from_utf8(record.text).map_err(|_| {
            let index = record.fields().position(|field| std::str::from_utf8(field).is_err()).unwrap_or(0);
            not_utf8(index)
        })
    }

    fn reject(&mut self, record: Record<'_>, misfit: Misfit, file: &str) {
        let byte = match misfit.at {
            At::Field(index) => self.dialect.field_start(record.raw, index),
            At::Byte(byte) => byte,
        };
        let (line, column) = place(record.raw, record.line, byte);
        self.rejected.push(Rejected {
            place: format!("{file}:{line}:{column}"),
            field: misfit.field.map(|index| self.columns[index].field().name().clone()),
            reason: misfit.reason,
            record: Bytes::copy_from_slice(record.raw),
        });
    }
}

fn not_utf8(index: usize) -> Misfit {
    Misfit { at: At::Field(index), field: Some(index), reason: "the field is not UTF-8, expected UTF-8 text".into() }
}

/// A text as it can stand in one line of a message.
fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
