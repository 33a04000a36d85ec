//! What the runtime relies on in a transform.
//!
//! ```
//! use pipeline_api::{Plugin, Transform};
//! use pipeline_testkit::transform_conformance::{Subject, run};
//! use pipeline_testkit::{records, schema};
//! use serde_json::json;
//!
//! async fn the_transform_conforms<AcmeRound: Plugin + Transform>() {
//!     let prices = records(&schema(&[("symbol", "string not null"), ("price", "double")]), 0..50);
//!     run(Subject::of::<AcmeRound>(json!({ "field": "price", "digits": 1 }), prices)).await;
//! }
//! ```

mod edges;
mod input;
mod purity;
mod rows;

use arrow::compute::concat_batches;
use pipeline_api::{Plugin, RecordBatch, Registration, Result, Transform};
use serde_json::Value;

use crate::case::{Case, run_all};
use crate::plugin_subject::{self, CRATE, OfPlugin, PluginSubject};

/// A transform to test, and what to test it with.
#[derive(Clone, Debug)]
pub struct Subject {
    plugin: PluginSubject,
    /// The author's records as they come from a topic.
    input: RecordBatch,
}

impl Subject {
    /// The transform `P` with what would stand under `config:`, and records that it takes, ten at least. The suite adds the
    /// columns of the runtime to them, and makes further records of the same schema, which the transform may refuse.
    pub fn of<P: Plugin + Transform>(config: Value, records: RecordBatch) -> Self {
        let input = input::behind_topic(&records);
        Self { plugin: PluginSubject::new(Registration::transform::<P>(CRATE), config, input.schema()), input }
    }

    async fn open(&self) -> Result<Box<dyn Transform>> {
        self.plugin.registration.open_transform(self.plugin.config.clone(), self.plugin.context()).await
    }

    /// What becomes of the author's records.
    async fn result(&self) -> Result<RecordBatch> {
        self.open().await?.apply(self.input.clone())
    }
}

impl OfPlugin for Subject {
    fn plugin(&self) -> &PluginSubject {
        &self.plugin
    }
}

/// The results of the slices of so many rows, joined.
fn apply_in_slices(transform: &dyn Transform, records: &RecordBatch, rows: usize) -> Result<RecordBatch> {
    let slice = |start: usize| records.slice(start, rows.min(records.num_rows() - start));
    let parts = (0..records.num_rows()).step_by(rows).map(|start| transform.apply(slice(start)));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let joined = concat_batches(&transform.schema(), &parts);
    Ok(joined.unwrap_or_else(|error| panic!("the results of slices do not fit the transform's schema: {error}")))
}

/// All cases.
pub fn cases() -> Vec<Case<Subject>> {
    [plugin_subject::cases(), [rows::CASES, purity::CASES, edges::CASES].concat()].concat()
}

/// Runs all cases, and panics with all that failed.
pub async fn run(subject: Subject) {
    run_all(cases(), async || subject.clone()).await;
}
