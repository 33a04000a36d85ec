//! Between records and the bytes on the topic.

use arrow::array::{BinaryArray, RecordBatch};

use crate::Result;

/// Turns records into the values on the topic and back. A pure function, in the topic's schema
/// ([`Context::schema`](crate::Context)): what is decoded equals what was encoded.
pub trait Converter: Send + Sync {
    /// One value per row, none null.
    ///
    /// Errors: [`Data`](crate::ErrorKind::Data) if a row has no form in this format.
    fn encode(&self, records: &RecordBatch) -> Result<BinaryArray>;

    /// The records of the values, in the topic's schema, without those that were rejected. A null value (a tombstone) is
    /// rejected. One value that does not fit never affects its neighbours.
    fn decode(&self, values: &BinaryArray) -> Result<Decoded>;
}

/// What `decode` returns.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The records of all values that were not rejected, in their order.
    pub records: RecordBatch,
    /// The rejected values, by ascending row.
    pub rejected: Vec<RejectedRow>,
}

/// A value that is no record of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its row among the values.
    pub row: usize,
    /// The field that did not fit, if it was one.
    pub field: Option<String>,
    /// What was found, and what would be right.
    pub reason: String,
}
