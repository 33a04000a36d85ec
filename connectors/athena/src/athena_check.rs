//! The hook `athena_check`.

use std::collections::BTreeMap;

use arrow::datatypes::Schema;
use pipeline_api::{
    Artifact, CheckOutcome, Context, Dataset, Error, Examined, Findings, Hook, Outlook, Plugin, Result, Verdict,
    async_trait,
};
use pipeline_checks::{Check, Combined, OnFailure};
use tokio::time::Instant;

use crate::athena::{Athena, Place};
use crate::config::{AthenaCheckConfig, When};
use crate::dialect::AthenaSql;
use crate::examine::examine;
use crate::execution::Execution;
use crate::files::counts;
use crate::outlook;
use crate::validate::validate;

/// Proves by queries of Athena that what a sink wrote is there and is right.
#[derive(Debug)]
pub struct AthenaCheck {
    config: AthenaCheckConfig,
    athena: Athena,
    /// `market.stocks`, as a person would name it.
    table: String,
    columns: Schema,
    partition_columns: Schema,
    /// What was written since the last check, by its URL: a flush that comes again is the same.
    written: BTreeMap<String, Artifact>,
    last: Instant,
}

#[async_trait]
impl Plugin for AthenaCheck {
    const TYPE: &'static str = "athena_check";
    type Config = AthenaCheckConfig;

    fn validate(config: &Self::Config, records: &Schema, findings: &mut Findings) {
        validate(config, records, findings);
    }

    async fn open(config: Self::Config, context: Context) -> Result<Self> {
        let dataset = dataset(&config, &context)?;
        let asker = format!("{}/{}/{}", context.pipeline, context.name, context.task.index);
        let athena = Athena::open(Place::of(&config), asker).await?;
        let fields = dataset.columns.fields().iter().chain(dataset.partition_columns.fields()).cloned();
        Ok(Self {
            table: format!("{}.{}", config.database, config.table),
            columns: Schema::new(fields.collect::<Vec<_>>()),
            partition_columns: dataset.partition_columns.as_ref().clone(),
            config,
            athena,
            written: BTreeMap::new(),
            last: Instant::now(),
        })
    }
}

#[async_trait]
impl Hook for AthenaCheck {
    async fn examine(config: AthenaCheckConfig, context: Context) -> Vec<Examined> {
        examine(&config, &context).await
    }

    fn validate_dataset(config: &AthenaCheckConfig, dataset: &Dataset, findings: &mut Findings) {
        pipeline_checks::validate_dataset(&config.checks, dataset, findings);
    }

    fn outlook(config: &AthenaCheckConfig, context: &Context, artifacts: &[Artifact]) -> Result<Outlook> {
        Ok(Outlook { makes: Vec::new(), calls: outlook::calls(config, dataset(config, context)?, artifacts) })
    }

    async fn after_flush(&mut self, artifacts: &[Artifact]) -> Result<Vec<CheckOutcome>> {
        match self.config.when {
            When::End => return Ok(Vec::new()),
            When::Flush => self.written.clear(),
            When::Every(_) => {}
        }
        self.written.extend(artifacts.iter().map(|artifact| (artifact.url.clone(), artifact.clone())));
        if let When::Every(pause) = self.config.when
            && self.last.elapsed() < pause.get()
        {
            return Ok(Vec::new());
        }
        self.check(None).await
    }

    async fn at_end(&mut self, rows: u64) -> Result<Vec<CheckOutcome>> {
        self.check(Some(rows)).await
    }
}

/// Where the sink's files lie. Errors: Athena cannot read them, or would find its own answers among them.
pub(crate) fn dataset<'c>(config: &AthenaCheckConfig, context: &'c Context) -> Result<&'c Dataset> {
    let lost = |what: &str| {
        Error::config(format!(
            "sink `{}` {what}; remove the hook athena_check, or choose a sink that writes files to S3",
            context.name
        ))
    };
    let dataset = context.dataset.as_ref().ok_or_else(|| lost("leaves no files that could be read back"))?;
    if !dataset.location.starts_with("s3://") {
        return Err(lost(&format!("writes to {}, which Athena cannot read", dataset.location)));
    }
    if let Some(output) = config.output_location.as_deref().filter(|output| lies_below(output, &dataset.location)) {
        return Err(Error::config(format!(
            "output_location is `{output}`, which is among the files of sink `{}`: every query after the first would take \
             answers for records; choose another prefix than {}",
            context.name, dataset.location
        )));
    }
    Ok(dataset)
}

