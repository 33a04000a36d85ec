//! Transforms of single records.
