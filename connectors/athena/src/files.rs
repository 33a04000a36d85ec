//! Whether the files that were written are in the table, with all their records.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::Schema;
use pipeline_api::{Artifact, CheckOutcome, Error, Result};
use pipeline_checks::{Dialect, FilesCounted, quoted, quoted_text};

use crate::dialect::AthenaSql;

/// Athena takes queries of 262 144 bytes.
const LONGEST_QUERY: usize = 200_000;

/// One query, and the files that it counts the records of.
#[derive(Debug)]
pub(crate) struct FileCount<'a> {
    pub(crate) sql: String,
    pub(crate) artifacts: Vec<&'a Artifact>,
}

/// The queries that count the records of each file. They name the files' partitions too, so that Athena looks into no
/// others: of a Parquet file the footer alone is read.
pub(crate) fn counts<'a>(table: &str, artifacts: &[&'a Artifact], partition_columns: &Schema) -> Vec<FileCount<'a>> {
    let (mut counts, mut some, mut length) = (Vec::new(), Vec::new(), 0);
    for artifact in artifacts {
        let values = artifact.partition_values.iter().map(|value| value.value.as_ref().map_or(0, String::len) + 16);
        let more = artifact.url.len() + 4 + values.sum::<usize>();
        if length + more > LONGEST_QUERY && !some.is_empty() {
            counts.push(count(table, std::mem::take(&mut some), partition_columns));
            length = 0;
        }
        some.push(*artifact);
        length += more;
    }
    if !some.is_empty() {
        counts.push(count(table, some, partition_columns));
    }
    counts
}

fn count<'a>(table: &str, artifacts: Vec<&'a Artifact>, partition_columns: &Schema) -> FileCount<'a> {
    let paths = artifacts.iter().map(|artifact| quoted_text(&artifact.url)).collect::<Vec<_>>().join(", ");
    let partitions = partition_columns.fields().iter().enumerate().filter_map(|(index, column)| {
        let values: BTreeSet<_> =
            artifacts.iter().map(|artifact| Some(&artifact.partition_values.get(index)?.value)).collect();
        // One of them does not say its partition: any may be its.
        let values = values.into_iter().collect::<Option<Vec<_>>>()?;
        let name = quoted(column.name());
        let known: Vec<_> =
            values.iter().copied().flatten().map(|value| AthenaSql.literal(value, Some(column.data_type()))).collect();
        let listed = (!known.is_empty()).then(|| format!("{name} IN ({})", known.join(", ")));
        let null = values.contains(&&None).then(|| format!("{name} IS NULL"));
        Some(format!(" AND ({})", listed.into_iter().chain(null).collect::<Vec<_>>().join(" OR ")))
    });
    let partitions: String = partitions.collect();
    let sql = format!(
        "SELECT \"$path\", count(*) FROM {} WHERE \"$path\" IN ({paths}){partitions} GROUP BY 1",
        quoted(table)
    );
    FileCount { sql, artifacts }
}

impl FileCount<'_> {
    /// One outcome for all files that are right, and one for each that is not.
    ///
    /// Errors: `rows` is not the answer to the query.
    pub(crate) fn judge(&self, table: &str, rows: &[Vec<Option<String>>]) -> Result<Vec<CheckOutcome>> {
        let mut counted = BTreeMap::new();
        for row in rows {
            let [Some(path), Some(count)] = row.as_slice() else { return Err(no_count()) };
            counted.insert(path.as_str(), count.parse::<u64>().map_err(|_| no_count())?);
        }
        let mut files = FilesCounted::default();
        for artifact in &self.artifacts {
            files.add(table, artifact, counted.get(artifact.url.as_str()).copied());
        }
        Ok(files.outcomes(table))
    }
}

fn no_count() -> Error {
    Error::fatal("Athena gave something else than a path and a number for each file")
}
