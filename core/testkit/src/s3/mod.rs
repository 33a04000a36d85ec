//! A real S3 server in the process of a test, with faults to order (feature `s3`).
//!
//! [`S3Server`] serves one bucket over HTTP on a port of this machine, from real files in a temporary folder: a test reads
//! them back without the client that wrote them. It checks signatures, so a child process needs what
//! [`S3Server::environment`] says. In front of the store a [`Rule`] orders a [`Fault`] for some of the requests, and every
//! [`Request`] is on record.
//!
//! ```no_run
//! use pipeline_testkit::s3::{Action, Fault, Refusal, Rule, S3Server};
//!
//! # fn main() -> std::io::Result<()> {
//! let server = S3Server::start()?;
//! server.order(Rule::new(Fault::Refuse(Refusal::SLOW_DOWN)).on(Action::Put).times(3));
//! // … a sink writes to s3://lake/… at server.endpoint() …
//! assert_eq!(server.count(Action::Put), 4);
//! assert!(server.open_uploads()?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! The store is `s3s-fs`. What it does otherwise than S3 is put right here: a bucket that is not there and an upload that is
//! not open are answered with 404, and open uploads can be listed.

mod refusal;
mod request;
mod rule;
mod server;

mod listing;
mod store;
mod uploads;

pub use refusal::Refusal;
pub use request::{Action, Request};
pub use rule::Rule;
pub use server::S3Server;
pub use uploads::OpenUpload;

/// What goes wrong with a request.
pub type Fault = crate::door::Fault<Refusal>;
