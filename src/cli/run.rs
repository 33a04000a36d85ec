//! `pipeline run`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use pipeline_api::{Error, Registry, Result};
use pipeline_runtime::Plan;
use pipeline_runtime::run::{self, End, Progress, Stopper};
use tokio::task::JoinHandle;

use super::broker::Brokers;
use super::progress::Display;
use super::{Failure, LoadArgs, Outcome, files, signals, summary, table};

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The pipeline files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    load: LoadArgs,
}

/// A pipeline that runs.
struct Running {
    plan: Arc<Plan>,
    progress: Arc<Progress>,
    end: JoinHandle<Result<End>>,
}

impl Run {
    pub(super) async fn execute(&self, registry: &Registry) -> Outcome {
        let plans = files::load_all(&self.files, &self.load, registry).await?;
        let started = Instant::now();
        let mut brokers = Brokers::default();
        let (mut running, mut stoppers) = (Vec::new(), Vec::new());
        for plan in plans.into_iter().map(Arc::new) {
            let broker = brokers.open(&plan)?;
            let (stopper, stop) = Stopper::new();
            let progress = Arc::new(Progress::new(&plan));
            let end = tokio::spawn(run::run(plan.clone(), broker, progress.clone(), stop));
            running.push(Running { plan, progress, end });
            stoppers.push(stopper);
        }
        let display = Display::start(running.iter().map(|running| (running.plan.clone(), running.progress.clone())).collect());
        tokio::spawn(signals::first_signal(stoppers));
        let mut failures = Vec::new();
        for Running { plan, progress, end } in running {
            let end = end.await.unwrap_or_else(|error| Err(Error::fatal("the run panicked").with_source(error)));
            display.finish(&plan.name);
            summary::print(&plan, &progress, &end, started.elapsed(), &self.files).await?;
            if let Err(error) = end {
                failures.push(error.context(format!("pipeline {}", plan.name)));
            } else if matches!(end, Ok(End::Interrupted)) {
                failures.push(Error::fatal("stopped before everything was flushed; nothing is lost, the next run goes on"));
            }
        }
        fail_with(failures)
    }
}

/// The last failure ends the command; those before it are told first.
fn fail_with(mut failures: Vec<Error>) -> Outcome {
    let Some(last) = failures.pop() else { return Ok(()) };
    for failure in failures {
        table::complain(&format!("{failure:#}"));
    }
    Err(Failure::Run(last))
}
