//! `pipeline run`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use pipeline_api::{Error, HumanDuration, Registry, Result};
use pipeline_runtime::Plan;
use pipeline_runtime::broker::Broker;
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

    /// How long to wait at the start for a Kafka that cannot be reached: `30s`, `5m`; `0s` is not to wait
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = wait)]
    wait: Duration,

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
        let mut opened = Vec::new();
        for plan in &plans {
            opened.push(brokers.open(plan, self.wait).await?);
        }
        let (running, stoppers): (Vec<_>, Vec<_>) =
            plans.into_iter().zip(opened).map(|(plan, broker)| Running::start(Arc::new(plan), broker)).unzip();
        let shown = running.iter().map(|running| (running.plan.clone(), running.progress.clone())).collect();
        let display = Arc::new(Display::start(shown));
        signals::watch(stoppers, display.clone())?;
        let mut failures = Vec::new();
        for Running { plan, progress, end } in running {
            let end = end.await.unwrap_or_else(|error| Err(Error::fatal("the run panicked").with_source(error)));
            display.finish(&plan.name);
            summary::print(&plan, &progress, &end, started.elapsed(), &self.files).await?;
            match end {
                Ok(End::Drained | End::Stopped) => {}
                Ok(End::Interrupted) => failures.push(Error::fatal(UNFINISHED)),
                Err(error) => failures.push(error.context(format!("pipeline {}", plan.name))),
            }
        }
        fail_with(failures)
    }
}

/// A span of time that may be none.
fn wait(text: &str) -> std::result::Result<Duration, String> {
    match text {
        "0" | "0s" => Ok(Duration::ZERO),
        text => Ok(text.parse::<HumanDuration>()?.get()),
    }
}

const UNFINISHED: &str = "stopped before everything was flushed; nothing is lost, the next run goes on";

impl Running {
    fn start(plan: Arc<Plan>, broker: Arc<dyn Broker>) -> (Self, Stopper) {
        let (stopper, stop) = Stopper::new();
        let progress = Arc::new(Progress::new(&plan));
        let end = tokio::spawn(run::run(plan.clone(), broker, progress.clone(), stop));
        (Self { plan, progress, end }, stopper)
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
