//! From records that were put to records that are durable.

use pipeline_api::{OffsetRange, SinkBatch, Task};

use super::Subject;
use super::writing::ROWS;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Sink::flush": "Detaches what was put for these ranges as work that makes it durable" => [
        a_flush_loses_and_doubles_no_record,
        offsets_without_a_record_are_covered,
        a_flush_takes_the_partitions_of_its_ranges_and_leaves_the_others,
        the_work_needs_the_sink_no_more,
        tasks_do_not_disturb_each_other,
    ]
    "Sink::flush": "The next ranges are put while that work goes on." => [
        what_is_put_while_a_flush_is_under_way_goes_into_the_next,
    ]
    "Sink::flush": "A range without records still gets a call, and leaves nothing." => [
        a_range_without_records_leaves_nothing,
    ]
}

async fn a_flush_loses_and_doubles_no_record(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.write(sink.as_mut(), &[(0, 0..100), (1, 0..41), (2, 5..6)], 7).await?;
    subject.assert_stored(&[(0, 0..100), (1, 0..41), (2, 5..6)], "after one flush");
    subject.write(sink.as_mut(), &[(0, 100..101), (1, 41..300)], 100).await?;
    subject.assert_stored(&[(0, 0..101), (1, 0..300), (2, 5..6)], "after two flushes");
    Ok(())
}

async fn offsets_without_a_record_are_covered(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    // A filter dropped the records at 0..10, 15..20 and 25..30.
    for (offsets, covered) in [(10..15, (0, 20)), (20..25, (20, 30))] {
        let offsets_covered = OffsetRange::new(covered.0, covered.1);
        sink.put(SinkBatch { offsets: offsets_covered, ..subject.batch(0, offsets) }).await?;
    }
    let artifacts = sink.flush(subject.ranges(&[(0, 0..30)])).await?;
    subject.assert_stored(&[(0, 10..15), (0, 20..25)], "with dropped records");
    for artifact in artifacts {
        assert_eq!(artifact.offsets, OffsetRange::new(0, 30), "an artifact says other offsets than its flush covered");
    }
    Ok(())
}

async fn a_flush_takes_the_partitions_of_its_ranges_and_leaves_the_others(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.put(sink.as_mut(), &[(0, 0..20), (1, 0..30), (10, 0..40)], ROWS).await?;
    sink.flush(subject.ranges(&[(1, 0..30)])).await?;
    subject.assert_stored(&[(1, 0..30)], "after the flush of one partition");
    sink.flush(subject.ranges(&[(0, 0..20), (10, 0..40)])).await?;
    subject.assert_stored(&[(0, 0..20), (1, 0..30), (10, 0..40)], "after the flush of the others");
    Ok(())
}

async fn the_work_needs_the_sink_no_more(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.put(sink.as_mut(), &[(0, 0..20)], ROWS).await?;
    let work = sink.flush(subject.ranges(&[(0, 0..20)]));
    drop(sink);
    work.await?;
    subject.assert_stored(&[(0, 0..20)], "after the sink was dropped");
    Ok(())
}

async fn tasks_do_not_disturb_each_other(subject: Subject) -> Outcome {
    let mut sinks =
        [subject.open_task(Task { index: 0, of: 2 }).await?, subject.open_task(Task { index: 1, of: 2 }).await?];
    subject.put(sinks[0].as_mut(), &[(0, 0..50), (2, 0..50)], ROWS).await?;
    subject.put(sinks[1].as_mut(), &[(1, 0..50), (3, 0..50)], ROWS).await?;
    let works = (
        sinks[0].flush(subject.ranges(&[(0, 0..50), (2, 0..50)])),
        sinks[1].flush(subject.ranges(&[(1, 0..50), (3, 0..50)])),
    );
    let (first, second) = futures::join!(works.0, works.1);
    first?;
    second?;
    subject.assert_stored(&[(0, 0..50), (1, 0..50), (2, 0..50), (3, 0..50)], "after two tasks have flushed at once");
    Ok(())
}

async fn what_is_put_while_a_flush_is_under_way_goes_into_the_next(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    subject.put(sink.as_mut(), &[(0, 0..20), (1, 0..5)], ROWS).await?;
    let work = sink.flush(subject.ranges(&[(0, 0..20)]));
    subject.put(sink.as_mut(), &[(0, 20..50), (1, 5..10)], ROWS).await?;
    let first = work.await?;
    subject.assert_stored(&[(0, 0..20)], "after the first flush");
    let second = sink.flush(subject.ranges(&[(0, 20..50), (1, 0..10)])).await?;
    subject.assert_stored(&[(0, 0..50), (1, 0..10)], "after the second flush");
    subject.assert_artifacts(&first, &[(0, 0..20)]);
    subject.assert_artifacts(&second, &[(0, 20..50), (1, 0..10)]);
    Ok(())
}

async fn a_range_without_records_leaves_nothing(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    let artifacts = sink.flush(subject.ranges(&[(0, 0..10)])).await?;
    assert_eq!(artifacts, [], "a range for which nothing was put has artifacts");
    sink.put(SinkBatch { offsets: OffsetRange::new(10, 20), ..subject.batch(0, 10..10) }).await?;
    let artifacts = sink.flush(subject.ranges(&[(0, 10..20)])).await?;
    assert_eq!(artifacts, [], "a range of which no record is left has artifacts");
    assert_eq!(subject.stored(), [], "a range without records leaves something");
    Ok(())
}
