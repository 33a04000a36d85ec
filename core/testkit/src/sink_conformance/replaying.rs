//! The same ranges again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pipeline_api::{Artifact, ErrorKind, Result, Sink};

use super::Subject;
use super::writing::{ROWS, Spans};
use crate::case::{Outcome, list_cases};
use crate::interrupted::interrupted;

list_cases! {
    "Sink::flush": "The only clock that may be looked at is [`PlannedRange::at`](crate::PlannedRange)." => [
        names_and_contents_do_not_follow_from_the_clock,
    ]
    "Sink::flush": "The same ranges with the same records must leave the same end state, however often they come." => [
        names_and_contents_do_not_follow_from_how_records_were_batched,
        a_replay_over_what_was_written_changes_nothing,
        a_flush_that_was_cut_off_is_made_whole_by_its_replay,
    ]
    "Sink::flush": "If the work fails, the runtime puts and flushes the same ranges again." => [
        a_flush_that_was_cut_off_is_made_whole_by_the_same_sink,
    ]
}

async fn names_and_contents_do_not_follow_from_the_clock(subject: Subject) -> Outcome {
    let spans = [(0, 0..60), (1, 0..30)];
    let first = subject.write(subject.open().await?.as_mut(), &spans, ROWS).await?;
    let stored = subject.stored();
    wait_for_the_next_second();
    let second = subject.write(subject.open().await?.as_mut(), &spans, ROWS).await?;
    assert_replayed(&subject, &first, &second, &stored, "a second later");
    Ok(())
}

/// No name that a clock gives is the same in the next second. This is about the clock of the machine, which no runtime can
/// move; so the thread waits for it.
fn wait_for_the_next_second() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    std::thread::sleep(Duration::from_secs(1) - Duration::from_nanos(now.subsec_nanos().into()));
}

async fn names_and_contents_do_not_follow_from_how_records_were_batched(subject: Subject) -> Outcome {
    let spans = [(0, 0..5000), (1, 0..30)];
    let first = subject.write(subject.open().await?.as_mut(), &spans, 777).await?;
    let stored = subject.stored();
    for rows in [5000, 61] {
        let again = subject.write(subject.open().await?.as_mut(), &spans, rows).await?;
        assert_replayed(&subject, &first, &again, &stored, &format!("in batches of {rows}"));
    }
    Ok(())
}

async fn a_replay_over_what_was_written_changes_nothing(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.write(sink.as_mut(), &[(0, 0..10)], ROWS).await?;
    let first = subject.write(sink.as_mut(), &[(0, 10..40), (1, 0..30)], ROWS).await?;
    let stored = subject.stored();
    let again = subject.write(sink.as_mut(), &[(0, 10..40), (1, 0..30)], ROWS).await?;
    assert_replayed(&subject, &first, &again, &stored, "by the same sink");
    let again = subject.write(subject.open().await?.as_mut(), &[(0, 10..40), (1, 0..30)], ROWS).await?;
    assert_replayed(&subject, &first, &again, &stored, "by a new sink");
    subject.assert_stored(&[(0, 0..40), (1, 0..30)], "after replays");
    Ok(())
}

/// Panics unless a replay says and leaves what the first flush did.
fn assert_replayed(subject: &Subject, first: &[Artifact], again: &[Artifact], stored: &[super::Stored], what: &str) {
    if !subject.is_exactly_once() {
        return;
    }
    let by_url = |artifacts: &[Artifact]| {
        let mut sorted = artifacts.to_vec();
        sorted.sort_by(|a, b| a.url.cmp(&b.url));
        sorted
    };
    subject.assert_still_stored(stored, &format!("replayed {what}"));
    assert_eq!(by_url(again), by_url(first), "replayed {what}: other artifacts");
}

/// In how many places a flush is cut off: before it begins, and each time it waits.
const CUTS: i64 = 8;

async fn a_flush_that_was_cut_off_is_made_whole_by_its_replay(subject: Subject) -> Outcome {
    for cut in 0..CUTS {
        let spans = [(0, 100 * cut..100 * cut + 60), (1, 100 * cut..100 * cut + 30)];
        let mut sink = subject.open().await?;
        subject.put(sink.as_mut(), &spans, ROWS).await?;
        cut_off(sink.flush(subject.ranges(&spans)), cut).await;
        drop(sink);
        let artifacts = replay(&subject, subject.open().await?.as_mut(), &spans).await?;
        subject.assert_artifacts(&artifacts, &spans);
    }
    assert_all_cuts_are_whole(&subject);
    Ok(())
}

async fn a_flush_that_was_cut_off_is_made_whole_by_the_same_sink(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    for cut in 0..CUTS {
        let spans = [(0, 100 * cut..100 * cut + 60), (1, 100 * cut..100 * cut + 30)];
        subject.put(sink.as_mut(), &spans, ROWS).await?;
        cut_off(sink.flush(subject.ranges(&spans)), cut).await;
        let artifacts = replay(&subject, sink.as_mut(), &spans).await?;
        subject.assert_artifacts(&artifacts, &spans);
    }
    assert_all_cuts_are_whole(&subject);
    Ok(())
}

/// What was cut off may still be under way somewhere, and in the way of its replay: for an error that may pass, the runtime
/// replays again.
async fn replay(subject: &Subject, sink: &mut dyn Sink, spans: &Spans) -> Result<Vec<Artifact>> {
    const MOST_ATTEMPTS: usize = 5;
    for _ in 1..MOST_ATTEMPTS {
        sink.revoke(&[subject.partition(0), subject.partition(1)]).await?;
        match subject.write(sink, spans, 10).await {
            Err(error) if error.kind() == ErrorKind::Retriable => {}
            result => return result,
        }
    }
    sink.revoke(&[subject.partition(0), subject.partition(1)]).await?;
    subject.write(sink, spans, 10).await
}

async fn cut_off<F: Future + Unpin>(work: F, cut: i64) {
    match usize::try_from(cut - 1) {
        Ok(waits) => drop(interrupted(work, waits).await),
        Err(_) => drop(work),
    }
}

fn assert_all_cuts_are_whole(subject: &Subject) {
    let spans: Vec<_> =
        (0..CUTS).flat_map(|cut| [(0, 100 * cut..100 * cut + 60), (1, 100 * cut..100 * cut + 30)]).collect();
    subject.assert_stored(&spans, "after flushes that were cut off and replayed");
}
