//! `pipeline plan`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use pipeline_api::{Delivery, Often, Registry, Scans, Timestamp, column_type};
use pipeline_runtime::ahead::{
    Ahead, Assumptions, CallsAhead, Due, FilesAhead, FlushAhead, HookAhead, SaidBy, SinkAhead,
};
use pipeline_runtime::{BrokerSettings, Plan as PipelinePlan, PluginPlan, RecordMemory, SinkPlan};
use serde_json::{Value, json};

use super::format::Format;
use super::redaction::redacted;
use super::table::{grouped, size};
use super::{LoadArgs, Outcome, files};

#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// How many records a second there will be, instead of what topic.rate and the sources say
    #[arg(long, value_name = "RECORDS", value_parser = above_zero)]
    rate: Option<f64>,

    /// How many bytes of a file a record takes, instead of an estimate by the types of its columns
    #[arg(long, value_name = "BYTES", value_parser = above_zero)]
    record_bytes: Option<f64>,

    /// For people, or as JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    load: LoadArgs,
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.replace('_', "").parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

impl Plan {
    pub(super) async fn execute(&self, registry: &Registry) -> Outcome {
        let plan = files::load_with_advice(&self.file, &self.load, registry).await?;
        let assumed = Assumptions { rate: self.rate, record_bytes: self.record_bytes, at: Timestamp::now() };
        let ahead = Ahead::of(&plan, &assumed).await?;
        let mut text = Vec::new();
        match self.format {
            Format::Text => write_text(&mut text, &plan, &ahead)?,
            Format::Json => writeln!(text, "{:#}", as_json(&plan, &ahead))?,
        }
        Ok(io::stdout().write_all(redacted(&String::from_utf8_lossy(&text)).as_bytes())?)
    }
}

fn write_text(out: &mut impl Write, plan: &PipelinePlan, ahead: &Ahead) -> io::Result<()> {
    writeln!(out, "{}: delivers {}", plan.name, plan.delivery)?;
    wrapped(out, "  memory: at most ", 4, &memory(plan.memory()))?;
    for source in &plan.sources {
        let plugin = &source.plugin;
        let transforms = names(source.transforms.iter().map(|transform| &transform.plugin));
        writeln!(out, "  source {}: {}", named(&source.name, plugin), delivery(plugin))?;
        line(out, "tasks", &[grouped(source.tasks.into()), source_group(plan), transforms.unwrap_or_default()])?;
    }
    let topic = &plan.topic;
    writeln!(out, "  topic {}: {}, {}", topic.name, topic.converter.registration.type_name(), broker(plan))?;
    let key = topic.key.as_ref().map_or("no key".to_owned(), |key| format!("key {key}"));
    let create = if topic.create.is_some() { "created if it is missing" } else { "" }.to_owned();
    line(out, "partitions", &[topic.partitions.to_string(), key, create])?;
    line(
        out,
        "columns",
        &topic.schema.fields().iter().map(|of| format!("{} {}", of.name(), column_type(of))).collect::<Vec<_>>(),
    )?;
    line(out, "rate", &[rate(ahead)])?;
    for (sink, found) in plan.sinks.iter().zip(&ahead.sinks) {
        write_sink(out, sink, found)?;
    }
    Ok(())
}

/// What the program itself takes was measured: the peak of a run from Kafka to S3 without what its records took.
fn memory(RecordMemory { flushes, fetched, sent }: RecordMemory) -> Vec<String> {
    let parts = [(flushes, "of records in flushes"), (fetched, "fetched"), (sent, "being sent")];
    let parts = parts.into_iter().filter(|(bytes, _)| *bytes > 0);
    let parts = parts.map(|(bytes, what)| format!("{} {what}", size(bytes)));
    parts.chain(["besides about 80 MB for the program".to_owned()]).collect()
}

