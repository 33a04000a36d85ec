//! Reading pipeline files.

use std::io::IsTerminal;
use std::path::PathBuf;

use pipeline_api::Registry;
use pipeline_runtime::Plan;
use pipeline_runtime::file::{self, Advice, Color, Diagnostics, KafkaCheck, LoadOptions};

use super::redaction::hide;
use super::{Failure, LoadArgs};

/// The plans of these files. Everything that is wrong with any of them is told on standard error.
pub(super) async fn load_all(paths: &[PathBuf], args: &LoadArgs, registry: &Registry) -> Result<Vec<Plan>, Failure> {
    load_with(paths, &options(args)?, registry).await
}

async fn load_with(paths: &[PathBuf], options: &LoadOptions, registry: &Registry) -> Result<Vec<Plan>, Failure> {
    let mut plans = Vec::new();
    let mut wrong = false;
    for path in paths {
        match file::load(path, options, registry).await {
            Ok(loaded) => {
                hide(&loaded.plan.secrets);
                show(&loaded.warnings);
                plans.push(loaded.plan);
            }
            Err(diagnostics) => {
                show(&diagnostics);
                wrong = true;
            }
        }
    }
    if wrong {
        return Err(Failure::File);
    }
    for (index, plan) in plans.iter().enumerate() {
        if plans[..index].iter().any(|other| other.name == plan.name && other.broker == plan.broker) {
            return Err(Failure::Usage(format!(
                "two files are pipelines called `{}`, expected a name of its own for each",
                plan.name
            )));
        }
    }
    Ok(plans)
}

/// The plan of one file.
pub(super) async fn load_one(path: &PathBuf, args: &LoadArgs, registry: &Registry) -> Result<Plan, Failure> {
    load_all(std::slice::from_ref(path), args, registry).await?.pop().ok_or(Failure::File)
}

/// The same, with what a person should know of what a run would do.
pub(super) async fn load_with_advice(path: &PathBuf, args: &LoadArgs, registry: &Registry) -> Result<Plan, Failure> {
    let options = LoadOptions { advice: Advice::Wanted, ..options(args)? };
    load_with(std::slice::from_ref(path), &options, registry).await?.pop().ok_or(Failure::File)
}

pub(super) fn options(args: &LoadArgs) -> Result<LoadOptions, Failure> {
    let sets = args
        .sets
        .iter()
        .enumerate()
        .map(|(index, set)| match set.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            // Its text may be a secret.
            _ => Err(Failure::Usage(format!(
                "the {} --set names no value, expected KEY=VALUE, such as topic.name=demo",
                ordinal(index)
            ))),
        })
        .collect::<Result<_, _>>()?;
    let mut env = match &args.env_file {
        Some(path) => file::read_env_file(path).map_err(|error| Failure::Usage(format!("{error:#}")))?,
        None => Default::default(),
    };
    // What is no text cannot be meant by a file, which is one.
    env.extend(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    Ok(LoadOptions { sets, env, kafka: KAFKA, advice: Advice::Unasked })
}

/// What is wrong with a `kafka` block, if this program knows Kafka.
#[cfg(feature = "kafka")]
const KAFKA: Option<KafkaCheck> = Some(pipeline_kafka::check);
#[cfg(not(feature = "kafka"))]
const KAFKA: Option<KafkaCheck> = None;

/// `1st`, `2nd`, from 0.
pub(super) fn ordinal(index: usize) -> String {
    match index {
        0 => "1st".into(),
        1 => "2nd".into(),
        2 => "3rd".into(),
        _ => format!("{}th", index + 1),
    }
}

#[allow(clippy::print_stderr, reason = "this is where diagnostics are shown")]
pub(super) fn show(diagnostics: &Diagnostics) {
    let color = match std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        true => Color::Always,
        false => Color::Never,
    };
    let text = diagnostics.render(color);
    if !text.is_empty() {
        eprintln!("{}", text.trim_end());
    }
}
