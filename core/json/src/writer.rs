//! Records as JSON text.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Fields, SchemaRef};
use pipeline_api::Result;

use self::values::Values;
pub(crate) use self::values::{write_decimal, write_double, write_json};

mod values;

/// How a timestamp is written. Its digits behind the point are those of the column's unit: three for a `timestamp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampStyle {
    /// `2026-01-02T14:30:00.123`, in UTC.
    Iso,
    /// `2026-01-02 14:30:00.123`, in UTC: the one form that every JSON reader behind Athena takes for a timestamp.
    Athena,
}

/// Appends the records to `into` as JSON lines: one compact object a row, each ended by a newline, no blank line ever.
///
/// A null is left out. A string has its text, a decimal all its digits, a binary is base64, a date `YYYY-MM-DD`. Called by
/// sinks. Errors: [`Data`](pipeline_api::ErrorKind::Data) if a value has no JSON form (NaN, an infinity, a year without
/// four digits), [`Config`](pipeline_api::ErrorKind::Config) if a column's type has none; `into` is as before then.
pub fn write_lines(records: &RecordBatch, timestamps: TimestampStyle, into: &mut Vec<u8>) -> Result<()> {
    let before = into.len();
    let writer = RowWriter::new(records, timestamps)?;
    into.reserve(typical_bytes(records));
    for row in 0..records.num_rows() {
        if let Err(error) = writer.write(row, into) {
            into.truncate(before);
            return Err(error);
        }
        into.push(b'\n');
    }
    Ok(())
}

/// About as much as records take as JSON, to begin with.
pub(crate) fn typical_bytes(records: &RecordBatch) -> usize {
    const FIELD: usize = 20;
    records.num_rows() * records.num_columns() * FIELD
}

/// Whether every column has a JSON form, both ways. Errors name the first column that has none.
pub(crate) fn check_schema(schema: &SchemaRef) -> Result<()> {
    RowWriter::new(&RecordBatch::new_empty(schema.clone()), TimestampStyle::Iso).map(|_| ())
}

/// Writes the rows of one batch, each as an object.
pub(crate) struct RowWriter(ObjectWriter);

impl RowWriter {
    /// A writer for these records.
    pub(crate) fn new(records: &RecordBatch, timestamps: TimestampStyle) -> Result<Self> {
        Ok(Self(ObjectWriter::new(records.schema_ref().fields(), records.columns(), timestamps)?))
    }

    /// Appends one row as an object.
    pub(crate) fn write(&self, row: usize, into: &mut Vec<u8>) -> Result<()> {
        self.0.write(row, into)
    }
}

/// Writes the rows of several columns as objects.
struct ObjectWriter(Vec<ColumnWriter>);

impl ObjectWriter {
    fn new(fields: &Fields, columns: &[ArrayRef], timestamps: TimestampStyle) -> Result<Self> {
        fields
            .iter()
            .zip(columns)
            .map(|(field, column)| ColumnWriter::new(field.name(), column, timestamps))
            .collect::<Result<_>>()
            .map(Self)
    }

    fn write(&self, row: usize, into: &mut Vec<u8>) -> Result<()> {
        into.push(b'{');
        let mut first = true;
        for column in self.0.iter().filter(|column| !column.is_null(row)) {
            if first {
                into.extend_from_slice(&column.key.as_bytes()[1..]);
            } else {
                column.key.write(into);
            }
            column.values.write(&column.name, row, into)?;
            first = false;
        }
        into.push(b'}');
        Ok(())
    }
}

struct ColumnWriter {
    name: String,
    key: Key,
    nulls: Option<NullBuffer>,
    values: Values,
}

impl ColumnWriter {
    fn new(name: &str, column: &ArrayRef, timestamps: TimestampStyle) -> Result<Self> {
        let values = Values::new(name, column, timestamps)?;
        Ok(Self { name: name.to_owned(), key: Key::new(name), nulls: column.logical_nulls(), values })
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    fn write(&self, row: usize, into: &mut Vec<u8>) -> Result<()> {
        match self.is_null(row) {
            true => into.extend_from_slice(b"null"),
            false => self.values.write(&self.name, row, into)?,
        }
        Ok(())
    }
}

/// A field's name in quotes, and its colon, as most programs write them: `"name":`
pub(crate) fn written_name(name: &str) -> String {
    format!("{}:", serde_json::Value::from(name))
}

/// What stands before a value: `,"name":`
struct Key {
    /// Filled up with zeros to at least a block.
    text: Vec<u8>,
    length: usize,
}

impl Key {
    /// Copying so many bytes takes one instruction, and copying as many as there are, a call.
    const BLOCK: usize = 16;

    fn new(name: &str) -> Self {
        let mut text = format!(",{}", written_name(name)).into_bytes();
        let length = text.len();
        text.resize(length.max(Self::BLOCK), 0);
        Self { text, length }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }

    #[inline]
    fn write(&self, into: &mut Vec<u8>) {
        match self.text.first_chunk::<{ Self::BLOCK }>() {
            Some(block) if self.length <= Self::BLOCK => {
                let end = into.len() + self.length;
                into.extend_from_slice(block);
                into.truncate(end);
            }
            _ => into.extend_from_slice(self.as_bytes()),
        }
    }
}
