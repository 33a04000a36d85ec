//! Athena, as far as a query needs it.

use std::time::Duration;

use aws_sdk_athena::Client;
use aws_sdk_athena::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_athena::operation::get_query_results::GetQueryResultsOutput;
use aws_sdk_athena::types::{
    ColumnInfo, QueryExecution, QueryExecutionContext, ResultConfiguration, Row, WorkGroupState,
};
use pipeline_api::{ByteSize, Error, ErrorKind, HumanDuration, Result};
use pipeline_aws::{AwsSettings, Failure, failed};
use pipeline_checks::Answer;
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use crate::config::{AthenaCheckConfig, default_catalog, default_timeout, default_workgroup};
use crate::execution::{Execution, Progress, progress, scanned};
use crate::token::Occasion;

/// How long the first look at a query is after its start; each later one takes twice as long, up to [`SLOWEST_LOOK`].
const FIRST_LOOK: Duration = Duration::from_millis(100);
const SLOWEST_LOOK: Duration = Duration::from_secs(5);

/// Where a query runs, and how far it may go.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Place {
    /// What tables without a database are of.
    pub(crate) database: Option<String>,
    #[serde(default = "default_workgroup")]
    pub(crate) workgroup: String,
    #[serde(default = "default_catalog")]
    pub(crate) catalog: String,
    pub(crate) output_location: Option<String>,
    pub(crate) max_scanned: Option<ByteSize>,
    #[serde(default = "default_timeout")]
    pub(crate) timeout: HumanDuration,
    #[serde(default)]
    pub(crate) aws: AwsSettings,
}

impl Place {
    pub(crate) fn of(config: &AthenaCheckConfig) -> Self {
        Self {
            database: Some(config.database.clone()),
            workgroup: config.workgroup.clone(),
            catalog: config.catalog.clone(),
            output_location: config.output_location.clone(),
            max_scanned: config.max_scanned,
            timeout: config.timeout,
            aws: config.aws.clone(),
        }
    }
}

/// Runs queries, one at a time.
#[derive(Debug)]
pub(crate) struct Athena {
    client: Client,
    place: Place,
    /// Who asks, for the tokens.
    asker: String,
    occasion: Occasion,
}

impl Athena {
    /// Makes sure that the workgroup takes queries.
    ///
    /// Errors: it does not, or who calls is not known.
    pub(crate) async fn open(place: Place, asker: String) -> Result<Self> {
        let client = Client::new(&place.aws.load("ATHENA").await?);
        let athena = Self { client, place, asker, occasion: Occasion::first() };
        athena.check_workgroup().await?;
        Ok(athena)
    }

    /// What was asked is answered: who asks it from now on wants a new answer.
    pub(crate) fn answered(&mut self) {
        self.occasion.next();
    }

    /// Runs `sql` to its end. `about` is what the caller wants to know by it, beyond the query itself. Called again after an
    /// error of the connection, it goes on with the same query.
    pub(crate) async fn run(&mut self, sql: &str, about: &str) -> Result<Execution> {
        let started = Instant::now();
        let id = self.start(sql, about).await?;
        debug!(query = %id, %sql, "asked");
        let ended = self.wait(&id, sql, started).await?;
        if ended.is_err() {
            // The same token would give the same end for ever.
            self.occasion.next();
        }
        ended.map(|bytes| {
            info!(query = %id, scanned = bytes, millis = started.elapsed().as_millis() as u64, "Athena answered");
            Execution { id, sql: sql.to_owned() }
        })
    }

    /// Runs `sql` for so long, and reads the answer. A query that takes longer is stopped.
    ///
    /// Errors: that, too.
    pub(crate) async fn try_for(&mut self, limit: Duration, sql: &str) -> Result<()> {
        let id = self.start(sql, "").await?;
        let ended = match timeout(limit, self.wait(&id, sql, Instant::now())).await {
            Ok(ended) => ended?,
            Err(_) => {
                self.stop(&id, &Progress::Running).await;
                Err(Error::retriable(format!(
                    "Athena's query {id} is not answered within {} s; look at the queue of the workgroup `{}`; it was {sql}",
                    limit.as_secs(),
                    self.place.workgroup
                )))
            }
        };
        ended?;
        self.answer(&Execution { id, sql: sql.to_owned() }).await.map(drop)
    }

