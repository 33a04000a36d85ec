//! Records as text, and what is different between two lists of them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::Arc;

use arrow::row::{RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use pipeline_api::RecordBatch;

/// A row that is compared by its bytes, because most are never shown.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    bytes: Box<[u8]>,
    of: Option<(Arc<RecordBatch>, usize)>,
}

impl Row {
    /// Each row of a batch.
    pub(crate) fn all_of(records: RecordBatch) -> Vec<Self> {
        if records.num_columns() == 0 {
            return vec![Self { bytes: Box::default(), of: None }; records.num_rows()];
        }
        let fields = records.columns().iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let rows = RowConverter::new(fields).and_then(|converter| converter.convert_columns(records.columns()));
        let rows = rows.unwrap_or_else(|error| panic!("the records cannot be compared: {error}"));
        let records = Arc::new(records);
        let row = |(place, row): (usize, arrow::row::Row<'_>)| Self {
            bytes: row.as_ref().into(),
            of: Some((records.clone(), place)),
        };
        rows.iter().enumerate().map(row).collect()
    }

    /// A row that is nothing but a text.
    pub(crate) fn text(text: &str) -> Self {
        Self { bytes: text.as_bytes().into(), of: None }
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Row {}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Some((records, row)) => row_texts(&records.slice(*row, 1)).iter().try_for_each(|text| f.write_str(text)),
            None => f.write_str(&String::from_utf8_lossy(&self.bytes)),
        }
    }
}

/// Each row as a person reads it: `symbol=IBM, close=100.25`.
pub(crate) fn row_texts(records: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("∅");
    let formatter = |column| ArrayFormatter::try_new(column, &options).unwrap_or_else(|error| panic!("{error}"));
    let columns: Vec<_> = records.columns().iter().map(|column| formatter(column.as_ref())).collect();
    let fields = records.schema_ref().fields();
    let text =
        |row| fields.iter().zip(&columns).map(move |(field, column)| format!("{}={}", field.name(), column.value(row)));
    (0..records.num_rows()).map(|row| text(row).collect::<Vec<_>>().join(", ")).collect()
}

/// Panics unless both lists hold the same in the same order; says where they part.
pub(crate) fn assert_same_order<T: PartialEq + Display>(found: &[T], expected: &[T], what: &str) {
    if found == expected {
        return;
    }
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    let shown = |list: &[T]| list.get(at).map_or("nothing more".to_owned(), |row| format!("{:?}", row.to_string()));
    panic!(
        "{what}: {} rows, expected {}; row {at} is {}, expected {}",
        found.len(),
        expected.len(),
        shown(found),
        shown(expected)
    );
}

/// Panics unless both hold the same equally often; says what is lost, doubled or foreign.
pub(crate) fn assert_same<T: Ord + Display>(
    found: impl IntoIterator<Item = T>,
    expected: impl IntoIterator<Item = T>,
    what: &str,
) {
    let mut counts: BTreeMap<T, i64> = BTreeMap::new();
    expected.into_iter().for_each(|row| *counts.entry(row).or_default() -= 1);
    found.into_iter().for_each(|row| *counts.entry(row).or_default() += 1);
    let different = counts.into_iter().filter(|(_, count)| *count != 0);
    let (lost, more): (Vec<_>, Vec<_>) = different.partition(|(_, count)| *count < 0);
    assert!(lost.is_empty() && more.is_empty(), "{what}: {}, {}", listed("lost", &lost), listed("too many", &more));
}

fn listed<T: Display>(word: &str, rows: &[(T, i64)]) -> String {
    match rows.first() {
        None => format!("0 {word}"),
        Some((first, _)) => format!("{} {word} (such as `{first}`)", rows.iter().map(|(_, n)| n.abs()).sum::<i64>()),
    }
}
