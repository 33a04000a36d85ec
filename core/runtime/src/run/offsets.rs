//! How far a pipeline is, as its broker knows it, and how a person changes that.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use pipeline_api::{Error, OffsetRange, PlannedRange, Result, SourceOffsets};

use super::commit_note::CommitNote;
use crate::broker::{Broker, Committed};
use crate::plan::{Plan, SinkPlan};

/// How far a pipeline is, as its broker knows it. Nothing need run.
#[derive(Clone, Debug, PartialEq)]
pub struct Offsets {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The topic's id.
    pub topic_id: String,
    /// What the topic holds, by partition.
    pub holds: Vec<OffsetRange>,
    /// The sinks, in the order of the file.
    pub sinks: Vec<SinkOffsets>,
    /// The sources, in the order of the file, and where each goes on.
    pub sources: Vec<(Arc<str>, SourceOffsets)>,
}

/// How far a sink is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkOffsets {
    /// Its name.
    pub name: Arc<str>,
    /// The consumer group that it reads as.
    pub group: String,
    /// By partition of the topic.
    pub partitions: Vec<PartitionOffsets>,
}

/// How far a sink is with a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionOffsets {
    /// What the partition holds.
    pub holds: OffsetRange,
    /// The offset that is read next: everything below is durable. `None` if the sink has never been here.
    pub committed: Option<i64>,
    /// The range that was planned and is not known to be durable: a flush was under way, or is.
    pub planned: Option<Planned>,
    /// Why a run would stop here.
    pub trouble: Option<String>,
}

/// A planned range, as a note tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The range.
    pub range: PlannedRange,
    /// Which file it was planned under.
    pub file: PlannedUnder,
}

/// Which file a range was planned under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedUnder {
    /// One that shapes the same objects: the next run makes exactly this range durable.
    ThisFile,
    /// One that was changed since: the next run removes the range's objects and plans anew.
    AnotherFile,
}

/// Where a sink shall go on with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// At the oldest record.
    Oldest,
    /// Behind the newest record.
    End,
    /// At this offset.
    At(i64),
}

/// What happens to ranges that were planned and not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Nothing is changed where there is one.
    Refuse,
    /// They are forgotten. Files of theirs that were written stay.
    Abandon,
}

/// A sink that shall go on elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetChange {
    /// The sink's name.
    pub sink: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// Where it would have gone on.
    pub from: i64,
    /// Where it goes on.
    pub to: i64,
    /// The range that is abandoned, if one was planned.
    pub abandoned: Option<OffsetRange>,
}

/// How far the pipeline is.
///
/// Errors: the topic is not there.
pub async fn offsets(plan: &Plan, broker: &Arc<dyn Broker>) -> Result<Offsets> {
    let topic = &plan.topic.name;
    let found = broker.find_topic(topic).await?;
    let topic_id = found.ok_or_else(|| no_topic(topic))?.id;
    let holds = broker.bounds(topic).await?;
    let mut sinks = Vec::new();
    for sink in &plan.sinks {
        let committed = broker.committed(&sink.group, topic).await?;
        sinks.push(SinkOffsets::new(sink, &topic_id, &holds, &committed));
    }
    let mut sources = Vec::new();
    for source in &plan.sources {
        sources.push((source.name.clone(), broker.source_offsets(&plan.name, &source.name).await?));
    }
    Ok(Offsets { topic: topic.clone(), topic_id, holds, sinks, sources })
}

/// How far a sink is.
///
/// Errors: the topic is not there.
pub(super) async fn sink_offsets(plan: &Plan, sink: &SinkPlan, broker: &Arc<dyn Broker>) -> Result<SinkOffsets> {
    let topic = &plan.topic.name;
    let found = broker.find_topic(topic).await?.ok_or_else(|| no_topic(topic))?;
    let holds = broker.bounds(topic).await?;
    let committed = broker.committed(&sink.group, topic).await?;
    Ok(SinkOffsets::new(sink, &found.id, &holds, &committed))
}

