//! Which records a transform applies to.

use arrow::array::{BooleanArray, RecordBatch};

use crate::Result;

/// Judges records: what stands after `when:`. Like a [`Transform`](crate::Transform) it is a pure function.
pub trait Condition: Send + Sync {
    /// For each row whether the condition holds; null counts as false.
    ///
    /// Errors: [`Data`](crate::ErrorKind::Data) if a record cannot be judged.
    fn holds(&self, records: &RecordBatch) -> Result<BooleanArray>;
}