/// Whether what is put into a folder, with a slash at its end or without, is put below a location that has one.
fn lies_below(folder: &str, location: &str) -> bool {
    format!("{}/", folder.trim_end_matches('/')).starts_with(location)
}

impl AthenaCheck {
    /// All checks that are due: of the files since the last time and of the whole table, which at the end of a run holds
    /// at least so many records.
    async fn check(&mut self, at_end: Option<u64>) -> Result<Vec<CheckOutcome>> {
        let outcomes = match self.ask(at_end).await {
            Ok(outcomes) => outcomes,
            Err(error) if self.config.on_failure == OnFailure::Warn => vec![self.unanswered(&error)],
            Err(error) => return Err(error),
        };
        self.athena.answered();
        self.written.clear();
        self.last = Instant::now();
        Ok(self.config.on_failure.judged(outcomes))
    }

    async fn ask(&mut self, at_end: Option<u64>) -> Result<Vec<CheckOutcome>> {
        // A flush is another occasion than the next, also where the query is the same.
        let about = self.written.keys().map(String::as_str).collect::<Vec<_>>().join(" ");
        let mut outcomes = Vec::new();
        if self.config.checks.iter().any(|check| matches!(check, Check::RowCount(_))) {
            outcomes.extend(self.check_files(&about).await?);
        }
        outcomes.extend(self.check_table(&about, at_end).await?);
        Ok(outcomes)
    }

    async fn check_files(&mut self, about: &str) -> Result<Vec<CheckOutcome>> {
        let written: Vec<_> = self.written.values().collect();
        let mut outcomes = Vec::new();
        for count in counts(&self.config.table, &written, &self.partition_columns) {
            let execution = self.athena.run(&count.sql, about).await?;
            let (_, rows) = self.athena.rows(&execution).await?;
            let counted = count.judge(&self.table, &rows)?;
            outcomes.extend(counted.into_iter().map(|outcome| with_query(outcome, &execution)));
        }
        Ok(outcomes)
    }

    async fn check_table(&mut self, about: &str, at_end: Option<u64>) -> Result<Vec<CheckOutcome>> {
        let (checks, table) = (&self.config.checks, &self.config.table);
        let mut outcomes = BTreeMap::new();
        // Between flushes `row_count` is about files.
        let skip = |check: &Check| at_end.is_none() && matches!(check, Check::RowCount(_));
        if let Some(combined) = Combined::of(checks, skip, table, &self.columns, &AthenaSql) {
            let execution = self.athena.run(combined.query(), about).await?;
            for (index, answer) in combined.parts(&self.athena.answer(&execution).await?)? {
                let outcome = checks[index].judge(&self.table, &answer, at_end.unwrap_or(0))?;
                outcomes.insert(index, with_query(outcome, &execution));
            }
        }
        for (index, check) in checks.iter().enumerate() {
            let Check::Sql(sql) = check else { continue };
            let named = |error: Error| error.context(check.describe(&self.table));
            let execution = self.athena.run(&sql.query, about).await.map_err(named)?;
            let answer = self.athena.answer(&execution).await.map_err(named)?;
            let outcome = check.judge(&self.table, &answer, 0).map_err(named)?;
            outcomes.insert(index, with_query(outcome, &execution));
        }
        Ok(outcomes.into_values().collect())
    }

    /// That Athena did not answer, where nothing is to be stopped by it.
    fn unanswered(&self, error: &Error) -> CheckOutcome {
        CheckOutcome {
            check: format!("{}: athena_check", self.table),
            found: format!("{error:#}"),
            expected: "an answer".into(),
            verdict: Verdict::Failed,
        }
    }
}

/// What does not hold is told with the query that says so, for the console of Athena.
fn with_query(mut outcome: CheckOutcome, execution: &Execution) -> CheckOutcome {
    if outcome.verdict == Verdict::Failed {
        outcome.expected = format!("{}, by query {}: {}", outcome.expected, execution.id, execution.sql);
    }
    outcome
}
