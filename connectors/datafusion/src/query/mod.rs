//! Queries over the tables of a catalog.

mod catalog_table;
mod files;
mod partitions;

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use pipeline_api::{Error, Result, nearest};

pub(crate) use catalog_table::CatalogTable;
pub(crate) use files::data_file;

use crate::LocalCatalog;
use crate::engine_error::of_query;
use crate::functions;

/// So much memory a query may hold for sorting and grouping; beyond it writes to temporary files.
const MEMORY: usize = 256 << 20;

/// Answers `sql`, one SELECT over the tables of the catalog in the folder `catalog`. The root package calls it for
/// `pipeline query` and for `report:`. There is always a batch, so the columns of an empty answer are known.
///
/// Errors: [`Config`](pipeline_api::ErrorKind::Config) if the query does not fit the tables,
/// [`Fatal`](pipeline_api::ErrorKind::Fatal) if a file cannot be read.
pub async fn query(catalog: impl AsRef<Path>, sql: &str) -> Result<Vec<RecordBatch>> {
    let tables = session(&LocalCatalog::open(catalog.as_ref()))?;
    collect(&tables, sql).await
}

/// Errors: why `sql` is not one SELECT. The root package calls it to validate `report:`; it looks at no table.
pub fn check_query(sql: &str) -> Result<()> {
    pipeline_checks::parse_query(sql).map(|_| ())
}

/// A session in which every table of the catalog is known by its name.
pub(crate) fn session(catalog: &LocalCatalog) -> Result<SessionContext> {
    let session = empty_session()?;
    for table in catalog.tables()? {
        register(&session, &table.name, CatalogTable::new(&table)?)?;
    }
    Ok(session)
}

/// A session without tables.
pub(crate) fn empty_session() -> Result<SessionContext> {
    let config = SessionConfig::new()
        .with_target_partitions(2)
        .with_information_schema(true)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false);
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(MEMORY, 1.0).build_arc();
    let runtime = runtime.map_err(|error| of_query(&error, "cannot start the query engine"))?;
    let builder = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
    let mut state = builder.build();
    functions::register(&mut state);
    Ok(SessionContext::new_with_state(state))
}

/// Makes `table` known to the session, in place of another of that name.
pub(crate) fn register(session: &SessionContext, name: &str, table: CatalogTable) -> Result<()> {
    let replaced = session.deregister_table(name).map(|_| ());
    let registered = replaced.and_then(|()| session.register_table(name, Arc::new(table)));
    registered.map(|_| ()).map_err(|error| of_query(&error, &format!("table `{name}`")))
}

/// Plans one SELECT, and reads nothing.
pub(crate) async fn plan(session: &SessionContext, sql: &str) -> Result<DataFrame> {
    let only_reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    match session.sql_with_options(sql, only_reads).await {
        Ok(planned) => Ok(planned),
        Err(error) => Err(unknown_table(session, &error).unwrap_or_else(|| of_query(&error, "the query"))),
    }
}

/// Runs one SELECT. There is always a batch.
pub(crate) async fn collect(session: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    let planned = plan(session, sql).await?;
    let schema = Arc::new(planned.schema().as_arrow().clone());
    let mut batches = planned.collect().await.map_err(|error| of_query(&error, "the query"))?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

/// The tables that `sql` reads and the session does not know, if one of them is not a slip of the pen for a known one.
/// Another sink of the file may yet make them.
pub(crate) fn foreign_tables(session: &SessionContext, sql: &str) -> Vec<String> {
    let state = session.state();
    let dialect = state.config_options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect);
    let Ok(read) = statement.and_then(|statement| state.resolve_table_references(&statement)) else {
        return Vec::new();
    };
    let known = table_names(session);
    let foreign = |name: &String| nearest(name, known.iter().map(String::as_str)).is_none();
    read.into_iter().map(|table| table.table().to_owned()).filter(foreign).collect()
}

fn table_names(session: &SessionContext) -> Vec<String> {
    let schema = session.catalog("datafusion").and_then(|catalog| catalog.schema("public"));
    let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
    names.sort_unstable();
    names
}

/// The engine says `table 'datafusion.public.stoks' not found`.
fn unknown_table(session: &SessionContext, error: &datafusion::error::DataFusionError) -> Option<Error> {
    let text = error.strip_backtrace();
    let (_, rest) = text.split_once("table '")?;
    let (name, _) = rest.split_once("' not found")?;
    let name = name.strip_prefix("datafusion.public.").unwrap_or(name);
    let known = table_names(session);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Some(Error::config(match nearest(name, known.iter().copied()) {
        Some(meant) => format!("there is no table `{name}`, did you mean `{meant}`?"),
        None if known.is_empty() => format!("there is no table `{name}`, nor any other; run the pipeline first"),
        None => format!("there is no table `{name}`, expected one of {}", known.join(", ")),
    }))
}

#[cfg(test)]
mod tests;
