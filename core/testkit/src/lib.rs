//! Conformance suites and crash points for plugins and brokers.