/// Lets sinks go on elsewhere, as [`Offsets::changes`] has found it to be possible: what they had planned is forgotten.
///
/// Errors: somebody reads as one of the sinks. Those before it in the order of the file are changed then.
pub async fn set_offsets(now: &Offsets, changes: &[OffsetChange], broker: &Arc<dyn Broker>) -> Result<()> {
    let metadata = CommitNote::settled(&now.topic_id).to_string();
    for sink in &now.sinks {
        let own = changes.iter().filter(|change| change.sink == sink.name);
        let offsets: BTreeMap<i32, Committed> =
            own.map(|change| (change.partition, Committed { offset: change.to, metadata: metadata.clone() })).collect();
        if !offsets.is_empty() {
            broker.set_committed(&sink.group, &now.topic, &offsets).await?;
        }
    }
    Ok(())
}

/// The topic of a pipeline is not there.
pub fn no_topic(topic: &str) -> Error {
    Error::config(format!("there is no topic `{topic}`, expected a `pipeline run` that makes it before"))
}

impl Offsets {
    /// What these wishes change, by sink and partition.
    ///
    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if there is no such sink or partition, or the topic does not hold the
    /// offset; [`Fatal`](pipeline_api::ErrorKind::Fatal) if a range was planned there and is not finished.
    pub fn changes(
        &self,
        wishes: &BTreeMap<(String, i32), Target>,
        unfinished: Unfinished,
    ) -> Result<Vec<OffsetChange>> {
        wishes.iter().map(|((sink, partition), target)| self.change(sink, *partition, *target, unfinished)).collect()
    }

    /// The sink of this name. Errors: there is none.
    pub fn sink(&self, name: &str) -> Result<&SinkOffsets> {
        self.sinks.iter().find(|sink| &*sink.name == name).ok_or_else(|| {
            let names: Vec<String> = self.sinks.iter().map(|sink| format!("`{}`", sink.name)).collect();
            match names.is_empty() {
                true => Error::config(format!("there is no sink `{name}`: the file has no sinks")),
                false => Error::config(format!("there is no sink `{name}`, expected {}", names.join(" or "))),
            }
        })
    }

    fn change(&self, sink: &str, partition: i32, target: Target, unfinished: Unfinished) -> Result<OffsetChange> {
        let SinkOffsets { name, partitions, .. } = self.sink(sink)?;
        let known = usize::try_from(partition).ok().and_then(|index| partitions.get(index));
        let known = known.ok_or_else(|| {
            let last = partitions.len().saturating_sub(1);
            Error::config(format!("topic `{}` has no partition {partition}, expected 0 to {last}", self.topic))
        })?;
        let OffsetRange { start, end } = known.holds;
        let to = match target {
            Target::Oldest => start,
            Target::End => end,
            Target::At(offset) => offset,
        };
        if !(start..=end).contains(&to) {
            return Err(Error::config(format!(
                "{sink}/{partition} cannot go on at {to}: {}+{partition} holds {start}..{end}, expected {start} to {end}",
                self.topic
            )));
        }
        let abandoned = known.planned.map(|planned| planned.range.offsets);
        if let (Some(range), Unfinished::Refuse) = (abandoned, unfinished) {
            return Err(Error::fatal(format!(
                "{sink}/{partition} was flushing {range} and may have written a part of it: run the pipeline once so that it is finished, or add --abandon to leave what was written where it is"
            )));
        }
        Ok(OffsetChange { sink: name.clone(), partition, from: known.next(), to, abandoned })
    }
}

impl SinkOffsets {
    pub(super) fn new(sink: &SinkPlan, topic_id: &str, holds: &[OffsetRange], committed: &[Option<Committed>]) -> Self {
        let partition = |(holds, committed): (&OffsetRange, &Option<Committed>)| {
            PartitionOffsets::new(*holds, committed.as_ref(), topic_id, &sink.fingerprint)
        };
        let partitions = holds.iter().zip(committed).map(partition).collect();
        Self { name: sink.name.clone(), group: sink.group.clone(), partitions }
    }
}

