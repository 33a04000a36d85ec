//! A real Apache Kafka for tests (feature `kafka`).
//!
//! [`KafkaServer`] is one broker on free ports of this machine, with a listener for everybody and one with TLS and SASL. It
//! is what `examples/kafka/broker.sh` runs: the first start on a machine fetches Kafka's jars through Maven. Needs Java 17,
//! Maven and OpenSSL, and panics with the way to get what is missing.
//!
//! ```no_run
//! use pipeline_testkit::kafka::KafkaServer;
//!
//! let server = KafkaServer::shared();
//! let topics = KafkaServer::tool("kafka-topics", ["--bootstrap-server", &server.bootstrap(), "--list"]);
//! println!("{}", KafkaServer::output(topics, ""));
//!
//! let mut mine = KafkaServer::start_with(&[("message.max.bytes", "2000")]);
//! mine.kill();
//! mine.restart();
//! ```
//!
//! A broker and its folder go away with the [`KafkaServer`], and also with the process that started it, however that ends.

mod server;

mod ports;
mod probe;

pub use server::KafkaServer;
