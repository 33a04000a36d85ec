//! Seeded faults against the cases that find them.

use std::fmt::Debug;

use pipeline_testkit::Case;

/// Asserts that each fault is found by the case that is named beside it, and that the case says what the contract says.
pub(crate) async fn assert_found<S, F: Copy + Debug>(
    cases: Vec<Case<S>>,
    faults: &[(F, &str)],
    subject: impl Fn(F) -> S,
) {
    for (fault, case) in faults {
        let outcome = cases.iter().find(|found| found.name == *case).unwrap().run(subject(*fault)).await;
        let fault_text = outcome.expect_err(&format!("{fault:?} passes {case}"));
        assert!(fault_text.starts_with(case) && fault_text.contains("the contract says at"), "{fault_text}");
    }
}

/// Asserts that each case of the suite's own finds a fault.
pub(crate) fn assert_each_finds_one<S, F>(cases: Vec<Case<S>>, faults: &[(F, &str)]) {
    for case in cases.iter().filter(|case| !case.contract.starts_with("Plugin::")) {
        assert!(faults.iter().any(|(_, found_by)| *found_by == case.name), "{} finds none", case.name);
    }
}
