//! `6.0` and `1e3` where a whole number belongs.

use serde_json::Value;

/// Beyond this not every whole number is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Writes as whole numbers those that `schema` wants to be whole, and are, but do not look so.
pub(super) fn make_whole(value: &mut Value, schema: &Value) {
    if let Some(float) = value.as_f64().filter(|float| value.is_f64() && float.fract() == 0.0 && float.abs() < EXACT)
        && wants_whole(schema)
    {
        *value = (float as i64).into();
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for schema in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            make_whole(value, schema);
        }
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let own = schema.get("properties").and_then(|properties| properties.get(name));
                if let Some(schema) = own.or_else(|| schema.get("additionalProperties")) {
                    make_whole(value, schema);
                }
            }
        }
        Value::Array(entries) => {
            if let Some(schema) = schema.get("items") {
                entries.iter_mut().for_each(|value| make_whole(value, schema));
            }
        }
        _ => {}
    }
}

fn wants_whole(schema: &Value) -> bool {
    let has = |kind: &str| match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    };
    has("integer") && !has("number")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_has_to_be_whole_and_is_becomes_so() {
        let schema = json!({ "properties": {
            "rows": { "type": ["integer", "null"] },
            "rate": { "type": "number" },
            "list": { "items": { "anyOf": [{ "type": "integer" }, { "type": "null" }] } },
        } });
        let mut value = json!({ "rows": 1e3, "rate": 2.0, "list": [3.0, 3.5, 1e300], "other": 1.0 });
        make_whole(&mut value, &schema);
        assert_eq!(value, json!({ "rows": 1000, "rate": 2.0, "list": [3, 3.5, 1e300], "other": 1.0 }));
    }
}
