//! A sink that does not do what the engine relies on fails the case that says so.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use pipeline_api::{
    Artifact, BoxFuture, Buffered, Context, CountRows, Dataset, Error, Examined, FileFormat, Found, OffsetRange,
    Origin, PartitionValue, PlannedRange, Plugin, Ranges, RecordBatch, Result, Rows, SchemaRef, Sink, SinkBatch,
    SinkLines, Timestamp, TopicPartition, async_trait,
};
use pipeline_testkit::sink_conformance::{Stored, Subject, cases, run};
use pipeline_testkit::{records, schema};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::faults::{assert_each_finds_one, assert_found};

/// What a sink does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
enum Fault {
    /// It does everything right.
    None,
    /// Names hold the time at which they were made.
    NamesByTheClock,
    /// Contents hold the time at which they were made.
    StampsItsContents,
    /// Contents show where batches began.
    MarksItsBatches,
    /// A replay is appended to what is there.
    AppendsInAReplay,
    /// What is there is taken for whole.
    TrustsWhatIsThere,
    /// The last batch of a flush is not written.
    LosesABatchAtFlush,
    /// A flush writes the records of all partitions.
    FlushesAllPartitions,
    /// A flush writes what is there when its work is done.
    DetachesNothing,
    /// Two tasks cannot flush at once.
    FlushesOneAtATime,
    /// The work of a flush ends with its sink.
    NeedsTheSinkForItsWork,
    /// A range without records leaves a file.
    WritesEmptyRanges,
    /// A revocation is not looked at.
    ForgetsRevoke,
    /// A revocation ends the flush that is under way.
    RevokesItsFlush,
    /// A partition that it does not hold cannot be revoked.
    WantsSomethingToRevoke,
    /// A revocation takes all partitions.
    RevokesEverything,
    /// The records before a wrong one are kept.
    KeepsRowsOfARefusedBatch,
    /// All records of a batch are lost once one was wrong, also when they come one by one.
    RefusesEverythingAfterwards,
    /// Lines that it gets are lost.
    LosesLines,
    /// What comes as lines is written in another way.
    WritesLinesOtherwise,
    /// It takes lines though it says that it takes none.
    TakesLinesInSecret,
    /// Artifacts say the offsets of their records and not of their range.
    SaysTheOffsetsOfItsRecords,
    /// Artifacts say too many rows.
    SaysTooManyRows,
    /// Artifacts lie elsewhere than the dataset says.
    LiesElsewhere,
    /// Artifacts lack their partition values.
    LacksPartitionValues,
    /// It says that it holds something, and not how much.
    SaysThatItHoldsSomething,
    /// What was flushed still counts as buffered.
    CountsWhatWasFlushed,
    /// Asking for the dataset makes its folder.
    MakesItsFolderForTheDataset,
    /// A discard of nothing is an error.
    WantsSomethingToDiscard,
    /// A reset of nothing is an error.
    WantsSomethingToReset,
    /// A discard removes what begins alike.
    DiscardsByPrefix,
    /// A discard removes nothing.
    DiscardsNothing,
    /// What is planned anew has the names of what was discarded.
    ForgetsRevisions,
    /// A reset removes the files of all topics.
    ResetsAllTopics,
    /// A reset removes nothing.
    ResetsNothing,
    /// A reset removes everything and says that there was nothing.
    SaysNothingOfItsReset,
    /// A reset says that it removed something where there was nothing.
    SaysThatItResetNothing,
    /// A listing leaves out the last file.
    ListsTooLittle,
    /// What is listed of a flush says that another number of rows was left.
    MiscountsItsFlush,
    /// A listing takes the files of other topics for its own.
    ListsAllTopics,
    /// A listing makes the sink's folder.
    MakesItsFolderForTheListing,
    /// A probe is not removed.
    LeavesItsProbe,
    /// What was not flushed is written at the end.
    WritesAtItsClose,
    /// It does not close after a flush failed.
    ClosesOnce,
}

