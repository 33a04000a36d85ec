//! The program `pipeline` with one more connector.

use acme_connectors as _;

fn main() -> std::process::ExitCode {
    pipeline::main()
}
