//! Tables of the AWS Glue Data Catalog, registered as part of each flush: what Athena, Trino and Spark find in S3.

mod config;
mod examine;
mod glue_table;

mod catalog;
mod change;
mod ddl;
mod layout;
mod projection;
mod reach;

pub use config::{GlueTableConfig, OnFailure, Partitions, ProjectedColumn};
pub use glue_table::GlueTable;

use pipeline_api::register;

register!(hook, GlueTable);

#[cfg(test)]
mod tests;
