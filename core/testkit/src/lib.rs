//! Conformance suites for plugins and brokers, and real servers for their tests.
//!
//! A suite is a list of named cases, each of which follows from a sentence of the contract in `pipeline_api`. The author
//! of a plugin says what to test it with, a *subject*, and runs all cases by one expression:
//!
//! - [`source_conformance`], [`transform_conformance`], [`converter_conformance`], [`sink_conformance`] and
//!   [`hook_conformance`] for the plugins of a connector;
//! - [`broker_conformance`] for what stands between them.
//!
//! All faults are reported together, each with the name of its case and the sentence that was broken.

#[cfg(feature = "aws")]
pub mod aws;
pub mod broker_conformance;
pub mod converter_conformance;
pub mod hook_conformance;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(any(feature = "aws", feature = "kafka"))]
pub mod python;
#[cfg(feature = "s3")]
pub mod s3;
pub mod sink_conformance;
pub mod source_conformance;
pub mod transform_conformance;

mod case;
#[cfg(any(feature = "aws", feature = "s3"))]
mod door;
mod interrupted;
mod plugin_subject;
#[cfg(any(feature = "aws", feature = "kafka"))]
mod process;
mod records;
mod text;

pub use case::{Case, Outcome};
pub use records::{all_types, extremes, records, schema};
