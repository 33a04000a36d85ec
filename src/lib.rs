//! Moves market data from sources through a Kafka topic into tables, without losing or doubling a record.
//!
//! This package is the distribution: the engine, the embedded broker, the command line, and every connector that the
//! features name. A program with connectors of its own is two lines:
//!
//! ```no_run
//! // use acme_connectors as _;
//! fn main() -> std::process::ExitCode {
//!     pipeline::main()
//! }
//! ```

#[cfg(feature = "jemalloc")]
mod allocator;
mod cli;

#[cfg(feature = "athena")]
use pipeline_athena as _;
#[cfg(feature = "console")]
use pipeline_console as _;
#[cfg(feature = "csv")]
use pipeline_csv as _;
#[cfg(feature = "datafusion")]
use pipeline_datafusion as _;
#[cfg(feature = "datagen")]
use pipeline_datagen as _;
#[cfg(feature = "glue")]
use pipeline_glue as _;
use pipeline_json as _;
#[cfg(feature = "s3")]
use pipeline_s3 as _;
#[cfg(feature = "transforms")]
use pipeline_transforms as _;

/// The program `pipeline`: reads the command line, does what it says, and returns the exit code: 0 ok, 1 the run failed,
/// 2 the command line is wrong, 78 the pipeline file is wrong.
///
/// Knows every plugin that is linked into the program that calls it.
pub fn main() -> std::process::ExitCode {
    cli::main()
}
