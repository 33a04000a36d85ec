//! `pipeline offsets`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use clap::Args;
use pipeline_api::{Error, ErrorKind, Registry, Result};
use pipeline_runtime::broker::Broker;
use pipeline_runtime::run::{self, OffsetChange, PartitionOffsets, Planned, PlannedUnder, Target, Unfinished};
use pipeline_runtime::{BrokerSettings, Plan};
use serde_json::{Value, json};

use super::broker::{BRIEFLY, Brokers};
use super::format::Format;
use super::redaction::redacted;
use super::{Failure, LoadArgs, Outcome, consent, files, table};

#[derive(Debug, Args)]
pub(super) struct Offsets {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// How offsets are shown
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Let a sink go on at this offset of a partition, or at its `oldest` or `end`: `lake/0=1200`. Without a slash it changes
    /// a value of the file, as everywhere: `topic.name=demo`
    #[arg(long = "set", value_name = "SINK/PARTITION=OFFSET")]
    sets: Vec<String>,

    /// Let a sink go on at the oldest record of every partition
    #[arg(long = "reset", value_name = "SINK")]
    resets: Vec<String>,

    /// Also where a flush was under way: its range is forgotten, and files of it that were written stay
    #[arg(long)]
    abandon: bool,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Read variables for `${env:NAME}` from this file, NAME=value a line; the environment wins
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

impl Offsets {
    pub(super) async fn execute(&self, registry: &Registry) -> Outcome {
        let (wishes, sets) = self.sort_sets()?;
        let load = LoadArgs { sets, env_file: self.env_file.clone() };
        let plan = files::load_one(&self.file, &load, registry).await?;
        refuse_before_a_run(&plan)?;
        let broker = Brokers::default().open(&plan, BRIEFLY).await?;
        let mut now = run::offsets(&plan, &broker).await?;
        let changes = self.changes(wishes, &now).map_err(|error| match error.kind() {
            ErrorKind::Config => Failure::Usage(error.to_string()),
            _ => Failure::Run(error),
        })?;
        if !changes.is_empty() {
            if !self.yes && !agree(&changes)? {
                return Ok(writeln!(std::io::stdout(), "nothing was changed")?);
            }
            run::set_offsets(&now, &changes, &broker).await?;
            now = self.look_again(&plan, &broker, &changes).await?;
        }
        self.show(&plan, &now)
    }

    /// What `--set` says of sinks, and what it says of the file. No name of a sink has a dot in it, and no place in a file has a
    /// slash before its first one.
    fn sort_sets(&self) -> Result<(Wishes, Vec<String>), Failure> {
        let (mut wishes, mut sets) = (Wishes::new(), Vec::new());
        for (index, set) in self.sets.iter().enumerate() {
            match set.split_once('=').and_then(|(key, offset)| Some((key.split_once('/')?, offset))) {
                Some(((sink, partition), offset)) if !sink.contains('.') => {
                    let (partition, target) = parse(partition, offset).ok_or_else(|| {
                        Failure::Usage(format!(
                            "the {} --set names no offset, expected SINK/PARTITION=OFFSET, such as lake/0=1200 or lake/0=oldest",
                            files::ordinal(index)
                        ))
                    })?;
                    wishes.insert((sink.to_owned(), partition), target);
                }
                _ => sets.push(set.clone()),
            }
        }
        Ok((wishes, sets))
    }

    /// What this and `--reset` change. An offset that is set as well wins.
    fn changes(&self, mut wishes: Wishes, now: &run::Offsets) -> Result<Vec<OffsetChange>> {
        for sink in &self.resets {
            for (partition, _) in (0..).zip(&now.sink(sink)?.partitions) {
                wishes.entry((sink.clone(), partition)).or_insert(Target::Oldest);
            }
        }
        now.changes(&wishes, if self.abandon { Unfinished::Abandon } else { Unfinished::Refuse })
    }

    /// Says what was changed, where a person reads it, and how far everything is now.
    async fn look_again(
        &self,
        plan: &Plan,
        broker: &Arc<dyn Broker>,
        changes: &[OffsetChange],
    ) -> Result<run::Offsets> {
        for change in changes {
            table::say(&change.to_string());
        }
        run::offsets(plan, broker).await
    }

