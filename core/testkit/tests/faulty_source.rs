//! A source that does not do what the engine relies on fails the case that says so.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;

use std::sync::atomic::{AtomicI64, Ordering};

use arrow::datatypes::{DataType, Field, Schema};
use pipeline_api::{
    Context, Delivery, Error, Findings, Plugin, RecordBatch, Result, SchemaRef, Source, SourceBatch, SourceOffsets,
    Task, async_trait,
};
use pipeline_testkit::source_conformance::{Subject, cases, run};
use pipeline_testkit::{records, schema};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::faults::{assert_each_finds_one, assert_found};

/// What a source does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
enum Fault {
    /// It does everything right.
    None,
    /// It does all that can be done without an origin that can be read again, and says so.
    CannotBeReadAgain,
    /// It skips a row where it resumes.
    ResumesLate,
    /// It repeats a row where it resumes.
    ResumesEarly,
    /// It does not look at its task.
    GivesAllToEachTask,
    /// It leaves one partition to nobody.
    LeavesAPartitionOut,
    /// It names its positions after its task and not after what it reads.
    KeepsPositionsByTask,
    /// A column may be null from the third batch on.
    ChangesItsSchema,
    /// It names a column as the runtime does.
    TakesANameOfTheRuntime,
    /// It moves on before it waits.
    LosesADroppedPoll,
    /// It begins anew when it is polled behind its end.
    GoesOnBehindItsEnd,
    /// It says where it is in every second batch only.
    ForgetsOffsets,
    /// It gives other records each time.
    IsNeverTheSame,
    /// It gives a hundred thousand rows at once.
    GivesTooMuchAtOnce,
    /// A commit moves it on.
    MovesOnInACommit,
    /// It takes commits of its last batch alone.
    WantsACommitForEachBatch,
    /// It closes at its end alone.
    ClosesAtItsEndAlone,
    /// It knows the place of a row that it did not give.
    InventsPlaces,
}

/// Numbers in four partitions.
///
/// ```yaml
/// type: numbers
/// config: { fault: None }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NumbersConfig {
    /// What it does wrong.
    fault: Fault,
}

struct Numbers {
    fault: Fault,
    task: Task,
    next: [Option<i64>; PARTITIONS],
    polls: usize,
    ended: bool,
    last: Option<SourceBatch>,
}

const PARTITIONS: usize = 4;
const ROWS_A_PARTITION: i64 = 95;
const ROWS_A_BATCH: i64 = 10;

static OPENED: AtomicI64 = AtomicI64::new(0);

#[async_trait]
impl Plugin for Numbers {
    const TYPE: &'static str = "numbers";
    type Config = NumbersConfig;

    fn delivery(config: &NumbersConfig) -> Delivery {
        if config.fault == Fault::CannotBeReadAgain { Delivery::AtMostOnce } else { Delivery::ExactlyOnce }
    }

    async fn open(config: NumbersConfig, context: Context) -> Result<Self> {
        let (fault, task) = (config.fault, context.task);
        let mut next = [None; PARTITIONS];
        for (partition, next) in next.iter_mut().enumerate() {
            let owned = partition % task.of as usize == task.index as usize;
            let left_out = fault == Fault::LeavesAPartitionOut && task.of > 2 && partition == 2;
            if (owned && !left_out) || fault == Fault::GivesAllToEachTask {
                let stored = context.offsets.get::<i64>(&position_name(fault, task, partition))?;
                *next = Some(stored.map_or(0, |stored| match fault {
                    Fault::CannotBeReadAgain => 0,
                    Fault::ResumesLate => stored + 1,
                    Fault::ResumesEarly => stored - 1,
                    _ => stored,
                }));
            }
        }
        OPENED.fetch_add(1, Ordering::Relaxed);
        Ok(Self { fault, task, next, polls: 0, ended: false, last: None })
    }
}

fn position_name(fault: Fault, task: Task, partition: usize) -> String {
    match fault {
        Fault::KeepsPositionsByTask => format!("task-{}-{}", task.index, partition / task.of as usize),
        _ => format!("partition-{partition}"),
    }
}

