//! Conformance suites and crash points for plugins and brokers.

pub mod broker_conformance;
