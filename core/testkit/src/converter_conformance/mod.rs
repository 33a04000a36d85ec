//! What the runtime relies on in a converter.
//!
//! ```
//! use pipeline_api::{Converter, Plugin};
//! use pipeline_testkit::all_types;
//! use pipeline_testkit::converter_conformance::{Subject, run};
//! use serde_json::json;
//!
//! async fn the_converter_conforms<AcmeAvro: Plugin + Converter>() {
//!     run(Subject::of::<AcmeAvro>(json!({}), all_types())).await;
//! }
//! ```

mod decoding;
mod encoding;
mod lining;
mod rejecting;

use arrow::array::BinaryArray;
use pipeline_api::{Converter, Decoded, Plugin, RecordBatch, Registration, Result, SchemaRef};
use serde_json::Value;

use crate::case::{Case, run_all};
use crate::plugin_subject::{self, CRATE, OfPlugin, PluginSubject};
use crate::records::records;

/// A converter to test, and what to test it with.
#[derive(Clone, Debug)]
pub struct Subject {
    plugin: PluginSubject,
}

impl Subject {
    /// The converter `P` with what would stand under `config:`, for a topic of a schema: [`all_types`](crate::all_types),
    /// or fewer if the form has no place for some. One column at least is `not null`, so that nothing at all is no record.
    ///
    /// # Panics
    ///
    /// Every column may be null.
    pub fn of<P: Plugin + Converter>(config: Value, topic: SchemaRef) -> Self {
        let strict = topic.fields().iter().any(|field| !field.is_nullable());
        assert!(strict, "the schema needs a column that is `not null`, so that an empty value is no record");
        Self { plugin: PluginSubject::new(Registration::converter::<P>(CRATE), config, topic) }
    }

    async fn open(&self) -> Result<Box<dyn Converter>> {
        self.plugin.registration.open_converter(self.plugin.config.clone(), self.plugin.context()).await
    }

    /// Ordinary records.
    fn records(&self) -> RecordBatch {
        records(&self.plugin.schema, 0..60)
    }
}

impl OfPlugin for Subject {
    fn plugin(&self) -> &PluginSubject {
        &self.plugin
    }
}

/// Decodes, and checks what holds whatever the values are.
fn decode(converter: &dyn Converter, values: &BinaryArray, schema: &SchemaRef) -> Result<Decoded> {
    let decoded = converter.decode(values)?;
    let (taken, rejected) = (decoded.records.num_rows(), decoded.rejected.len());
    assert_eq!(taken + rejected, arrow::array::Array::len(values), "{taken} records and {rejected} rejected rows");
    assert_eq!(&decoded.records.schema(), schema, "the schema of the records");
    let ascending = decoded.rejected.windows(2).all(|pair| pair[0].row < pair[1].row);
    assert!(ascending, "the rejected rows do not ascend: {:?}", decoded.rejected);
    for row in &decoded.rejected {
        assert!(row.row < taken + rejected, "row {} is rejected, which is not there", row.row);
        assert!(!row.reason.is_empty(), "row {} is rejected without a reason", row.row);
    }
    Ok(decoded)
}

/// All cases.
pub fn cases() -> Vec<Case<Subject>> {
    [plugin_subject::cases(), [encoding::CASES, decoding::CASES, rejecting::CASES, lining::CASES].concat()].concat()
}

/// Runs all cases, and panics with all that failed.
pub async fn run(subject: Subject) {
    run_all(cases(), async || subject.clone()).await;
}