/// Keeps numbers in the memory of the process.
///
/// ```yaml
/// type: shelf
/// config: { fault: None }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShelfConfig {
    /// What it does wrong.
    fault: Fault,
    /// The folder of its addresses.
    #[serde(default)]
    ending: String,
}

/// What all sinks of this process have made durable.
static SHELF: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());

/// Whether a flush is under way.
static BUSY: AtomicBool = AtomicBool::new(false);

type Put = BTreeMap<TopicPartition, Vec<Vec<i64>>>;

struct Shelf {
    fault: Fault,
    ending: String,
    location: String,
    put: Arc<Mutex<Put>>,
    revoked: Arc<Mutex<Vec<TopicPartition>>>,
    refused: bool,
}

fn location(folder: &Path) -> String {
    format!("shelf://{}/", folder.display())
}

#[async_trait]
impl Plugin for Shelf {
    const TYPE: &'static str = "shelf";
    type Config = ShelfConfig;

    async fn open(config: ShelfConfig, context: Context) -> Result<Self> {
        let ShelfConfig { fault, ending } = config;
        let location = location(&context.folder);
        Ok(Self { fault, ending, location, put: Arc::default(), revoked: Arc::default(), refused: false })
    }
}

#[async_trait]
impl Sink for Shelf {
    fn dataset(config: &ShelfConfig, context: &Context) -> Result<Option<Dataset>> {
        if config.fault == Fault::MakesItsFolderForTheDataset {
            std::fs::create_dir_all(context.folder.join("shelf")).unwrap();
        }
        Ok(Some(Dataset {
            location: location(&context.folder),
            format: FileFormat::JsonLines,
            columns: context.schema.clone(),
            partition_columns: schema(&[("part", "string")]),
        }))
    }

    async fn reset(config: ShelfConfig, context: Context) -> Result<Option<String>> {
        let topic = if config.fault == Fault::ResetsAllTopics { "" } else { &format!("{}+", context.topic) };
        let ours = format!("{}{topic}", location(&context.folder));
        let mut shelf = SHELF.lock().unwrap();
        if config.fault == Fault::WantsSomethingToReset && !shelf.keys().any(|url| url.starts_with(&ours)) {
            return Err(Error::fatal("there is nothing to reset"));
        }
        let before = shelf.len();
        if config.fault != Fault::ResetsNothing {
            shelf.retain(|url, _| !url.starts_with(&ours));
        }
        let says = match config.fault {
            Fault::SaysNothingOfItsReset => false,
            Fault::SaysThatItResetNothing => true,
            _ => shelf.len() < before,
        };
        Ok(says.then(|| format!("{} files", before - shelf.len())))
    }

    async fn list(config: ShelfConfig, context: Context, _: CountRows) -> Result<Option<Vec<Found>>> {
        if config.fault == Fault::MakesItsFolderForTheListing {
            std::fs::create_dir_all(context.folder.join("shelf")).unwrap();
        }
        let mut found: Vec<Found> = stored(&context.folder)
            .into_iter()
            .map(|stored| {
                let name = &stored.url[location(&context.folder).len()..];
                let origin = origin(name).filter(|origin| match origin {
                    Origin::Flush { partition, .. } => {
                        partition.topic == context.topic || config.fault == Fault::ListsAllTopics
                    }
                    Origin::Foreign => true,
                });
                let rows = Rows::Counted(stored.numbers.len() as u64);
                Found {
                    url: stored.url,
                    bytes: stored.bytes.len() as u64,
                    origin: origin.unwrap_or(Origin::Foreign),
                    rows,
                    flushed: (config.fault == Fault::MiscountsItsFlush).then_some(1),
                }
            })
            .collect();
        if config.fault == Fault::ListsTooLittle {
            found.pop();
        }
        Ok(Some(found))
    }

    async fn examine(config: ShelfConfig, context: Context) -> Vec<Examined> {
        if config.fault == Fault::LeavesItsProbe {
            SHELF.lock().unwrap().insert(format!("{}probe", location(&context.folder)), b"[]".to_vec());
        }
        vec![Examined { what: "write".into(), outcome: Ok(None) }]
    }

