//! Records on standard input and output.
