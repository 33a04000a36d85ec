//! What happens to a batch on its way.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::Result;

/// A pure function of a batch: no I/O, no clock, no state, no offsets. The same batch always gives the same result, and
/// a batch gives the same rows as its slices do.
///
/// `open` gets the schema of the input in [`Context::schema`](crate::Context), and refuses what does not fit it.
///
/// Behind the topic the input also has the [metadata columns](metadata_column). Every column whose name begins with
/// [`METADATA_PREFIX`] is passed on untouched, and follows its row when rows are dropped.
pub trait Transform: Send + Sync {
    /// The schema of what `apply` returns.
    fn schema(&self) -> SchemaRef;

    /// Transforms a batch in the schema that was given to `open`. It may drop rows; it neither adds nor reorders them.
    ///
    /// Errors: [`Data`](crate::ErrorKind::Data) if a record does not fit.
    fn apply(&self, records: RecordBatch) -> Result<RecordBatch>;
}

/// What the names of columns that belong to the runtime begin with. No column of a file may.
pub const METADATA_PREFIX: &str = "__";

/// The columns that a record has behind the topic, besides its own.
pub mod metadata_column {
    /// The topic's name: string.
    pub const TOPIC: &str = "__topic";
    /// The partition's number: int.
    pub const PARTITION: &str = "__partition";
    /// The record's offset: bigint.
    pub const OFFSET: &str = "__offset";
    /// The record's timestamp: timestamp, in milliseconds.
    pub const TIMESTAMP: &str = "__timestamp";
    /// The record's key as text, if it has one: string.
    pub const KEY: &str = "__key";
}
