//! Secrets in the fields that are made for them, of every plugin that is linked.

use serde_json::Value;

use super::canary::{assert_hidden, call, canary, shown};
use crate::support::Project;

/// A field that holds a secret, as the schema of its plugin marks it.
struct SecretField {
    plugin: String,
    name: String,
}

fn secret_fields() -> Vec<SecretField> {
    let printed = Project::new("").call(&["schema"]).with_code(0);
    let mut fields = Vec::new();
    collect(&serde_json::from_str(&printed.out).unwrap(), &mut fields);
    fields
}

/// Wherever the schema says: if the type is this, then the config has these fields.
fn collect(schema: &Value, fields: &mut Vec<SecretField>) {
    if let Some(plugin) = schema["if"]["properties"]["type"]["const"].as_str() {
        collect_fields(plugin, &schema["then"]["properties"]["config"], fields);
    }
    match schema {
        Value::Object(parts) => parts.values().for_each(|part| collect(part, fields)),
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, fields)),
        _ => {}
    }
}

/// The secrets of a config, also those of a part of it.
fn collect_fields(plugin: &str, config: &Value, fields: &mut Vec<SecretField>) {
    for (name, field) in config["properties"].as_object().into_iter().flatten() {
        match field.to_string().contains("\"writeOnly\":true") {
            true if field.get("properties").is_some() => collect_fields(plugin, field, fields),
            true => fields.push(SecretField { plugin: plugin.into(), name: name.clone() }),
            false => {}
        }
    }
}

/// A server that nobody is.
const NOBODY: &str = "endpoint: 'http://127.0.0.1:1'";

/// A file with a sink whose config is one line, with a canary in each of the plugin's secret fields.
fn file_of(plugin: &str, fields: &[SecretField]) -> String {
    let secrets: String = fields.iter().map(|field| format!(", {}: '{}'", field.name, canary(&field.name))).collect();
    let hook = |config: &str| {
        format!(
            "{{ type: s3_json, config: {{ url: s3://lake/x, {NOBODY}, access_key_id: id, secret_access_key: key }}, hooks: [{{ \
             type: {plugin}, config: {{ database: market, table: stocks, {config}, aws: {{ region: us-east-1, {NOBODY}{secrets} }} }} }}] }}"
        )
    };
    let sink = match plugin {
        "s3_parquet" | "s3_json" => format!("{{ type: {plugin}, config: {{ url: s3://lake/x, {NOBODY}{secrets} }} }}"),
        "glue_table" => hook("create_database: true"),
        "athena_check" => hook("output_location: s3://lake/athena/, checks: [{ row_count: {} }]"),
        other => panic!("{other} has secret fields: say here what else it needs"),
    };
    format!(
        "\
name: secrets
sources:
  - {{ type: ticks, config: {{ rows: 10 }}, transforms: [{{ type: select, config: {{ fields: [symbol] }} }}] }}
topic: {{ name: secrets, schema: {{ symbol: string }} }}
sinks:
  - {sink}
errors: {{ retry: {{ timeout: 10ms, pause: 1ms, max_pause: 1ms }} }}
"
    )
}

const FILE: &[&str] = &["pipeline.yaml"];

/// The plugins that have secret fields, and these.
fn plugins() -> Vec<(String, Vec<SecretField>)> {
    let mut plugins: Vec<(String, Vec<SecretField>)> = Vec::new();
    for field in secret_fields() {
        match plugins.iter_mut().find(|(plugin, _)| *plugin == field.plugin) {
            Some((_, fields)) => fields.push(field),
            None => plugins.push((field.plugin.clone(), vec![field])),
        }
    }
    assert!(plugins.iter().map(|(_, fields)| fields.len()).sum::<usize>() >= 6, "the schema marks no secrets any more");
    plugins
}