    async fn put(&mut self, batch: SinkBatch) -> Result<()> {
        let names = batch.records.column(1).as_string::<i32>();
        let wrong = (0..names.len()).find(|row| names.is_valid(*row) && names.value(*row) == "refused");
        let numbers = batch.records.column(0).as_primitive::<Int64Type>().values().to_vec();
        let mut put = self.put.lock().unwrap();
        if wrong.is_some() || (self.refused && self.fault == Fault::RefusesEverythingAfterwards) {
            self.refused = true;
            if self.fault == Fault::KeepsRowsOfARefusedBatch {
                put.entry(batch.partition).or_default().push(numbers[..wrong.unwrap_or(0)].to_vec());
            }
            return Err(Error::data("a name is `refused`, expected another one"));
        }
        put.entry(batch.partition).or_default().push(numbers);
        Ok(())
    }

    fn takes_lines(&self) -> bool {
        self.fault != Fault::TakesLinesInSecret
    }

    async fn put_lines(&mut self, lines: SinkLines) -> Result<()> {
        let mut numbers: Vec<i64> = match self.fault {
            Fault::TakesLinesInSecret => vec![0],
            _ => std::str::from_utf8(&lines.lines).unwrap().lines().map(|line| line.parse().unwrap()).collect(),
        };
        match self.fault {
            Fault::LosesLines => numbers.truncate(1),
            Fault::WritesLinesOtherwise => numbers.reverse(),
            _ => {}
        }
        self.put.lock().unwrap().entry(lines.partition).or_default().push(numbers);
        Ok(())
    }

    fn buffered(&self) -> Buffered {
        let put = self.put.lock().unwrap();
        let rows = put.values().flatten().map(|batch| batch.len() as u64).sum::<u64>();
        let rows = if self.fault == Fault::SaysThatItHoldsSomething { rows.min(1) } else { rows };
        Buffered { encoded: 8 * rows, memory: 16 * rows }
    }

