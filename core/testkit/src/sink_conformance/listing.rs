//! What it says of what it left, to whoever compares.

use pipeline_api::{CountRows, Found, OffsetRange, Origin, Result, Rows, TopicPartition};

use super::Subject;
use super::writing::ROWS;
use crate::case::{Outcome, list_cases};
use crate::text::assert_same;

list_cases! {
    "Sink::list": "Lists what readers find where a sink with this config writes: what its flushes left, and what anybody else put there." => [
        what_was_flushed_is_listed_by_its_ranges,
        what_another_topic_left_is_listed_as_foreign,
    ]
    "Sink::list": "Called in place of `open`, because a person wants to know whether all is there; changes nothing, and tasks of the same sink may write meanwhile." => [
        a_listing_changes_nothing,
    ]
}

impl Subject {
    /// What it lists, if it lists anything.
    async fn list(&self) -> Result<Option<Vec<Found>>> {
        let count = CountRows::Everywhere;
        self.plugin.registration.list(self.plugin.config.clone(), self.context(), count).await
    }
}

async fn what_was_flushed_is_listed_by_its_ranges(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.write(sink.as_mut(), &[(0, 0..50), (1, 0..50)], ROWS).await?;
    subject.write(sink.as_mut(), &[(0, 50..70)], ROWS).await?;
    subject.put(sink.as_mut(), &[(0, 70..80)], ROWS).await?;
    sink.flush(subject.ranges_of(1, &[(0, 70..80)])).await?;
    let Some(found) = subject.list().await? else { return Ok(()) };
    assert_same(found.iter().map(|found| found.url.clone()), stored(&subject), "the addresses that are listed");
    for (partition, start, end, revision) in [(0, 0, 50, 0), (1, 0, 50, 0), (0, 50, 70, 0), (0, 70, 80, 1)] {
        let (partition, offsets) = (TopicPartition::new(&*subject.topic, partition), OffsetRange::new(start, end));
        let origin = Origin::Flush { partition, offsets, revision };
        let of_range: Vec<&Found> = found.iter().filter(|found| found.origin == origin).collect();
        let flushed = |found: &&Found| found.flushed.is_none_or(|rows| rows == (end - start) as u64);
        assert!(of_range.iter().all(flushed), "the rows that the flush of {origin:?} left: {of_range:?}");
        let rows: Vec<&Rows> = of_range.iter().map(|found| &found.rows).collect();
        let sum: u64 = rows.iter().map(|rows| if let Rows::Counted(rows) = rows { *rows } else { 0 }).sum();
        assert_eq!(sum, (end - start) as u64, "the rows that are listed of {origin:?}: {rows:?}");
    }
    Ok(())
}

async fn what_another_topic_left_is_listed_as_foreign(subject: Subject) -> Outcome {
    let other = subject.on_topic("conformance2");
    other.write(other.open().await?.as_mut(), &[(0, 0..10)], ROWS).await?;
    let Some(found) = subject.list().await? else { return Ok(()) };
    assert_same(found.iter().map(|found| found.url.clone()), stored(&subject), "the addresses that are listed");
    assert!(found.iter().all(|found| found.origin == Origin::Foreign), "{found:?}");
    Ok(())
}

async fn a_listing_changes_nothing(subject: Subject) -> Outcome {
    subject.list().await?;
    let made: Vec<_> = std::fs::read_dir(subject.folder.path())?.collect();
    assert!(made.is_empty(), "what a listing makes: {made:?}");
    let (mut sink, spans) = (subject.open().await?, [(0, 0..50), (1, 0..50)]);
    subject.put(sink.as_mut(), &spans, ROWS).await?;
    let work = sink.flush(subject.ranges(&spans));
    subject.list().await?;
    work.await?;
    let before = subject.stored();
    subject.list().await?;
    subject.assert_still_stored(&before, "after a listing");
    Ok(())
}

fn stored(subject: &Subject) -> impl Iterator<Item = String> {
    subject.stored().into_iter().map(|stored| stored.url)
}