#[async_trait]
impl Source for Numbers {
    fn schema(&self) -> SchemaRef {
        let name = if self.fault == Fault::TakesANameOfTheRuntime { "__offset" } else { "number" };
        schema(&[(name, "bigint not null"), ("text", "string not null")])
    }

    async fn poll(&mut self) -> Result<Option<SourceBatch>> {
        self.polls += 1;
        let left = |(_, next): &(usize, &Option<i64>)| next.is_some_and(|next| next < ROWS_A_PARTITION);
        let Some((partition, first)) =
            self.next.iter().enumerate().find(left).and_then(|(partition, next)| Some((partition, (*next)?)))
        else {
            let again = std::mem::replace(&mut self.ended, true) && self.fault == Fault::GoesOnBehindItsEnd;
            return Ok(if again { self.last.take() } else { None });
        };
        let end = (first + ROWS_A_BATCH).min(ROWS_A_PARTITION);
        if self.fault == Fault::LosesADroppedPoll {
            self.next[partition] = Some(end);
        }
        tokio::task::yield_now().await;
        self.next[partition] = Some(end);
        let mut offsets = SourceOffsets::new();
        let forgets = match self.fault {
            Fault::CannotBeReadAgain => true,
            Fault::ForgetsOffsets => !self.polls.is_multiple_of(2),
            _ => false,
        };
        if !forgets {
            offsets.set(position_name(self.fault, self.task, partition), &end)?;
        }
        let batch = SourceBatch { records: self.batch(partition, first, end)?, offsets, rejected: Vec::new() };
        self.last = Some(batch.clone());
        Ok(Some(batch))
    }

    fn place(&self, row: usize) -> Option<String> {
        let rows = self.last.as_ref().map_or(0, |last| last.records.num_rows());
        (row < rows || self.fault == Fault::InventsPlaces).then(|| format!("row {row}"))
    }

    async fn commit(&mut self, offsets: &SourceOffsets) -> Result<()> {
        if self.fault == Fault::MovesOnInACommit {
            self.next.iter_mut().flatten().for_each(|next| *next += 1);
        }
        let is_last = self.last.as_ref().is_some_and(|last| last.offsets == *offsets);
        if self.fault == Fault::WantsACommitForEachBatch && !is_last {
            return Err(Error::fatal("these are not the offsets of the last batch"));
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        let at_end = self.next.iter().flatten().all(|next| *next == ROWS_A_PARTITION);
        if self.fault == Fault::ClosesAtItsEndAlone && !at_end {
            return Err(Error::fatal("there is more"));
        }
        Ok(())
    }
}

impl Numbers {
    fn batch(&self, partition: usize, first: i64, end: i64) -> Result<RecordBatch> {
        let base = match self.fault {
            Fault::IsNeverTheSame => 10_000 * OPENED.load(Ordering::Relaxed),
            _ => 1000 * partition as i64,
        };
        let more = if self.fault == Fault::GivesTooMuchAtOnce { 100_000 } else { 0 };
        let batch = records(&self.schema(), base + first..base + end + more);
        if self.fault == Fault::ChangesItsSchema && self.polls > 2 {
            let fields = ["number", "text"].map(|name| batch.schema().field_with_name(name).cloned());
            let [number, _] = fields.map(|field| field.map_err(|error| Error::fatal(error.to_string())));
            let changed = Schema::new(vec![number?, Field::new("text", DataType::Utf8, true)]);
            return RecordBatch::try_new(changed.into(), batch.columns().to_vec())
                .map_err(|error| Error::fatal(error.to_string()));
        }
        Ok(batch)
    }
}

fn numbers(fault: Fault) -> Subject {
    let topic = schema(&[("number", "bigint not null"), ("text", "string not null")]);
    Subject::of::<Numbers>(json!({ "fault": format!("{fault:?}") }), topic)
}

#[tokio::test]
async fn a_source_that_does_everything_right_conforms() {
    run(numbers(Fault::None)).await;
}

#[tokio::test]
async fn a_source_whose_origin_cannot_be_read_again_need_not_resume_if_it_says_so() {
    run(numbers(Fault::CannotBeReadAgain)).await;
}

/// Each fault, and a case that finds it.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::ResumesLate, "it_resumes_after_any_batch_neither_a_row_early_nor_late"),
    (Fault::ResumesLate, "it_resumes_again_and_again"),
    (Fault::ResumesLate, "a_poll_that_is_dropped_leaves_the_offsets_where_they_were"),
    (Fault::ResumesEarly, "it_resumes_after_any_batch_neither_a_row_early_nor_late"),
    (Fault::ResumesEarly, "after_its_last_offsets_there_is_nothing"),
    (Fault::GivesAllToEachTask, "its_tasks_together_give_every_record_once"),
    (Fault::LeavesAPartitionOut, "its_tasks_together_give_every_record_once"),
    (Fault::LeavesAPartitionOut, "its_tasks_resume_from_the_offsets_of_all_of_them"),
    (Fault::KeepsPositionsByTask, "it_resumes_with_more_tasks"),
    (Fault::KeepsPositionsByTask, "it_resumes_with_fewer_tasks"),
    (Fault::ChangesItsSchema, "every_batch_has_the_schema_of_the_source"),
    (Fault::TakesANameOfTheRuntime, "its_columns_have_names_that_a_topic_can_have"),
    (Fault::LosesADroppedPoll, "a_poll_that_is_dropped_loses_nothing"),
    (Fault::GoesOnBehindItsEnd, "after_its_end_it_stays_at_its_end"),
    (Fault::ForgetsOffsets, "every_batch_with_records_moves_an_offset"),
    (Fault::IsNeverTheSame, "two_runs_give_the_same_records"),
    (Fault::GivesTooMuchAtOnce, "a_batch_says_something_and_is_not_huge"),
    (Fault::MovesOnInACommit, "a_commit_after_every_batch_changes_nothing"),
    (Fault::WantsACommitForEachBatch, "a_commit_of_several_batches_changes_nothing"),
    (Fault::ClosesAtItsEndAlone, "it_closes_at_any_time"),
    (Fault::InventsPlaces, "a_place_is_asked_for_at_any_row"),
];

