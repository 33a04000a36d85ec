//! A hook that does not do what the engine relies on fails the case that says so.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pipeline_api::{
    Artifact, CheckOutcome, Context, Dataset, Error, Examined, FileFormat, Found, Hook, OffsetRange, Plugin, Result,
    TopicPartition, Unreached, Verdict, async_trait,
};
use pipeline_testkit::hook_conformance::{Flushes, Subject, cases, run};
use pipeline_testkit::schema;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::faults::{assert_each_finds_one, assert_found};

/// What a hook does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
enum Fault {
    /// It does everything right.
    None,
    /// What comes again is registered again.
    RegistersTwice,
    /// Only the hook itself remembers what it has registered.
    RemembersInItselfAlone,
    /// The first artifact of a flush is registered alone.
    RegistersTheFirstAlone,
    /// What begins before the last one is taken for old.
    TrustsTheOrder,
    /// It writes back what it has read before it waited.
    OverwritesOtherTasks,
    /// It writes the list as it was when it was opened, with its own artifacts.
    ReadsAtOpenAlone,
    /// A call that was cut off counts as done.
    MarksBeforeItActs,
    /// An end without a flush stops the pipeline.
    WantsAFlushBeforeTheEnd,
    /// An end registers something.
    RegistersAtTheEnd,
    /// A task that had no flush finds too few rows.
    CountsItsOwnRowsAlone,
    /// A reset removes nothing.
    ResetsNothing,
    /// What was registered before a reset is not registered again.
    RemembersWhatWasReset,
    /// A reset of nothing is an error.
    WantsSomethingToReset,
    /// A reset removes everything and says that there was nothing.
    SaysNothingOfItsReset,
    /// A reset says that it removed something where there was nothing.
    SaysThatItResetNothing,
    /// Readers are said not to find what was registered.
    TakesWhatPassedForUnreached,
    /// A look registers what it is asked for.
    RegistersWhenAsked,
    /// The second call for the same artifacts finds something else.
    JudgesAnew,
    /// What is right is found wrong.
    FindsFaults,
    /// Who looks registers something.
    RegistersWhenItIsExamined,
}

/// Registers addresses in the memory of the process.
///
/// ```yaml
/// type: register
/// config: { fault: None }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RegisterConfig {
    /// What it does wrong.
    fault: Fault,
}

/// What all hooks of this process have made, by the folder of their pipeline file.
static REGISTERED: Mutex<BTreeMap<PathBuf, Vec<String>>> = Mutex::new(BTreeMap::new());

/// What was ever registered.
static REMEMBERED: Mutex<Vec<(PathBuf, String)>> = Mutex::new(Vec::new());

struct Register {
    fault: Fault,
    folder: PathBuf,
    known: Vec<String>,
    marked: Vec<String>,
    last: i64,
    rows: u64,
    calls: usize,
}

#[async_trait]
impl Plugin for Register {
    const TYPE: &'static str = "register";
    type Config = RegisterConfig;

    async fn open(config: RegisterConfig, context: Context) -> Result<Self> {
        let known = if config.fault == Fault::ReadsAtOpenAlone { registered(&context.folder) } else { Vec::new() };
        let (fault, folder) = (config.fault, context.folder);
        Ok(Self { fault, folder, known, marked: Vec::new(), last: -1, rows: 0, calls: 0 })
    }
}

#[async_trait]
impl Hook for Register {
    async fn reset(config: RegisterConfig, context: Context) -> Result<Option<String>> {
        if config.fault == Fault::ResetsNothing {
            return Ok(None);
        }
        let removed = REGISTERED.lock().unwrap().remove(&context.folder).unwrap_or_default();
        match (config.fault, removed.len()) {
            (Fault::WantsSomethingToReset, 0) => Err(Error::fatal("there is nothing to reset")),
            (Fault::SaysNothingOfItsReset, _) => Ok(None),
            (_, 0) if config.fault != Fault::SaysThatItResetNothing => Ok(None),
            (_, count) => Ok(Some(format!("{count} addresses"))),
        }
    }

