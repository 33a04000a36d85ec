//! One column, value by value.

use arrow::array::{ArrayRef, NullBufferBuilder};
use arrow::datatypes::{DataType, Field};
use pipeline_api::{Result, column_type, type_text};

use super::values::Values;
use crate::converter::UnknownFields;
use crate::refusal::{Outcome, refuse, shown};
use crate::scanner::Scanner;

/// Reads the values of one column.
pub(super) struct ColumnReader {
    field: Field,
    /// The name as most programs write it.
    quoted_name: String,
    values: Values,
    validity: NullBufferBuilder,
}

impl ColumnReader {
    pub(super) fn new(field: &Field, unknown: UnknownFields, rows: usize) -> Result<Self> {
        let values = Values::new(field, unknown, rows)?;
        let quoted_name = serde_json::Value::from(field.name().as_str()).to_string();
        Ok(Self { field: field.clone(), quoted_name, values, validity: NullBufferBuilder::new(rows) })
    }

    pub(super) fn name(&self) -> &str {
        self.field.name()
    }

    pub(super) fn quoted_name(&self) -> &str {
        &self.quoted_name
    }

    pub(super) fn len(&self) -> usize {
        self.validity.len()
    }

    /// Takes the field's value as row `row`.
    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>, row: usize) -> Outcome<()> {
        if self.len() > row {
            return refuse("occurs twice, expected each field once");
        }
        self.read_next(scanner)
    }

    /// Takes the next value.
    pub(super) fn read_next(&mut self, scanner: &mut Scanner<'_>) -> Outcome<()> {
        let Some(first) = scanner.peek() else { return scanner.skip().map(drop) };
        if first == b'n' {
            scanner.word("null")?;
            if !self.field.is_nullable() {
                return refuse(format!("`null`, expected {}", wanted(&self.field)));
            }
            self.push_null();
            return Ok(());
        }
        if !begins(self.field.data_type(), first) {
            let found = shown(scanner.skip()?);
            return refuse(format!("{found} is {}, expected {}", kind(first), wanted(&self.field)));
        }
        self.values.read(scanner, &self.field)?;
        self.validity.append_non_null();
        Ok(())
    }

    /// Takes the row of an object without this field.
    pub(super) fn read_absent(&mut self) -> Outcome<()> {
        if !self.field.is_nullable() {
            return refuse(format!("is missing, expected {}", wanted(&self.field)));
        }
        self.push_null();
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        self.values.push_placeholder();
        self.validity.append_null();
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.validity.truncate(rows);
    }

    pub(super) fn finish(mut self) -> Result<ArrayRef> {
        self.values.finish(&self.field, self.validity.finish())
    }
}

/// Whether a value of this type begins with that byte.
fn begins(of: &DataType, first: u8) -> bool {
    match of {
        DataType::Boolean => matches!(first, b't' | b'f'),
        DataType::List(_) => first == b'[',
        DataType::Struct(_) => first == b'{',
        DataType::Utf8 | DataType::Binary | DataType::Date32 | DataType::Timestamp(..) => first == b'"',
        _ => matches!(first, b'-' | b'0'..=b'9'),
    }
}

fn kind(first: u8) -> &'static str {
    match first {
        b'"' => "a text",
        b't' | b'f' => "a boolean",
        b'[' => "an array",
        b'{' => "an object",
        _ => "a number",
    }
}

/// What would be right in this column.
pub(super) fn wanted(field: &Field) -> String {
    let form = match field.data_type() {
        DataType::Utf8 => "a text",
        DataType::Boolean => "true or false",
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => "a whole number",
        DataType::Date32 => "a text such as \"2026-01-02\"",
        DataType::Timestamp(..) => "a text such as \"2026-01-02T14:30:00.123\"",
        DataType::Binary => "a base64 text",
        DataType::List(_) => "an array",
        DataType::Struct(_) => "an object",
        _ => "a number",
    };
    match field.is_nullable() {
        true => format!("{form} ({})", type_text(field.data_type())),
        false => format!("{form} ({})", column_type(field)),
    }
}
