//! The check `reconcile`: a run compares what its sinks have left with what is committed.

use std::sync::Arc;

use pipeline_api::{CheckOutcome, CountRows, Result, Verdict};
use tokio::time::sleep;

use super::flight::judge;
use super::progress::{Progress, SinkProgress};
use super::reconcile::{Listed, reconcile_sink};
use super::retry::retry;
use crate::broker::Broker;
use crate::plan::{OnFailure, Plan, ReconcilePolicy, SinkPlan};

/// So many differences are told; `pipeline reconcile` tells all.
const TOLD: usize = 3;

/// The check of one sink.
#[derive(Clone)]
pub(super) struct ReconcileCheck {
    plan: Arc<Plan>,
    broker: Arc<dyn Broker>,
    progress: Arc<Progress>,
    sink: usize,
    policy: ReconcilePolicy,
}

impl ReconcileCheck {
    /// Those that the file asks for, in the order of its sinks.
    pub(super) fn all(plan: &Arc<Plan>, broker: &Arc<dyn Broker>, progress: &Arc<Progress>) -> Vec<Self> {
        let of = |(sink, of): (usize, &SinkPlan)| {
            let (plan, broker, progress) = (plan.clone(), broker.clone(), progress.clone());
            of.reconcile.map(|policy| Self { plan, broker, progress, sink, policy })
        };
        plan.sinks.iter().enumerate().filter_map(of).collect()
    }

    /// Checks again and again, for ever. Of several processes only the one does it that has the topic's first partition. Errors:
    /// as [`now`](Self::now).
    pub(super) async fn run(self) -> Result<()> {
        let Some(every) = self.policy.every else { return std::future::pending().await };
        loop {
            sleep(every).await;
            if self.progress().holds_first_partition() {
                self.now().await?;
            }
        }
    }

    /// Checks once, and notes what came of it. Errors: something is wrong, or it could not be found out, and the file says that
    /// the run fails then.
    pub(super) async fn now(&self) -> Result<()> {
        let (plan, sink) = (&self.plan, &self.plan.sinks[self.sink]);
        let listed = retry(plan.errors.retry, || reconcile_sink(plan, sink, &self.broker, CountRows::WhereCheap)).await;
        let listed = listed.map_err(|error| error.context(format!("sink `{}` cannot be reconciled", sink.name)));
        let found = match (listed, self.policy.on_failure) {
            (Ok(Some(listed)), _) if listed.errors() == 0 => return self.note(summary(&listed), Verdict::Passed),
            (Ok(Some(listed)), _) => wrong(&listed),
            (Ok(None), _) => "it leaves nothing that could be listed".to_owned(),
            (Err(error), OnFailure::Fail) => return Err(error),
            (Err(error), OnFailure::Warn) => format!("{error:#}"),
        };
        match self.policy.on_failure {
            OnFailure::Fail => self.note(found, Verdict::Failed),
            OnFailure::Warn => self.note(found, Verdict::Warned),
        }
    }

    fn note(&self, found: String, verdict: Verdict) -> Result<()> {
        let check = format!("{}: reconcile", self.plan.sinks[self.sink].name);
        let expected = "what is committed, once".to_owned();
        judge(self.progress(), &[CheckOutcome { check, found, expected, verdict }])
    }

    fn progress(&self) -> &SinkProgress {
        &self.progress.sinks[self.sink]
    }
}

fn summary(listed: &Listed) -> String {
    let files = if listed.files == 1 { "file" } else { "files" };
    match listed.rows {
        Some(rows) => format!("{rows} rows in {} {files}", listed.files),
        None => format!("{} offsets in {} {files}", listed.offsets, listed.files),
    }
}

fn wrong(listed: &Listed) -> String {
    let errors = listed.differences.iter().filter(|difference| difference.is_error());
    let mut told: Vec<String> = errors
        .take(TOLD)
        .map(|difference| match difference.partition() {
            Some(partition) => format!("partition {partition}: {difference}"),
            None => difference.to_string(),
        })
        .collect();
    let more = listed.errors() - told.len();
    if more > 0 {
        told.push(format!("{more} more, which `pipeline reconcile` tells"));
    }
    told.join("; ")
}