#[test]
fn no_command_shows_a_secret_field_of_any_plugin() {
    for (plugin, fields) in plugins() {
        let project = Project::new(&file_of(&plugin, &fields));
        assert_hidden(&project, &["validate", "pipeline.yaml"], &[], FILE).with_code(0);
        assert_hidden(&project, &["validate", "pipeline.yaml", "--format", "json"], &[], FILE).with_code(0);
        assert_hidden(&project, &["query", "pipeline.yaml", "SELECT 1"], &[], FILE).with_code(1);
        assert_hidden(&project, &["plugins"], &[], FILE).with_code(0);
        assert_hidden(&project, &["plugins", &plugin], &[], FILE).with_code(0);
        assert_hidden(&project, &["schema"], &[], FILE).with_code(0);
        assert_hidden(&project, &["completions", "bash"], &[], FILE).with_code(0);
        // Nobody listens at the endpoint.
        assert_hidden(&project, &["run", "pipeline.yaml"], &[], FILE).with_code(1).complaining("TRACE");
        assert_hidden(&project, &["doctor", "pipeline.yaml"], &[], FILE).with_code(1).saying("wrong ");
        assert_hidden(&project, &["reset", "--yes", "pipeline.yaml"], &[], FILE).with_code(1);
        assert_hidden(&project, &["reconcile", "pipeline.yaml"], &[], FILE).with_code(1);
    }
}

#[test]
fn no_mistake_in_its_line_or_in_itself_shows_a_secret_field_of_any_plugin() {
    for (plugin, fields) in plugins() {
        let text = file_of(&plugin, &fields);
        let mut wrong = vec![
            text.replace("url:", "ulr:"),
            text.replace(&format!("type: {plugin},"), &format!("type: {plugin}x,")),
            text.replace(&format!("type: {plugin},"), "type: csv,"),
            text.replace(" }\nerrors", " }\n  - errors"),
            text.replace("errors:", "erors:") + &text,
        ];
        for field in &fields {
            let (name, value) = (&field.name, format!("'{}'", canary(&field.name)));
            for with in [
                format!("[{value}]"),
                format!("{{ a: {value} }}"),
                format!("!x {value}"),
                format!("&a {value}, {name}: *a"),
                value.trim_end_matches('\'').to_owned(),
                format!("@{value}"),
            ] {
                wrong.push(text.replace(&value, &with));
            }
            wrong.push(text.replace(&format!("{name}:"), &format!("{name}x:")));
            wrong.push(text.replace(&value, &format!("'${{env:NONE}}{}'", canary(name))));
            wrong.push(text.replace(&value, &format!("'${{NONE:-{}}}'", canary(name))));
            wrong.push(text.replace(&value, &format!("'${{env:HOME:-{}}}', ulr: x", canary(name))));
        }
        let project = Project::new("");
        let names: Vec<String> = (0..wrong.len()).map(|number| format!("{number}.yaml")).collect();
        names.iter().zip(&wrong).for_each(|(name, text)| project.write(name, text));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for format in ["text", "json"] {
            let arguments: Vec<&str> = ["validate", "--format", format].into_iter().chain(names.clone()).collect();
            let ended = assert_hidden(&project, &arguments, &[], &names).with_code(78);
            let said = ended.out + &ended.err;
            assert!(names.iter().all(|name| said.contains(name)), "not every file is wrong:\n{said}");
        }
    }
}

#[test]
fn a_canary_that_is_planted_where_no_secret_belongs_is_found() {
    let (plugin, fields) = plugins().into_iter().find(|(plugin, _)| plugin == "s3_parquet").unwrap();
    let planted = file_of(&plugin, &fields).replace("s3://lake/x", "s3://lake/kanarienvogel");
    let project = Project::new(&planted);
    for arguments in [&["run", "pipeline.yaml"][..], &["reset", "pipeline.yaml", "--yes"]] {
        let ended = call(&project, arguments, &[], "text").with_code(1);
        assert!(shown(&project, &ended, FILE).iter().any(|place| place.starts_with("stderr: ")), "{arguments:?}");
    }
}
