//! No secret of a pipeline leaves the program, whichever way it came in.

mod canary;
mod fields;
mod runs;
mod stores;
mod ways;
