//! What a run will ask, said before it.

use pipeline_api::{Artifact, Calls, Findings, Hook, Often, Scans};

use super::*;

const QUARTER: Often = Often::Every(std::time::Duration::from_secs(900));

fn calls(when: Option<&str>, checks: Value, artifacts: &[Artifact]) -> Vec<(String, u64, Often, Scans)> {
    let mut config = json!({ "database": "market", "table": "stocks", "checks": checks });
    if let Some(when) = when {
        config["when"] = when.into();
    }
    let outlook = AthenaCheck::outlook(&serde_json::from_value(config).unwrap(), &context(), artifacts).unwrap();
    let parts = |Calls { what, count, often, scans }| (what, count, often, scans.unwrap());
    outlook.calls.into_iter().map(parts).collect()
}

#[test]
fn each_query_of_a_run_is_foreseen_with_what_it_reads() {
    let checks = json!([
        { "row_count": {} },
        { "not_null": ["id", "symbol", "close"] },
        { "unique": ["id", "symbol"] },
        { "between": { "column": "close", "min": 0 } },
        { "sql": { "name": "odd ones", "query": "select count(*) from stocks", "expect": 0 } },
    ]);
    let files = [file(Some("IBM"), 0), file(None, 0)];
    // A symbol is in the path and costs nothing; what is unique is read once more than the rest.
    let columns = || Scans::Columns(vec!["id".into(), "close".into(), "id".into()]);
    let at_end = [
        ("query: row_count, not_null, unique, between".to_owned(), 1, Often::End, columns()),
        ("query: odd ones".to_owned(), 1, Often::End, Scans::Everything),
    ];
    let meanwhile = |often| {
        vec![
            ("query: row_count of the files".to_owned(), 1, often, Scans::Files),
            ("query: not_null, unique, between".to_owned(), 1, often, columns()),
            ("query: odd ones".to_owned(), 1, often, Scans::Everything),
        ]
    };
    assert_eq!(calls(None, checks.clone(), &files), [meanwhile(QUARTER), at_end.to_vec()].concat());
    assert_eq!(calls(Some("flush"), checks.clone(), &files), [meanwhile(Often::Flush), at_end.to_vec()].concat());
    assert_eq!(calls(Some("end"), checks, &files), at_end);
}

#[test]
fn files_that_fill_more_than_one_query_are_asked_by_several() {
    let files: Vec<_> = (0..3000).map(|first| file(Some("IBM"), first)).collect();
    assert_eq!(calls(None, json!([{ "row_count": {} }]), &files)[0].1, 2);
}

#[test]
fn a_key_that_makes_the_folders_is_warned_of() {
    let config = json!({ "database": "d", "table": "t", "checks": [
        { "unique": ["symbol"] }, { "unique": ["symbol", "year"] }, { "unique": ["symbol", "id"] }, { "not_null": ["symbol"] },
    ] });
    let mut findings = Findings::default();
    AthenaCheck::validate_dataset(&serde_json::from_value(config).unwrap(), &dataset(), &mut findings);
    let found: Vec<_> = findings.into_iter().map(|finding| (finding.pointer, finding.message)).collect();
    let message = |names: &str| {
        format!(
            "{names} is unique and makes the sink's folders, so that each record is a file of its own; expected a partition_by \
             whose values many records share"
        )
    };
    assert_eq!(
        found,
        [
            ("/checks/0/unique".to_owned(), message("`symbol`")),
            ("/checks/1/unique".to_owned(), message("`symbol`, `year`"))
        ]
    );
}
