//! `pipeline plugins`.

use std::io::{self, Write};

use clap::Args;
use pipeline_api::{Kind, Registration, Registry, nearest};
use serde_json::{Map, Value};

use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct Plugins {
    /// Describe this plugin: its fields, their types, defaults and meaning, and an example
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Plugins {
    pub(super) fn execute(&self, registry: &Registry) -> Outcome {
        let mut out = io::stdout().lock();
        let Some(name) = &self.name else { return list(&mut out, registry) };
        let plugins: Vec<_> = registry.iter().filter(|plugin| plugin.type_name() == name).collect();
        if plugins.is_empty() {
            let hint = nearest(name, registry.iter().map(Registration::type_name))
                .map(|near| format!(", did you mean `{near}`?"))
                .unwrap_or_default();
            return Err(Failure::Usage(format!(
                "no plugin is called `{name}`{hint} `pipeline plugins` lists them all"
            )));
        }
        for plugin in plugins {
            describe(&mut out, plugin)?;
        }
        Ok(())
    }
}

fn list(out: &mut impl Write, registry: &Registry) -> Outcome {
    for kind in Kind::ALL {
        let mut plugins = registry.of_kind(kind).peekable();
        if plugins.peek().is_none() {
            continue;
        }
        writeln!(out, "{kind}s")?;
        for plugin in plugins {
            let schema = plugin.config_schema();
            writeln!(out, "  {:<14} {}", plugin.type_name(), first_sentence(text(&schema, "description")))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "`pipeline plugins NAME` describes one.")?;
    Ok(())
}

fn describe(out: &mut impl Write, plugin: &Registration) -> Outcome {
    let schema = plugin.config_schema();
    writeln!(out, "{} {} (crate {})\n", plugin.kind(), plugin.type_name(), plugin.crate_name())?;
    writeln!(out, "{}\n", text(&schema, "description").trim())?;
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        writeln!(out, "config:")?;
        write_fields(out, fields, &required(&schema), 1)?;
    }
    Ok(writeln!(out)?)
}

fn write_fields(out: &mut impl Write, fields: &Map<String, Value>, required: &[&str], depth: usize) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    for (name, field) in fields {
        let note = match field.get("default") {
            Some(Value::Null) | None if required.contains(&name.as_str()) => "required".to_owned(),
            Some(Value::Null) | None => "optional".to_owned(),
            Some(Value::String(text)) => format!("default {text}"),
            Some(value) => format!("default {value}"),
        };
        writeln!(out, "{indent}{name}: {} ({note})", type_of(field))?;
        for line in text(field, "description").lines() {
            writeln!(out, "{}", format!("{indent}    {line}").trim_end())?;
        }
        if let Some(inner) = nested(field) {
            write_fields(out, inner, &required_of(field), depth + 2)?;
        }
    }
    Ok(())
}

/// The fields of an object in a field, also of an optional one or of a list's items.
fn nested(field: &Value) -> Option<&Map<String, Value>> {
    object_in(field)?.get("properties")?.as_object()
}

fn required_of(field: &Value) -> Vec<&str> {
    object_in(field).map(required).unwrap_or_default()
}

fn object_in(field: &Value) -> Option<&Value> {
    let candidates = field.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(field)
        .chain(field.get("items"))
        .chain(candidates)
        .find(|candidate| candidate.get("properties").is_some())
}

fn required(schema: &Value) -> Vec<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A type as a person names it: `text`, `one of none, snappy, zstd`, `list of text`.
fn type_of(field: &Value) -> String {
    if let Some(values) = field.get("enum").and_then(Value::as_array) {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        return format!("one of {}", values.join(", "));
    }
    if let Some(value) = field.get("const").and_then(Value::as_str) {
        return value.to_owned();
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = field.get(choice).and_then(Value::as_array) {
            let mut names: Vec<String> =
                choices.iter().filter(|choice| choice.get("type") != Some(&"null".into())).map(type_of).collect();
            names.dedup();
            return names.join(" or ");
        }
    }
    match (field.get("format").and_then(Value::as_str), field.get("type")) {
        (Some(pipeline_api::ByteSize::FORMAT), _) => "size".to_owned(),
        (Some(pipeline_api::HumanDuration::FORMAT), _) => "duration".to_owned(),
        (Some("password"), _) => "secret text".to_owned(),
        (_, Some(Value::String(name))) => plain_type(name, field),
        (_, Some(Value::Array(names))) => {
            let names: Vec<String> = names
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| *name != "null")
                .map(|name| plain_type(name, field))
                .collect();
            names.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

fn plain_type(name: &str, field: &Value) -> String {
    match name {
        "string" => "text".to_owned(),
        "array" => format!("list of {}", field.get("items").map_or_else(|| "any".to_owned(), type_of)),
        "object" => match field.get("additionalProperties") {
            Some(of @ Value::Object(_)) => format!("map to {}", type_of(of)),
            _ => "map".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn first_sentence(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    match paragraph.split_once(". ") {
        Some((sentence, _)) => sentence.to_owned(),
        None => paragraph.trim_end_matches('.').to_owned(),
    }
}