    fn flush(&mut self, ranges: Ranges) -> BoxFuture<'static, Result<Vec<Artifact>>> {
        let (fault, ending, location) = (self.fault, self.ending.clone(), self.location.clone());
        let put = self.put.clone();
        let sink = Arc::downgrade(&self.put);
        let mut detached: Vec<(TopicPartition, PlannedRange, Vec<Vec<i64>>)> = Vec::new();
        for (partition, range) in ranges.iter() {
            let mut held = put.lock().unwrap();
            let mut batches = match fault {
                Fault::CountsWhatWasFlushed => held.get(partition).cloned().unwrap_or_default(),
                Fault::FlushesAllPartitions => std::mem::take(&mut *held).into_values().flatten().collect(),
                _ => held.remove(partition).unwrap_or_default(),
            };
            if fault == Fault::LosesABatchAtFlush && batches.len() > 1 {
                batches.pop();
            }
            detached.push((partition.clone(), *range, batches));
        }
        let keeps_sink = (fault != Fault::NeedsTheSinkForItsWork).then(|| put.clone());
        let late = (fault == Fault::DetachesNothing).then_some(put);
        let revoked = self.revoked.clone();
        Box::pin(async move {
            let _kept = keeps_sink;
            if fault == Fault::FlushesOneAtATime && BUSY.swap(true, Ordering::Relaxed) {
                return Err(Error::fatal("another flush is under way"));
            }
            let mut artifacts = Vec::new();
            for (partition, range, mut batches) in detached {
                tokio::task::yield_now().await;
                if sink.upgrade().is_none() {
                    return Err(Error::fatal("the sink is gone"));
                }
                if fault == Fault::RevokesItsFlush && revoked.lock().unwrap().contains(&partition) {
                    continue;
                }
                if let Some(late) = &late {
                    batches.extend(late.lock().unwrap().remove(&partition).unwrap_or_default());
                }
                let rows: Vec<i64> = batches.concat();
                if rows.is_empty() && fault != Fault::WritesEmptyRanges {
                    continue;
                }
                let file = format!("{location}{}{ending}", stem(fault, &partition, &range));
                let bytes = write(fault, &file, &batches).await;
                artifacts.push(artifact(fault, file, &rows, bytes, partition, range.offsets));
            }
            BUSY.store(false, Ordering::Relaxed);
            Ok(artifacts)
        })
    }

    async fn revoke(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let gone = |partition: &TopicPartition| match self.fault {
            Fault::ForgetsRevoke => false,
            Fault::RevokesEverything => true,
            _ => partitions.contains(partition),
        };
        let mut put = self.put.lock().unwrap();
        let unknown = partitions.iter().find(|partition| !put.contains_key(partition));
        if let (Fault::WantsSomethingToRevoke, Some(unknown)) = (self.fault, unknown) {
            return Err(Error::fatal(format!("{unknown} is not held")));
        }
        put.retain(|partition, _| !gone(partition));
        self.revoked.lock().unwrap().extend(partitions.iter().cloned());
        Ok(())
    }

    async fn discard(&mut self, ranges: &Ranges) -> Result<()> {
        let prefixes: Vec<String> = ranges
            .iter()
            .map(|(partition, range)| match self.fault {
                Fault::DiscardsByPrefix => format!("{}{partition}+{}", self.location, range.offsets.start),
                fault => format!("{}{}", self.location, stem(fault, partition, range)),
            })
            .collect();
        let ours = |url: &String| match self.fault {
            Fault::DiscardsNothing => false,
            Fault::DiscardsByPrefix => prefixes.iter().any(|prefix| url.starts_with(prefix)),
            _ => prefixes.iter().any(|prefix| url == prefix || url.strip_prefix(prefix) == Some(".old")),
        };
        let mut shelf = SHELF.lock().unwrap();
        if self.fault == Fault::WantsSomethingToDiscard && !shelf.keys().any(ours) {
            return Err(Error::fatal("there is nothing to discard"));
        }
        shelf.retain(|url, _| !ours(url));
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        let held = std::mem::take(&mut *self.put.lock().unwrap());
        match self.fault {
            Fault::WritesAtItsClose => {
                for (partition, batches) in held {
                    write(self.fault, &format!("{}{partition}+rest", self.location), &batches).await;
                }
                Ok(())
            }
            Fault::ClosesOnce if held.is_empty() => Err(Error::fatal("there is nothing to close")),
            _ => Ok(()),
        }
    }
}

fn stem(fault: Fault, partition: &TopicPartition, range: &PlannedRange) -> String {
    let OffsetRange { start, end } = range.offsets;
    match range.revision {
        revision if revision > 0 && fault != Fault::ForgetsRevisions => format!("{partition}+{start}-{end}+{revision}"),
        _ => format!("{partition}+{start}-{end}"),
    }
}

/// The range that a name says.
fn origin(name: &str) -> Option<Origin> {
    let mut parts = name.split('+');
    let partition = TopicPartition::new(parts.next()?, parts.next()?.parse().ok()?);
    let (start, end) = parts.next()?.split_once('-')?;
    let offsets = OffsetRange::new(start.parse().ok()?, end.parse().ok()?);
    let revision = parts.next().map_or(Some(0), |revision| revision.parse().ok())?;
    Some(Origin::Flush { partition, offsets, revision })
}

async fn write(fault: Fault, file: &str, batches: &[Vec<i64>]) -> usize {
    let now = Timestamp::now().as_second();
    let mut text = String::new();
    for batch in batches {
        batch.iter().for_each(|number| text += &format!("{number}\n"));
        if fault == Fault::MarksItsBatches {
            text += "\n";
        }
    }
    let (mut name, bytes) = (file.to_owned(), text.len());
    match fault {
        Fault::NamesByTheClock => name += &format!("+{now}"),
        Fault::StampsItsContents => text += &format!("# {now}\n"),
        Fault::TrustsWhatIsThere => {
            if SHELF.lock().unwrap().contains_key(file) {
                return bytes;
            }
            SHELF.lock().unwrap().insert(name.clone(), Vec::new());
            tokio::task::yield_now().await;
        }
        _ => {}
    }
    let mut shelf = SHELF.lock().unwrap();
    match fault {
        Fault::AppendsInAReplay => shelf.entry(name).or_default().extend(text.into_bytes()),
        _ => drop(shelf.insert(name, text.into_bytes())),
    }
    bytes
}