    fn show(&self, plan: &Plan, now: &run::Offsets) -> Outcome {
        let mut out = std::io::stdout();
        match self.format {
            Format::Text => show_text(&mut out, now),
            Format::Json => Ok(writeln!(out, "{}", redacted(&format!("{:#}", to_json(plan, now))))?),
        }
    }
}

/// Where sinks shall go on, by sink and partition.
type Wishes = BTreeMap<(String, i32), Target>;

fn parse(partition: &str, offset: &str) -> Option<(i32, Target)> {
    let target = match offset {
        "oldest" => Target::Oldest,
        "end" => Target::End,
        offset => Target::At(offset.parse().ok()?),
    };
    Some((partition.parse().ok()?, target))
}

/// A look must not make a store.
pub(super) fn refuse_before_a_run(plan: &Plan) -> Result<()> {
    let BrokerSettings::Embedded(settings) = &plan.broker else { return Ok(()) };
    match &settings.path {
        None => Err(Error::config(
            "the topic is in memory and gone after a run, expected a file without `embedded.in_memory: true`",
        )),
        Some(path) if !path.exists() => Err(run::no_topic(&plan.topic.name)),
        Some(_) => Ok(()),
    }
}

fn agree(changes: &[OffsetChange]) -> Result<bool, Failure> {
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    consent::ask(&mut std::io::stdout(), "offsets asks before it changes any", &lines)
}

fn show_text(out: &mut impl Write, now: &run::Offsets) -> Outcome {
    table::write_table(out, &[to_table(now)?], usize::MAX)?;
    for (sink, index, known) in partitions(now) {
        if let Some(trouble) = &known.trouble {
            writeln!(out, "{sink}/{index}: a run stops here: {trouble}")?;
        }
    }
    for (source, positions) in &now.sources {
        if positions.is_empty() {
            writeln!(out, "source {source} has not produced yet")?;
        }
        for (partition, position) in positions.iter() {
            writeln!(out, "{}", redacted(&format!("source {source} goes on in {partition} at {position}")))?;
        }
    }
    Ok(())
}

/// A row for each sink and partition; without sinks for each partition.
fn to_table(now: &run::Offsets) -> Result<RecordBatch> {
    let bare: Vec<_> = now.holds.iter().map(|holds| PartitionOffsets::new(*holds, None, &now.topic_id, "")).collect();
    let rows: Vec<(&str, i32, &PartitionOffsets)> = match now.sinks.is_empty() {
        true => (0..).zip(&bare).map(|(index, known)| ("", index, known)).collect(),
        false => partitions(now).collect(),
    };
    let number = |of: fn(&PartitionOffsets) -> Option<i64>| -> ArrayRef {
        Arc::new(Int64Array::from_iter(rows.iter().map(|(_, _, known)| of(known))))
    };
    let columns: [(&str, ArrayRef); 7] = [
        ("sink", Arc::new(StringArray::from_iter_values(rows.iter().map(|(sink, ..)| *sink)))),
        ("partition", Arc::new(Int32Array::from_iter_values(rows.iter().map(|(_, index, _)| *index)))),
        ("oldest", number(|known| Some(known.holds.start))),
        ("end", number(|known| Some(known.holds.end))),
        ("committed", number(|known| known.committed)),
        ("lag", Arc::new(UInt64Array::from_iter_values(rows.iter().map(|(_, _, known)| known.lag())))),
        ("planned", Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, _, known)| planned_text(known))))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .map_err(|error| Error::fatal("the offsets are no table").with_source(error))
}

fn planned_text(known: &PartitionOffsets) -> String {
    let Some(Planned { range, file }) = &known.planned else { return String::new() };
    let of = match file {
        PlannedUnder::ThisFile => "",
        PlannedUnder::AnotherFile => ", of another file",
    };
    format!("{} at {}{of}", range.offsets, range.at)
}

fn partitions(now: &run::Offsets) -> impl Iterator<Item = (&str, i32, &PartitionOffsets)> {
    now.sinks.iter().flat_map(|sink| (0..).zip(&sink.partitions).map(|(index, known)| (&*sink.name, index, known)))
}

fn to_json(plan: &Plan, now: &run::Offsets) -> Value {
    let bounds = |(index, holds): (i32, &pipeline_api::OffsetRange)| json!({ "partition": index, "oldest": holds.start, "end": holds.end });
    let sink = |sink: &run::SinkOffsets| {
        let partitions: Vec<Value> =
            (0..).zip(&sink.partitions).map(|(index, known)| partition_json(index, known)).collect();
        json!({ "name": sink.name, "group": sink.group, "partitions": partitions })
    };
    let source = |(name, positions): &(Arc<str>, pipeline_api::SourceOffsets)| {
        let positions: Vec<Value> = positions
            .iter()
            .map(|(partition, position)| json!({ "partition": partition, "position": position }))
            .collect();
        json!({ "name": name, "positions": positions })
    };
    json!({
        "pipeline": plan.name,
        "topic": {
            "name": now.topic,
            "id": now.topic_id,
            "partitions": (0..).zip(&now.holds).map(bounds).collect::<Vec<_>>(),
        },
        "sinks": now.sinks.iter().map(sink).collect::<Vec<_>>(),
        "sources": now.sources.iter().map(source).collect::<Vec<_>>(),
    })
}

fn partition_json(index: i32, known: &PartitionOffsets) -> Value {
    let planned = known.planned.as_ref().map(|Planned { range, file }| {
        json!({
            "start": range.offsets.start,
            "end": range.offsets.end,
            "at": range.at.to_string(),
            "revision": range.revision,
            "of_this_file": *file == PlannedUnder::ThisFile,
        })
    });
    json!({
        "partition": index,
        "oldest": known.holds.start,
        "end": known.holds.end,
        "committed": known.committed,
        "lag": known.lag(),
        "planned": planned,
        "trouble": known.trouble,
    })
}
