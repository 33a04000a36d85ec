//! `pipeline query`, and the engine behind `report:`.

use std::io::Write;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use clap::{Args, ValueEnum};
use pipeline_api::{Error, Registry, Result};
use pipeline_json::{TimestampStyle, write_lines};
use pipeline_runtime::Plan;

use super::{LoadArgs, Outcome, files, table};

#[derive(Debug, Args)]
pub(super) struct Query {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The query, in SQL as Athena understands it
    sql: String,

    /// How the answer looks
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// How many rows a table shows at most
    #[arg(long, default_value_t = 1000)]
    limit: usize,

    #[command(flatten)]
    load: LoadArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Json,
}

impl Query {
    pub(super) async fn execute(&self, registry: &Registry) -> Outcome {
        let plan = files::load_one(&self.file, &self.load, registry).await?;
        let answer = ask(&plan, &self.sql).await?;
        let mut out = std::io::stdout();
        match self.format {
            Format::Table => table::write_table(&mut out, &answer, self.limit),
            Format::Json => {
                let mut lines = Vec::new();
                for batch in &answer {
                    write_lines(batch, TimestampStyle::Iso, &mut lines)?;
                }
                Ok(out.write_all(&lines)?)
            }
        }
    }
}

/// The answer to a query over the tables that the sinks of a plan have registered.
#[cfg(feature = "datafusion")]
pub(super) async fn ask(plan: &Plan, sql: &str) -> Result<Vec<RecordBatch>> {
    let hooks = plan.sinks.iter().flat_map(|sink| &sink.hooks);
    let catalog = hooks
        .filter(|hook| hook.registration.type_name() == "local_table")
        .map(|hook| {
            hook.config.get("catalog").and_then(|path| path.as_str()).unwrap_or(pipeline_datafusion::DEFAULT_CATALOG)
        })
        .next()
        .ok_or_else(|| {
            Error::config(format!("no sink of {} registers a table, expected a hook `local_table`", plan.name))
        })?;
    pipeline_datafusion::query(plan.folder.join(catalog), sql).await
}

/// Without an engine there are no answers.
#[cfg(not(feature = "datafusion"))]
pub(super) async fn ask(_: &Plan, _: &str) -> Result<Vec<RecordBatch>> {
    Err(Error::config("this program was built without the feature `datafusion`, which answers queries"))
}
