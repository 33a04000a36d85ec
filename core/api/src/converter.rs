//! Between records and the bytes on the topic.

use arrow::array::{BinaryArray, RecordBatch};
use bytes::Bytes;

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

    /// The values as JSON lines, for a sink that takes such ([`Sink::takes_lines`](crate::Sink::takes_lines)), if that costs less
    /// than to decode them and to write what comes of it.
    ///
    /// One line for each value, in their order, ended by a newline, and exactly as the decoded record is in a file of
    /// [`FileFormat::JsonLines`](crate::FileFormat::JsonLines). `None` if that cannot be said of all of them: then they are
    /// decoded, also where a value is none of the schema.
    fn lines(&self, _values: &BinaryArray) -> Option<Bytes> {
        None
    }
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
