//! `pipeline doctor`.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use pipeline_api::{Error, Examined, Registry};
use pipeline_runtime::broker::Broker;
use pipeline_runtime::file;
use pipeline_runtime::run::{self, PartExamined};
use pipeline_runtime::{BrokerSettings, Plan};
use serde_json::{Value, json};

use super::broker::{BRIEFLY, Brokers};
use super::format::Format;
use super::redaction::{hide, redacted};
use super::{Failure, LoadArgs, Outcome, files};

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// How what was found is told. As JSON, mistakes of the file are told as `validate` tells them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    load: LoadArgs,
}

impl Doctor {
    pub(super) async fn execute(&self, registry: &Registry) -> Outcome {
        let plan = self.load(registry).await?;
        let (of_broker, broker) = examine_broker(&plan).await;
        let mut parts = vec![of_broker];
        parts.extend(run::examine(&plan, broker.as_ref()).await);
        self.show(&parts)?;
        match parts.iter().filter(|part| part.examined.outcome.is_err()).count() {
            0 => Ok(()),
            1 => Err(Error::fatal(format!("1 of {} things is wrong", parts.len())).into()),
            wrong => Err(Error::fatal(format!("{wrong} of {} things are wrong", parts.len())).into()),
        }
    }

    async fn load(&self, registry: &Registry) -> Result<Plan, Failure> {
        if self.format == Format::Text {
            return files::load_one(&self.file, &self.load, registry).await;
        }
        match file::load(&self.file, &files::options(&self.load)?, registry).await {
            Ok(loaded) => {
                hide(&loaded.plan.secrets);
                Ok(loaded.plan)
            }
            Err(diagnostics) => {
                writeln!(std::io::stdout(), "{:#}", diagnostics.to_json())?;
                Err(Failure::File)
            }
        }
    }

    fn show(&self, parts: &[PartExamined]) -> Outcome {
        let mut out = std::io::stdout();
        match self.format {
            Format::Json => {
                let all: Vec<Value> = parts.iter().map(to_json).collect();
                writeln!(out, "{}", redacted(&format!("{:#}", json!(all))))?;
            }
            Format::Text => {
                for part in parts {
                    writeln!(out, "{}", redacted(&line(part)))?;
                }
            }
        }
        Ok(())
    }
}

/// Whether the broker can be reached, and it, unless it is one in this process that no run has made yet.
async fn examine_broker(plan: &Plan) -> (PartExamined, Option<Arc<dyn Broker>>) {
    let found = Brokers::default().find(plan, BRIEFLY).await;
    let (part, what, fact) = match &plan.broker {
        BrokerSettings::Kafka(_) => ("kafka", "reach it".to_owned(), None),
        BrokerSettings::Embedded(settings) => match &settings.path {
            None => ("embedded broker", "in memory".to_owned(), None),
            Some(path) => {
                let there_is_none =
                    matches!(found, Ok(None)).then(|| "there is none yet, the next run makes it".to_owned());
                ("embedded broker", format!("open the store in {}", path.display()), there_is_none)
            }
        },
    };
    let (outcome, broker) = match found {
        Ok(broker) => (Ok(fact), broker),
        Err(error) => (Err(error), None),
    };
    (PartExamined { part: part.to_owned(), examined: Examined { what, outcome } }, broker)
}

/// `ok    sink lake: s3://lake/out: list what is there`, `wrong source csv: …: there is no such file, …`.
fn line(PartExamined { part, examined: Examined { what, outcome } }: &PartExamined) -> String {
    match outcome {
        Ok(None) => format!("ok    {part}: {what}"),
        Ok(Some(fact)) => format!("ok    {part}: {what}: {fact}"),
        Err(error) => format!("wrong {part}: {what}: {error:#}"),
    }
}

fn to_json(PartExamined { part, examined: Examined { what, outcome } }: &PartExamined) -> Value {
    match outcome {
        Ok(fact) => json!({ "part": part, "tried": what, "ok": true, "fact": fact }),
        Err(error) => json!({ "part": part, "tried": what, "ok": false, "error": format!("{error:#}") }),
    }
}
