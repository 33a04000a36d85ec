//! What a sink left behind, against what its group has committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline_api::{CountRows, Found, OffsetRange, Origin, Result, Rows, Task};

use super::compare::{Difference, FlushedRange, compare};
use super::offsets::{SinkOffsets, sink_offsets};
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
    for sink in &plan.sinks {
        let listed = reconcile_sink(plan, sink, broker, count).await?;
        reconciled.push(Reconciled { sink: sink.name.clone(), listed });
    }
    Ok(reconciled)
}

/// The same for one sink. `None` if it leaves nothing that could be listed.
pub(super) async fn reconcile_sink(
    plan: &Plan,
    sink: &SinkPlan,
    broker: &Arc<dyn Broker>,
    count: CountRows,
) -> Result<Option<Listed>> {
    // What is committed now must be there, whatever a running sink does meanwhile. What is found must be committed or
    // planned in the end, for no file is written that was not planned before.
    let before = sink_offsets(plan, sink, broker).await?;
    let context = plan.sink_context(sink, Task { index: 0, of: 1 });
    let found = sink.plugin.registration.list(sink.plugin.config.clone(), context.clone(), count).await?;
    let Some(found) = found else { return Ok(None) };
    let after = sink_offsets(plan, sink, broker).await?;
    let registered: Vec<Found> = found.iter().filter(|found| before.has_committed(found)).cloned().collect();
    let mut listed = Listed::new(&before, &after, found, why_no_row(plan, sink).as_deref());
    if on_kafka(plan) {
        let holes = Holes::of(&before, &listed.differences);
        let hold_records = broker.hold_records(&plan.topic.name, &holes.asked).await?;
        listed.differences = holes.known(listed.differences, &hold_records, why_dropped(plan, sink).as_deref());
    }
    for hook in &sink.hooks {
        let unreached = hook.registration.unreached(hook.config.clone(), context.clone(), registered.clone()).await?;
        listed.differences.extend(unreached.into_iter().map(Difference::Unreached));
    }
    Ok(Some(listed))
}

fn on_kafka(plan: &Plan) -> bool {
    matches!(plan.broker, BrokerSettings::Kafka(_))
}

