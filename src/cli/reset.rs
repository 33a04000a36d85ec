//! `pipeline reset`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use pipeline_api::Registry;
use pipeline_runtime::{Plan, run};

use super::broker::{BRIEFLY, Brokers};
use super::consent::ask;
use super::{LoadArgs, Outcome, files};

#[derive(Debug, Args)]
pub(super) struct Reset {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    load: LoadArgs,
}

impl Reset {
    pub(super) async fn execute(&self, registry: &Registry) -> Outcome {
        let plan = files::load_one(&self.file, &self.load, registry).await?;
        let mut out = io::stdout();
        if !self.yes && !ask(&mut out, "reset asks before it deletes", &consequences(&plan))? {
            writeln!(out, "nothing was changed")?;
            return Ok(());
        }
        let broker = Brokers::default().open(&plan, BRIEFLY).await?;
        for line in run::reset(&plan, &broker).await? {
            writeln!(out, "removed {line}")?;
        }
        writeln!(out, "the next run starts at the beginning")?;
        Ok(())
    }
}

/// What this removes, for a person.
fn consequences(plan: &Plan) -> Vec<String> {
    let mut lines = vec![
        format!("This removes for good, for the pipeline {}:", plan.name),
        format!("  the topic {} with its records, and how far the sources and sinks are", plan.topic.name),
    ];
    for sink in &plan.sinks {
        if let Some(dataset) = &sink.dataset {
            lines.push(format!("  what the sink {} wrote below {}, and its table", sink.name, dataset.location));
        }
    }
    lines
}