fn artifact(
    fault: Fault,
    file: String,
    rows: &[i64],
    bytes: usize,
    partition: TopicPartition,
    range: OffsetRange,
) -> Artifact {
    let offset = |number: Option<&i64>| number.map_or(0, |number| number % 1_000_000);
    let value = PartitionValue { column: "part".into(), value: None };
    Artifact {
        url: if fault == Fault::LiesElsewhere { file.replacen("shelf:", "other:", 1) } else { file },
        rows: rows.len() as u64 + u64::from(fault == Fault::SaysTooManyRows),
        bytes: bytes as u64,
        partition_values: if fault == Fault::LacksPartitionValues { Vec::new() } else { vec![value] },
        partition,
        offsets: match fault {
            Fault::SaysTheOffsetsOfItsRecords => OffsetRange::new(offset(rows.first()), offset(rows.last()) + 1),
            _ => range,
        },
    }
}

/// Reads the shelf.
fn stored(folder: &Path) -> Vec<Stored> {
    let shelf = SHELF.lock().unwrap();
    let ours = shelf.iter().filter(|(url, _)| url.starts_with(&location(folder)));
    let numbers = |bytes: &[u8]| {
        let lines = std::str::from_utf8(bytes).unwrap().lines();
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| line.parse().unwrap()).collect()
    };
    ours.map(|(url, bytes)| Stored { url: url.clone(), bytes: bytes.clone(), numbers: numbers(bytes) }).collect()
}

fn columns() -> SchemaRef {
    schema(&[("id", "bigint not null"), ("name", "string")])
}

fn refused() -> RecordBatch {
    let all = records(&columns(), 10..15);
    let names = StringArray::from(vec![Some("a"), None, Some("b"), Some("refused"), Some("c")]);
    assert_eq!(names.data_type(), &DataType::Utf8);
    RecordBatch::try_new(all.schema(), vec![all.column(0).clone(), Arc::new(names)]).unwrap()
}

fn lines(records: &RecordBatch) -> Vec<u8> {
    let numbers = records.column(0).as_primitive::<Int64Type>().values().iter();
    numbers.map(|number| format!("{number}\n")).collect::<String>().into_bytes()
}

fn shelf(fault: Fault) -> Subject {
    let config = json!({ "fault": format!("{fault:?}") });
    let former = json!({ "fault": format!("{fault:?}"), "ending": ".old" });
    let subject = Subject::of::<Shelf>(config, columns(), stored).formerly(former).refusing(refused());
    match fault {
        Fault::TakesLinesInSecret => subject,
        _ => subject.with_lines(lines),
    }
}

#[tokio::test]
async fn a_sink_that_does_everything_right_conforms() {
    run(|| shelf(Fault::None)).await;
}

