//! `--set`: values that the command line lays over the file's.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::pointer;
use super::problems::Problems;
use super::scalar;

/// The texts of the values whose type the file leaves open, by pointer: what came from the environment or the command
/// line. They take the type that their field wants.
pub(super) type Untyped = BTreeMap<String, String>;

/// Lays every value over the tree, and returns the paths that were set, by pointer. Mappings that are not there yet are
/// made; whether the fields have a meaning is for the schema to say.
pub(super) fn apply(
    tree: &mut Value,
    sets: &[(String, String)],
    untyped: &mut Untyped,
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::new();
    for (path, text) in sets {
        match slot(tree, path) {
            Ok((at, slot)) => {
                *slot = scalar::typed(text);
                untyped.insert(at.clone(), text.clone());
                paths.insert(at, path.clone());
            }
            Err(message) => problems.key("", format!("`--set {path}` names no value: {message}")),
        }
    }
    paths
}

/// The value at the dotted path, which is made if its mapping does not have it, and its pointer.
fn slot<'a>(tree: &'a mut Value, path: &str) -> Result<(String, &'a mut Value), String> {
    let (mut at, mut slot) = (String::new(), tree);
    for segment in segments(path) {
        let here = if at.is_empty() { "the file".to_owned() } else { format!("`{}`", pointer::readable(&at)) };
        if segment.is_empty() {
            return Err("expected names with one dot between two, such as sinks.0.flush.rows".into());
        }
        if slot.is_null() {
            *slot = Value::Object(Map::new());
        }
        slot = match slot {
            Value::Object(fields) => fields.entry(segment).or_insert(Value::Null),
            Value::Array(entries) => {
                let count = entries.len();
                let entry = segment.parse::<usize>().ok().and_then(|index| entries.get_mut(index));
                entry.ok_or_else(|| match count.checked_sub(1) {
                    Some(0) => format!("{here} has no entry `{segment}`, expected its only one, `0`"),
                    Some(last) => format!("{here} has no entry `{segment}`, expected a number from 0 to {last}"),
                    None => format!("{here} is an empty list, expected a list with an entry `{segment}`"),
                })?
            }
            _ => return Err(format!("{here} is a single value, expected the path to end there")),
        };
        at = pointer::field(&at, segment);
    }
    Ok((at, slot))
}

/// What has names with dots in them below it.
const DOTTED: [&str; 5] = ["kafka.consumer.", "kafka.producer.", "kafka.admin.", "kafka.", "topic.create.config."];

/// The names in a path: `sinks.0.flush` or, as messages write it, `sinks[0].flush`. What is below a mapping of Kafka's
/// settings is one name: `kafka.consumer.fetch.min.bytes`, with or without the quotes in which messages write it.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let dotted = DOTTED.iter().find_map(|above| path.strip_prefix(above)).filter(|name| !name.is_empty());
    let above = dotted.map_or(path, |name| &path[..path.len() - name.len() - 1]);
    let dotted = dotted.map(|name| name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name));
    let plain = above.split('.').flat_map(|segment| {
        match segment.strip_suffix(']').and_then(|segment| segment.split_once('[')) {
            Some((name, index)) if !name.is_empty() => vec![name, index],
            _ => vec![segment],
        }
    });
    plain.chain(dotted)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(path: &str, text: &str) -> Result<Value, String> {
        let mut tree = json!({ "topic": { "name": "a" }, "sinks": [{ "type": "console" }] });
        let mut problems = Problems::default();
        apply(&mut tree, &[(path.into(), text.into())], &mut Untyped::new(), &mut problems);
        match problems.into_found().pop() {
            None => Ok(tree),
            Some(problem) => Err(problem.message),
        }
    }

    #[test]
    fn a_value_is_replaced_or_added() {
        assert_eq!(set("topic.name", "b").unwrap()["topic"]["name"], "b");
        assert_eq!(set("sinks.0.flush.rows", "10").unwrap()["sinks"][0]["flush"], json!({ "rows": 10 }));
        assert_eq!(set("sinks[0].flush.rows", "10").unwrap()["sinks"][0]["flush"], json!({ "rows": 10 }));
        assert_eq!(set("name", "a: b").unwrap()["name"], "a: b");
        assert_eq!(set("kafka.fetch.min.bytes", "1").unwrap()["kafka"], json!({ "fetch.min.bytes": 1 }));
        assert_eq!(set("kafka.\"fetch.min.bytes\"", "1").unwrap()["kafka"], json!({ "fetch.min.bytes": 1 }));
        assert_eq!(set("kafka.admin.a.b", "x").unwrap()["kafka"], json!({ "admin": { "a.b": "x" } }));
        assert_eq!(set("kafka.instance", "x").unwrap()["kafka"], json!({ "instance": "x" }));
        assert_eq!(set("topic.create.config.a.b", "1").unwrap()["topic"]["create"], json!({ "config": { "a.b": 1 } }));
    }

    #[test]
    fn a_path_to_nothing_says_why() {
        assert!(
            set("sinks.1.type", "csv").unwrap_err().contains("`sinks` has no entry `1`, expected its only one, `0`")
        );
        assert!(set("topic.name.x", "1").unwrap_err().contains("`topic.name` is a single value"));
        assert!(set("topic..name", "1").unwrap_err().contains("one dot"));
    }
}
