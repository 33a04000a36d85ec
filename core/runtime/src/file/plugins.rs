//! The plugins that a file names.

use std::collections::BTreeMap;

use pipeline_api::{Kind, Registry, nearest};
use serde_json::{Map, Value, json};

use super::expectation::list;
use super::overrides::Untyped;
use super::pointer::{entry, field};
use super::problems::Problems;
use super::secrets::Secrets;
use super::shape::{Form, Shape};
use crate::plan::PluginPlan;

/// The plugins of a file that are linked and whose config has its shape, by the pointer of what names them.
pub(super) type Plugins = BTreeMap<String, PluginPlan>;

/// Looks up every plugin of the tree, checks the shape of its config, and reports what is wrong.
pub(super) fn look_up(
    tree: &Value,
    registry: &Registry,
    untyped: &Untyped,
    secrets: &mut Secrets,
    problems: &mut Problems,
) -> Plugins {
    let (mut plugins, mut forms) = (Plugins::new(), Forms::new());
    for site in sites(tree) {
        let Some(plugin) = site.look_up(registry, untyped, &mut forms, secrets, problems) else { continue };
        plugins.insert(site.pointer, plugin);
    }
    plugins
}

/// The forms of the configs of those plugins that the file names, by kind and type.
type Forms = BTreeMap<(Kind, &'static str), Form>;

/// A place that names a plugin.
struct Site {
    kind: Kind,
    /// Of what names it, which the config lies below.
    pointer: String,
    type_pointer: String,
    type_name: String,
    config: Value,
}

impl Site {
    fn look_up(
        &self,
        registry: &Registry,
        untyped: &Untyped,
        forms: &mut Forms,
        secrets: &mut Secrets,
        problems: &mut Problems,
    ) -> Option<PluginPlan> {
        let config_pointer = field(&self.pointer, "config");
        if problems.has_errors_within(&self.type_pointer) && self.type_pointer != self.pointer {
            return None;
        }
        let Some(registration) = registry.get(self.kind, &self.type_name) else {
            secrets.add_by_name(&config_pointer, &self.config);
            self.report_unknown(registry, problems);
            return None;
        };
        let form = forms
            .entry((self.kind, registration.type_name()))
            .or_insert_with(|| Form::new(registration.config_schema()));
        let mut config = self.config.clone();
        secrets.add_write_only(&config_pointer, &config, form.schema());
        // What is at `when` is checked as the text that it is.
        if self.kind != Kind::Condition {
            Shape { untyped, secrets, problems }.check(&mut config, &config_pointer, form);
        }
        (!problems.has_errors_within(&config_pointer)).then_some(PluginPlan { registration, config })
    }

    fn report_unknown(&self, registry: &Registry, problems: &mut Problems) {
        let (kind, name, at) = (self.kind, &self.type_name, &self.type_pointer);
        if kind == Kind::Condition {
            problems.value(at, format!("no condition `{name}` is linked, expected a transform without `when`"));
        } else if let Some(other) = registry.iter().find(|other| other.type_name() == name) {
            problems.value(at, format!("`{name}` is a {}, expected a {kind}", other.kind()));
            return;
        } else {
            let linked: Vec<&str> = registry.of_kind(kind).map(|plugin| plugin.type_name()).collect();
            let meant = nearest(name, linked.iter().copied());
            let meant = meant.map(|meant| format!(", did you mean `{meant}`?")).unwrap_or(",".into());
            let expected = if linked.is_empty() {
                format!("but no {kind} is linked")
            } else {
                format!("expected {}", list(&linked))
            };
            problems.value(at, format!("unknown {kind} `{name}`{meant} {expected}"));
        }
        problems.help(at, "if its crate is in Cargo.toml, link it: `use the_crate as _;`");
    }
}

fn sites(tree: &Value) -> Vec<Site> {
    let mut sites = Vec::new();
    for (at, source) in entries(tree, "", "sources") {
        sites.extend(site(Kind::Source, &at, source));
        add_transforms(&mut sites, &at, source);
    }
    sites.extend(converter(tree));
    for (at, sink) in entries(tree, "", "sinks") {
        sites.extend(site(Kind::Sink, &at, sink));
        add_transforms(&mut sites, &at, sink);
        sites.extend(entries(sink, &at, "hooks").filter_map(|(at, hook)| site(Kind::Hook, &at, hook)));
    }
    sites
}

fn add_transforms(sites: &mut Vec<Site>, at: &str, part: &Value) {
    for (at, transform) in entries(part, at, "transforms") {
        sites.extend(site(Kind::Transform, &at, transform));
        if let Some(condition) = transform.get("when").and_then(Value::as_str) {
            let pointer = field(&at, "when");
            sites.push(Site {
                kind: Kind::Condition,
                type_pointer: pointer.clone(),
                pointer,
                type_name: "sql".into(),
                config: json!({ "expression": condition }),
            });
        }
    }
}

/// The converter; `json` unless the topic says otherwise.
fn converter(tree: &Value) -> Option<Site> {
    let topic = tree.get("topic").filter(|topic| topic.is_object())?;
    let pointer = "/topic/format";
    let name = match topic.get("format") {
        None | Some(Value::Null) => "json",
        Some(Value::String(name)) => name,
        Some(format) => return site(Kind::Converter, pointer, format),
    };
    Some(Site {
        kind: Kind::Converter,
        pointer: pointer.into(),
        type_pointer: pointer.into(),
        type_name: name.into(),
        config: Value::Object(Map::new()),
    })
}

fn site(kind: Kind, at: &str, part: &Value) -> Option<Site> {
    let config = match part.get("config") {
        None => Value::Object(Map::new()),
        Some(config) => config.is_object().then(|| config.clone())?,
    };
    let type_name = part.get("type")?.as_str()?.to_owned();
    Some(Site { kind, pointer: at.into(), type_pointer: field(at, "type"), type_name, config })
}

/// The entries of the list `name` of what is at `at`, with their pointers.
fn entries<'v>(value: &'v Value, at: &str, name: &str) -> impl Iterator<Item = (String, &'v Value)> {
    let list = field(at, name);
    let entries = value.get(name).and_then(Value::as_array).into_iter().flatten();
    entries.enumerate().map(move |(index, value)| (entry(&list, index), value))
}
