//! The broker inside the process, on an embedded store.