fn write_sink(out: &mut impl Write, sink: &SinkPlan, found: &SinkAhead) -> io::Result<()> {
    writeln!(out, "  sink {}: {}", named(&sink.name, &sink.plugin), delivery(&sink.plugin))?;
    let transforms = names(sink.transforms.iter().map(|transform| &transform.plugin));
    line(out, "tasks", &[grouped(sink.tasks.into()), format!("group {}", sink.group), transforms.unwrap_or_default()])?;
    line(out, "flush", &flush(sink, found))?;
    if let Some(files) = &found.files {
        line(out, "files", &file_counts(files))?;
        for example in &files.examples {
            writeln!(out, "      {example}")?;
        }
        for (name, count) in &files.requests {
            let count = *count as f64;
            let a_day = files.a_day.map(|files| format!("{} a day", amount(files * count))).unwrap_or_default();
            line(out, name, &[format!("{}{} a flush", least(files), amount(files.a_flush * count)), a_day])?;
        }
    }
    if let Some(spread) = found.spread {
        let (rows, folders) = (grouped(spread.rows as u64), grouped(spread.folders as u64));
        line(out, "folders", &[format!("{folders} for the first {rows} records of the data that lies here")])?;
    }
    for (hook, found) in sink.hooks.iter().zip(&found.hooks) {
        writeln!(out, "    hook {}: {}", hook.registration.type_name(), delivery(hook))?;
        match found {
            Ok(found) => write_hook(out, found)?,
            Err(error) => writeln!(out, "      will not open: {error:#}")?,
        }
    }
    Ok(())
}

fn write_hook(out: &mut impl Write, found: &HookAhead) -> io::Result<()> {
    for CallsAhead { calls, a_day, scanned, growing } in &found.calls {
        let times = format!("{} {}", grouped(calls.count), when(calls.often));
        let a_day = a_day.map(|count| format!("at most {} a day", amount(count)));
        let scans = calls.scans.as_ref().map(|scans| scanned_text(scans, *scanned, *growing));
        let parts: Vec<String> = [Some(times), a_day, scans].into_iter().flatten().collect();
        wrapped(out, &format!("      {}: ", calls.what), 8, &parts)?;
    }
    for made in &found.makes {
        for made in made.lines() {
            writeln!(out, "      {made}")?;
        }
    }
    Ok(())
}

/// `    flush       every 1m, 60,000 records`: a heading and the parts that are not empty.
fn line(out: &mut impl Write, heading: &str, parts: &[String]) -> io::Result<()> {
    const INDENT: usize = 16;
    wrapped(out, &format!("    {heading:<width$}", width = INDENT - 4), INDENT, parts)
}

/// A beginning and the parts that are not empty, in lines of a terminal's width, those behind the first with an indent.
fn wrapped(out: &mut impl Write, beginning: &str, indent: usize, parts: &[String]) -> io::Result<()> {
    const WIDTH: usize = 100;
    let mut line = beginning.to_owned();
    let mut parts = parts.iter().filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let comma = if parts.peek().is_some() { "," } else { "" };
        let is_too_long = line.chars().count() + part.chars().count() + comma.len() > WIDTH;
        if is_too_long && line.chars().count() > indent {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(indent);
        }
        line.push_str(&format!("{part}{comma} "));
    }
    writeln!(out, "{}", line.trim_end())
}

fn named(name: &str, plugin: &PluginPlan) -> String {
    match plugin.registration.type_name() {
        type_name if type_name == name => name.to_owned(),
        type_name => format!("{name} ({type_name})"),
    }
}

fn delivery(plugin: &PluginPlan) -> String {
    let delivery = plugin.registration.delivery(plugin.config.clone());
    delivery.unwrap_or(Delivery::AtMostOnce).to_string()
}

fn names<'p>(plugins: impl Iterator<Item = &'p PluginPlan>) -> Option<String> {
    let names: Vec<&str> = plugins.map(|plugin| plugin.registration.type_name()).collect();
    (!names.is_empty()).then(|| format!("transforms {}", names.join(" → ")))
}

