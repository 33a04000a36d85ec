//! The metadata of a committed offset: any text is read or refused, and what is read means what is written of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pipeline_runtime::run::CommitNote;

fuzz_target!(|text: &str| {
    check(text);
    // The parts of the text as the values of a note: what is beyond the form of one is what they hold.
    let mut parts = text.split(';');
    let mut part = || parts.next().unwrap_or("0");
    check(&format!("v1;topic={};end={};at={};cfg={}", part(), part(), part(), part()));
});

fn check(text: &str) {
    let Ok(Some(note)) = CommitNote::parse(text) else { return };
    assert_eq!(CommitNote::parse(&note.to_string()).unwrap(), Some(note.clone()));
    let Some(plan) = &note.plan else { return assert_eq!(note, CommitNote::settled(&note.topic_id)) };
    for committed in [i64::MIN, -1, 0, plan.end, i64::MAX] {
        let range = plan.range(committed);
        assert_eq!((range.offsets.start, range.offsets.end, range.at), (committed, plan.end, plan.at));
        assert_eq!(note, CommitNote::planned(&note.topic_id, &range, &plan.fingerprint));
    }
}
