fn main() -> std::process::ExitCode {
    pipeline::main()
}
