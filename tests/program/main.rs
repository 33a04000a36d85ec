//! The program as a person runs it: its command line, what it says, what it leaves on disk, and what a kill leaves.

mod commands;
mod crash;
mod interrupt;
mod letters;
mod quickstart;
mod rows;
mod support;
mod wrong_files;
mod wrong_records;
