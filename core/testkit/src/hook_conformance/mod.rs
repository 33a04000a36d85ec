//! What the runtime relies on in a hook.
//!
//! ```
//! use std::path::Path;
//!
//! use pipeline_api::{Hook, Plugin};
//! use pipeline_testkit::hook_conformance::{Flushes, Subject, run};
//! use serde_json::json;
//!
//! /// Writes what a sink would have written, without any of its code, and says it as a sink does.
//! fn flushes(folder: &Path) -> Flushes {
//!     unimplemented!("{}", folder.display())
//! }
//!
//! /// Reads what the hook has made, without any of its code.
//! fn made(folder: &Path) -> Vec<String> {
//!     let text = std::fs::read_to_string(folder.join("catalog.txt")).unwrap_or_default();
//!     text.lines().map(str::to_owned).collect()
//! }
//!
//! async fn the_hook_conforms<AcmeCatalog: Plugin + Hook>() {
//!     run(|| Subject::of::<AcmeCatalog>(json!({ "table": "stocks" }), flushes).leaving(made, &["2026-01", "2026-02"])).await;
//! }
//! ```

mod calling;
mod examining;
mod looking;
mod made;
mod repeating;
mod resetting;
mod sharing;

use std::path::Path;
use std::sync::Arc;

use pipeline_api::{Artifact, Context, Dataset, Hook, Plugin, Registration, Result, SchemaRef, Task};
use serde_json::Value;
use tempfile::TempDir;

use crate::case::{Case, run_all};
use crate::plugin_subject::{self, CRATE, OfPlugin, PluginSubject};

/// What a sink wrote, for a hook behind it.
#[derive(Clone, Debug)]
pub struct Flushes {
    /// The schema of the records that the sink got.
    pub records: SchemaRef,
    /// Where they lie.
    pub dataset: Dataset,
    /// The artifacts of each flush, in the order in which the flushes were: two flushes at least, the first of them with two
    /// artifacts at least.
    pub artifacts: Vec<Vec<Artifact>>,
}

/// A hook to test, what to test it with, and a way to read what it made. Each case gets a subject of its own.
#[derive(Clone)]
pub struct Subject {
    plugin: PluginSubject,
    folder: Arc<TempDir>,
    flushes: Arc<Flushes>,
    read: Read,
    leaves: Vec<String>,
}

/// Reads what the hook made in a folder.
type Read = Arc<dyn Fn(&Path) -> Vec<String> + Send + Sync>;

impl Subject {
    /// The hook `P` with what would stand under `config:`. Relative paths in the config start from an empty folder that is
    /// made for this subject. `flushes` gets that folder, and writes into it what the sink before the hook would have
    /// written.
    ///
    /// # Panics
    ///
    /// There are too few flushes or artifacts; no folder can be made.
    pub fn of<P: Plugin + Hook>(config: Value, flushes: impl FnOnce(&Path) -> Flushes) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let flushes = flushes(folder.path());
        let enough = flushes.artifacts.len() >= 2 && flushes.artifacts[0].len() >= 2;
        assert!(enough, "expected two flushes at least, the first of them with two artifacts at least");
        let plugin = PluginSubject::new(Registration::hook::<P>(CRATE), config, flushes.records.clone());
        Self {
            plugin: plugin.in_folder(folder.path()),
            folder: Arc::new(folder),
            flushes: Arc::new(flushes),
            read: Arc::new(|_| Vec::new()),
            leaves: Vec::new(),
        }
    }

    /// Says what the hook leaves behind once all flushes have passed it: `read` gets the folder and returns one text for
    /// each thing that the hook made, in any order, and shares no code with it. A hook that only checks leaves nothing.
    #[must_use]
    pub fn leaving(self, read: impl Fn(&Path) -> Vec<String> + Send + Sync + 'static, all: &[&str]) -> Self {
        Self { read: Arc::new(read), leaves: all.iter().map(|text| (*text).to_owned()).collect(), ..self }
    }

    fn context(&self, task: Task) -> Context {
        Context { dataset: Some(self.flushes.dataset.clone()), task, ..self.plugin.context() }
    }

    async fn open(&self) -> Result<Box<dyn Hook>> {
        self.open_task(Task { index: 0, of: 1 }).await
    }

    async fn open_task(&self, task: Task) -> Result<Box<dyn Hook>> {
        self.plugin.registration.open_hook(self.plugin.config.clone(), self.context(task)).await
    }

    async fn reset(&self) -> Result<Option<String>> {
        let context = self.context(Task { index: 0, of: 1 });
        self.plugin.registration.reset(self.plugin.config.clone(), context).await
    }

    fn artifacts(&self) -> &[Vec<Artifact>] {
        &self.flushes.artifacts
    }
}

impl OfPlugin for Subject {
    fn plugin(&self) -> &PluginSubject {
        &self.plugin
    }
}

/// All cases.
pub fn cases() -> Vec<Case<Subject>> {
    let own =
        [calling::CASES, repeating::CASES, sharing::CASES, resetting::CASES, looking::CASES, examining::CASES].concat();
    [plugin_subject::cases(), own].concat()
}

/// Runs all cases, each on a subject of its own, and panics with all that failed.
pub async fn run(subject: impl Fn() -> Subject) {
    run_all(cases(), async || subject()).await;
}