impl PartitionOffsets {
    /// What the committed offset and its note say, of a topic with this id and a sink with this fingerprint.
    pub fn new(holds: OffsetRange, committed: Option<&Committed>, topic_id: &str, fingerprint: &str) -> Self {
        let Some(Committed { offset, metadata }) = committed else {
            return Self { holds, committed: None, planned: None, trouble: None };
        };
        let (offset, note) = (*offset, CommitNote::parse(metadata));
        let trouble = match &note {
            Err(error) => Some(error.to_string()),
            Ok(Some(note)) if note.topic_id != topic_id => {
                Some("the topic was deleted and created again since this was committed".to_owned())
            }
            Ok(note) => trouble(holds, offset, note.as_ref().and_then(|note| note.plan.as_ref()).map(|plan| plan.end)),
        };
        let plan = note.ok().flatten().and_then(|note| note.plan);
        let planned = plan.map(|plan| Planned {
            range: plan.range(offset),
            file: match plan.fingerprint == fingerprint {
                true => PlannedUnder::ThisFile,
                false => PlannedUnder::AnotherFile,
            },
        });
        Self { holds, committed: Some(offset), planned, trouble }
    }

    /// Where the sink goes on.
    pub fn next(&self) -> i64 {
        self.committed.unwrap_or(self.holds.start)
    }

    /// How many offsets are not committed yet. On Kafka some of them are no records, such as the marker behind a transaction.
    pub fn lag(&self) -> u64 {
        u64::try_from(self.holds.end - self.next()).unwrap_or(0)
    }
}

/// Why a run would stop at `offset`, with a range planned up to `planned_end`.
fn trouble(holds: OffsetRange, offset: i64, planned_end: Option<i64>) -> Option<String> {
    if let Some(end) = planned_end.filter(|end| *end <= offset) {
        return Some(format!("{offset} was committed as the next to read, beyond the planned end {end}"));
    }
    let gone = match offset < holds.start {
        true => OffsetRange::new(offset, holds.start),
        false => OffsetRange::new(holds.end, planned_end.unwrap_or(offset)),
    };
    (!gone.is_empty()).then(|| format!("records {gone} are gone"))
}