/// Why an offset may have left no row, if that can be.
fn why_no_row(plan: &Plan, sink: &SinkPlan) -> Option<String> {
    let on_kafka = on_kafka(plan).then(|| "on Kafka some offsets are no records".to_owned());
    let reasons: Vec<String> = on_kafka.into_iter().chain(why_dropped(plan, sink)).collect();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// Why a record may have left no row, if that can be.
fn why_dropped(plan: &Plan, sink: &SinkPlan) -> Option<String> {
    let reasons = [
        (!sink.transforms.is_empty(), "transforms may drop records"),
        (matches!(plan.errors.tolerance, Tolerance::DeadLetterTopic(_)), "dead letters leave no row"),
    ];
    let true_here: Vec<&str> = reasons.into_iter().filter_map(|(holds, reason)| holds.then_some(reason)).collect();
    (!true_here.is_empty()).then(|| true_here.join(", "))
}

/// The holes of which the topic can still say whether there is a record in them.
struct Holes {
    /// What the topic held, by partition.
    holds: Vec<OffsetRange>,
    /// The parts of holes that it holds, in the order of the differences.
    asked: Vec<(i32, OffsetRange)>,
}

impl Holes {
    fn of(sink: &SinkOffsets, differences: &[Difference]) -> Self {
        let holds: Vec<OffsetRange> = sink.partitions.iter().map(|known| known.holds).collect();
        let asked = differences.iter().filter_map(|difference| match difference {
            Difference::Hole { partition, offsets, .. } => held(&holds, *partition, *offsets),
            _ => None,
        });
        Self { asked: asked.collect(), holds }
    }

    /// The differences that are left once it is known which of the parts hold records.
    fn known(&self, differences: Vec<Difference>, hold_records: &[bool], why_dropped: Option<&str>) -> Vec<Difference> {
        let mut answers = hold_records.iter();
        let mut left = Vec::new();
        for difference in differences {
            let Difference::Hole { partition, offsets, .. } = difference else {
                left.push(difference);
                continue;
            };
            let held = held(&self.holds, partition, offsets);
            let is_held_whole = held.is_some_and(|(_, held)| held == offsets);
            match held.and_then(|_| answers.next()) {
                Some(true) => {
                    let why_no_row = why_dropped.map(str::to_owned);
                    left.push(Difference::Hole { partition, offsets, why_no_row });
                }
                Some(false) if is_held_whole => {}
                // Nobody can say what the rest was.
                _ => left.push(difference),
            }
        }
        left
    }
}

fn held(holds: &[OffsetRange], partition: i32, offsets: OffsetRange) -> Option<(i32, OffsetRange)> {
    let holds = holds.get(usize::try_from(partition).ok()?)?;
    let held = OffsetRange::new(offsets.start.max(holds.start), offsets.end.min(holds.end));
    (!held.is_empty()).then_some((partition, held))
}

impl SinkOffsets {
    /// Whether this was committed, so that the hooks had been called with it before.
    fn has_committed(&self, found: &Found) -> bool {
        let Origin::Flush { partition, offsets, .. } = &found.origin else { return false };
        let known = usize::try_from(partition.partition).ok().and_then(|index| self.partitions.get(index));
        known.and_then(|known| known.committed).is_some_and(|committed| offsets.end <= committed)
    }
}

impl Listed {
    /// How many of the differences are errors.
    pub fn errors(&self) -> usize {
        self.differences.iter().filter(|difference| difference.is_error()).count()
    }

    /// Compares what was found between two looks at what is committed.
    fn new(before: &SinkOffsets, after: &SinkOffsets, found: Vec<Found>, why_no_row: Option<&str>) -> Self {
        let mut differences = Vec::new();
        let (mut files, mut rows, mut ranges) = (0, Some(0), BTreeMap::new());
        for Found { url, bytes, origin, rows: found, flushed } in found {
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
            range.add(url, counted, flushed);
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
        Found { url: format!("s3://lake/{name}"), bytes: 9, origin, rows, flushed: None }
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
    fn hooks_are_asked_for_what_was_committed_and_for_nothing_else() {
        let committed = |origin| sink().has_committed(&found("x", origin, Rows::NotCounted));
        assert!(committed(flush(0, 0, 10)) && committed(flush(0, 2, 4)));
        for other in [flush(0, 0, 11), flush(0, 10, 12), flush(1, 0, 10), flush(-1, 0, 10), Origin::Foreign] {
            assert!(!committed(other.clone()), "{other:?}");
        }
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
    fn a_hole_is_an_error_if_the_topic_has_a_record_there_and_none_if_it_has_no_record() {
        let hole = |start, end, why: Option<&str>| {
            let why_no_row = why.map(str::to_owned);
            Difference::Hole { partition: 0, offsets: OffsetRange::new(start, end), why_no_row }
        };
        let mut sink = sink();
        sink.partitions[0].holds.start = 4;
        let found = vec![hole(1, 2, Some("k")), hole(3, 5, Some("k")), hole(5, 6, Some("k")), hole(8, 10, Some("k"))];
        let holes = Holes::of(&sink, &found);
        assert_eq!(holes.asked, [(4, 5), (5, 6), (8, 10)].map(|(start, end)| (0, OffsetRange::new(start, end))));
        let known = holes.known(found.clone(), &[false, false, true], None);
        assert_eq!(known, [hole(1, 2, Some("k")), hole(3, 5, Some("k")), hole(8, 10, None)]);
        let known = holes.known(found, &[true, false, true], Some("t"));
        assert_eq!(known, [hole(1, 2, Some("k")), hole(3, 5, Some("t")), hole(8, 10, Some("t"))]);
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
