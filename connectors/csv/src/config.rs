//! What a pipeline file says of a CSV source.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Field};
use pipeline_api::{ByteSize, Findings, Schema, TypeError, nearest, parse_column, type_text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::column::is_readable;
use crate::layout::Dialect;
use crate::time::{TimeFormat, Zone};

/// Reads CSV files: one file, the files that match a pattern, or those of a folder; plain, gzip (`.gz`) or zstd (`.zst`).
///
/// Each column gets the type that the topic's schema gives to a column of its name, or that `types` gives it; without
/// either it is a string. A field that does not fit its type exactly is never changed to fit: the record is rejected, with
/// file, line and column. So is a record with too many or too few fields, with quotes that do not stand as RFC 4180 has
/// them, with text that is not UTF-8 or with NUL bytes. A quote that never closes takes the rest of the file as one record.
///
/// Lines end in LF, CR LF or CR; blank lines are skipped, and so is a byte order mark. Blanks around a field belong to it,
/// also in the header, where names that differ in anything, such as case, are different names.
///
/// - **string**: any text. **binary**: the bytes of the text.
/// - **boolean**: `true` and `false` in any case, `1` and `0`.
/// - **tinyint … bigint**: digits, with a sign or zeros before them. `1.0`, `1e3` and `1,000` are refused.
/// - **float, double**: a number with or without point and exponent, taken as the nearest float. Refused are NaN and
///   infinity, what overflows (1e400) or would become zero (1e-400), and a whole number in digits that would be rounded
///   (9007199254740993).
/// - **decimal(p,s)**: digits and at most one point, with at most s digits behind it, zeros at the end not counted.
/// - **date, timestamp**: as `time` says; days and hours that do not exist (2023-02-29, 24:00, second 60) are refused, and
///   so are digits finer than the column unless they are zeros.
///
/// A file is compressed if its name says so, and refused if it is not what its name says. Compressed data that is damaged or
/// ends in the middle fails where that shows, behind the records before that; gzip knows only at the end whether all of them
/// were right.
///
/// How far each file was read is stored with the records. The next start goes on there: a file that was read to its end is
/// not read again, and one that has grown is read on. A file that was replaced or cut meanwhile is refused.
/// Several tasks share the files by the hash of their paths.
///
/// ```yaml
/// type: csv
/// config:
///   path: data/stocks.csv
///   types: { event_time: timestamp }
///   time: { formats: { event_time: "%m/%d/%Y %H:%M" }, zone: America/New_York }
///   replay: { by: event_time, speed: 60 }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvConfig {
    /// A file, a pattern such as `data/*.csv`, or a folder, relative to the pipeline file. Of a folder the files are taken
    /// whose names end in `.csv`, `.tsv` or `.txt`, with `.gz` or `.zst` behind it if they are compressed. Files are read
    /// in the order of their names.
    pub path: String,
    /// What separates the fields: one ASCII character.
    #[serde(default = "comma")]
    pub delimiter: String,
    /// What encloses a field that holds delimiters or line breaks; doubled, it stands for itself. One ASCII character, or
    /// an empty text: quotes mean nothing.
    #[serde(default = "double_quote")]
    pub quote: String,
    /// Whether the first line of each file names its columns. All files have the same columns in the same order.
    #[serde(default = "yes")]
    pub header: bool,
    /// The names of the columns, for files without a header (`header: false`).
    #[serde(default)]
    pub columns: Vec<String>,
    /// The types of columns for which that of the topic's schema is not right, because a transform changes or renames
    /// them: `{ ts: timestamp, price: "decimal(18,6) not null" }`.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
    /// The texts that are null, in every column, with or without quotes. Null in a `not null` column is rejected.
    #[serde(default = "empty_text")]
    pub nulls: Vec<String>,
    /// How dates and timestamps are written.
    #[serde(default)]
    pub time: Time,
    /// Whether to wait for more at the end, as `tail -f` does, instead of ending. New files of a pattern or folder are read
    /// too. A last line is read once its line break is there. Compressed files are read once, and must appear complete.
    #[serde(default)]
    pub follow: bool,
    /// Releases the records at the pace of their own time, instead of as fast as they can be read.
    #[serde(default)]
    pub replay: Option<Replay>,
    /// The longest record, in bytes, at most 1GiB; a longer one is rejected with its place and its first 4 KiB. It bounds
    /// the memory that a damaged file can take.
    #[serde(default = "max_record")]
    pub max_record: ByteSize,
}