/// The group by which processes share source tasks; the embedded broker has one process.
fn source_group(plan: &PipelinePlan) -> String {
    match plan.broker {
        BrokerSettings::Kafka(_) => format!("group {}.source.tasks", plan.name),
        BrokerSettings::Embedded(_) => String::new(),
    }
}

fn broker(plan: &PipelinePlan) -> String {
    match &plan.broker {
        BrokerSettings::Embedded(settings) => match &settings.path {
            Some(path) => format!("embedded broker in {}", path.strip_prefix(&plan.folder).unwrap_or(path).display()),
            None => "embedded broker in memory".to_owned(),
        },
        BrokerSettings::Kafka(settings) => {
            format!("Kafka at {}", settings.properties.get("bootstrap.servers").map_or("", String::as_str))
        }
    }
}

fn rate(ahead: &Ahead) -> String {
    match ahead.rate {
        Some(rate) => format!("{} records/s, as {} says", amount(rate.records), said_by(rate.said_by)),
        None => "unknown: --rate N or topic.rate gives the figures a day".to_owned(),
    }
}

fn said_by(said_by: SaidBy) -> &'static str {
    match said_by {
        SaidBy::Assumption => "--rate",
        SaidBy::Topic => "topic.rate",
        SaidBy::Sources => "the source",
    }
}

fn flush(sink: &SinkPlan, found: &SinkAhead) -> Vec<String> {
    let FlushAhead { due, rows, bytes, pause, a_day } = found.flush;
    let of = format!("{} records of about {} B", amount(rows), amount(found.record_bytes));
    let (size, due) = (size(bytes.round() as u64), format!("due by flush.{}", self::due(due)));
    match (pause, a_day) {
        (Some(pause), Some(a_day)) => {
            vec![format!("every {}", span(pause)), of, size, due, format!("{} a day", amount(a_day))]
        }
        _ => {
            let pause = span(sink.flush.every.as_secs_f64());
            vec![format!("at most {of}"), size, due, format!("or what comes in {pause}, by flush.every")]
        }
    }
}

fn file_counts(files: &FilesAhead) -> Vec<String> {
    let of = format!("{}{} a flush", least(files), amount(files.a_flush));
    let size = format!("{}{} each", if files.at_least { "at most " } else { "" }, size(files.bytes.round() as u64));
    vec![of, size, files.a_day.map(|count| format!("{}{} a day", least(files), amount(count))).unwrap_or_default()]
}

fn least(files: &FilesAhead) -> &'static str {
    if files.at_least { "at least " } else { "" }
}

fn due(due: Due) -> &'static str {
    match due {
        Due::Rows => "rows",
        Due::Bytes => "bytes",
        Due::Every => "every",
        Due::Memory => "memory",
    }
}

fn when(often: Often) -> String {
    match often {
        Often::Start => "at the start".to_owned(),
        Often::Flush => "a flush".to_owned(),
        Often::NewPartitions => "a flush with new partitions".to_owned(),
        Often::Every(pause) => format!("every {}", span(pause.as_secs_f64())),
        Often::End => "at the end of a run that ends".to_owned(),
    }
}

fn scanned_text(scans: &Scans, scanned: Option<f64>, growing: Option<f64>) -> String {
    let what = match scans {
        Scans::Files => "the files since then".to_owned(),
        Scans::Columns(columns) if columns.is_empty() => "no column of the table".to_owned(),
        Scans::Columns(columns) => format!("the columns {}", columns.join(", ")),
        Scans::Everything => "all of the table".to_owned(),
    };
    let bytes = match (scanned, growing) {
        (Some(bytes), _) => format!(", at most {}", size(bytes.round() as u64)),
        (_, Some(bytes)) if bytes > 0.0 => format!(", {} more each day", size(bytes.round() as u64)),
        _ => String::new(),
    };
    format!("scans {what}{bytes}")
}

/// A number with as many digits as mean something.
fn amount(number: f64) -> String {
    if number >= 10.0 || number.fract() == 0.0 { grouped(number.round() as u64) } else { format!("{number:.1}") }
}

