//! What is never shown.

use serde_json::Value;

use super::outline::Outline;
use super::pointer;

/// Values that must not be shown, and what stands for each of them in a message.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<SecretValue>);

struct SecretValue {
    pointer: String,
    value: String,
    shown: String,
}

/// Shorter values are too common to be looked for in messages about anything else.
const TELLING: usize = 4;

impl Secrets {
    /// `value`, which is at `pointer`, is shown as `shown`.
    pub(super) fn add(&mut self, pointer: &str, value: &str, shown: &str) {
        if !value.is_empty() {
            self.0.push(SecretValue { pointer: pointer.into(), value: value.into(), shown: shown.into() });
        }
    }

    /// Adds all texts of `config`, which is at `pointer`, that its schema marks as `writeOnly`.
    pub(super) fn add_write_only(&mut self, pointer: &str, config: &Value, schema: &Value) {
        write_only(config, schema, pointer, &mut |at, value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if !self.0.iter().any(|known| known.pointer == at) {
                self.add(at, &text, "***");
            }
        });
    }

    /// Adds all texts of `config`, which is at `pointer`, whose names sound like secrets: for a plugin that is not known,
    /// and so has no schema to say it.
    pub(super) fn add_by_name(&mut self, pointer: &str, config: &Value) {
        let Value::Object(fields) = config else { return };
        for (name, value) in fields {
            let at = pointer::field(pointer, name);
            match value {
                Value::String(text) if sounds_secret(name) && self.shown(&at).is_none() => self.add(&at, text, "***"),
                value => self.add_by_name(&at, value),
            }
        }
    }

    /// What to show of the value at `pointer`, if not the value.
    pub(super) fn shown(&self, pointer: &str) -> Option<&str> {
        self.0.iter().find(|secret| secret.pointer == pointer).map(|secret| secret.shown.as_str())
    }

    /// `text`, a message about `pointer`, without any secret.
    pub(super) fn redact(&self, pointer: &str, text: &str) -> String {
        // The longest first, so that nothing is left over of a value within which another was found.
        let mut secrets: Vec<&SecretValue> = self.0.iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.value.len()));
        secrets.into_iter().fold(text.to_owned(), |text, secret| {
            let near = pointer::is_within(&secret.pointer, pointer) || pointer::is_within(pointer, &secret.pointer);
            if secret.value.chars().count() < TELLING && !near {
                return text;
            }
            let escaped = format!("{:?}", secret.value);
            let escaped = &escaped[1..escaped.len() - 1];
            text.replace(&secret.value, &secret.shown).replace(escaped, &secret.shown)
        })
    }

    /// The text of the file, of the same length, with every secret that stands in it as it is behind asterisks.
    pub(super) fn mask(&self, text: &str, outline: &Outline) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for secret in self.0.iter().filter(|secret| secret.shown == "***") {
            let Some(range) = outline.scalar(&secret.pointer) else { continue };
            bytes[range].iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'*');
        }
        String::from_utf8(bytes).unwrap_or_default()
    }
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {}", self.pointer, self.shown)
    }
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "secret", "token", "key", "credential"].iter().any(|word| name.contains(word))
}

/// Calls `visit` for every value in `config` that `schema` marks as `writeOnly`.
pub(super) fn write_only(config: &Value, schema: &Value, at: &str, visit: &mut impl FnMut(&str, &Value)) {
    if schema.get("writeOnly").and_then(Value::as_bool) == Some(true) && !config.is_null() {
        return visit(at, config);
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for schema in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            write_only(config, schema, at, visit);
        }
    }
    match config {
        Value::Object(fields) => {
            for (name, value) in fields {
                let own = schema.get("properties").and_then(|properties| properties.get(name));
                if let Some(schema) = own.or_else(|| schema.get("additionalProperties")) {
                    write_only(value, schema, &pointer::field(at, name), visit);
                }
            }
        }
        Value::Array(entries) => {
            if let Some(schema) = schema.get("items") {
                for (index, value) in entries.iter().enumerate() {
                    write_only(value, schema, &pointer::entry(at, index), visit);
                }
            }
        }
        _ => {}
    }
}