/// How dates and timestamps are written.
///
/// A format is `iso8601` (`2026-01-02`, `2026-01-02T14:30:00.123Z`, `2026-01-02 14:30+01:00`), `unix_s`, `unix_ms` or
/// `unix_us` (seconds, milliseconds, microseconds since 1970 UTC), or a strptime pattern such as `%m/%d/%Y %H:%M`.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// The format of all columns that `formats` does not name.
    #[serde(default = "iso8601")]
    pub format: String,
    /// The formats of single columns.
    #[serde(default)]
    pub formats: BTreeMap<String, String>,
    /// The time zone of texts that name none, such as `America/New_York`. A local time that occurs twice or never, because
    /// clocks change, is rejected.
    #[serde(default = "utc")]
    pub zone: String,
}

/// The pace at which records are released.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The column by whose time records are released: a date or a timestamp. The first record of a run is released at
    /// once and each other one as much later as its time is, divided by `speed`. A record without time, or that is late,
    /// is released at once.
    pub by: String,
    /// How much faster than real time; 60 makes a minute a second.
    #[serde(default = "real_time")]
    pub speed: f64,
}

/// A batch holds the texts of a column in one buffer with offsets of 32 bits.
const MAX_RECORD_LIMIT: ByteSize = ByteSize::mib(1024);

impl Default for Time {
    fn default() -> Self {
        Self { format: iso8601(), formats: BTreeMap::new(), zone: utc() }
    }
}

fn comma() -> String {
    ",".into()
}

fn double_quote() -> String {
    "\"".into()
}

fn yes() -> bool {
    true
}

fn empty_text() -> Vec<String> {
    vec![String::new()]
}

fn iso8601() -> String {
    "iso8601".into()
}

fn utc() -> String {
    "UTC".into()
}

fn real_time() -> f64 {
    1.0
}

fn max_record() -> ByteSize {
    ByteSize::mib(1)
}

impl CsvConfig {
    /// Reports everything that is wrong beyond the shape; `topic` is the topic's schema.
    pub(crate) fn check(&self, topic: &Schema, findings: &mut Findings) {
        self.check_path(findings);
        if let Err(message) = Dialect::delimiter(&self.delimiter) {
            findings.error("/delimiter", message);
        }
        match Dialect::quote(&self.quote) {
            Err(message) => findings.error("/quote", message),
            Ok(Some(_)) if self.quote == self.delimiter => {
                findings.error("/quote", "the quote is the delimiter too, expected another character");
            }
            Ok(_) => {}
        }
        self.check_columns(findings);
        self.check_max_record(findings);
        self.check_types(findings);
        self.check_time(topic, findings);
        self.check_replay(topic, findings);
    }

    /// The column `name`, of the type that `types` gives it, or else the topic's schema.
    pub(crate) fn field(&self, name: &str, topic: &Schema) -> Result<Field, TypeError> {
        match self.types.get(name) {
            Some(text) => parse_column(name, text),
            None => Ok(match topic.field_with_name(name) {
                Ok(field) => Field::new(name, field.data_type().clone(), field.is_nullable()),
                Err(_) => Field::new(name, DataType::Utf8, true),
            }),
        }
    }

    fn check_path(&self, findings: &mut Findings) {
        if self.path.is_empty() {
            findings.error("/path", "the path is empty, expected a file, a pattern such as data/*.csv, or a folder");
        } else if let Err(error) = glob::Pattern::new(&self.path) {
            findings.error("/path", format!("`{}` is no pattern: {}", self.path, error.msg));
        }
    }

