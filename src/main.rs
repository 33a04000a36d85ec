//! The program `pipeline`.

fn main() -> std::process::ExitCode {
    pipeline::main()
}
