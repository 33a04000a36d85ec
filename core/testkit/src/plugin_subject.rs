//! What is the same of every kind of plugin: its type, its config, and the page that documents it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema;
use pipeline_api::{Context, Finding, Findings, Registration, SchemaRef, Severity};
use serde_json::{Value, json};

use crate::case::{Case, Outcome};

/// A plugin to test, and the config to test it with.
#[derive(Clone, Debug)]
pub(crate) struct PluginSubject {
    pub(crate) registration: Arc<Registration>,
    pub(crate) config: Value,
    pub(crate) schema: SchemaRef,
    pub(crate) folder: PathBuf,
}

/// The crate that the registrations of this kit name.
pub(crate) const CRATE: &str = "the plugin under test";

impl PluginSubject {
    pub(crate) fn new(registration: Registration, config: Value, schema: SchemaRef) -> Self {
        Self { registration: Arc::new(registration), config, schema, folder: PathBuf::new() }
    }

    pub(crate) fn in_folder(self, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..self }
    }

    /// What the runtime would say when it opens the plugin.
    pub(crate) fn context(&self) -> Context {
        Context { folder: self.folder.clone(), ..Context::new("conformance", self.schema.clone()) }
    }

    fn findings(&self, config: &Value, schema: &Schema) -> Vec<Finding> {
        let mut findings = Findings::default();
        self.registration.validate(config.clone(), schema, &mut findings);
        findings.into_iter().collect()
    }
}

/// A subject of any suite for plugins.
pub(crate) trait OfPlugin: Send + Sync + 'static {
    fn plugin(&self) -> &PluginSubject;
}

/// The cases that every suite for plugins begins with.
pub(crate) fn cases<S: OfPlugin>() -> Vec<Case<S>> {
    macro_rules! list {
        ($($sentence:literal => [$($name:ident),*])*) => {
            vec![$($(Case {
                name: stringify!($name),
                contract: $sentence,
                check: |subject: S| Box::pin(async move { $name(subject.plugin()) }),
            }),*),*]
        };
    }
    list! {
        "Plugin::TYPE: \"The word after `type:`, in `snake_case`\"" => [its_type_is_a_word_in_snake_case]
        "Plugin::Config: \"Its doc comments are the reference documentation (`pipeline plugins NAME`): say on the struct what the plugin does, with an example in a `yaml` code block.\"" => [
            its_page_shows_an_example, its_page_documents_every_field
        ]
        "Plugin::Config: \"Mark it `deny_unknown_fields`.\"" => [an_unknown_field_is_refused_at_every_level]
        "Plugin::validate: \"Reports everything that is wrong with `config` beyond its shape.\"" => [
            the_config_to_test_with_is_accepted, a_config_of_another_shape_is_a_finding
        ]
        "Plugin::validate: \"Called before anything runs, offline: it is pure\"" => [the_same_config_is_judged_the_same]
    }
}

fn its_type_is_a_word_in_snake_case(subject: &PluginSubject) -> Outcome {
    let name = subject.registration.type_name();
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(legal), "it is called `{name}`");
    Ok(())
}

fn its_page_shows_an_example(subject: &PluginSubject) -> Outcome {
    let schema = subject.registration.config_schema();
    let page = schema["description"].as_str().unwrap_or_default();
    assert!(!page.is_empty(), "the config struct has no doc comment");
    let example = page.split_once("```yaml").and_then(|(_, rest)| rest.split_once("```")).map(|(example, _)| example);
    let name = subject.registration.type_name();
    let named = example.is_some_and(|example| example.contains(&format!(": {name}")));
    assert!(named, "the doc comment of the config struct has no `yaml` code block with `type: {name}`");
    Ok(())
}

fn its_page_documents_every_field(subject: &PluginSubject) -> Outcome {
    let mut undocumented = Vec::new();
    walk(&subject.registration.config_schema(), "", &mut |pointer, node| {
        for (name, field) in node["properties"].as_object().into_iter().flatten() {
            // A variant of an enum is documented where the variant is.
            if field["description"].is_null() && node["description"].is_null() {
                undocumented.push(format!("{pointer}/{name}"));
            }
        }
    });
    assert!(undocumented.is_empty(), "without a doc comment: {}", undocumented.join(", "));
    Ok(())
}

fn an_unknown_field_is_refused_at_every_level(subject: &PluginSubject) -> Outcome {
    let mut config = subject.config.clone();
    let fields = config.as_object_mut().ok_or("the config to test with is no map, expected one")?;
    fields.insert("no_such_field".to_owned(), json!(1));
    let found = subject.findings(&config, &subject.schema);
    assert!(found.iter().any(|finding| finding.severity == Severity::Error), "it takes the field `no_such_field`");
    let mut open = Vec::new();
    walk(&subject.registration.config_schema(), "", &mut |pointer, node| {
        if node["properties"].is_object() && node["additionalProperties"] != json!(false) {
            open.push(if pointer.is_empty() { "the config itself".to_owned() } else { pointer.to_owned() });
        }
    });
    assert!(open.is_empty(), "it takes unknown fields at: {}", open.join(", "));
    Ok(())
}

fn the_config_to_test_with_is_accepted(subject: &PluginSubject) -> Outcome {
    let found = subject.findings(&subject.config, &subject.schema);
    let errors: Vec<_> = found.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    subject.registration.delivery(subject.config.clone())?;
    Ok(())
}

fn a_config_of_another_shape_is_a_finding(subject: &PluginSubject) -> Outcome {
    for config in [json!(null), json!(7), json!("text")] {
        assert!(!subject.findings(&config, &subject.schema).is_empty(), "it takes the config {config}");
    }
    // Whatever it says to records without any column, it says it as findings.
    subject.findings(&subject.config, &Schema::empty());
    Ok(())
}

fn the_same_config_is_judged_the_same(subject: &PluginSubject) -> Outcome {
    let judged = || subject.findings(&subject.config, &Schema::empty());
    assert_eq!(judged(), judged(), "it reports something else the second time");
    Ok(())
}

/// Visits every part of a JSON Schema.
fn walk(node: &Value, pointer: &str, visit: &mut impl FnMut(&str, &Value)) {
    match node {
        Value::Object(fields) => {
            visit(pointer, node);
            // A default is no schema.
            for (name, child) in fields.iter().filter(|(name, _)| *name != "default") {
                walk(child, &format!("{pointer}/{name}"), visit);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| walk(item, &format!("{pointer}/{n}"), visit));
        }
        _ => {}
    }
}
