//! The JSON Schema of a pipeline file, for editors.

use pipeline_api::{Kind, Registry};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::spec::PipelineSpec;

/// The JSON Schema (draft 2020-12) of a whole pipeline file, with the types and configs of every plugin that is linked.
pub fn schema(registry: &Registry) -> Value {
    let mut schema = skeleton();
    let properties = &mut schema["properties"];
    for (part, kind) in [("sources", Kind::Source), ("sinks", Kind::Sink)] {
        let entry = &mut properties[part]["items"];
        add_plugins(entry, kind, registry);
        add_plugins(&mut entry["properties"]["transforms"]["items"], Kind::Transform, registry);
    }
    add_plugins(&mut properties["sinks"]["items"]["properties"]["hooks"]["items"], Kind::Hook, registry);
    for form in properties["topic"]["properties"]["format"]["anyOf"].as_array_mut().into_iter().flatten() {
        if form["type"] == "object" {
            add_plugins(form, Kind::Converter, registry);
        } else {
            form["enum"] = registry.of_kind(Kind::Converter).map(|plugin| plugin.type_name()).collect();
        }
    }
    schema
}

/// The JSON Schema of a pipeline file without any plugin's own settings, and with nothing behind `$ref`.
pub(super) fn skeleton() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<PipelineSpec>().to_value()
}

/// Narrows `type` down to the plugins of `kind`, and lets the type decide about `config`.
fn add_plugins(entry: &mut Value, kind: Kind, registry: &Registry) {
    let (mut types, mut configs) = (Vec::new(), Vec::new());
    for plugin in registry.of_kind(kind) {
        let mut config = plugin.config_schema();
        if let Some(fields) = config.as_object_mut() {
            fields.remove("$schema");
        }
        let mut name = json!({ "const": plugin.type_name() });
        if let Some(description) = config.get("description") {
            name["description"] = description.clone();
        }
        types.push(name);
        let needed = config.get("required").and_then(Value::as_array).is_some_and(|needed| !needed.is_empty());
        let required: &[&str] = if needed { &["config"] } else { &[] };
        configs.push(json!({
            "if": { "properties": { "type": { "const": plugin.type_name() } }, "required": ["type"] },
            "then": { "properties": { "config": config }, "required": required },
        }));
    }
    if !types.is_empty() {
        entry["properties"]["type"]["oneOf"] = types.into();
        entry["allOf"] = configs.into();
    }
}