    async fn examine(config: RegisterConfig, context: Context) -> Vec<Examined> {
        if config.fault == Fault::RegistersWhenItIsExamined {
            REGISTERED.lock().unwrap().entry(context.folder).or_default().push("probe".into());
        }
        vec![Examined { what: "look".into(), outcome: Ok(None) }]
    }

    async fn unreached(config: RegisterConfig, context: Context, found: &[Found]) -> Result<Vec<Unreached>> {
        let urls = || found.iter().map(|found| found.url.clone());
        if config.fault == Fault::RegistersWhenAsked {
            REGISTERED.lock().unwrap().entry(context.folder.clone()).or_default().extend(urls());
        }
        let registered = registered(&context.folder);
        let wrong = config.fault == Fault::TakesWhatPassedForUnreached;
        let unreached = urls().filter(|url| wrong || !registered.contains(url));
        Ok(unreached.map(|url| Unreached { urls: vec![url], why: "it is not registered".into() }).collect())
    }

    async fn after_flush(&mut self, artifacts: &[Artifact]) -> Result<Vec<CheckOutcome>> {
        self.calls += 1;
        let most = if self.fault == Fault::RegistersTheFirstAlone { 1 } else { artifacts.len() };
        for artifact in &artifacts[..most] {
            self.rows += artifact.rows;
            self.register(artifact).await;
        }
        let verdict = if self.fault == Fault::FindsFaults { Verdict::Failed } else { Verdict::Passed };
        let found = if self.fault == Fault::JudgesAnew { self.calls } else { artifacts.len() };
        Ok(vec![outcome(&found.to_string(), verdict)])
    }

    async fn at_end(&mut self, rows: u64) -> Result<Vec<CheckOutcome>> {
        if self.fault == Fault::WantsAFlushBeforeTheEnd && self.calls == 0 {
            return Err(Error::fatal("there was no flush"));
        }
        if self.fault == Fault::RegistersAtTheEnd {
            REGISTERED.lock().unwrap().entry(self.folder.clone()).or_default().push("end".into());
        }
        let wrong = self.fault == Fault::CountsItsOwnRowsAlone && self.rows < rows;
        Ok(vec![outcome(&rows.to_string(), if wrong { Verdict::Failed } else { Verdict::Passed })])
    }
}

impl Register {
    async fn register(&mut self, artifact: &Artifact) {
        let url = artifact.url.clone();
        if self.fault == Fault::MarksBeforeItActs && self.marked.contains(&url) {
            return;
        }
        self.marked.push(url.clone());
        let before = registered(&self.folder);
        tokio::task::yield_now().await;
        let now = match self.fault {
            Fault::OverwritesOtherTasks => before,
            _ => registered(&self.folder),
        };
        let skipped = match self.fault {
            Fault::RegistersTwice => false,
            Fault::RemembersInItselfAlone | Fault::ReadsAtOpenAlone => self.known.contains(&url),
            Fault::TrustsTheOrder => artifact.offsets.start <= self.last,
            Fault::RemembersWhatWasReset => REMEMBERED.lock().unwrap().contains(&(self.folder.clone(), url.clone())),
            _ => now.contains(&url),
        };
        self.last = self.last.max(artifact.offsets.start);
        if skipped {
            return;
        }
        self.known.push(url.clone());
        REMEMBERED.lock().unwrap().push((self.folder.clone(), url.clone()));
        let all = match self.fault {
            Fault::ReadsAtOpenAlone => self.known.clone(),
            _ => [now, vec![url]].concat(),
        };
        REGISTERED.lock().unwrap().insert(self.folder.clone(), all);
    }
}

fn outcome(found: &str, verdict: Verdict) -> CheckOutcome {
    CheckOutcome { check: "count".into(), found: found.into(), expected: "some".into(), verdict }
}

