//! Parquet and JSON files in an object store.
