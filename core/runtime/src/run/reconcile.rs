//! What a sink left behind, against what its group has committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline_api::{CountRows, Found, OffsetRange, Origin, Result, Rows, Task};

use super::compare::{Difference, FlushedRange, compare};
use super::offsets::{SinkOffsets, offsets};
use crate::broker::Broker;
use crate::plan::{BrokerSettings, Plan, SinkPlan, Tolerance};

/// What a sink left behind, against what its group has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// The sink's name.
    pub sink: Arc<str>,
    /// What was found; `None` if the sink leaves nothing that could be listed.
    pub listed: Option<Listed>,
}

/// What a sink left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The files of all flushes.
    pub files: u64,
    /// The rows in them; `None` if they were not all counted.
    pub rows: Option<u64>,
    /// How many offsets their names cover.
    pub offsets: u64,
    /// What is committed, by partition.
    pub committed: Vec<Option<i64>>,
    /// How many offsets of the topic are not committed yet.
    pub lag: u64,
    /// What does not fit, and what a person should know.
    pub differences: Vec<Difference>,
}

/// Compares what each sink of a plan left behind with what is committed and planned, and with what the topic holds. Changes
/// nothing, and the pipeline may run meanwhile, wherever it does.
///
/// Errors: the topic is not there; the broker or a store cannot be read.
pub async fn reconcile(plan: &Plan, broker: &Arc<dyn Broker>, count: CountRows) -> Result<Vec<Reconciled>> {
    let mut reconciled = Vec::new();
    for (index, sink) in plan.sinks.iter().enumerate() {
        // What is committed now must be there, whatever a running sink does meanwhile. What is found must be committed or
        // planned in the end, for no file is written that was not planned before.
        let before = offsets(plan, broker).await?.sinks.swap_remove(index);
        let context = plan.sink_context(sink, Task { index: 0, of: 1 });
        let found = sink.plugin.registration.list(sink.plugin.config.clone(), context, count).await?;
        let listed = match found {
            None => None,
            Some(found) => {
                let after = offsets(plan, broker).await?.sinks.swap_remove(index);
                Some(Listed::new(&before, &after, found, why_no_row(plan, sink).as_deref()))
            }
        };
        reconciled.push(Reconciled { sink: sink.name.clone(), listed });
    }
    Ok(reconciled)
}

/// Why an offset may have left no row, if that can be.
fn why_no_row(plan: &Plan, sink: &SinkPlan) -> Option<String> {
    let reasons = [
        (matches!(plan.broker, BrokerSettings::Kafka(_)), "on Kafka some offsets are no records"),
        (!sink.transforms.is_empty(), "transforms may drop records"),
        (matches!(plan.errors.tolerance, Tolerance::DeadLetterTopic(_)), "dead letters leave no row"),
    ];
    let true_here: Vec<&str> = reasons.into_iter().filter_map(|(holds, reason)| holds.then_some(reason)).collect();
    (!true_here.is_empty()).then(|| true_here.join(", "))
}

