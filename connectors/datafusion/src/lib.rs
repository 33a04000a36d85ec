//! SQL inside the process: a transform, a catalog of tables, checks.
