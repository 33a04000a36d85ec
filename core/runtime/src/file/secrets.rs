//! What is never shown.

use std::collections::{BTreeMap, BTreeSet};

use pipeline_api::nearest;
use serde_json::Value;

use super::outline::Outline;
use super::pointer;
use crate::plan::KafkaSettings;
use crate::redactor::{Redactor, user_infos, user_infos_of_value};

/// Values that must not be shown, and what stands for each of them in a message.
#[derive(Default)]
pub(super) struct Secrets {
    /// What is shown of the values at these pointers.
    shown: BTreeMap<String, String>,
    values: BTreeMap<String, Hidden>,
    /// What stands at these pointers must not be quoted either.
    masked: BTreeSet<String>,
}

/// A value that must not be shown.
struct Hidden {
    shown: String,
    pointers: Vec<String>,
}

/// Shorter values are too common to be looked for in messages about anything else.
const TELLING: usize = 4;

/// Shorter values of the environment are too common to be looked for in what a run says.
const TELLING_OF_ENVIRONMENT: usize = 8;

const MASK: &str = "***";

impl Secrets {
    /// `value`, which is at `pointer`, is shown as `shown`.
    pub(super) fn add(&mut self, pointer: &str, value: &str, shown: &str) {
        if !value.is_empty() {
            self.shown.entry(pointer.into()).or_insert_with(|| shown.into());
            self.hide(pointer, value, shown);
        }
    }

    fn hide(&mut self, pointer: &str, value: &str, shown: &str) {
        let hidden =
            self.values.entry(value.into()).or_insert_with(|| Hidden { shown: shown.into(), pointers: Vec::new() });
        hidden.pointers.push(pointer.into());
    }

    /// Adds all texts of `config`, which is at `pointer`, that its schema marks as `writeOnly`.
    pub(super) fn add_write_only(&mut self, pointer: &str, config: &Value, schema: &Value) {
        write_only(config, schema, pointer, &mut |at, value| self.mask_at(at, value));
    }