    /// The answer as far as checks look at it.
    pub(crate) async fn answer(&self, execution: &Execution) -> Result<Answer> {
        let page = self.page(execution, None).await?;
        let rows = texts(&page, true);
        Ok(Answer {
            columns: columns(&page).len(),
            rows: rows.len(),
            first: rows.into_iter().next().unwrap_or_default(),
        })
    }

    /// The whole answer: its columns, and its rows as texts.
    pub(crate) async fn rows(&self, execution: &Execution) -> Result<(Vec<ColumnInfo>, Vec<Vec<Option<String>>>)> {
        let mut page = self.page(execution, None).await?;
        let names = columns(&page).to_vec();
        let mut rows = texts(&page, true);
        while let Some(next) = page.next_token().map(str::to_owned) {
            page = self.page(execution, Some(next)).await?;
            rows.extend(texts(&page, false));
        }
        Ok((names, rows))
    }

    async fn check_workgroup(&self) -> Result<()> {
        let name = &self.place.workgroup;
        let workgroup = match self.client.get_work_group().work_group(name).send().await {
            Ok(answered) => answered.work_group,
            Err(error) => return self.without_a_look(&error),
        };
        let Some(workgroup) = workgroup else { return Ok(()) };
        if workgroup.state() == Some(&WorkGroupState::Disabled) {
            return Err(Error::config(format!("the workgroup `{name}` is disabled, expected one that takes queries")));
        }
        let settings = workgroup.configuration();
        let own = settings.and_then(|settings| settings.result_configuration());
        let own = own.and_then(|results| results.output_location()).is_some_and(|location| !location.is_empty());
        let managed = settings.and_then(|settings| settings.managed_query_results_configuration());
        if self.place.output_location.is_none() && !own && !managed.is_some_and(|managed| managed.enabled()) {
            return Err(Error::config(format!(
                "the workgroup `{name}` says no place for answers: expected output_location of athena_check, such as \
                 s3://bucket/athena/, or one in the workgroup"
            )));
        }
        Ok(())
    }

