//! The pages of faults and of what Athena wants, against the tests that they name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const FAULTS: &str = "tests/FAULTS.md";
const ATHENA: &str = "tests/ATHENA.md";

/// The faults that this project was designed against.
fn faults() -> BTreeSet<String> {
    let padded = |kind: &str, to: usize| (1..=to).map(|n| format!("{kind}{n:02}")).collect::<Vec<_>>();
    [padded("c", 18), padded("s", 5), numbered("F", 40), numbered("I", 18)].concat().into_iter().collect()
}

/// The rules of the engine behind Athena: of Glue, Parquet, JSON and SQL.
fn rules() -> BTreeSet<String> {
    [numbered("G", 12), numbered("P", 9), numbered("J", 9), numbered("S", 3)].concat().into_iter().collect()
}

fn numbered(kind: &str, to: usize) -> Vec<String> {
    (1..=to).map(|n| format!("{kind}{n}")).collect()
}

/// What is wrong with a page that has a row for each of these, a line each.
fn mistakes(page: &str, known: BTreeSet<String>, source: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let (mut mistakes, mut missing) = (Vec::new(), known);
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id ")) {
        let id = row.split('|').nth(1).unwrap_or_default().trim();
        if !missing.remove(id) {
            mistakes.push(format!("`{id}` is not known, or comes twice"));
        }
        let proof = row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        let (mut text, mut tests) = (None, 0);
        for name in proof.split('`').skip(1).step_by(2) {
            if name.ends_with(".rs") {
                text = source(name);
                if text.is_none() {
                    mistakes.push(format!("{id}: there is no {name}"));
                }
                continue;
            }
            tests += 1;
            let is_there = text.as_ref().is_some_and(|text| text.contains(&format!("fn {name}(")));
            if !is_there {
                mistakes.push(format!("{id}: there is no `{name}`"));
            }
        }
        if (tests == 0) != proof.starts_with("no test: ") {
            mistakes.push(format!("{id}: expected tests, or why there are none"));
        }
    }
    mistakes.extend(missing.into_iter().map(|id| format!("`{id}` has no row")));
    mistakes
}

#[test]
fn every_fault_and_every_rule_of_athena_has_a_test_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    for (page, known) in [(FAULTS, faults()), (ATHENA, rules())] {
        let found = mistakes(&read(page).unwrap(), known, read);
        assert!(found.is_empty(), "{page}:\n{}", found.join("\n"));
    }
}

#[test]
fn a_page_that_names_what_is_not_there_is_found() {
    let source = |path: &str| (path == "a.rs").then(|| "fn one() {}\nfn a_longer_one() {}".to_owned());
    let found = |rows: &str| {
        let all = mistakes(rows, faults(), source);
        all.into_iter().filter(|mistake| !mistake.ends_with("has no row")).collect::<Vec<_>>()
    };
    assert_eq!(found("| id | x |\n|---|---|\n| F1 | `a.rs` `one` `a_longer_one` |"), [""; 0]);
    assert_eq!(found("| F1 | no test: Kafka is not built yet |"), [""; 0]);
    for wrong in [
        "| F1 | `b.rs` |",
        "| F1 | `a.rs` `two` |",
        "| F1 | `a.rs` `longer_one` |",
        "| F1 | `one` |",
        "| F1 | `a.rs` |",
        "| F1 | nothing |",
        "| F1 | `a.rs` `one` | nothing |",
        "| F99 | `a.rs` `one` |",
        "| F1 | `a.rs` `one` |\n| F1 | `a.rs` `one` |",
    ] {
        assert!(!found(wrong).is_empty(), "{wrong}");
    }
    assert_eq!(mistakes("", rules(), source).len(), rules().len());
}
