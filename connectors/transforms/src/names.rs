//! What all transforms ask of the names of columns, and say when one is wrong.

use arrow::array::{ArrayRef, RecordBatchOptions};
use arrow::datatypes::Schema;
use pipeline_api::{Error, Findings, METADATA_PREFIX, Plugin, RecordBatch, Result, SchemaRef, Severity, nearest};

/// How many names a message lists.
const LISTED: usize = 20;

/// The plan of a transform, or one error that names everything that `plan` finds wrong.
pub(crate) fn planned<P: Plugin>(plan: impl FnOnce(&mut Findings) -> P) -> Result<P> {
    let mut findings = Findings::default();
    let planned = plan(&mut findings);
    let mistakes: Vec<String> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{}{}: {}", P::TYPE, finding.pointer, finding.message))
        .collect();
    if mistakes.is_empty() { Ok(planned) } else { Err(Error::config(mistakes.join("; "))) }
}

/// Whether a column belongs to the runtime, and passes through untouched.
pub(crate) fn is_metadata(name: &str) -> bool {
    name.starts_with(METADATA_PREFIX)
}

/// The places of the runtime's columns.
pub(crate) fn metadata_columns(input: &Schema) -> impl Iterator<Item = usize> {
    input.fields().iter().enumerate().filter(|(_, field)| is_metadata(field.name())).map(|(index, _)| index)
}

/// The place of the column that `pointer` names; a wrong name is a finding.
pub(crate) fn find(input: &Schema, name: &str, pointer: &str, findings: &mut Findings) -> Option<usize> {
    if is_metadata(name) {
        findings.error(
            pointer,
            format!(
                "`{name}` belongs to the runtime, which passes it on by itself; insert_field gives it a name of your own"
            ),
        );
        return None;
    }
    let place = input.fields().iter().position(|field| field.name() == name);
    if place.is_none() {
        findings.error(pointer, format!("there is no column `{name}`, {}", suggestion(input, name)));
    }
    place
}

/// Like [`find`], for each name of the list at `pointer`. A name that comes twice is a finding.
pub(crate) fn find_all(input: &Schema, names: &[String], pointer: &str, findings: &mut Findings) -> Vec<usize> {
    if names.is_empty() {
        findings.error(pointer, "no column is named, expected at least one");
    }
    let mut found = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        match find(input, name, &pointer, findings) {
            Some(place) if found.contains(&place) => {
                findings.error(pointer, format!("`{name}` is named twice, expected each column once"));
            }
            Some(place) => found.push(place),
            None => {}
        }
    }
    found
}

/// Whether `name` may be the name of a new column beside the columns `others`; if not, that is a finding.
pub(crate) fn check_new<'a>(
    name: &str,
    mut others: impl Iterator<Item = &'a str>,
    pointer: &str,
    findings: &mut Findings,
) -> bool {
    let mistake = if name.trim().is_empty() {
        "the name is empty, expected the name of a column".into()
    } else if is_metadata(name) {
        format!("`{name}` begins with `{METADATA_PREFIX}`, which is kept for the runtime; expected another name")
    } else {
        match others.find(|other| same(other, name)) {
            Some(other) if other == name => format!("there is a column `{name}` already, expected another name"),
            Some(other) => format!(
                "`{name}` and the column `{other}` differ by case alone, which tables do not tell apart; expected another name"
            ),
            None => return true,
        }
    };
    findings.error(pointer, mistake);
    false
}

/// Whether a table takes two names for one: Glue, Athena and most engines ignore the case.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// A key as a segment of a JSON pointer (RFC 6901).
pub(crate) fn segment(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A batch of these columns. Takes the number of rows, which a batch without columns does not know.
pub(crate) fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| Error::fatal("a transform's result does not fit its schema").with_source(error))
}

fn suggestion(input: &Schema, name: &str) -> String {
    let own = || input.fields().iter().map(|field| field.name().as_str()).filter(|name| !is_metadata(name));
    let mut listed: Vec<&str> = own().take(LISTED).collect();
    if own().nth(LISTED).is_some() {
        listed.push("…");
    }
    let listed = listed.join(", ");
    match nearest(name, own()) {
        Some(meant) => format!("did you mean `{meant}`? expected one of {listed}"),
        None if listed.is_empty() => "nor any other".into(),
        None => format!("expected one of {listed}"),
    }
}