    fn check_columns(&self, findings: &mut Findings) {
        match (self.header, self.columns.is_empty()) {
            (false, true) => findings.error("/header", "files without a header need `columns: [names]`"),
            (true, false) => findings.error(
                "/columns",
                "the header names the columns, expected `header: false` for files without one, or no `columns`",
            ),
            _ => {}
        }
        let mut seen = BTreeSet::new();
        for (index, name) in self.columns.iter().enumerate() {
            if name.is_empty() {
                findings.error(format!("/columns/{index}"), "the name is empty, expected a column name");
            } else if !seen.insert(name) {
                findings.error(format!("/columns/{index}"), format!("`{name}` occurs twice, expected unique names"));
            }
        }
    }

    fn check_max_record(&self, findings: &mut Findings) {
        if self.max_record > MAX_RECORD_LIMIT {
            findings.error(
                "/max_record",
                format!("{} is more than a batch holds, expected at most {MAX_RECORD_LIMIT}", self.max_record),
            );
        }
    }

    fn check_types(&self, findings: &mut Findings) {
        for (name, text) in &self.types {
            let pointer = pointer("/types", name);
            match parse_column(name, text) {
                Err(error) => findings.error(pointer, error.to_string()),
                Ok(field) if !is_readable(field.data_type()) => findings.error(
                    pointer,
                    format!("a field of a csv file holds no {}, expected a plain type", type_text(field.data_type())),
                ),
                Ok(_) => self.check_named(name, &pointer, findings),
            }
        }
    }

    fn check_time(&self, topic: &Schema, findings: &mut Findings) {
        if let Err(message) = Zone::parse(&self.time.zone) {
            findings.error("/time/zone", message);
        }
        if let Err(message) = TimeFormat::parse(&self.time.format) {
            findings.error("/time/format", message);
        }
        for (name, format) in &self.time.formats {
            let pointer = pointer("/time/formats", name);
            if let Err(message) = TimeFormat::parse(format) {
                findings.error(&pointer, message);
            }
            self.check_named(name, &pointer, findings);
            self.check_is_time(name, topic, &pointer, findings);
        }
    }

    fn check_replay(&self, topic: &Schema, findings: &mut Findings) {
        let Some(replay) = &self.replay else { return };
        if !(replay.speed > 0.0 && replay.speed.is_finite()) {
            findings.error("/replay/speed", format!("{} is no speed, expected a number above 0", replay.speed));
        }
        self.check_named(&replay.by, "/replay/by", findings);
        self.check_is_time(&replay.by, topic, "/replay/by", findings);
    }

    /// Whether `name` is a column, as far as that is known without the files.
    fn check_named(&self, name: &str, pointer: &str, findings: &mut Findings) {
        if !self.columns.is_empty() && !self.columns.iter().any(|column| column == name) {
            let meant = nearest(name, self.columns.iter().map(String::as_str));
            findings.error(pointer, unknown_column(name, meant, &self.columns));
        }
    }

    fn check_is_time(&self, name: &str, topic: &Schema, pointer: &str, findings: &mut Findings) {
        let Ok(field) = self.field(name, topic) else { return };
        if !matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..)) {
            findings.error(
                pointer,
                format!(
                    "`{name}` is a {}, expected a date or timestamp column; `types: {{ {name}: timestamp }}` makes it one",
                    type_text(field.data_type())
                ),
            );
        }
    }
}

/// Says that there is no column `name`, and which there are.
pub(crate) fn unknown_column(name: &str, meant: Option<&str>, columns: &[String]) -> String {
    let expected = columns.join(", ");
    match meant {
        Some(meant) => format!("there is no column `{name}`, did you mean `{meant}`? expected one of {expected}"),
        None => format!("there is no column `{name}`, expected one of {expected}"),
    }
}

/// The JSON pointer to `key` in the map at `parent`.
fn pointer(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}
