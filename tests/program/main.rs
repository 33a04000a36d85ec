//! The program as a person runs it: its command line, what it says, what it leaves on disk, and what a kill leaves.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod clock;
mod commands;
mod crash;
mod disk;
mod doctor;
mod faults;
mod interrupt;
mod kafka;
mod kills;
mod lake;
mod letters;
mod offsets;
mod partitions;
mod pipelines;
mod plan;
mod quickstart;
mod ranges;
mod reach;
mod reconcile;
mod resources;
mod rows;
mod secrets;
mod store_faults;
mod support;
mod texts;
mod wrong_files;
mod wrong_records;
