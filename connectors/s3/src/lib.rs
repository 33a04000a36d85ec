//! The sinks `s3_parquet` and `s3_json`: files below one URL, in an object store or in a local folder.
//!
//! A batch is split by the values of the partition columns, and each part joins the open file of its topic partition
//! and values. A flush closes those files and writes them under names that follow from the planned range alone
//! (`<prefix>/<hive path>/<topic>+<partition>+<start>-<end>.<extension>`), so that the same flush again replaces them
//! by the same rows.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod location;
mod settings;

mod hive;
mod layout;
mod partition_by;
mod partitioner;

mod encoding;
mod json_encoding;
mod parquet_encoding;
mod repetition;

mod answer;
mod client;
mod connection;
mod local_folder;
mod object_name;
mod objects;
mod store;
mod store_error;
mod uploads;

mod listing;
mod row_count;

mod clock;
mod examine;

mod flush;
mod sink;

#[doc(hidden)]
pub mod fuzzing;

#[cfg(test)]
mod tests;

pub use config::{S3JsonConfig, S3ParquetConfig};
pub use json_encoding::JsonCompression;
pub use objects::{Encryption, ObjectSettings};
pub use parquet_encoding::ParquetCompression;
pub use settings::MetadataColumns;
pub use sink::FileSink;

/// The sink `s3_parquet`.
pub type S3Parquet = FileSink<S3ParquetConfig>;

/// The sink `s3_json`.
pub type S3Json = FileSink<S3JsonConfig>;

pipeline_api::register!(sink, S3Parquet);
pipeline_api::register!(sink, S3Json);