    /// Queries may be allowed to who may not look at the workgroup.
    fn without_a_look<E>(&self, error: &SdkError<E>) -> Result<()>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match Failure::of(error).code.as_deref() {
            Some("AccessDeniedException") => {
                debug!(workgroup = %self.place.workgroup, "may not look at the workgroup");
                Ok(())
            }
            Some("InvalidRequestException") => Err(self.refused(error, "cannot find the workgroup", " of this region")),
            _ => Err(failed(format!("cannot look at the workgroup `{}`", self.place.workgroup), error)),
        }
    }

    fn refused<E>(&self, error: &SdkError<E>, doing: &str, of: &str) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let failure = Failure::of(error);
        let lower = failure.message.to_lowercase();
        let advice = if lower.contains("workgroup") && lower.contains("not found") {
            format!(": expected a workgroup{of} in place of `{}`", self.place.workgroup)
        } else if lower.contains("output") && (lower.contains("location") || lower.contains("bucket")) {
            ": expected output_location to be a place in S3 that the caller may write to".into()
        } else {
            String::new()
        };
        Error::config(format!("{doing}{advice}")).with_source(failure.to_string())
    }

    async fn start(&self, sql: &str, about: &str) -> Result<String> {
        let place = &self.place;
        let output = place.output_location.as_deref();
        let database = place.database.as_deref();
        let context =
            QueryExecutionContext::builder().set_database(database.map(Into::into)).catalog(&place.catalog).build();
        let results = output.map(|location| ResultConfiguration::builder().output_location(location).build());
        let parts = [
            &self.asker,
            &place.catalog,
            database.unwrap_or_default(),
            &place.workgroup,
            output.unwrap_or_default(),
            about,
            sql,
        ];
        let started = self
            .client
            .start_query_execution()
            .query_string(sql)
            .client_request_token(self.occasion.token(&parts))
            .query_execution_context(context)
            .set_result_configuration(results)
            .work_group(&place.workgroup)
            .send()
            .await;
        let started = started.map_err(|error| match Failure::of(&error).code.as_deref() {
            Some("InvalidRequestException") => self.refused(&error, &format!("Athena refuses the query {sql}"), ""),
            _ => failed(format!("cannot ask Athena in the workgroup `{}`", place.workgroup), &error),
        })?;
        let id = started.query_execution_id.ok_or_else(|| Error::fatal("Athena gave a query no id"))?;
        Ok(id)
    }

    /// Waits for the end of a query: so many bytes were scanned, or why it has none to give. The outer error is that of a
    /// call: the query may go on.
    async fn wait(&self, id: &str, sql: &str, started: Instant) -> Result<Result<u64>> {
        let mut pause = FIRST_LOOK;
        loop {
            let execution = self.look(id).await?;
            let bytes = scanned(&execution);
            let state = progress(id, sql, &execution);
            if let Progress::Ended(error) = state {
                return Ok(Err(error));
            }
            if let Some(most) = self.place.max_scanned
                && bytes > most.bytes()
            {
                self.stop(id, &state).await;
                return Ok(Err(Error::config(format!(
                    "Athena's query {id} scanned {bytes} bytes, and max_scanned is {most}: expected a larger one, a \
                     partitioned table or fewer columns; it was {sql}"
                ))));
            }
            if matches!(state, Progress::Succeeded) {
                return Ok(Ok(bytes));
            }
            let left = self.place.timeout.get().saturating_sub(started.elapsed());
            if left.is_zero() {
                self.stop(id, &state).await;
                return Ok(Err(self.overdue(id, sql, &state)));
            }
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(SLOWEST_LOOK);
        }
    }

    async fn look(&self, id: &str) -> Result<QueryExecution> {
        let looked = self.client.get_query_execution().query_execution_id(id).send().await;
        let looked = looked.map_err(|error| failed(format!("cannot learn how Athena's query {id} goes"), &error))?;
        looked.query_execution.ok_or_else(|| Error::fatal(format!("Athena says nothing about its query {id}")))
    }

    /// Queues become shorter; a query does not.
    fn overdue(&self, id: &str, sql: &str, state: &Progress) -> Error {
        let timeout = self.place.timeout;
        match state {
            Progress::Queued => {
                Error::retriable(format!("Athena's query {id} was in the queue for more than {timeout}"))
            }
            _ => Error::new(
                ErrorKind::Config,
                format!("Athena's query {id} took more than {timeout}: expected a larger timeout; it was {sql}"),
            ),
        }
    }

    async fn stop(&self, id: &str, state: &Progress) {
        if matches!(state, Progress::Succeeded) {
            return;
        }
        match self.client.stop_query_execution().query_execution_id(id).send().await {
            Ok(_) => info!(query = %id, "stopped the query"),
            Err(error) => {
                let error = failed("cannot stop it", &error);
                warn!(query = %id, error = %format!("{error:#}"), "the query goes on, and is paid for");
            }
        }
    }

    async fn page(&self, execution: &Execution, next: Option<String>) -> Result<GetQueryResultsOutput> {
        let id = &execution.id;
        let page = self.client.get_query_results().query_execution_id(id).set_next_token(next).send().await;
        page.map_err(|error| failed(format!("cannot fetch the answer to Athena's query {id}"), &error))
    }
}

fn columns(page: &GetQueryResultsOutput) -> &[ColumnInfo] {
    page.result_set().and_then(|set| set.result_set_metadata()).map_or(&[], |metadata| metadata.column_info())
}

/// The values of a page. The first row of the first page holds the names of the columns.
fn texts(page: &GetQueryResultsOutput, first: bool) -> Vec<Vec<Option<String>>> {
    let rows = page.result_set().map_or(&[][..], |set| set.rows());
    let values = |row: &Row| row.data().iter().map(|value| value.var_char_value().map(str::to_owned)).collect();
    rows.iter().skip(usize::from(first)).map(values).collect()
}
