//! `pipeline validate`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use pipeline_api::Registry;
use pipeline_runtime::file::{self, Advice, LoadOptions};
use serde_json::{Value, json};

use super::files;
use super::format::Format;
use super::{Failure, LoadArgs, Outcome};

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// The pipeline files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// How mistakes are told: drawn in the file's text on standard error, or as JSON on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    load: LoadArgs,
}

impl Validate {
    pub(super) async fn execute(&self, registry: &Registry) -> Outcome {
        let options = LoadOptions { advice: Advice::Wanted, ..files::options(&self.load)? };
        let mut out = std::io::stdout();
        let mut wrong = false;
        let mut found: Vec<Value> = Vec::new();
        for path in &self.files {
            let (diagnostics, plan) = match file::load(path, &options, registry).await {
                Ok(loaded) => (loaded.warnings, Some(loaded.plan)),
                Err(diagnostics) => (diagnostics, None),
            };
            wrong |= plan.is_none();
            match (self.format, plan) {
                (Format::Json, _) => found.extend(diagnostics.to_json().as_array().cloned().unwrap_or_default()),
                (Format::Text, None) => files::show(&diagnostics),
                (Format::Text, Some(plan)) => {
                    files::show(&diagnostics);
                    writeln!(out, "{}: ok, pipeline {} delivers {}", path.display(), plan.name, plan.delivery)?;
                }
            }
        }
        if self.format == Format::Json {
            writeln!(out, "{:#}", json!(found))?;
        }
        if wrong { Err(Failure::File) } else { Ok(()) }
    }
}
