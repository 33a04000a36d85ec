//! What the runtime relies on in a sink.
//!
//! ```
//! use std::path::Path;
//!
//! use pipeline_api::{Plugin, Sink};
//! use pipeline_testkit::schema;
//! use pipeline_testkit::sink_conformance::{Stored, Subject, run};
//! use serde_json::json;
//!
//! /// Reads what is durable without any of the sink's code.
//! fn stored(folder: &Path) -> Vec<Stored> {
//!     let files = std::fs::read_dir(folder.join("out")).into_iter().flatten();
//!     let one = |file: std::io::Result<std::fs::DirEntry>| {
//!         let path = file.unwrap().path();
//!         let text = std::fs::read_to_string(&path).unwrap();
//!         let numbers = text.lines().map(|line| line.parse().unwrap()).collect();
//!         Stored { url: format!("file://{}", path.display()), bytes: text.into_bytes(), numbers }
//!     };
//!     files.map(one).collect()
//! }
//!
//! async fn the_sink_conforms<AcmeFiles: Plugin + Sink>() {
//!     let columns = schema(&[("id", "bigint not null"), ("name", "string")]);
//!     run(|| Subject::of::<AcmeFiles>(json!({ "path": "out" }), columns.clone(), stored)).await;
//! }
//! ```

mod artifacts;
mod buffering;
mod closing;
mod discarding;
mod examining;
mod flushing;
mod lining;
mod listing;
mod replaying;
mod revoking;
mod stored;
mod writing;

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::DataType;
use pipeline_api::{Context, Dataset, Delivery, Plugin, RecordBatch, Registration, Result, SchemaRef, Sink};
use serde_json::Value;
use tempfile::TempDir;

use crate::case::{Case, run_all};
use crate::plugin_subject::{self, CRATE, OfPlugin, PluginSubject};

pub use stored::Stored;

/// A sink to test, what to test it with, and a way to read what it made durable. Each case gets a subject of its own.
#[derive(Clone)]
pub struct Subject {
    plugin: PluginSubject,
    topic: Arc<str>,
    folder: Arc<TempDir>,
    read: Read,
    former: Vec<Value>,
    refused: Option<RecordBatch>,
    lines: Option<fn(&RecordBatch) -> Vec<u8>>,
}

/// Reads what the sink made durable in a folder.
type Read = Arc<dyn Fn(&Path) -> Vec<Stored> + Send + Sync>;

impl Subject {
    /// The sink `P` with what would stand under `config:`, for records of a schema. Relative paths in the config start from
    /// an empty folder that is made for this subject; a sink that writes elsewhere needs a config with a place of its own.
    ///
    /// The suite makes the records. The first column that is `bigint not null` holds the number by which it tells them
    /// apart. `read` gets the folder and returns everything durable in it that a reader would take for data, and shares no
    /// code with the sink.
    ///
    /// # Panics
    ///
    /// The schema has no column for the number; no folder can be made.
    pub fn of<P: Plugin + Sink>(
        config: Value,
        records: SchemaRef,
        read: impl Fn(&Path) -> Vec<Stored> + Send + Sync + 'static,
    ) -> Self {
        let numbered =
            records.fields().iter().any(|field| *field.data_type() == DataType::Int64 && !field.is_nullable());
        assert!(numbered, "the schema needs a column that is `bigint not null`, for the number of each record");
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let plugin = PluginSubject::new(Registration::sink::<P>(CRATE), config, records).in_folder(folder.path());
        let (topic, folder, read) = ("conformance".into(), Arc::new(folder), Arc::new(read));
        Self { plugin, topic, folder, read, former: Vec::new(), refused: None, lines: None }
    }

    /// Says another config that the file may have had before, and that writes to the same place: what was written under it
    /// is discarded and reset too.
    #[must_use]
    pub fn formerly(mut self, config: Value) -> Self {
        self.former.push(config);
        self
    }

    /// Says records of which the sink can never accept one at least, and accepts the others.
    #[must_use]
    pub fn refusing(self, records: RecordBatch) -> Self {
        Self { refused: Some(records), ..self }
    }

    /// Says what the lines of records are, for a sink that takes such.
    #[must_use]
    pub fn with_lines(self, lines: fn(&RecordBatch) -> Vec<u8>) -> Self {
        Self { lines: Some(lines), ..self }
    }

    /// The same place, with a config that the file had before.
    fn before(&self, config: &Value) -> Self {
        let mut subject = self.clone();
        subject.plugin.config = config.clone();
        subject
    }

    /// The same place, with another topic.
    fn on_topic(&self, topic: &str) -> Self {
        Self { topic: topic.into(), ..self.clone() }
    }

    fn context(&self) -> Context {
        Context { topic: self.topic.clone(), ..self.plugin.context() }
    }

    fn dataset(&self) -> Result<Option<Dataset>> {
        self.plugin.registration.dataset(self.plugin.config.clone(), &self.context())
    }

    async fn reset(&self) -> Result<Option<String>> {
        self.plugin.registration.reset(self.plugin.config.clone(), self.context()).await
    }

    /// Whether a replay leaves each record once. Otherwise it may leave some twice, but loses none.
    fn is_exactly_once(&self) -> bool {
        let delivery = self.plugin.registration.delivery(self.plugin.config.clone());
        matches!(delivery, Ok(Delivery::ExactlyOnce))
    }
}

impl OfPlugin for Subject {
    fn plugin(&self) -> &PluginSubject {
        &self.plugin
    }
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// All cases.
pub fn cases() -> Vec<Case<Subject>> {
    let own = [
        flushing::CASES,
        replaying::CASES,
        artifacts::CASES,
        buffering::CASES,
        lining::CASES,
        revoking::CASES,
        discarding::CASES,
        listing::CASES,
        examining::CASES,
        closing::CASES,
    ];
    [plugin_subject::cases(), own.concat()].concat()
}

/// Runs all cases, each on a subject of its own, and panics with all that failed.
pub async fn run(subject: impl Fn() -> Subject) {
    run_all(cases(), async || subject()).await;
}
