//! The bounds of integer types.

use serde_json::{Map, Value, json};

/// Adds the bounds that an integer's `format` means, so that a number outside is a mistake with a place.
pub(super) fn bound_integers(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some((minimum, maximum)) = fields.get("format").and_then(Value::as_str).and_then(bounds) {
                add_bound(fields, "minimum", minimum);
                add_bound(fields, "maximum", maximum);
            }
            fields.values_mut().for_each(bound_integers);
        }
        Value::Array(entries) => entries.iter_mut().for_each(bound_integers),
        _ => {}
    }
}

fn add_bound(fields: &mut Map<String, Value>, keyword: &str, bound: Value) {
    if !fields.contains_key(keyword) {
        fields.insert(keyword.into(), bound);
    }
}

fn bounds(format: &str) -> Option<(Value, Value)> {
    Some(match format {
        "int8" => (json!(i8::MIN), json!(i8::MAX)),
        "int16" => (json!(i16::MIN), json!(i16::MAX)),
        "int32" => (json!(i32::MIN), json!(i32::MAX)),
        "int64" => (json!(i64::MIN), json!(i64::MAX)),
        "uint8" => (json!(0), json!(u8::MAX)),
        "uint16" => (json!(0), json!(u16::MAX)),
        "uint32" => (json!(0), json!(u32::MAX)),
        "uint" | "uint64" => (json!(0), json!(u64::MAX)),
        _ => return None,
    })
}