fn span(seconds: f64) -> String {
    let millis = (seconds * 1000.0).round().max(1.0);
    let whole = if seconds >= 10.0 { (seconds.round() * 1000.0) as u64 } else { millis as u64 };
    pipeline_api::HumanDuration::millis(whole).to_string()
}

fn as_json(plan: &PipelinePlan, ahead: &Ahead) -> Value {
    let part = |name: &str, plugin: &PluginPlan| json!({ "name": name, "type": plugin.registration.type_name(), "delivery": delivery(plugin) });
    let sources = plan.sources.iter().map(|source| {
        let mut of = part(&source.name, &source.plugin);
        of["tasks"] = json!(source.tasks);
        of
    });
    let sinks = plan.sinks.iter().zip(&ahead.sinks).map(|(sink, found)| {
        let mut of = part(&sink.name, &sink.plugin);
        of["tasks"] = json!(sink.tasks);
        of["group"] = json!(sink.group);
        of["record_bytes"] = json!(found.record_bytes);
        of["flush"] = flush_json(&found.flush);
        of["files"] = found.files.as_ref().map_or(Value::Null, files_json);
        of["folders"] = json!(found.spread.map(|spread| json!({ "records": spread.rows, "folders": spread.folders })));
        let hooks = sink.hooks.iter().zip(&found.hooks).map(|(hook, found)| hook_json(hook, found.as_ref().ok()));
        of["hooks"] = hooks.collect();
        of
    });
    let (columns, memory) = (plan.topic.schema.fields().iter(), plan.memory());
    json!({
        "name": plan.name,
        "delivery": plan.delivery,
        "memory": {
            "flushes": memory.flushes,
            "fetched": memory.fetched,
            "sent": memory.sent,
        },
        "sources": sources.collect::<Vec<_>>(),
        "topic": {
            "name": plan.topic.name,
            "partitions": plan.topic.partitions,
            "key": plan.topic.key,
            "format": plan.topic.converter.registration.type_name(),
            "broker": broker(plan),
            "columns": columns.map(|of| json!({ "name": of.name(), "type": column_type(of) })).collect::<Vec<_>>(),
        },
        "rate": ahead.rate.map(|rate| json!({ "records": rate.records, "said_by": said_by(rate.said_by) })),
        "sampled": ahead.sampled,
        "sinks": sinks.collect::<Vec<_>>(),
    })
}

fn flush_json(flush: &FlushAhead) -> Value {
    json!({
        "due": due(flush.due),
        "rows": flush.rows,
        "bytes": flush.bytes,
        "seconds": flush.pause,
        "a_day": flush.a_day,
    })
}

fn files_json(files: &FilesAhead) -> Value {
    let requests = files.requests.iter().map(|(name, count)| {
        let count = *count as f64;
        json!({ "name": name, "a_flush": files.a_flush * count, "a_day": files.a_day.map(|files| files * count) })
    });
    json!({
        "examples": files.examples,
        "a_flush": files.a_flush,
        "at_least": files.at_least,
        "bytes": files.bytes,
        "a_day": files.a_day,
        "requests": requests.collect::<Vec<_>>(),
    })
}

fn hook_json(hook: &PluginPlan, found: Option<&HookAhead>) -> Value {
    let calls = |found: &HookAhead| -> Vec<Value> {
        let calls = found.calls.iter().map(|CallsAhead { calls, a_day, scanned, growing }| {
            json!({
                "what": calls.what,
                "count": calls.count,
                "when": when(calls.often),
                "a_day": a_day,
                "scans": calls.scans.as_ref().map(|scans| scanned_text(scans, None, None)),
                "scanned_bytes": scanned,
                "scanned_bytes_more_each_day": growing,
            })
        });
        calls.collect()
    };
    json!({
        "type": hook.registration.type_name(),
        "delivery": delivery(hook),
        "makes": found.map(|found| &found.makes),
        "calls": found.map(calls),
    })
}