/// Reads the register.
fn registered(folder: &Path) -> Vec<String> {
    REGISTERED.lock().unwrap().get(folder).cloned().unwrap_or_default()
}

fn flushes(_: &Path) -> Flushes {
    let artifact = |partition: i32, start: i64| Artifact {
        url: format!("shelf:///{partition}/{start}"),
        rows: 10,
        bytes: 100,
        partition_values: Vec::new(),
        partition: TopicPartition::new("t", partition),
        offsets: OffsetRange::new(start, start + 10),
    };
    let records = schema(&[("id", "bigint not null")]);
    let dataset = Dataset {
        location: "shelf:///".into(),
        format: FileFormat::Parquet,
        columns: records.clone(),
        partition_columns: schema(&[]),
    };
    let artifacts =
        vec![vec![artifact(0, 0), artifact(1, 10)], vec![artifact(0, 20)], vec![artifact(1, 30), artifact(0, 40)]];
    Flushes { records, dataset, artifacts }
}

fn register(fault: Fault) -> Subject {
    let all = ["shelf:///0/0", "shelf:///0/20", "shelf:///0/40", "shelf:///1/10", "shelf:///1/30"];
    Subject::of::<Register>(json!({ "fault": format!("{fault:?}") }), flushes).leaving(registered, &all)
}

#[tokio::test]
async fn a_hook_that_does_everything_right_conforms() {
    run(|| register(Fault::None)).await;
}

/// Each fault, and a case that finds it.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::RegistersTwice, "the_same_artifacts_twice_leave_the_same"),
    (Fault::RegistersTwice, "an_older_flush_again_leaves_the_same"),
    (Fault::RemembersInItselfAlone, "a_hook_that_is_opened_anew_leaves_the_same"),
    (Fault::RemembersInItselfAlone, "tasks_with_the_same_artifacts_leave_the_same"),
    (Fault::RegistersTheFirstAlone, "after_all_flushes_everything_is_made"),
    (Fault::RegistersTheFirstAlone, "all_flushes_at_once_leave_the_same"),
    (Fault::TrustsTheOrder, "the_order_of_artifacts_does_not_matter"),
    (Fault::OverwritesOtherTasks, "tasks_at_once_leave_the_same"),
    (Fault::ReadsAtOpenAlone, "tasks_by_turns_leave_the_same"),
    (Fault::MarksBeforeItActs, "a_call_that_was_cut_off_is_made_whole_by_the_next"),
    (Fault::WantsAFlushBeforeTheEnd, "an_end_without_a_flush_is_no_error"),
    (Fault::RegistersAtTheEnd, "an_end_changes_nothing"),
    (Fault::CountsItsOwnRowsAlone, "an_end_comes_on_a_task_that_had_no_flush"),
    (Fault::ResetsNothing, "a_reset_leaves_nothing"),
    (Fault::RemembersWhatWasReset, "after_a_reset_everything_is_made_anew"),
    (Fault::WantsSomethingToReset, "a_reset_of_nothing_is_no_error"),
    (Fault::SaysNothingOfItsReset, "a_reset_says_what_it_removed"),
    (Fault::SaysThatItResetNothing, "a_reset_says_what_it_removed"),
    (Fault::RegistersWhenItIsExamined, "an_examination_changes_nothing_that_stays"),
    (Fault::TakesWhatPassedForUnreached, "what_passed_is_found_by_readers"),
    (Fault::RegistersWhenAsked, "a_look_makes_nothing"),
    (Fault::JudgesAnew, "the_same_artifacts_are_judged_the_same"),
    (Fault::FindsFaults, "what_is_right_is_not_found_wrong"),
];

#[tokio::test]
async fn every_fault_is_found() {
    assert_found(cases(), FAULTS, register).await;
}

#[test]
fn every_case_finds_a_fault() {
    assert_each_finds_one(cases(), FAULTS);
}
