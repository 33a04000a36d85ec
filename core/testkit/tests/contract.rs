//! What the suites quote stands in the contract.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use pipeline_testkit::{
    Case, converter_conformance, hook_conformance, sink_conformance, source_conformance, transform_conformance,
};

/// The doc comments of `pipeline-api` as one text, without their slashes and line breaks.
fn contract() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src");
    let mut words = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("///"));
        words.extend(lines.flat_map(str::split_whitespace).map(str::to_owned));
    }
    words.join(" ")
}

/// The names of cases, and what they quote.
fn quotes<S>(cases: Vec<Case<S>>) -> Vec<(&'static str, &'static str)> {
    cases.iter().map(|case| (case.name, case.contract)).collect()
}

#[test]
fn every_sentence_that_a_case_quotes_stands_in_the_contract() {
    let contract = contract();
    for suite in [
        quotes(source_conformance::cases()),
        quotes(transform_conformance::cases()),
        quotes(converter_conformance::cases()),
        quotes(sink_conformance::cases()),
        quotes(hook_conformance::cases()),
    ] {
        assert!(suite.len() > 15, "{} cases", suite.len());
        for (name, quote) in suite {
            let (_, sentence) = quote.split_once(": \"").unwrap_or_else(|| panic!("{name} quotes nothing"));
            assert!(contract.contains(sentence.trim_end_matches('"')), "{name}: the contract does not say {sentence}");
        }
    }
}