#[tokio::test]
async fn every_fault_is_found() {
    assert_found(cases(), FAULTS, numbers).await;
}

#[test]
fn every_case_finds_a_fault() {
    assert_each_finds_one(cases(), FAULTS);
}

/// Without an example.
#[derive(Debug, Deserialize, JsonSchema)]
struct SloppyConfig {
    #[serde(default)]
    #[schemars(description = "")]
    nested: Option<Nested>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Nested {
    undocumented: u32,
}

/// A plugin that says little of itself.
struct Sloppy;

#[async_trait]
impl Plugin for Sloppy {
    const TYPE: &'static str = "Sloppy-Source";
    type Config = SloppyConfig;

    fn validate(config: &SloppyConfig, _: &Schema, findings: &mut Findings) {
        let nested = config.nested.as_ref().map_or(0, |nested| nested.undocumented);
        findings.error("", format!("{nested} and {}", OPENED.fetch_add(1, Ordering::Relaxed)));
    }

    async fn open(_: SloppyConfig, _: Context) -> Result<Self> {
        Ok(Self)
    }
}

#[async_trait]
impl Source for Sloppy {
    fn schema(&self) -> SchemaRef {
        schema(&[])
    }

    async fn poll(&mut self) -> Result<Option<SourceBatch>> {
        Ok(None)
    }
}

#[tokio::test]
async fn a_plugin_that_says_little_of_itself_is_found() {
    for case in [
        "its_type_is_a_word_in_snake_case",
        "its_page_shows_an_example",
        "its_page_documents_every_field",
        "an_unknown_field_is_refused_at_every_level",
        "the_config_to_test_with_is_accepted",
        "the_same_config_is_judged_the_same",
    ] {
        let subject = Subject::of::<Sloppy>(json!({}), schema(&[]));
        let outcome = cases().into_iter().find(|found| found.name == case).unwrap().run(subject).await;
        assert!(outcome.is_err(), "{case}");
    }
}
