//! CSV files of any bytes: the records that RFC 4180 and the `csv` crate find in them become rows field by field, and all
//! others are rejected, each once.

#![no_main]

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Schema;
use libfuzzer_sys::fuzz_target;
use pipeline_api::{Context, Plugin, Source};
use pipeline_csv::CsvSource;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// So small that most files have a longer one.
const MAX_RECORD: usize = 48;

const COLUMNS: usize = 2;

thread_local! {
    static PLACE: OnceCell<(TempDir, Runtime)> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    PLACE.with(|place| {
        let (folder, runtime) =
            place.get_or_init(|| (tempfile::tempdir().unwrap(), Builder::new_current_thread().build().unwrap()));
        std::fs::write(folder.path().join("a.csv"), bytes).unwrap();
        if let Some(read) = runtime.block_on(read(folder.path())) {
            compare(bytes, read);
        }
    });
});

/// What a source gave until it ended.
#[derive(Default)]
struct Read {
    rows: Vec<Vec<String>>,
    /// The reasons.
    rejected: Vec<String>,
}

/// `None` if the file is refused as a whole.
async fn read(folder: &Path) -> Option<Read> {
    let context = Context { folder: folder.to_owned(), ..Context::new("csv", Arc::new(Schema::empty())) };
    let config = json!({
        "path": "a.csv", "header": false, "columns": ["x", "y"], "nulls": [], "max_record": MAX_RECORD
    });
    let mut source = match CsvSource::open(serde_json::from_value(config).unwrap(), context).await {
        Ok(source) => source,
        Err(error) => return refused(&error),
    };
    let mut read = Read::default();
    loop {
        match source.poll().await {
            Ok(Some(batch)) => {
                for row in 0..batch.records.num_rows() {
                    let columns = batch.records.columns().iter();
                    read.rows.push(columns.map(|column| column.as_string::<i32>().value(row).to_owned()).collect());
                }
                for rejected in batch.rejected {
                    let place: Vec<&str> = rejected.place.split(':').collect();
                    assert!(place.len() == 3 && place[1..].iter().all(|part| part.parse::<u64>().unwrap() > 0));
                    read.rejected.push(rejected.reason);
                }
            }
            Ok(None) => return Some(read),
            Err(error) => return refused(&error),
        }
    }
}

fn refused(error: &pipeline_api::Error) -> Option<Read> {
    let said = error.to_string();
    let reasons = ["the file holds", "a quote that opens in this record never closes"];
    assert!(said.starts_with("a.csv:") && reasons.iter().any(|reason| said.contains(reason)), "{said}");
    None
}

fn compare(bytes: &[u8], read: Read) {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let records = records(text);
    let (mut rows, mut rejected) = (read.rows.into_iter(), read.rejected.into_iter());
    for record in &records {
        match record.row() {
            Some(row) => assert_eq!(rows.next(), Some(row)),
            None => assert!(rejected.next().is_some()),
        }
    }
    assert_eq!((rows.next(), rejected.next()), (None, None));
    check_against_csv(bytes, &records);
}

/// A record by the letter of RFC 4180.
struct Record {
    fields: Vec<Vec<u8>>,
    /// Its length in the file, without its line break.
    length: usize,
    /// Every quote opens a field, closes one or stands for itself.
    well_quoted: bool,
}

impl Record {
    /// Its fields, if it is one that a source accepts.
    fn row(&self) -> Option<Vec<String>> {
        let fits = self.well_quoted && self.length <= MAX_RECORD && self.fields.len() == COLUMNS;
        let text = |field: &Vec<u8>| String::from_utf8(field.clone()).ok().filter(|text| !text.contains('\0'));
        fits.then(|| self.fields.iter().map(text).collect()).flatten()
    }
}

/// The records of a text, byte after byte.
fn records(text: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    let mut at = 0;
    loop {
        while matches!(text.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        if at == text.len() {
            return records;
        }
        let start = at;
        let mut record = Record { fields: Vec::new(), length: 0, well_quoted: true };
        loop {
            let mut field = Vec::new();
            if text.get(at) == Some(&b'"') {
                at += 1;
                record.well_quoted &= read_quoted(text, &mut at, &mut field);
                record.well_quoted &= matches!(text.get(at), None | Some(b',' | b'\r' | b'\n'));
            }
            while let Some(byte) = text.get(at).filter(|byte| !matches!(byte, b',' | b'\r' | b'\n')) {
                field.push(*byte);
                at += 1;
            }
            record.fields.push(field);
            if text.get(at) != Some(&b',') {
                break;
            }
            at += 1;
        }
        record.length = at - start;
        records.push(record);
    }
}

/// Reads what is behind an opening quote, and the closing one; false if there is none.
fn read_quoted(text: &[u8], at: &mut usize, field: &mut Vec<u8>) -> bool {
    while let Some(byte) = text.get(*at) {
        *at += 1;
        if *byte != b'"' {
            field.push(*byte);
        } else if text.get(*at) == Some(&b'"') {
            field.push(b'"');
            *at += 1;
        } else {
            return true;
        }
    }
    false
}

/// The `csv` crate finds the same records, where their quotes are right.
fn check_against_csv(bytes: &[u8], records: &[Record]) {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let found: Vec<csv::ByteRecord> = reader.byte_records().map(Result::unwrap).collect();
    assert_eq!(found.len(), records.len());
    for (found, record) in found.iter().zip(records).filter(|(_, record)| record.well_quoted) {
        assert!(found.iter().eq(record.fields.iter().map(Vec::as_slice)), "{found:?} {:?}", record.fields);
    }
}
