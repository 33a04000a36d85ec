//! Which names are allowed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use pipeline_api::METADATA_PREFIX;

/// Why `name` is no name of a pipeline, source or sink, if it is none. Groups and folders are called by it.
pub(super) fn part(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match name.chars().find(|c| !allowed(*c)) {
        Some(other) => Err(format!("`{name}` has `{other}` in it, expected letters, digits, `-` and `_` only")),
        None if name.is_empty() => Err("the name is empty, expected letters, digits, `-` and `_`".into()),
        None if name.len() > 100 => Err(format!("the name has {} characters, expected at most 100", name.len())),
        None => Ok(()),
    }
}

/// Why `name` is no name of a process, if it is none. Members of consumer groups are called by it and more, and Kafka lets
/// them have 249 characters.
pub(super) fn instance(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name.chars().find(|c| !allowed(*c)) {
        Some(other) => Err(format!("`{name}` has `{other}` in it, expected letters, digits, `.`, `_` and `-` only")),
        None if name.is_empty() => Err("the name is empty, expected letters, digits, `.`, `_` and `-`".into()),
        None if name.len() > 100 => Err(format!("the name has {} characters, expected at most 100", name.len())),
        None => Ok(()),
    }
}

/// Why `name` is no name of a topic, if it is none: Kafka's rule (`org.apache.kafka.common.internals.Topic`).
pub(super) fn topic(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name.chars().find(|c| !allowed(*c)) {
        Some(other) => Err(format!("`{name}` has `{other}` in it, expected letters, digits, `.`, `_` and `-` only")),
        None if name.is_empty() => Err("the name is empty, expected letters, digits, `.`, `_` and `-`".into()),
        None if name == "." || name == ".." => Err(format!("`{name}` is a folder, expected another name")),
        None if name.len() > 249 => Err(format!("the name has {} characters, expected at most 249", name.len())),
        None => Ok(()),
    }
}

/// Why `name` is no name of a column, if it is none.
pub(super) fn column(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("the name of the column is empty, expected one".into());
    }
    if name.starts_with(METADATA_PREFIX) {
        return Err(format!("names that begin with `{METADATA_PREFIX}` are the runtime's own, expected another name"));
    }
    Ok(())
}

/// Names that were given so far.
#[derive(Default)]
pub(super) struct Given(HashMap<String, String>);

impl Given {
    /// Adds a name. Returns the one before it that differs from it at most by case, if there is one.
    pub(super) fn add(&mut self, name: &str) -> Option<&str> {
        match self.0.entry(name.to_lowercase()) {
            Entry::Occupied(other) => Some(other.into_mut()),
            Entry::Vacant(free) => {
                free.insert(name.to_owned());
                None
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_what_is_called_by_them() {
        for name in ["stocks", "a-b_C9"] {
            part(name).unwrap();
        }
        for name in ["", "a b", "a/b", "größe", "a.b", &"x".repeat(101)] {
            part(name).unwrap_err();
        }
        for name in ["demo_testing2", "a.b-c", &"x".repeat(249)] {
            topic(name).unwrap();
        }
        for name in ["", ".", "..", "a+b", "a/b", "a b", &"x".repeat(250)] {
            topic(name).unwrap_err();
        }
        assert!(column("__offset").unwrap_err().contains("runtime's own"));
        let mut given = Given::default();
        assert_eq!(["price", "symbol"].map(|name| given.add(name).is_some()), [false, false]);
        assert_eq!(given.add("Symbol"), Some("symbol"));
    }
}
