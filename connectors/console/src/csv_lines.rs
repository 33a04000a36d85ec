//! CSV lines as the JSON objects that they stand for.

use std::io::Write;

use arrow::datatypes::{DataType, Schema};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use pipeline_api::nearest;
use pipeline_json::UnknownFields;
use serde::de::IgnoredAny;

/// Writes CSV lines as JSON objects, so that one reader decides what each type accepts.
pub(crate) struct CsvLines {
    columns: Vec<Column>,
    reader: Reader,
    delimiter: u8,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// What a field of a line becomes.
enum Column {
    LeftOut,
    /// With its name as JSON.
    Text(String),
    /// A number or boolean, with its name as JSON.
    Bare(String),
}

impl CsvLines {
    /// For lines with these columns. Errors: the place and reason of each name that is wrong.
    pub(crate) fn new(
        names: &[String],
        schema: &Schema,
        unknown: UnknownFields,
        delimiter: u8,
    ) -> Result<Self, Vec<(usize, String)>> {
        let mut mistakes = Vec::new();
        let mut columns = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                mistakes.push((index, format!("the column `{name}` comes twice, expected each once")));
            }
            match schema.field_with_name(name) {
                Ok(field) => columns.push(Column::of(name, field.data_type())),
                Err(_) if unknown == UnknownFields::Ignore => columns.push(Column::LeftOut),
                Err(_) => mistakes.push((index, unknown_column(name, schema))),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Ok(Self { columns, reader, delimiter, text: Vec::new(), ends: Vec::new() })
    }

    /// The fields of a header.
    pub(crate) fn header(line: &[u8], delimiter: u8) -> Result<Vec<String>, String> {
        let mut csv = Self {
            columns: Vec::new(),
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            text: Vec::new(),
            ends: Vec::new(),
        };
        csv.split(line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line))?;
        (0..csv.ends.len()).map(|index| csv.field(index).map(|name| name.trim().to_owned())).collect()
    }

    /// Appends the line to `into` as a JSON object. Errors: what is wrong with the line; `into` is as before then.
    pub(crate) fn write_json(&mut self, line: &[u8], into: &mut Vec<u8>) -> Result<(), String> {
        let before = into.len();
        let written = self.try_write_json(line, into);
        if written.is_err() {
            into.truncate(before);
        }
        written
    }

    fn try_write_json(&mut self, line: &[u8], into: &mut Vec<u8>) -> Result<(), String> {
        self.split(line)?;
        if self.ends.len() != self.columns.len() {
            return Err(format!("the line has {} fields, expected {}", self.ends.len(), self.columns.len()));
        }
        into.push(b'{');
        let mut separator = "";
        for (index, column) in self.columns.iter().enumerate() {
            let text = self.field(index)?;
            let (name, is_bare) = match column {
                Column::Text(name) => (name, false),
                Column::Bare(name) => (name, is_bare_json(text)),
                Column::LeftOut => continue,
            };
            if text.is_empty() {
                continue;
            }
            let written = match is_bare {
                true => write!(into, "{separator}{name}:{text}"),
                false => write!(into, "{separator}{name}:{}", serde_json::Value::from(text)),
            };
            written.map_err(|error| error.to_string())?;
            separator = ",";
        }
        into.push(b'}');
        Ok(())
    }

    /// Splits the line into `text` and `ends`.
    fn split(&mut self, line: &[u8]) -> Result<(), String> {
        if line.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
            return Err("a quote is not closed on its line, expected a record on each line".into());
        }
        self.reader.reset();
        // One more than can be needed of both: the reader takes no room at all for too little.
        self.text.resize(line.len() + 1, 0);
        let fields = 1 + line.iter().filter(|byte| **byte == self.delimiter).count();
        self.ends.resize(fields + 1, 0);
        let (mut input, mut written, mut ended) = (line, 0, 0);
        loop {
            let (result, read, wrote, ends) =
                self.reader.read_record(input, &mut self.text[written..], &mut self.ends[ended..]);
            (input, written, ended) = (&input[read..], written + wrote, ended + ends);
            match result {
                // The next call has no input, which tells the reader that the line is over.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err("the line is no CSV record".into());
                }
            }
        }
        self.ends.truncate(ended);
        if input.is_empty() { Ok(()) } else { Err("a carriage return stands within the line".into()) }
    }

    fn field(&self, index: usize) -> Result<&str, String> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        std::str::from_utf8(&self.text[start..self.ends[index]]).map_err(|_| "the line is not UTF-8".into())
    }
}

