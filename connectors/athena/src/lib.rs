//! Amazon Athena: checks of what landed in S3, and answers to queries over it.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod athena;
mod athena_check;
mod config;
mod dialect;
mod examine;
mod execution;
mod files;
mod outlook;
mod query;
mod token;
mod validate;

pub use athena_check::AthenaCheck;
pub use config::{AthenaCheckConfig, When};
pub use query::query;

use pipeline_api::register;

register!(hook, AthenaCheck);

#[cfg(test)]
mod tests;
