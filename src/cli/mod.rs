//! The command line.

mod broker;
mod consent;
mod doctor;
mod files;
mod format;
mod logging;
mod offsets;
mod plan;
mod plugins;
mod progress;
mod query;
mod reconcile;
mod redaction;
mod reset;
mod run;
mod schema;
mod signals;
mod summary;
mod table;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use pipeline_api::{Error, Registry};

/// Moves market data from sources through a topic into tables, without losing or doubling a record.
///
/// A YAML file says what to read, which topic it goes through, and where it lands; `pipeline run FILE` does it.
#[derive(Debug, Parser)]
#[command(name = "pipeline", version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// How log lines look. PIPELINE_LOG sets what is logged: `warn` (default), `info`, `pipeline_runtime=debug`
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

const EXAMPLES: &str = "Examples:
  pipeline run pipelines/quickstart.yaml
  pipeline run stocks.yaml --set sinks.0.flush.rows=10000
  pipeline validate stocks.yaml --format json
  pipeline doctor stocks.yaml
  pipeline plan stocks.yaml --rate 5000
  pipeline plugins s3_parquet
  pipeline query pipelines/quickstart.yaml 'SELECT count(*) FROM stocks'
  pipeline offsets stocks.yaml --set lake/0=1200
  pipeline reconcile stocks.yaml

Exit codes: 0 ok, 1 the run failed, 2 the command line is wrong, 78 the pipeline file is wrong";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run pipelines until their sources end, or until Ctrl-C
    ///
    /// Several files run side by side in one process. Ctrl-C stops reading, flushes and commits what is under way, and the
    /// next run goes on from there; a second Ctrl-C stops at once and loses nothing either.
    Run(run::Run),
    /// Say everything that is wrong with pipeline files, without connecting to anything
    Validate(validate::Validate),
    /// Try everything that a run of a pipeline file would need, and say what is wrong and what to do about it
    ///
    /// Whether the broker answers and the topic is as the file says; for each source whether it can be read; for each sink whether
    /// it can write, read, remove and list, by an object that readers skip and that is removed again, and how far this
    /// machine's clock is from the server's; for each hook whether its database, its table, its workgroup are there and may be
    /// used. What cannot be tried without changing anything is named by the permission that it needs. Each trial takes ten
    /// seconds at most.
    ///
    /// Nothing that stays is changed, but for the answer to `SELECT 1` where Athena's answers go. On Kafka the pipeline may run
    /// meanwhile; a store of the embedded broker is held by the process that runs.
    Doctor(doctor::Doctor),
    /// Say what a run would do, without connecting to anything
    ///
    /// The parts with their delivery; by sink: its group, how often it flushes, files with examples of their names, requests a day;
    /// by hook: the DDL of the table, calls, and what queries scan. Figures a day need a rate: --rate, topic.rate, or that of the
    /// sources. What a record takes in a file is estimated by the types of its columns (a text is 16 bytes) before compression;
    /// how many folders there are, by the first 10,000 records of the data where it lies on this machine.
    Plan(plan::Plan),
    /// Print the JSON Schema of pipeline files, for editors
    ///
    /// Save it, and name it in the first line of a file:
    /// `# yaml-language-server: $schema=pipeline.schema.json`
    Schema,
    /// List the plugins that a file can name, or describe one
    Plugins(plugins::Plugins),
    /// Ask the tables that a file's sinks have registered, in SQL
    Query(query::Query),
    /// Show how far a pipeline's sinks and sources are, or let sinks go on elsewhere
    ///
    /// By sink and partition: the oldest offset that the topic holds, its end, what is committed, how many offsets are not
    /// (on Kafka some of them are no records, but markers behind transactions), and the range that was planned if a flush was
    /// under way. By source: where it goes on. Nothing need run; a store of the embedded broker is held by the process that
    /// runs.
    ///
    /// --set and --reset change where the next run goes on, and only while nobody runs the sink. What lies behind is
    /// delivered again, beside the files that are there already, of which only that of the very same range is replaced; what
    /// lies ahead is never delivered. `pipeline reset` removes files, this does not. Dead letters that were sent are not sent
    /// again. Where a flush was under way its range may be written in part: that is refused, and another run finishes it; with
    /// --abandon the range is forgotten and its files stay.
    Offsets(offsets::Offsets),
    /// Compare the files that a pipeline's sinks have left with what they have committed
    ///
    /// By sink: committed offsets that no file names, offsets that two flushes name, files of offsets that are neither committed
    /// nor planned, files of somebody else, files that cannot be read, flushes with more or fewer rows than offsets or than they left,
    /// and files that no reader of the sink's table finds (`glue_table`). Rows are taken from the footers of Parquet files; those of
    /// JSON files are counted with --rows. What is wrong makes the exit code 1; a note does not.
    ///
    /// Nothing is changed. On Kafka the pipeline may run meanwhile; a store of the embedded broker is held by the process that
    /// runs.
    Reconcile(reconcile::Reconcile),
    /// Forget everything that a pipeline has done, and delete what it has written
    Reset(reset::Reset),
    /// Print a completion script for a shell
    ///
    /// For bash: pipeline completions bash > ~/.local/share/bash-completion/completions/pipeline
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What reading a pipeline file depends on besides the file.
#[derive(Clone, Debug, Args)]
struct LoadArgs {
    /// Change a value of the file: `topic.name=demo`, `sinks.0.flush.rows=1000`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,

    /// Read variables for `${env:NAME}` from this file, NAME=value a line; the environment wins
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Why a command did not do what it should, and the exit code that says so.
#[derive(Debug)]
enum Failure {
    /// The run failed.
    Run(Error),
    /// The command line is wrong.
    Usage(String),
    /// The pipeline file is wrong, and a person was told how.
    File,
    /// Whoever read the output has gone.
    OutputClosed,
}

type Outcome = Result<(), Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Run(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Run(Error::fatal("the output cannot be written").with_source(error)),
        }
    }
}

pub(crate) fn main() -> ExitCode {
    redaction::guard_panics(table::say);
    let cli = Cli::parse();
    logging::start(cli.log_format);
    let outcome = Registry::linked().map_err(Failure::from).and_then(|registry| execute(cli.command, &registry));
    match outcome {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::File) => ExitCode::from(78),
        Err(Failure::Usage(message)) => {
            table::complain(&message);
            ExitCode::from(2)
        }
        Err(Failure::Run(error)) => {
            table::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command, registry: &Registry) -> Outcome {
    match command {
        Command::Run(run) => block_on(run.execute(registry)),
        Command::Validate(validate) => block_on(validate.execute(registry)),
        Command::Doctor(doctor) => block_on(doctor.execute(registry)),
        Command::Plan(plan) => block_on(plan.execute(registry)),
        Command::Schema => schema::print(registry),
        Command::Plugins(plugins) => plugins.execute(registry),
        Command::Query(query) => block_on(query.execute(registry)),
        Command::Offsets(offsets) => block_on(offsets.execute(registry)),
        Command::Reconcile(reconcile) => block_on(reconcile.execute(registry)),
        Command::Reset(reset) => block_on(reset.execute(registry)),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "pipeline", &mut std::io::stdout());
            Ok(())
        }
    }
}

fn block_on(command: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Tasks encode and compress on their worker; with a few more workers than cores, timers and signals never wait.
        .worker_threads(std::thread::available_parallelism().map_or(4, |cores| cores.get() + 2))
        .enable_all()
        .build()
        .map_err(|error| Error::fatal("no threads can be started").with_source(error))?;
    let outcome = runtime.block_on(command);
    // A read of standard input that never returns must not hold up the end.
    runtime.shutdown_background();
    outcome
}