impl Column {
    fn of(name: &str, of: &DataType) -> Self {
        let name = serde_json::Value::from(name).to_string();
        match of.is_numeric() || *of == DataType::Boolean {
            true => Self::Bare(name),
            false => Self::Text(name),
        }
    }
}

/// Whether the text is a number or boolean in JSON. Anything else goes on as a text, for the reader to name and refuse.
fn is_bare_json(text: &str) -> bool {
    let is_number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
    matches!(text, "true" | "false") || is_number && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn unknown_column(name: &str, schema: &Schema) -> String {
    let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let expected = format!("expected one of {}, or `unknown_fields: ignore`", known.join(", "));
    match nearest(name, known) {
        Some(meant) => format!("the topic has no column `{name}`, did you mean `{meant}`? {expected}"),
        None => format!("the topic has no column `{name}`, {expected}"),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("symbol", DataType::Utf8, false),
            Field::new("price", DataType::Float64, true),
            Field::new("live", DataType::Boolean, true),
        ])
    }

    fn json(line: &str) -> Result<serde_json::Value, String> {
        let names = ["price", "symbol", "live"].map(String::from);
        let mut csv = CsvLines::new(&names, &schema(), UnknownFields::Strict, b',').unwrap();
        let mut json = b"before".to_vec();
        let written = csv.write_json(line.as_bytes(), &mut json);
        match written {
            Ok(()) => Ok(serde_json::from_slice(&json[6..]).unwrap()),
            Err(reason) => {
                assert_eq!(json, b"before");
                Err(reason)
            }
        }
    }

    #[test]
    fn a_line_is_the_object_of_its_fields_and_an_empty_field_is_left_out() {
        let expected = serde_json::json!({ "price": 118.5, "symbol": "A,\"B\"", "live": true });
        assert_eq!(json(r#"118.5,"A,""B""",true"#), Ok(expected));
        assert_eq!(json(",IBM,"), Ok(serde_json::json!({ "symbol": "IBM" })));
        assert_eq!(json(",12,"), Ok(serde_json::json!({ "symbol": "12" })));
    }

    #[test]
    fn a_field_cannot_smuggle_in_another() {
        let line = r#""1,""symbol"":""X""",IBM,"false}""#;
        let expected = serde_json::json!({ "price": "1,\"symbol\":\"X\"", "symbol": "IBM", "live": "false}" });
        assert_eq!(json(line), Ok(expected));
        assert_eq!(json("1-2,IBM,"), Ok(serde_json::json!({ "price": "1-2", "symbol": "IBM" })));
        assert_eq!(json("007,IBM,"), Ok(serde_json::json!({ "price": "007", "symbol": "IBM" })));
    }

    #[test]
    fn a_line_that_is_no_record_is_refused() {
        for (line, reason) in [
            ("1,IBM", "the line has 2 fields, expected 3"),
            ("1,IBM,true,4", "the line has 4 fields, expected 3"),
            (r#"1,"IBM,true"#, "a quote is not closed"),
            ("1,IBM,true\r2,MSFT,true", "a carriage return"),
        ] {
            assert!(json(line).unwrap_err().contains(reason), "{line}");
        }
    }

    #[test]
    fn the_columns_must_be_those_of_the_topic() {
        let names = ["symbl", "price", "price"].map(String::from);
        let mistakes = CsvLines::new(&names, &schema(), UnknownFields::Strict, b',').err().unwrap();
        assert_eq!(mistakes[0].0, 0);
        assert!(mistakes[0].1.contains("did you mean `symbol`? expected one of symbol, price, live"), "{mistakes:?}");
        assert_eq!(mistakes[1], (2, "the column `price` comes twice, expected each once".into()));
        assert!(CsvLines::new(&names[..2], &schema(), UnknownFields::Ignore, b',').is_ok());
    }
}
