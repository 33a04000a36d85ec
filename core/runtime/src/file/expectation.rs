//! What a schema wants, and what was found instead, as a person says it.

use jsonschema::ValidationError;
use pipeline_api::{ByteSize, HumanDuration};
use serde_json::Value;

/// What `schema` wants: `an integer from 1 to 10`, `one of json, csv`.
pub(super) fn expected(schema: &Value) -> String {
    match schema.get("format").and_then(Value::as_str) {
        Some(ByteSize::FORMAT) => return "a size above 0 such as 128MiB".into(),
        Some(HumanDuration::FORMAT) => return "a duration above 0 with its unit, such as 30s or 1h30m".into(),
        _ => {}
    }
    let options = options(schema);
    if !options.is_empty() {
        return list(&options);
    }
    if let Some(any) = ["anyOf", "oneOf"].iter().find_map(|keyword| schema.get(keyword)?.as_array()) {
        let mut parts: Vec<String> = any.iter().filter(|schema| schema["type"] != "null").map(expected).collect();
        parts.dedup();
        return parts.join(" or ");
    }
    let kinds: Vec<String> = kinds(schema).map(|kind| described(kind, schema)).collect();
    match kinds.len() {
        0 => "another value".into(),
        1 | 2 => kinds.join(" or "),
        _ => kinds.join(", "),
    }
}

/// `a, b or c` as an expectation: `one of a, b, c`.
pub(super) fn list(words: &[impl AsRef<str>]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [one] => format!("`{one}`"),
        words => format!("one of {}", words.join(", ")),
    }
}

/// A longer text is shown by its beginning.
const LONGEST_SHOWN: usize = 60;

/// What was found.
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("`{number}`"),
        Value::String(text) if text.is_empty() => "an empty text".into(),
        Value::String(text) if text.chars().count() > LONGEST_SHOWN => {
            format!("the text `{}…`", text.chars().take(LONGEST_SHOWN).collect::<String>())
        }
        Value::String(text) => format!("the text `{text}`"),
        Value::Array(entries) if entries.is_empty() => "an empty list".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(fields) if fields.is_empty() => "an empty mapping".into(),
        Value::Object(_) => "a mapping".into(),
    }
}

/// The part of `schema` that `error` is about.
pub(super) fn subschema<'s>(schema: &'s Value, error: &ValidationError<'_>) -> &'s Value {
    let path = error.schema_path().as_str();
    path.rsplit_once('/').and_then(|(parent, _)| schema.pointer(parent)).unwrap_or(schema)
}

/// The fields that an object of `schema` may have.
pub(super) fn field_names(schema: &Value) -> Vec<&str> {
    let own = schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str());
    let parts = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten();
    let mut names: Vec<&str> = Vec::new();
    for name in own.chain(parts.flat_map(field_names)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Why a text is no size or duration, in the words of whoever reads it.
pub(super) fn misreading(found: &Value, schema: &Value) -> Option<String> {
    let text = found.as_str().filter(|text| !text.is_empty() && text.chars().count() <= LONGEST_SHOWN)?;
    match schema.get("format").and_then(Value::as_str) {
        Some(ByteSize::FORMAT) => text.parse::<ByteSize>().err(),
        Some(HumanDuration::FORMAT) => text.parse::<HumanDuration>().err(),
        _ => None,
    }
}

/// What to say when a number or truth value stands in quotes, or should.
pub(super) fn quotes_hint(found: &Value, schema: &Value) -> &'static str {
    let bare = found.as_str().map(super::scalar::typed);
    let wanted = |kind: &str| kinds(schema).any(|wanted| wanted == kind);
    if (found.is_number() || found.is_boolean()) && wanted("string") && schema.get("format").is_none() {
        return ", in quotes";
    }
    match bare {
        Some(Value::Number(_)) if wanted("integer") || wanted("number") => ", without quotes",
        Some(Value::Bool(_)) if wanted("boolean") => ", without quotes",
        _ => "",
    }
}

