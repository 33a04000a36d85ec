//! What a single value means.

use serde_json::{Number, Value};

/// What a plain scalar of a file means: nothing, a truth value, a number, or else a text. `None` for a number that is
/// none: `.nan`, `.inf`.
pub(super) fn resolve(text: &str) -> Option<Value> {
    // Only what begins like one is anything but a text; most values of a file are texts.
    if !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit() || "+-.~nNtTfF".contains(c)) {
        return Some(Value::String(text.into()));
    }
    match serde_yaml::from_str::<serde_yaml::Value>(text) {
        Ok(serde_yaml::Value::Null) => Some(Value::Null),
        Ok(serde_yaml::Value::Bool(value)) => Some(Value::Bool(value)),
        Ok(serde_yaml::Value::Number(number)) => finite(&number),
        _ => Some(Value::String(text.into())),
    }
}

/// What a text means that comes from the command line or the environment: never nothing.
pub(super) fn typed(text: &str) -> Value {
    match resolve(text) {
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value,
        _ => Value::String(text.into()),
    }
}

fn finite(number: &serde_yaml::Number) -> Option<Value> {
    if let Some(whole) = number.as_u64() {
        return Some(whole.into());
    }
    if let Some(whole) = number.as_i64() {
        return Some(whole.into());
    }
    Number::from_f64(number.as_f64()?).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_that_older_yaml_took_for_something_else_are_texts() {
        for text in ["ON", "NO", "yes", "off", "012", "12:30", "2024-01-01", "1_000", "1.2.3", "-", "n", "N.V."] {
            assert_eq!(resolve(text), Some(json!(text)), "{text}");
        }
        let values =
            [("", json!(null)), ("~", json!(null)), ("true", json!(true)), ("-5", json!(-5)), ("0x1f", json!(31))];
        for (text, value) in values {
            assert_eq!(resolve(text), Some(value), "{text}");
        }
        assert_eq!(resolve(".nan"), None);
        assert_eq!(typed(""), json!(""));
    }
}
