//! `pipeline reset`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use pipeline_api::Registry;
use pipeline_runtime::{Plan, run};

use super::broker::Brokers;
use super::{Failure, LoadArgs, Outcome, files};

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
        if !self.yes && !ask(&mut out, &plan)? {
            writeln!(out, "nothing was changed")?;
            return Ok(());
        }
        let broker = Brokers::default().open(&plan)?;
        for line in run::reset(&plan, &broker).await? {
            writeln!(out, "removed {line}")?;
        }
        writeln!(out, "the next run starts at the beginning")?;
        Ok(())
    }
}

fn ask(out: &mut impl Write, plan: &Plan) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage("reset asks before it deletes, and nobody is there to answer: add --yes".into()));
    }
    writeln!(out, "This removes for good, for the pipeline {}:", plan.name)?;
    writeln!(out, "  the topic {} with its records, and how far the sources and sinks are", plan.topic.name)?;
    for sink in &plan.sinks {
        if let Some(dataset) = &sink.dataset {
            writeln!(out, "  what the sink {} wrote below {}, and its table", sink.name, dataset.location)?;
        }
    }
    write!(out, "Go on? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
