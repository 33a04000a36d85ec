//! The queries of a run, said before one.

use pipeline_api::{Artifact, Calls, Dataset, Often, Scans};
use pipeline_checks::Check;

use crate::config::{AthenaCheckConfig, When};
use crate::files::counts;

/// The queries that the checks make, and what Athena reads for them. A column of the path is in no file.
pub(crate) fn calls(config: &AthenaCheckConfig, dataset: &Dataset, artifacts: &[Artifact]) -> Vec<Calls> {
    let meanwhile = match config.when {
        When::End => None,
        When::Flush => Some(Often::Flush),
        When::Every(pause) => Some(Often::Every(pause.get())),
    };
    let mut calls = Vec::new();
    let counts_rows = config.checks.iter().any(|check| matches!(check, Check::RowCount(_)));
    if let Some(often) = meanwhile.filter(|_| counts_rows) {
        let artifacts: Vec<&Artifact> = artifacts.iter().collect();
        let count = counts(&config.table, &artifacts, &dataset.partition_columns).len() as u64;
        calls.push(Calls { what: "query: row_count of the files".into(), count, often, scans: Some(Scans::Files) });
    }
    for often in meanwhile.into_iter().chain([Often::End]) {
        let is_one_of_all = |check: &&Check| match check {
            Check::Sql(_) => false,
            Check::RowCount(_) => often == Often::End,
            _ => true,
        };
        let combined: Vec<&Check> = config.checks.iter().filter(is_one_of_all).collect();
        if !combined.is_empty() {
            let names: Vec<&str> = combined.iter().map(|check| name(check)).collect();
            let columns = columns(&combined, dataset);
            calls.push(query(&format!("query: {}", names.join(", ")), often, Scans::Columns(columns)));
        }
        for check in &config.checks {
            if let Check::Sql(sql) = check {
                let name = sql.name.as_deref().unwrap_or_else(|| sql.query.trim());
                calls.push(query(&format!("query: {name}"), often, Scans::Everything));
            }
        }
    }
    calls
}

fn query(what: &str, often: Often, scans: Scans) -> Calls {
    Calls { what: what.to_owned(), count: 1, often, scans: Some(scans) }
}

/// What one query reads for these checks: the aggregates share a scan of the table, each `unique` has its own.
fn columns(checks: &[&Check], dataset: &Dataset) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let mut of_unique = Vec::new();
    for check in checks {
        for column in check.columns().iter().filter(|column| dataset.columns.field_with_name(column).is_ok()) {
            match check {
                Check::Unique(_) => of_unique.push(column.clone()),
                _ if columns.contains(column) => {}
                _ => columns.push(column.clone()),
            }
        }
    }
    columns.extend(of_unique);
    columns
}

fn name(check: &Check) -> &'static str {
    match check {
        Check::RowCount(_) => "row_count",
        Check::NotNull(_) => "not_null",
        Check::Unique(_) => "unique",
        Check::Between(_) => "between",
        Check::Freshness(_) => "freshness",
        Check::Sql(_) => "sql",
    }
}
