//! Exists because Cargo's `links` key asks for it: it keeps two versions of the contract out of one binary.

fn main() {}