impl fmt::Display for OffsetChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sink, partition, from, to, abandoned } = self;
        write!(f, "{sink}/{partition} goes on at {to}, not at {from}")?;
        if to < from {
            write!(f, ": {} is delivered again, beside what was delivered before", OffsetRange::new(*to, *from))?;
        }
        if to > from {
            write!(f, ": {} is never delivered", OffsetRange::new(*from, *to))?;
        }
        match abandoned {
            Some(range) => write!(f, "; files of the unfinished {range} stay, if any were written"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use pipeline_api::Timestamp;

    use super::*;

    const CFG: &str = "0123456789abcdef";

    fn read(offset: i64, metadata: &str) -> PartitionOffsets {
        let committed = Committed { offset, metadata: metadata.to_owned() };
        PartitionOffsets::new(OffsetRange::new(10, 50), Some(&committed), "a", CFG)
    }

    fn plan(offset: i64, end: i64, fingerprint: &str) -> PartitionOffsets {
        read(offset, &format!("v1;topic=a;end={end};at=1000;cfg={fingerprint};rev=2"))
    }

    #[test]
    fn a_sink_that_was_never_here_has_everything_before_it() {
        let known = PartitionOffsets::new(OffsetRange::new(10, 50), None, "a", CFG);
        assert_eq!((known.committed, known.next(), known.lag()), (None, 10, 40));
        assert_eq!((known.planned, known.trouble), (None, None));
    }

    #[test]
    fn what_is_committed_is_shown_with_what_is_missing() {
        for note in ["v1;topic=a", ""] {
            let known = read(30, note);
            assert_eq!((known.committed, known.next(), known.lag()), (Some(30), 30, 20));
            assert_eq!((known.planned, known.trouble), (None, None));
        }
        assert_eq!(read(50, "v1;topic=a").lag(), 0);
        assert_eq!(read(10, "v1;topic=a").trouble, None);
    }

    #[test]
    fn a_flush_under_way_is_shown_with_when_and_under_which_file_it_was_planned() {
        let at = Timestamp::from_millisecond(1000).unwrap();
        let range = PlannedRange { offsets: OffsetRange::new(30, 40), at, revision: 2 };
        let known = plan(30, 40, CFG);
        assert_eq!(known.planned, Some(Planned { range, file: PlannedUnder::ThisFile }));
        assert_eq!((known.lag(), known.trouble), (20, None));
        let changed = plan(30, 40, "ffff");
        assert_eq!(changed.planned, Some(Planned { range, file: PlannedUnder::AnotherFile }));
    }

    #[test]
    fn what_a_run_would_stop_at_is_told() {
        let trouble = |known: PartitionOffsets| known.trouble.unwrap();
        assert_eq!(trouble(read(4, "v1;topic=a")), "records 4..10 are gone");
        assert_eq!(trouble(read(60, "v1;topic=a")), "records 50..60 are gone");
        assert_eq!(trouble(plan(30, 55, CFG)), "records 50..55 are gone");
        assert_eq!(trouble(plan(30, 30, CFG)), "30 was committed as the next to read, beyond the planned end 30");
        assert!(trouble(read(30, "v1;topic=b")).contains("deleted and created again"));
        assert!(trouble(read(30, "checkpoint 7")).contains("`checkpoint 7`"));
        assert_eq!(read(60, "v1;topic=a").lag(), 0);
    }

    /// A pipeline whose only sink has settled 30 of partition 0 and flushes 20..25 of partition 1.
    fn offsets() -> Offsets {
        let partitions = vec![read(30, "v1;topic=a"), plan(20, 25, CFG)];
        let sink = SinkOffsets { name: "lake".into(), group: "p.lake".into(), partitions };
        let holds = vec![OffsetRange::new(10, 50); 2];
        Offsets { topic: "t".into(), topic_id: "a".into(), holds, sinks: vec![sink], sources: Vec::new() }
    }

    fn change(partition: i32, target: Target, unfinished: Unfinished) -> Result<String, String> {
        let wishes = BTreeMap::from([(("lake".to_owned(), partition), target)]);
        let changes = offsets().changes(&wishes, unfinished).map_err(|error| error.to_string())?;
        Ok(changes[0].to_string())
    }

    #[test]
    fn a_change_says_what_comes_again_and_what_never_comes() {
        let told = |target| change(0, target, Unfinished::Refuse).unwrap();
        assert!(told(Target::At(20)).starts_with("lake/0 goes on at 20, not at 30: 20..30 is delivered again"));
        assert!(told(Target::Oldest).contains("at 10, not at 30: 10..30 is delivered again"));
        assert_eq!(told(Target::End), "lake/0 goes on at 50, not at 30: 30..50 is never delivered");
        assert_eq!(told(Target::At(30)), "lake/0 goes on at 30, not at 30");
    }

    #[test]
    fn offsets_that_the_topic_does_not_hold_are_refused() {
        for offset in [-1, 0, 9, 51, i64::MAX] {
            let refused = change(0, Target::At(offset), Unfinished::Refuse).unwrap_err();
            assert!(refused.contains("holds 10..50, expected 10 to 50"), "{refused}");
        }
        for offset in [10, 50] {
            assert!(change(0, Target::At(offset), Unfinished::Refuse).is_ok());
        }
        for partition in [-1, 2] {
            let refused = change(partition, Target::End, Unfinished::Refuse).unwrap_err();
            assert!(refused.contains("expected 0 to 1"), "{refused}");
        }
        let wishes = BTreeMap::from([(("lakes".to_owned(), 0), Target::End)]);
        let refused = offsets().changes(&wishes, Unfinished::Refuse).unwrap_err().to_string();
        assert_eq!(refused, "there is no sink `lakes`, expected `lake`");
    }

    #[test]
    fn a_range_that_is_not_finished_is_left_alone_unless_it_is_abandoned() {
        let refused = change(1, Target::Oldest, Unfinished::Refuse).unwrap_err();
        assert!(refused.contains("flushing 20..25") && refused.contains("--abandon"), "{refused}");
        let told = change(1, Target::Oldest, Unfinished::Abandon).unwrap();
        assert!(told.ends_with("files of the unfinished 20..25 stay, if any were written"), "{told}");
    }
}
