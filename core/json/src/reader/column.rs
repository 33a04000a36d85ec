//! One column, value by value.

use arrow::array::{ArrayRef, NullBufferBuilder};
use arrow::datatypes::{DataType, Field};
use pipeline_api::{Result, column_type, type_text};

use super::values::Values;
use crate::converter::UnknownFields;
use crate::refusal::{Outcome, refuse, shown};
use crate::scanner::Scanner;
use crate::writer::written_name;

/// Reads the values of one column.
pub(super) struct ColumnReader {
    field: Field,
    /// What stands before a value, as most programs write it: the name in quotes and a colon.
    written_name: String,
    /// What its values begin with.
    kind: Kind,
    values: Values,
    validity: NullBufferBuilder,
}

impl ColumnReader {
    pub(super) fn new(field: &Field, unknown: UnknownFields, rows: usize) -> Result<Self> {
        let values = Values::new(field, unknown, rows)?;
        let written_name = written_name(field.name());
        let kind = Kind::of(field.data_type());
        Ok(Self { field: field.clone(), written_name, kind, values, validity: NullBufferBuilder::new(rows) })
    }

    pub(super) fn name(&self) -> &str {
        self.field.name()
    }

    pub(super) fn written_name(&self) -> &str {
        &self.written_name
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
        let kind = Kind::beginning_with(first);
        if kind != Some(self.kind) {
            let (found, kind) = (shown(scanner.skip()?), kind.map_or("no value", Kind::name));
            return refuse(format!("{found} is {kind}, expected {}", wanted(&self.field)));
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

/// What JSON tells apart by the first byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Boolean,
    Array,
    Object,
}

impl Kind {
    fn of(column: &DataType) -> Self {
        match column {
            DataType::Boolean => Self::Boolean,
            DataType::List(_) => Self::Array,
            DataType::Struct(_) => Self::Object,
            DataType::Utf8 | DataType::Binary | DataType::Date32 | DataType::Timestamp(..) => Self::Text,
            _ => Self::Number,
        }
    }

    /// No value begins with any other byte, but for `null`.
    fn beginning_with(first: u8) -> Option<Self> {
        match first {
            b'"' => Some(Self::Text),
            b'-' | b'0'..=b'9' => Some(Self::Number),
            b't' | b'f' => Some(Self::Boolean),
            b'[' => Some(Self::Array),
            b'{' => Some(Self::Object),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Array => "an array",
            Self::Object => "an object",
        }
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