fn options(schema: &Value) -> Vec<&str> {
    if let Some(option) = schema.get("const").and_then(Value::as_str) {
        return vec![option];
    }
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        return options.iter().filter_map(Value::as_str).collect();
    }
    let Some(parts) = ["oneOf", "anyOf"].iter().find_map(|keyword| schema.get(keyword)?.as_array()) else {
        return Vec::new();
    };
    let of_parts: Vec<Vec<&str>> = parts.iter().filter(|part| part["type"] != "null").map(options).collect();
    if of_parts.iter().any(Vec::is_empty) { Vec::new() } else { of_parts.concat() }
}

/// The JSON types of `schema`, without null, which a person leaves out rather than writes.
fn kinds(schema: &Value) -> impl Iterator<Item = &str> {
    let single = schema.get("type").and_then(Value::as_str);
    let several = schema.get("type").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    single.into_iter().chain(several).filter(|kind| *kind != "null")
}

fn described(kind: &str, schema: &Value) -> String {
    match kind {
        "integer" => format!("an integer{}", range(schema)),
        "number" => format!("a number{}", range(schema)),
        "boolean" => "true or false".into(),
        "array" => match schema.get("minItems").and_then(Value::as_u64) {
            Some(least) if least > 0 => format!("a list of at least {least}"),
            _ => "a list".into(),
        },
        "object" => match ["minProperties", "maxProperties"].map(|keyword| schema.get(keyword).and_then(Value::as_u64))
        {
            [Some(least), Some(most)] => format!("a mapping of {least} to {most} fields"),
            [Some(least), None] if least > 0 => format!("a mapping of at least {least}"),
            _ => "a mapping".into(),
        },
        _ => text(schema),
    }
}

fn text(schema: &Value) -> String {
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        return format!("a text that matches `{pattern}`");
    }
    let bound = |keyword| schema.get(keyword).and_then(Value::as_u64).filter(|bound| *bound > 0);
    match (bound("minLength"), bound("maxLength")) {
        (Some(1), None) => "a text that is not empty".into(),
        (Some(least), None) => format!("a text of at least {least} characters"),
        (None, Some(most)) => format!("a text of at most {most} characters"),
        (Some(least), Some(most)) if least == most && most == 1 => "a single character".into(),
        (Some(least), Some(most)) => format!("a text of {least} to {most} characters"),
        (None, None) => "a text".into(),
    }
}

fn range(schema: &Value) -> String {
    let bound = |keyword: &str| schema.get(keyword).filter(|bound| bound.is_number());
    match (bound("minimum"), bound("maximum"), bound("exclusiveMinimum"), bound("exclusiveMaximum")) {
        (Some(least), Some(most), ..) if most.as_u64() == Some(u64::MAX) => format!(" of at least {least}"),
        (Some(least), Some(most), ..) => format!(" from {least} to {most}"),
        (_, Some(most), Some(above), _) => format!(" above {above} and up to {most}"),
        (Some(least), .., Some(below)) => format!(" from {least} and below {below}"),
        (_, _, Some(above), Some(below)) => format!(" above {above} and below {below}"),
        (_, _, Some(above), _) => format!(" above {above}"),
        (.., Some(below)) => format!(" below {below}"),
        (Some(least), ..) => format!(" of at least {least}"),
        (_, Some(most), ..) => format!(" of at most {most}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_reads_as_a_person_says_it() {
        for (schema, words) in [
            (json!({ "type": ["integer", "null"], "minimum": 1, "maximum": 9 }), "an integer from 1 to 9"),
            (json!({ "type": "integer", "minimum": 1, "maximum": u64::MAX }), "an integer of at least 1"),
            (json!({ "type": "number", "exclusiveMinimum": 0 }), "a number above 0"),
            (json!({ "type": "string", "enum": ["a", "b"] }), "one of a, b"),
            (json!({ "oneOf": [{ "const": "a" }, { "enum": ["b"] }] }), "one of a, b"),
            (json!({ "anyOf": [{ "const": "a" }, { "type": "null" }] }), "`a`"),
            (json!({ "anyOf": [{ "type": "string" }, { "type": "array" }] }), "a text or a list"),
            (json!({ "type": ["string", "integer"], "format": "byte-size" }), "a size above 0 such as 128MiB"),
            (json!({ "type": "string", "minLength": 1, "maxLength": 1 }), "a single character"),
        ] {
            assert_eq!(expected(&schema), words);
        }
    }
}
