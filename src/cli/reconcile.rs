//! `pipeline reconcile`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use pipeline_api::{CountRows, Error, Registry};
use pipeline_runtime::Plan;
use pipeline_runtime::run::{self, Difference, Listed, Reconciled};
use serde_json::{Value, json};

use super::broker::{BRIEFLY, Brokers};
use super::format::Format;
use super::offsets::refuse_before_a_run;
use super::redaction::redacted;
use super::table::grouped;
use super::{LoadArgs, Outcome, files};

#[derive(Debug, Args)]
pub(super) struct Reconcile {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Count the rows of JSON files too, for which each of them is read
    #[arg(long)]
    rows: bool,

    /// How what was found is told
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    load: LoadArgs,
}

impl Reconcile {
    pub(super) async fn execute(&self, registry: &Registry) -> Outcome {
        let plan = files::load_one(&self.file, &self.load, registry).await?;
        refuse_before_a_run(&plan)?;
        let broker = Brokers::default().open(&plan, BRIEFLY).await?;
        let count = if self.rows { CountRows::Everywhere } else { CountRows::WhereCheap };
        let reconciled = run::reconcile(&plan, &broker, count).await?;
        let mut out = std::io::stdout();
        match self.format {
            Format::Text => reconciled.iter().try_for_each(|reconciled| show(&mut out, reconciled))?,
            Format::Json => writeln!(out, "{}", redacted(&format!("{:#}", to_json(&plan, &reconciled))))?,
        }
        match reconciled.iter().filter_map(|of| of.listed.as_ref()).map(Listed::errors).sum() {
            0 => Ok(()),
            1 => Err(Error::data("1 thing is wrong with what the sinks have left").into()),
            wrong => Err(Error::data(format!("{wrong} things are wrong with what the sinks have left")).into()),
        }
    }
}

fn show(out: &mut impl Write, Reconciled { sink, listed }: &Reconciled) -> std::io::Result<()> {
    let Some(listed) = listed else { return writeln!(out, "{sink}: leaves nothing that could be listed") };
    for difference in &listed.differences {
        let place = difference.partition().map_or_else(|| sink.to_string(), |partition| format!("{sink}/{partition}"));
        let kind = if difference.is_error() { "wrong" } else { "note" };
        writeln!(out, "{}", redacted(&format!("{kind}: {place}: {difference}")))?;
    }
    writeln!(out, "{sink}: {}", summary(listed))
}

/// `54 files, 12,154 records, 3 partitions up to 0:4,100 1:4,000 2:4,054: complete`.
fn summary(listed: &Listed) -> String {
    let Listed { files, rows, offsets, committed, lag, .. } = listed;
    let records = match rows {
        Some(rows) => format!("{} records", grouped(*rows)),
        None => format!("{} offsets", grouped(*offsets)),
    };
    let up_to: Vec<String> = (0..).zip(committed).map(|(index, offset): (i32, _)| up_to(index, *offset)).collect();
    let verdict = match (listed.errors(), *lag) {
        (0, 0) => "complete".to_owned(),
        (0, lag) => format!("complete, and {} offsets of the topic are still to come", grouped(lag)),
        (wrong, _) => format!("{wrong} wrong"),
    };
    let files_of = if *files == 1 { "file" } else { "files" };
    let partitions = if committed.len() == 1 { "partition" } else { "partitions" };
    format!(
        "{} {files_of}, {records}, {} {partitions} up to {}: {verdict}",
        grouped(*files),
        committed.len(),
        up_to.join(" ")
    )
}

fn up_to(partition: i32, committed: Option<i64>) -> String {
    match committed.and_then(|offset| u64::try_from(offset).ok()) {
        Some(offset) => format!("{partition}:{}", grouped(offset)),
        None => format!("{partition}:nothing"),
    }
}

fn to_json(plan: &Plan, reconciled: &[Reconciled]) -> Value {
    let sinks: Vec<Value> = reconciled.iter().map(sink_json).collect();
    json!({ "pipeline": plan.name, "topic": plan.topic.name, "sinks": sinks })
}

/// A sink that leaves nothing that could be listed has nothing but its name.
fn sink_json(Reconciled { sink, listed }: &Reconciled) -> Value {
    let Some(listed) = listed else { return json!({ "name": sink }) };
    let Listed { files, rows, offsets, committed, lag, differences } = listed;
    let partition = |(index, committed): (i32, &Option<i64>)| json!({ "partition": index, "committed": committed });
    json!({
        "name": sink,
        "files": files,
        "rows": rows,
        "offsets": offsets,
        "partitions": (0..).zip(committed).map(partition).collect::<Vec<_>>(),
        "lag": lag,
        "errors": listed.errors(),
        "differences": differences.iter().map(difference_json).collect::<Vec<_>>(),
    })
}

fn difference_json(difference: &Difference) -> Value {
    json!({
        "kind": difference.kind(),
        "error": difference.is_error(),
        "partition": difference.partition(),
        "start": difference.offsets().map(|offsets| offsets.start),
        "end": difference.offsets().map(|offsets| offsets.end),
        "files": difference.files(),
        "message": difference.to_string(),
    })
}
