//! `pipeline query`, and the engine behind `report:`.

use std::io::Write;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use clap::{Args, ValueEnum};
use pipeline_api::{Error, Registry, Result};
use pipeline_json::{TimestampStyle, write_lines};
use pipeline_runtime::Plan;
use serde_json::Value;

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

/// The answer to a query over the tables that the sinks of a plan have registered. Tables of Glue are Athena's.
pub(super) async fn ask(plan: &Plan, sql: &str) -> Result<Vec<RecordBatch>> {
    if let Some(table) = hook(plan, "local_table") {
        return ask_locally(plan, table, sql).await;
    }
    // The hook that asks Athena itself says also where.
    match hook(plan, "athena_check").or_else(|| hook(plan, "glue_table")) {
        Some(table) => ask_athena(table, sql).await,
        None => Err(Error::config(format!(
            "no sink of {} registers a table, expected a hook `local_table` or `glue_table`",
            plan.name
        ))),
    }
}

/// The config of the first hook of a type.
fn hook<'a>(plan: &'a Plan, of: &str) -> Option<&'a Value> {
    let mut hooks = plan.sinks.iter().flat_map(|sink| &sink.hooks);
    hooks.find(|hook| hook.registration.type_name() == of).map(|hook| &hook.config)
}

#[cfg(feature = "datafusion")]
async fn ask_locally(plan: &Plan, table: &Value, sql: &str) -> Result<Vec<RecordBatch>> {
    let catalog = table.get("catalog").and_then(Value::as_str).unwrap_or(pipeline_datafusion::DEFAULT_CATALOG);
    pipeline_datafusion::query(plan.folder.join(catalog), sql).await
}

#[cfg(not(feature = "datafusion"))]
async fn ask_locally(_: &Plan, _: &Value, _: &str) -> Result<Vec<RecordBatch>> {
    Err(Error::config("this program was built without the feature `datafusion`, which answers queries"))
}

#[cfg(feature = "athena")]
async fn ask_athena(table: &Value, sql: &str) -> Result<Vec<RecordBatch>> {
    pipeline_athena::query(table, sql).await
}

#[cfg(not(feature = "athena"))]
async fn ask_athena(_: &Value, _: &str) -> Result<Vec<RecordBatch>> {
    Err(Error::config("this program was built without the feature `athena`, which answers queries over Glue tables"))
}
