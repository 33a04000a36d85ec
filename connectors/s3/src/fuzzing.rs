//! What `fuzz/` calls and nobody else, so no part of what this crate promises.
//!
//! How a value becomes a folder is private, because nobody else may name files. The fuzz target reaches it here, without a
//! file system in between, which would leave it a hundredth of its tries.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use pipeline_api::Result;

use crate::partitioner::Partitioner;

/// The folder of a value, with a slash at its end. Errors: it has none that reads back as this value.
pub fn partition_folder(column: &str, value: Option<&str>) -> Result<String> {
    let schema = Schema::new(vec![Field::new(column, DataType::Utf8, true)]);
    let values: ArrayRef = Arc::new(StringArray::from(vec![value]));
    Ok(Partitioner::new(Arc::new(schema))?.path(&[values], 0)?.folder)
}
