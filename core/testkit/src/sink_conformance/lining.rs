//! Records as lines.

use std::ops::Range;

use pipeline_api::{ErrorKind, OffsetRange, SinkLines};

use super::Subject;
use super::writing::{ROWS, number};
use crate::case::{Outcome, list_cases};
use crate::records::records;

list_cases! {
    "Sink::put_lines": "The same is left as if they had been put, to the byte." => [
        lines_leave_what_their_records_leave,
        lines_and_records_follow_each_other,
    ]
    "Sink::put_lines": "After an error nothing of them was taken." => [
        lines_that_are_refused_leave_nothing,
    ]
}

impl Subject {
    /// The records of a batch as lines. Nothing if the sink takes none.
    fn lines(&self, partition: i32, offsets: Range<i64>) -> Option<SinkLines> {
        let numbers = offsets.clone().map(|offset| number(partition, offset));
        let lines = self.lines.as_ref()?(&records(&self.plugin.schema, numbers));
        let rows = (offsets.end - offsets.start) as u64;
        let offsets = OffsetRange::new(offsets.start, offsets.end);
        Some(SinkLines { partition: self.partition(partition), offsets, rows, lines: lines.into() })
    }
}

async fn lines_leave_what_their_records_leave(subject: Subject) -> Outcome {
    let (mut sink, spans) = (subject.open().await?, [(0, 0..100), (1, 0..16)]);
    let takes = (sink.takes_lines(), subject.lines.is_some());
    assert_eq!(takes.0, takes.1, "whether it takes lines, and whether `with_lines` says what they are");
    let Some(first) = subject.lines(0, 0..70) else { return Ok(()) };
    subject.write(sink.as_mut(), &spans, ROWS).await?;
    let stored = subject.stored();
    let before = sink.buffered();
    sink.put_lines(first).await?;
    let buffered = sink.buffered();
    assert!(buffered.encoded > before.encoded, "it holds {buffered:?} with 70 lines");
    for lines in [subject.lines(0, 70..100), subject.lines(1, 0..16)].into_iter().flatten() {
        sink.put_lines(lines).await?;
    }
    sink.flush(subject.ranges(&spans)).await?;
    subject.assert_still_stored(&stored, "as lines");
    Ok(())
}

async fn lines_and_records_follow_each_other(subject: Subject) -> Outcome {
    let Some(lines) = subject.lines(0, 16..32) else { return Ok(()) };
    let mut sink = subject.open().await?;
    sink.put(subject.batch(0, 0..16)).await?;
    sink.put_lines(lines.clone()).await?;
    sink.put(subject.batch(0, 32..48)).await?;
    sink.revoke(&[subject.partition(0)]).await?;
    sink.put_lines(lines).await?;
    sink.put(subject.batch(0, 32..48)).await?;
    sink.flush(subject.ranges(&[(0, 16..48)])).await?;
    subject.assert_stored(&[(0, 16..48)], "after lines and records");
    Ok(())
}

async fn lines_that_are_refused_leave_nothing(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    if sink.takes_lines() {
        return Ok(());
    }
    sink.put(subject.batch(0, 0..16)).await?;
    let before = sink.buffered();
    let offsets = OffsetRange::new(16, 17);
    let lines = SinkLines { partition: subject.partition(0), offsets, rows: 1, lines: b"{}\n"[..].into() };
    match sink.put_lines(lines).await {
        Ok(()) => panic!("it takes lines, and says that it takes none"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Data, "{error}"),
    }
    assert_eq!(sink.buffered(), before, "it says that it holds more after it refused a line");
    Ok(())
}
