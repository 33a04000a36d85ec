//! The rows that a pipeline has written, read back by other means than its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Map, Value};

use crate::support::Project;

/// A row as a text: `column=value` in the order of the columns' names, without the nulls. Numbers of one value are one text.
pub(crate) type Row = String;

/// The rows of all Parquet files below a folder, sorted, with the columns that are in their path.
pub(crate) fn parquet(project: &Project, folder: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for file in project.files(folder) {
        assert_eq!(file.extension().unwrap(), "parquet", "{}", file.display());
        let partition = partition(file.strip_prefix(project.path(folder)).unwrap());
        let reader = SerializedFileReader::new(File::open(&file).unwrap()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let columns = row.get_column_iter().filter_map(|(name, field)| Some((name.clone(), parquet_text(field)?)));
            rows.push(text(columns.chain(partition.clone()).collect()));
        }
    }
    rows.sort_unstable();
    rows
}

/// The rows of all files of JSON lines below a folder, sorted.
pub(crate) fn json(project: &Project, folder: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for file in project.files(folder) {
        let bytes = fs::read(&file).unwrap();
        let lines = match file.to_str().unwrap() {
            path if path.ends_with(".json.gz") => {
                let mut lines = String::new();
                MultiGzDecoder::new(&bytes[..]).read_to_string(&mut lines).unwrap();
                lines
            }
            path => {
                assert!(path.ends_with(".json"), "{path}");
                String::from_utf8(bytes).unwrap()
            }
        };
        rows.extend(json_lines(&lines));
    }
    rows.sort_unstable();
    rows
}

/// The rows of JSON lines, in their order.
pub(crate) fn json_lines(lines: &str) -> Vec<Row> {
    let row = |line| {
        let columns: Map<String, Value> = serde_json::from_str(line).unwrap();
        text(columns.into_iter().filter_map(|(name, value)| Some((name, json_text(value)?))).collect())
    };
    lines.lines().map(row).collect()
}

/// The rows of a CSV without quotes, sorted.
pub(crate) fn csv(text_of_file: &str) -> Vec<Row> {
    let mut lines = text_of_file.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut rows: Vec<Row> = lines
        .map(|line| {
            let fields = header.iter().zip(line.split(',')).filter(|(_, field)| !field.is_empty());
            text(fields.map(|(name, field)| ((*name).to_owned(), csv_text(field))).collect())
        })
        .collect();
    rows.sort_unstable();
    rows
}

/// Asserts that these are the expected rows, each as often as it is expected.
#[track_caller]
pub(crate) fn assert_exactly(rows: &[Row], expected: &[Row], what: &str) {
    if let Some(difference) = difference(rows, expected) {
        panic!("{what}: {difference}");
    }
}

/// What tells sorted rows from the expected ones, each as often as it is expected; `None` if nothing does.
pub(crate) fn difference(rows: &[Row], expected: &[Row]) -> Option<String> {
    if rows == expected {
        return None;
    }
    let (missing, extra) = (without(expected, rows), without(rows, expected));
    Some(format!(
        "{} rows, expected {}; {} missing such as {:?}; {} too many such as {:?}",
        rows.len(),
        expected.len(),
        missing.len(),
        missing.first(),
        extra.len(),
        extra.first(),
    ))
}

fn without(rows: &[Row], others: &[Row]) -> Vec<Row> {
    let mut counts: BTreeMap<&Row, i64> = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(row).or_default() += 1);
    others.iter().for_each(|row| *counts.entry(row).or_default() -= 1);
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(row, _)| row.clone()).collect()
}

fn text(columns: BTreeMap<String, String>) -> Row {
    columns.iter().map(|(name, value)| format!("{name}={value}|")).collect()
}

/// The columns in a path of Hive form.
fn partition(path: &Path) -> Vec<(String, String)> {
    let folders = path.parent().unwrap().iter().map(|folder| folder.to_str().unwrap().split_once('=').unwrap());
    folders.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn parquet_text(field: &Field) -> Option<String> {
    match field {
        Field::Null => None,
        Field::Int(number) => Some(number.to_string()),
        Field::Long(number) => Some(number.to_string()),
        Field::Double(number) => Some(number.to_string()),
        Field::Str(text) => Some(text.clone()),
        Field::Date(_) => Some(field.to_string()),
        Field::TimestampMillis(_) => Some(field.to_string().trim_end_matches(" +00:00").to_owned()),
        other => panic!("a field of another type than those of the tests: {other:?}"),
    }
}

fn json_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Number(number) => {
            Some(number.as_i64().map_or_else(|| number.as_f64().unwrap().to_string(), |n| n.to_string()))
        }
        other => Some(other.to_string()),
    }
}

fn csv_text(field: &str) -> String {
    let integer = field.parse::<i64>().map(|number| number.to_string());
    integer.or_else(|_| field.parse::<f64>().map(|number| number.to_string())).unwrap_or_else(|_| field.to_owned())
}