impl Listed {
    /// Compares what was found between two looks at what is committed.
    fn new(before: &SinkOffsets, after: &SinkOffsets, found: Vec<Found>, why_no_row: Option<&str>) -> Self {
        let mut differences = Vec::new();
        let (mut files, mut rows, mut ranges) = (0, Some(0), BTreeMap::new());
        for Found { url, bytes, origin, rows: found } in found {
            let Origin::Flush { partition, offsets, revision } = origin else {
                differences.push(Difference::Foreign { url, bytes });
                continue;
            };
            files += 1;
            let counted = match &found {
                Rows::Counted(counted) => Some(*counted),
                _ => None,
            };
            rows = rows.zip(counted).map(|(sum, counted)| sum + counted);
            match found {
                Rows::Unreadable(why) => differences.push(Difference::Unreadable { url: url.clone(), why }),
                Rows::Counted(0) => {
                    differences.push(Difference::Unreadable { url: url.clone(), why: "it holds no row".to_owned() });
                }
                _ => {}
            }
            if usize::try_from(partition.partition).map_or(true, |index| index >= after.partitions.len()) {
                differences.push(Difference::NoPartition { url, partition: partition.partition });
                continue;
            }
            let ranges: &mut BTreeMap<_, FlushedRange> = ranges.entry(partition.partition).or_default();
            let range = ranges.entry((offsets, revision)).or_insert_with(|| FlushedRange::new(offsets, revision));
            range.add(url, counted);
        }
        let covered = ranges.values().flat_map(BTreeMap::keys).map(|(range, _)| length(*range)).sum();
        for (index, now) in (0..).zip(&after.partitions) {
            let flushed: Vec<FlushedRange> = ranges.remove(&index).unwrap_or_default().into_values().collect();
            let then = before.partitions.get(index as usize).unwrap_or(now);
            differences.extend(compare(index, then, now, &flushed, why_no_row));
        }
        Self {
            files,
            rows,
            offsets: covered,
            committed: after.partitions.iter().map(|known| known.committed).collect(),
            lag: after.partitions.iter().map(|known| known.lag()).sum(),
            differences,
        }
    }
}

pub(super) fn length(range: OffsetRange) -> u64 {
    u64::try_from(range.end.saturating_sub(range.start)).unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use pipeline_api::TopicPartition;

    use super::*;
    use crate::broker::Committed;
    use crate::run::PartitionOffsets;

    fn found(name: &str, origin: Origin, rows: Rows) -> Found {
        Found { url: format!("s3://lake/{name}"), bytes: 9, origin, rows }
    }

    fn flush(partition: i32, start: i64, end: i64) -> Origin {
        let partition = TopicPartition::new("t", partition);
        Origin::Flush { partition, offsets: OffsetRange::new(start, end), revision: 0 }
    }

    /// A sink that has settled 10 of one partition.
    fn sink() -> SinkOffsets {
        let committed = Committed { offset: 10, metadata: "v1;topic=a".to_owned() };
        let known = PartitionOffsets::new(OffsetRange::new(0, 12), Some(&committed), "a", "c");
        SinkOffsets { name: "lake".into(), group: "p.lake".into(), partitions: vec![known] }
    }

    fn listed(found: Vec<Found>) -> Listed {
        Listed::new(&sink(), &sink(), found, None)
    }

    #[test]
    fn several_files_of_one_range_are_counted_as_one() {
        let listed = listed(vec![
            found("a=1/x", flush(0, 0, 10), Rows::Counted(4)),
            found("a=2/x", flush(0, 0, 10), Rows::Counted(6)),
        ]);
        assert_eq!((listed.files, listed.rows, listed.offsets, listed.lag), (2, Some(10), 10, 2));
        assert_eq!((listed.committed, listed.differences), (vec![Some(10)], vec![]));
    }

    #[test]
    fn rows_that_nobody_counted_are_no_sum_and_no_difference() {
        let listed = listed(vec![found("x", flush(0, 0, 10), Rows::NotCounted)]);
        assert_eq!((listed.rows, listed.differences), (None, vec![]));
    }

    #[test]
    fn what_is_wrong_with_a_file_by_itself_is_told() {
        let lines: Vec<String> = listed(vec![
            found("x", flush(0, 0, 10), Rows::Unreadable("it is empty".to_owned())),
            found("y", flush(7, 0, 10), Rows::Counted(10)),
            found("readme.md", Origin::Foreign, Rows::NotCounted),
        ])
        .differences
        .iter()
        .map(|difference| format!("{} {difference}", difference.is_error()))
        .collect();
        assert_eq!(
            lines,
            [
                "true s3://lake/x: it is empty",
                "true s3://lake/y: its name says partition 7, which the topic does not have",
                "true s3://lake/readme.md (9 bytes) is no file of this sink, and readers take it for data",
            ]
        );
    }
}