/// Each fault, and a case that finds it.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::NamesByTheClock, "names_and_contents_do_not_follow_from_the_clock"),
    (Fault::StampsItsContents, "names_and_contents_do_not_follow_from_the_clock"),
    (Fault::MarksItsBatches, "names_and_contents_do_not_follow_from_how_records_were_batched"),
    (Fault::AppendsInAReplay, "a_replay_over_what_was_written_changes_nothing"),
    (Fault::TrustsWhatIsThere, "a_flush_that_was_cut_off_is_made_whole_by_its_replay"),
    (Fault::TrustsWhatIsThere, "a_flush_that_was_cut_off_is_made_whole_by_the_same_sink"),
    (Fault::LosesABatchAtFlush, "a_flush_loses_and_doubles_no_record"),
    (Fault::FlushesAllPartitions, "a_flush_takes_the_partitions_of_its_ranges_and_leaves_the_others"),
    (Fault::FlushesAllPartitions, "each_artifact_is_of_one_partition_and_its_range"),
    (Fault::DetachesNothing, "what_is_put_while_a_flush_is_under_way_goes_into_the_next"),
    (Fault::NeedsTheSinkForItsWork, "the_work_needs_the_sink_no_more"),
    (Fault::FlushesOneAtATime, "tasks_do_not_disturb_each_other"),
    (Fault::WritesEmptyRanges, "a_range_without_records_leaves_nothing"),
    (Fault::ForgetsRevoke, "what_was_revoked_is_forgotten"),
    (Fault::ForgetsRevoke, "a_revoked_partition_comes_again"),
    (Fault::ForgetsRevoke, "nothing_is_buffered_after_all_was_revoked"),
    (Fault::RevokesItsFlush, "a_revoke_leaves_a_flush_under_way_alone"),
    (Fault::WantsSomethingToRevoke, "a_partition_that_was_never_put_can_be_revoked"),
    (Fault::RevokesEverything, "other_partitions_than_the_revoked_are_kept"),
    (Fault::RevokesEverything, "a_revoked_partition_is_written_by_another_task"),
    (Fault::KeepsRowsOfARefusedBatch, "a_batch_that_was_refused_leaves_nothing"),
    (Fault::RefusesEverythingAfterwards, "the_other_records_of_a_refused_batch_are_taken"),
    (Fault::RefusesEverythingAfterwards, "a_batch_that_was_refused_leaves_nothing"),
    (Fault::LosesLines, "lines_and_records_follow_each_other"),
    (Fault::WritesLinesOtherwise, "lines_leave_what_their_records_leave"),
    (Fault::TakesLinesInSecret, "lines_that_are_refused_leave_nothing"),
    (Fault::SaysTheOffsetsOfItsRecords, "offsets_without_a_record_are_covered"),
    (Fault::SaysTooManyRows, "artifacts_say_what_was_written_neither_more_nor_less"),
    (Fault::LiesElsewhere, "artifacts_lie_below_the_location_of_the_dataset"),
    (Fault::LacksPartitionValues, "artifacts_have_a_value_for_each_partition_column"),
    (Fault::SaysThatItHoldsSomething, "what_is_buffered_grows_with_what_is_put"),
    (Fault::CountsWhatWasFlushed, "nothing_is_buffered_after_a_flush_was_detached"),
    (Fault::MakesItsFolderForTheDataset, "the_dataset_is_known_before_anything_runs"),
    (Fault::WantsSomethingToDiscard, "a_discard_of_nothing_is_no_error"),
    (Fault::WantsSomethingToReset, "a_reset_of_nothing_is_no_error"),
    (Fault::DiscardsByPrefix, "a_discard_removes_its_ranges_and_no_others"),
    (Fault::DiscardsNothing, "a_discard_removes_what_a_former_config_wrote"),
    (Fault::DiscardsNothing, "a_discarded_range_is_written_anew"),
    (Fault::ForgetsRevisions, "a_discard_that_comes_late_leaves_what_was_planned_anew"),
    (Fault::ResetsAllTopics, "a_reset_leaves_other_topics_alone"),
    (Fault::ResetsNothing, "a_reset_leaves_nothing_of_its_topic"),
    (Fault::SaysNothingOfItsReset, "a_reset_says_what_it_removed"),
    (Fault::SaysThatItResetNothing, "a_reset_says_what_it_removed"),
    (Fault::ResetsNothing, "a_reset_removes_what_a_former_config_wrote"),
    (Fault::ListsTooLittle, "what_was_flushed_is_listed_by_its_ranges"),
    (Fault::MiscountsItsFlush, "what_was_flushed_is_listed_by_its_ranges"),
    (Fault::ListsAllTopics, "what_another_topic_left_is_listed_as_foreign"),
    (Fault::MakesItsFolderForTheListing, "a_listing_changes_nothing"),
    (Fault::LeavesItsProbe, "an_examination_changes_nothing_that_stays"),
    (Fault::WritesAtItsClose, "what_was_not_flushed_is_not_durable"),
    (Fault::ClosesOnce, "it_closes_at_any_time"),
];

#[tokio::test]
async fn every_fault_is_found() {
    assert_found(cases(), FAULTS, shelf).await;
}

#[test]
fn every_case_finds_a_fault() {
    assert_each_finds_one(cases(), FAULTS);
}
