//! The hook `sql_check`.

mod config;
mod measure;
mod row_count;
mod validate;

use datafusion::catalog::TableProvider;
use pipeline_api::{
    Artifact, CheckOutcome, Context, Dataset, Error, Findings, Hook, Plugin, Result, Schema, async_trait,
};
use pipeline_checks::Check;
use tracing::debug;

pub use config::{SqlCheckConfig, When};

use crate::catalog::local_path;
use crate::query::{CatalogTable, empty_session, foreign_tables, plan, register, session};
use crate::{LocalCatalog, Table};
use measure::LocalSql;
use row_count::Written;

/// Proves by queries that what a sink wrote is there and is right.
#[derive(Debug)]
pub struct SqlCheck {
    config: SqlCheckConfig,
    catalog: LocalCatalog,
    written: Option<Written>,
}

#[async_trait]
impl Plugin for SqlCheck {
    const TYPE: &'static str = "sql_check";
    type Config = SqlCheckConfig;

    fn validate(config: &Self::Config, records: &Schema, findings: &mut Findings) {
        validate::validate(config, records, findings);
    }

    async fn open(config: Self::Config, context: Context) -> Result<Self> {
        let Some(dataset) = &context.dataset else {
            return Err(Error::config(format!(
                "sink `{}` leaves no files that could be read back; remove the hook sql_check, or choose a sink that \
                 writes files",
                context.name
            )));
        };
        local_path(&dataset.location)?;
        let wanted = Table::of(&config.table, &context.pipeline, dataset)?;
        let catalog = LocalCatalog::open(context.resolve(&config.catalog));
        plan_all(&config, &catalog, &wanted).await?;
        let counts = config.checks.iter().any(|check| matches!(check, Check::RowCount(_)));
        let written = counts.then(|| Written::new(&wanted)).transpose()?;
        Ok(Self { config, catalog, written })
    }
}

#[async_trait]
impl Hook for SqlCheck {
    fn validate_dataset(config: &SqlCheckConfig, dataset: &Dataset, findings: &mut Findings) {
        pipeline_checks::validate_dataset(&config.checks, dataset, findings);
    }

    async fn after_flush(&mut self, artifacts: &[Artifact]) -> Result<Vec<CheckOutcome>> {
        let mut outcomes = match &self.written {
            Some(written) => written.check(&self.config.table, artifacts).await?,
            None => Vec::new(),
        };
        if self.config.when == When::Flush {
            outcomes.extend(self.check_table(0).await?);
        }
        Ok(self.config.on_failure.judged(outcomes))
    }

    async fn at_end(&mut self, rows: u64) -> Result<Vec<CheckOutcome>> {
        let outcomes = self.check_table(rows).await?;
        Ok(self.config.on_failure.judged(outcomes))
    }
}

impl SqlCheck {
    /// The checks that look at the whole table, which holds at least so many records.
    async fn check_table(&self, at_least: u64) -> Result<Vec<CheckOutcome>> {
        let table = &self.config.table;
        let session = session(&self.catalog)?;
        let Some(columns) = self.catalog.table(table)? else {
            return Err(Error::config(format!(
                "there is no table `{table}` in {}; put the hook local_table before sql_check",
                self.catalog.folder().display()
            )));
        };
        let columns = CatalogTable::new(&columns)?.schema();
        let mut outcomes = Vec::with_capacity(self.config.checks.len());
        for check in &self.config.checks {
            let outcome = measure::measure(check, table, &columns, &session, at_least).await;
            outcomes.push(outcome.map_err(|error| error.context(check.describe(table)))?);
        }
        Ok(outcomes)
    }
}

/// Plans every query against the table as the sink will write it, so that a mistake is found before records move.
async fn plan_all(config: &SqlCheckConfig, catalog: &LocalCatalog, wanted: &Table) -> Result<()> {
    let tables = empty_session()?;
    for table in catalog.tables()? {
        register(&tables, &table.name, CatalogTable::new(&table)?)?;
    }
    let table = CatalogTable::new(wanted)?;
    let columns = table.schema();
    register(&tables, &config.table, table)?;
    for (index, check) in config.checks.iter().enumerate() {
        let query = check.query(&config.table, &columns, &LocalSql);
        let foreign = foreign_tables(&tables, &query);
        if !foreign.is_empty() {
            debug!(tables = %foreign.join(", "), "a check reads tables that are not in the catalog yet");
            continue;
        }
        let planned = plan(&tables, &query).await;
        planned.map_err(|error| Error::config(format!("checks[{index}]: {error}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
