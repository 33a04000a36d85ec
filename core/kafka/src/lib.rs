//! Apache Kafka as the broker of a pipeline: the only crate that names rdkafka.
//!
//! [`KafkaBroker`] gives the engine its ports. One client of librdkafka stands behind each of them: a member of a group has a
//! thread of its own, a producer has librdkafka's.

mod admin;
mod attended;
mod blocking;
mod broker;
mod bystander;
mod client;
mod consumer;
mod error;
mod fit;
mod login;
mod native;
mod places;
mod probe;
mod producer;
mod reach;
mod records;
mod settings;
mod signal;
mod source_offsets;
mod way;

pub use broker::KafkaBroker;
pub use settings::check;