    /// Adds all texts of `config`, which is at `pointer`, whose names sound like secrets: for a plugin that is not known,
    /// and so has no schema to say it.
    pub(super) fn add_by_name(&mut self, pointer: &str, config: &Value) {
        match config {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let at = pointer::field(pointer, name);
                    match value {
                        Value::Object(_) | Value::Array(_) => self.add_by_name(&at, value),
                        value if sounds_secret(name) => self.mask_at(&at, value),
                        _ => {}
                    }
                }
            }
            Value::Array(entries) => {
                for (index, value) in entries.iter().enumerate() {
                    self.add_by_name(&pointer::entry(pointer, index), value);
                }
            }
            _ => {}
        }
    }

    /// Adds all texts of the Kafka properties at `pointer`, and of the clients' below, whose names may be those of secrets.
    pub(super) fn add_properties(&mut self, pointer: &str, tree: &Value) {
        let Some(Value::Object(properties)) = tree.pointer(pointer) else { return };
        for (name, value) in properties {
            let at = pointer::field(pointer, name);
            if KafkaSettings::is_secret(name) {
                self.mask_at(&at, value);
            } else if value.is_object() {
                self.add_properties(&at, tree);
            }
        }
    }

    /// Adds the value at `pointer` of a field that nobody knows, if its name sounds like a secret, or like that of one of
    /// those that are `known`: a slip in the name, or a field in the wrong place.
    pub(super) fn add_unknown(&mut self, pointer: &str, name: &str, known: &[&str], value: &Value) {
        let secret = known.iter().copied().filter(|known| sounds_secret(known));
        if sounds_secret(name) || nearest(name, secret).is_some() {
            self.mask_at(pointer, value);
        }
    }

    /// Hides the value at a pointer, unless it is known to be nothing but placeholders, which show none of it.
    fn mask_at(&mut self, at: &str, value: &Value) {
        match value {
            // A form that the field does not allow holds the secret all the same.
            Value::Object(fields) => {
                return fields.iter().for_each(|(name, value)| self.mask_at(&pointer::field(at, name), value));
            }
            Value::Array(entries) => {
                let entries = entries.iter().enumerate();
                return entries.for_each(|(index, value)| self.mask_at(&pointer::entry(at, index), value));
            }
            _ => {}
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if text.is_empty() || self.shown.get(at).is_some_and(|shown| is_all_placeholders(shown)) {
            return;
        }
        self.masked.insert(at.into());
        self.shown.insert(at.into(), MASK.into());
        self.hide(at, &text, MASK);
        if let Some(hidden) = self.values.get_mut(&text) {
            hidden.shown = MASK.into();
        }
    }

    /// Adds what stands before the `@` of every URL in `tree`.
    pub(super) fn add_user_infos(&mut self, tree: &Value) {
        match tree {
            Value::Object(fields) => fields.values().for_each(|value| self.add_user_infos(value)),
            Value::Array(entries) => entries.iter().for_each(|value| self.add_user_infos(value)),
            Value::String(text) => {
                for range in user_infos_of_value(text) {
                    let info = &text[range];
                    let password = info.split_once(':').map(|(_, password)| password);
                    for part in std::iter::once(info).chain(password).filter(|part| part.chars().count() >= TELLING) {
                        self.hide("", part, MASK);
                    }
                }
            }
            _ => {}
        }
    }

    /// Adds the variables whose names say that they hold secrets, which plugins read by themselves.
    pub(super) fn add_environment(&mut self, variables: &BTreeMap<String, String>) {
        let telling = |value: &str| value.chars().count() >= TELLING_OF_ENVIRONMENT;
        for (name, value) in variables.iter().filter(|(name, value)| is_credential(name) && telling(value)) {
            self.hide("", value, &format!("${{env:{name}}}"));
        }
    }

    /// What to show of the value at `pointer`, if not the value.
    pub(super) fn shown(&self, pointer: &str) -> Option<&str> {
        self.shown.get(pointer).map(String::as_str)
    }

    /// `text`, a message about `pointer`, without any secret.
    pub(super) fn redact(&self, pointer: &str, text: &str) -> String {
        let near = |of: &String| pointer::is_within(of, pointer) || pointer::is_within(pointer, of);
        let telling =
            |(value, hidden): &(&String, &Hidden)| value.chars().count() >= TELLING || hidden.pointers.iter().any(near);
        Redactor::new(self.values.iter().filter(telling).map(|(value, hidden)| (value.as_str(), hidden.shown.as_str())))
            .redact(text)
    }

    /// What takes the secrets out of whatever a run says. Shorter values of the environment stay: people need to see the
    /// bucket of a message, and no word of ours should be taken for one.
    pub(super) fn redactor(&self) -> Redactor {
        let telling = |(value, hidden): &(&String, &Hidden)| {
            let least = if hidden.shown == MASK { TELLING } else { TELLING_OF_ENVIRONMENT };
            value.chars().count() >= least
        };
        Redactor::new(self.values.iter().filter(telling).map(|(value, hidden)| (value.as_str(), hidden.shown.as_str())))
    }

    /// The text of the file, of the same length, with every secret that stands in it as it is behind asterisks.
    pub(super) fn mask(&self, text: &str, outline: &Outline) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let scalars = self.masked.iter().filter_map(|pointer| outline.scalar(pointer));
        let masked =
            self.values.iter().filter(|(value, hidden)| hidden.shown == MASK && value.chars().count() >= TELLING);
        let repeated = masked.flat_map(|(value, _)| text.match_indices(value).map(|(at, value)| at..at + value.len()));
        for range in scalars.chain(repeated).chain(user_infos(text)) {
            bytes[range].iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'*');
        }
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// A text that is no YAML, of the same length, with everything behind asterisks that may be a secret: what stands behind a
/// name that sounds like one, to the end of its line or block, and the user parts of URLs.
pub(super) fn mask_unread(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (mut start, mut block) = (0, None);
    for line in text.split_inclusive('\n') {
        let indentation = line.len() - line.trim_start().len();
        let in_block = block.is_some_and(|outer| indentation > outer) && !line.trim().is_empty();
        let from = if in_block { Some(indentation) } else { secret_in(line) };
        if let Some(from) = from {
            let is_end = |byte: &&mut u8| !matches!(byte, b'\n' | b'\r');
            bytes[start + from..start + line.len()].iter_mut().filter(is_end).for_each(|byte| *byte = b'*');
        }
        if !in_block && !line.trim().is_empty() {
            block = from.map(|_| indentation);
        }
        start += line.len();
    }
    for range in user_infos(text) {
        bytes[range].fill(b'*');
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Where the first value of a line begins whose name sounds like a secret.
fn secret_in(line: &str) -> Option<usize> {
    let colons = line.match_indices(':').map(|(at, _)| at);
    colons.filter(|at| line[at + 1..].chars().next().is_none_or(|c| c.is_whitespace() || "'\"".contains(c))).find_map(
        |at| {
            let before = line[..at].trim_end_matches(['"', '\'', ' ']);
            let name = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').next().unwrap_or_default();
            (sounds_secret(name) && name != "key").then_some(at + 1)
        },
    )
}

/// Whether a text consists of placeholders without defaults.
fn is_all_placeholders(text: &str) -> bool {
    let name = |text: &str| text.strip_prefix("env:").is_some_and(|name| !name.contains([':', '$', '{']));
    text.strip_suffix('}')
        .is_some_and(|text| text.split('}').all(|placeholder| placeholder.strip_prefix("${").is_some_and(name)))
}

/// Whether a variable of this name holds a secret, as far as names tell.
fn is_credential(name: &str) -> bool {
    let name = name.to_uppercase();
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY"]
        .iter()
        .any(|word| name.contains(word))
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
