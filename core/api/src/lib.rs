//! The contract between the runtime and every plugin.
//!
//! A *plugin* is anything that a pipeline file can name by `type:`. There are six kinds, each a trait: [`Source`],
//! [`Transform`], [`Converter`], [`Sink`], [`Hook`] and [`Condition`]. Every plugin also implements [`Plugin`], the one
//! door through which the runtime validates its config and opens it, and is announced by one line of [`register!`].
//!
//! Records travel as Arrow [`RecordBatch`]es. Bytes exist only on the topic, and offsets belong to the runtime: it owns
//! *when* (flush, retry, commit, stop), the plugin owns *how*.

mod artifact;
mod byte_size;
mod condition;
mod converter;
mod crash_point;
mod delivery;
mod error;
mod examined;
mod findings;
mod found;
mod hook;
mod human_duration;
mod offsets;
mod outlook;
mod plugin;
mod probe;
mod registry;
mod schema;
mod secret;
mod sink;
mod source;
mod transform;
mod unopened;

pub use artifact::{Artifact, Dataset, FileFormat, PartitionValue};
pub use byte_size::ByteSize;
pub use condition::Condition;
pub use converter::{Converter, Decoded, RejectedRow};
pub use crash_point::{CRASH_POINT_VARIABLE, HANG_POINT_VARIABLE, PAUSE_POINT_VARIABLE, crash_at};
pub use delivery::Delivery;
pub use error::{Error, ErrorKind, Result};
pub use examined::Examined;
pub use findings::{Finding, Findings, Severity, nearest};
pub use found::{CountRows, Found, Origin, Rows, Unreached};
pub use hook::{CheckOutcome, Hook, Verdict};
pub use human_duration::HumanDuration;
pub use offsets::{OffsetRange, PlannedRange, Ranges, SourceOffsets, TopicPartition};
pub use outlook::{Calls, Often, Outlook, Scans};
pub use plugin::{Context, Plugin, Task};
pub use probe::{nearest_folder, probe_folder, probe_name};
pub use registry::{Kind, Registration, Registry, Submission};
pub use schema::{TypeError, column_type, parse_column, parse_type, type_text};
pub use secret::Secret;
pub use sink::{Buffered, Metadata, Sink, SinkBatch, SinkLines};
pub use source::{Rejected, Source, SourceBatch};
pub use transform::{METADATA_PREFIX, Transform, metadata_column};

pub use arrow::array::RecordBatch;
pub use arrow::datatypes::{Schema, SchemaRef};
pub use async_trait::async_trait;
pub use bytes::Bytes;
pub use futures::future::BoxFuture;
pub use jiff::Timestamp;

#[doc(hidden)]
pub use inventory as __inventory;
