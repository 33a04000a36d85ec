//! Generated records as a source.
