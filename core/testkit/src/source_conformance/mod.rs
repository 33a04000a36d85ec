//! What the runtime relies on in a source.
//!
//! ```
//! # use pipeline_api::{Context, Plugin, Result, SchemaRef, Source, SourceBatch, async_trait};
//! # struct Weekdays;
//! # #[async_trait] impl Plugin for Weekdays {
//! #     const TYPE: &'static str = "weekdays"; type Config = String;
//! #     async fn open(_: String, _: Context) -> Result<Self> { Ok(Self) }
//! # }
//! # #[async_trait] impl Source for Weekdays {
//! #     fn schema(&self) -> SchemaRef { unimplemented!() }
//! #     async fn poll(&mut self) -> Result<Option<SourceBatch>> { Ok(None) }
//! # }
//! use pipeline_testkit::{schema, source_conformance};
//! use serde_json::json;
//!
//! async fn the_source_conforms() {
//!     let topic = schema(&[("date", "date not null"), ("weekday", "string not null")]);
//!     let config = json!({ "from": "2026-01-01", "to": "2027-12-31" });
//!     source_conformance::run(source_conformance::Subject::of::<Weekdays>(config, topic)).await;
//! }
//! ```
//!
//! Where a source waits for its clock, a test with `#[tokio::test(start_paused = true)]` waits for nothing. Each case has two
//! minutes of that clock, in which it may read everything a few dozen times.

mod batches;
mod calls;
mod polled;
mod resuming;
mod tasks;

use std::path::Path;

use pipeline_api::{Context, Delivery, Plugin, Registration, Result, SchemaRef, Source, SourceOffsets, Task};
use serde_json::Value;

use crate::case::{Case, run_all};
use crate::plugin_subject::{self, CRATE, OfPlugin, PluginSubject};
use polled::Polled;

/// A source to test, and what to test it with. It has to end by itself, and to give the same records whenever it is opened. One
/// whose delivery is `at_most_once` need not resume: its origin cannot be read again.
#[derive(Clone, Debug)]
pub struct Subject {
    plugin: PluginSubject,
}

impl Subject {
    /// The source `P` with what would stand under `config:`. `topic` is the schema of the topic that it would write to.
    ///
    /// The config has to make three batches at least, so that there are places to resume at; and records for several
    /// tasks, if the source divides its work.
    pub fn of<P: Plugin + Source>(config: Value, topic: SchemaRef) -> Self {
        Self { plugin: PluginSubject::new(Registration::source::<P>(CRATE), config, topic) }
    }

    /// Says which folder relative paths in the config start from.
    #[must_use]
    pub fn in_folder(self, folder: impl AsRef<Path>) -> Self {
        Self { plugin: self.plugin.in_folder(folder.as_ref()) }
    }

    /// Opens the source where these offsets say, as they come back from where they were stored.
    async fn open(&self, task: Task, offsets: &SourceOffsets) -> Result<Box<dyn Source>, Fault> {
        let stored = serde_json::to_string(offsets)?;
        let offsets = serde_json::from_str(&stored)?;
        let context = Context { task, offsets, ..self.plugin.context() };
        Ok(self.plugin.registration.open_source(self.plugin.config.clone(), context).await?)
    }

    /// Whether it gives offsets to resume at.
    fn resumes(&self) -> bool {
        let delivery = self.plugin.registration.delivery(self.plugin.config.clone());
        !matches!(delivery, Ok(Delivery::AtMostOnce))
    }

    /// Opens its only task at the beginning.
    async fn open_new(&self) -> Result<Box<dyn Source>, Fault> {
        self.open(ALONE, &SourceOffsets::new()).await
    }

    /// Everything that it gives.
    async fn read(&self) -> Result<Vec<Polled>, Fault> {
        polled::drain(self.open_new().await?.as_mut()).await
    }

    /// Everything that its only task gives when it resumes at these offsets.
    async fn read_from(&self, offsets: &SourceOffsets) -> Result<Vec<Polled>, Fault> {
        polled::drain(self.open(ALONE, offsets).await?.as_mut()).await
    }
}

impl OfPlugin for Subject {
    fn plugin(&self) -> &PluginSubject {
        &self.plugin
    }
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

const ALONE: Task = Task { index: 0, of: 1 };

/// All cases.
pub fn cases() -> Vec<Case<Subject>> {
    let own = [batches::CASES, calls::CASES, resuming::CASES, tasks::CASES].concat();
    [plugin_subject::cases(), own].concat()
}

/// Runs all cases, and panics with all that failed.
pub async fn run(subject: Subject) {
    run_all(cases(), async || subject.clone()).await;
}
