//! The broker inside the process, on an embedded store.
//!
//! [`EmbeddedBroker`] gives the engine what it needs of Kafka without a server: topics with partitions, transactions of
//! records and source offsets, consumer groups with generations. Everything lies in one [`redb`] file, or in memory.
//!
//! Records are stored in blocks of up to 1 MiB of columns, compressed. A block is found by the offset of its first record,
//! is decoded once, and is handed out as slices.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod block;
mod block_builder;
mod block_header;
mod broker;
mod columns;
mod consumer;
mod group;
mod lock;
mod log;
mod offsets;
mod owner;
mod producer;
mod record_headers;
mod retention;
mod store;
mod topic;

pub use broker::EmbeddedBroker;
