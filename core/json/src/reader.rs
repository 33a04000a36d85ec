//! Payloads as columns.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use pipeline_api::{Error, Result};

use self::object::ObjectReader;
use crate::converter::UnknownFields;
use crate::refusal::{Outcome, Refusal, refuse, shown};
use crate::scanner::Scanner;

mod column;
mod object;
mod values;

/// Reads payloads, each one JSON object, into the columns of a schema. A payload that is refused leaves no trace.
pub(crate) struct RecordReader {
    schema: SchemaRef,
    record: ObjectReader,
    rows: usize,
}

impl RecordReader {
    /// A reader with room for that many records. Errors: a column's type has no JSON form.
    pub(crate) fn new(schema: SchemaRef, unknown: UnknownFields, rows: usize) -> Result<Self> {
        let record = ObjectReader::new(schema.fields(), unknown, rows)?;
        Ok(Self { schema, record, rows: 0 })
    }

    /// Takes one payload as the next row, or says why it is none.
    pub(crate) fn read(&mut self, payload: &str) -> Result<(), Refusal> {
        match read_payload(&mut self.record, payload, self.rows) {
            Ok(()) => {
                self.rows += 1;
                Ok(())
            }
            Err(refusal) => {
                self.record.truncate(self.rows);
                Err(*refusal)
            }
        }
    }

    /// The records that were taken.
    pub(crate) fn finish(self) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = self.record.finish_columns()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(self.schema, columns, &options)
            .map_err(|error| Error::fatal("the decoded columns do not form a batch").with_source(error))
    }
}

fn read_payload(record: &mut ObjectReader, text: &str, row: usize) -> Outcome<()> {
    if text.starts_with('\u{feff}') {
        return refuse("begins with a byte order mark, expected a JSON object");
    }
    let mut scanner = Scanner::new(text);
    match scanner.peek() {
        None => return refuse("is empty, expected a JSON object"),
        Some(b'{') => record.read(&mut scanner, row)?,
        Some(_) => return refuse(format!("is {}, expected a JSON object", shown(scanner.skip()?))),
    }
    match scanner.peek() {
        None => Ok(()),
        Some(_) => {
            refuse(format!("goes on behind its object with {}, expected one object a record", shown(scanner.rest())))
        }
    }
}
