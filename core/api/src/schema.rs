//! Columns as a pipeline file writes them, with Athena's own type names.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

/// Why a type text is none. Says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TypeError(String);

const NAMES: &str = "string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), \
                     binary, array<…> or struct<name:type,…>";

/// A longer text is shown by its beginning.
const LONGEST_SHOWN: usize = 200;

/// Other engines' names for a type, and ours.
const ALIASES: [(&str, &str); 12] = [
    ("long", "bigint"),
    ("int64", "bigint"),
    ("integer", "int"),
    ("int32", "int"),
    ("text", "string"),
    ("varchar", "string"),
    ("bool", "boolean"),
    ("real", "float"),
    ("float64", "double"),
    ("number", "double"),
    ("numeric", "decimal(18,6)"),
    ("datetime", "timestamp"),
];

/// A column from its name and what a file says of it: `bigint`, or `string not null`.
pub fn parse_column(name: &str, text: &str) -> Result<Field, TypeError> {
    let text = text.trim();
    let split = text.len().saturating_sub("not null".len());
    let (type_text, nullable) = match (text.is_char_boundary(split), text.get(split..)) {
        (true, Some(tail)) if tail.eq_ignore_ascii_case("not null") => (&text[..split], false),
        _ => (text, true),
    };
    Ok(Field::new(name, parse_type(type_text)?, nullable))
}

/// Deeper nesting than this is no record.
const DEEPEST: usize = 32;

/// A longer text is no type.
const LONGEST: usize = 64 * 1024;

/// A type from its text: `decimal(18,6)`.
pub fn parse_type(text: &str) -> Result<DataType, TypeError> {
    match text.len() <= LONGEST {
        true => parse_within(text, DEEPEST),
        false => Err(TypeError(format!("the type has {} bytes, expected at most {LONGEST}", text.len()))),
    }
}

/// A type that nests at most so many levels.
fn parse_within(text: &str, levels: usize) -> Result<DataType, TypeError> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "string" => DataType::Utf8,
        "boolean" => DataType::Boolean,
        "tinyint" => DataType::Int8,
        "smallint" => DataType::Int16,
        "int" => DataType::Int32,
        "bigint" => DataType::Int64,
        "float" => DataType::Float32,
        "double" => DataType::Float64,
        "date" => DataType::Date32,
        "timestamp" | "timestamp(3)" => DataType::Timestamp(TimeUnit::Millisecond, None),
        "timestamp(6)" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "binary" => DataType::Binary,
        _ => return parse_nested(text, &lower, levels),
    })
}

fn parse_nested(text: &str, lower: &str, levels: usize) -> Result<DataType, TypeError> {
    if let Some(arguments) = enclosed(lower, "decimal(", ')') {
        return parse_decimal(text, arguments);
    }
    let (array, structure) = (enclosed(lower, "array<", '>'), enclosed(lower, "struct<", '>'));
    if levels == 0 && array.or(structure).is_some() {
        return Err(TypeError(format!("the type nests deeper than {DEEPEST} levels, expected a flatter one")));
    }
    if array.is_some() {
        let inner = &text["array<".len()..text.len() - 1];
        return Ok(DataType::List(Arc::new(Field::new("item", parse_within(inner, levels - 1)?, true))));
    }
    if structure.is_some() {
        return parse_struct(text, &text["struct<".len()..text.len() - 1], levels - 1);
    }
    Err(unknown(text, lower))
}

fn enclosed<'a>(text: &'a str, open: &str, close: char) -> Option<&'a str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

fn parse_decimal(text: &str, arguments: &str) -> Result<DataType, TypeError> {
    let numbers =
        arguments.split_once(',').and_then(|(p, s)| Some((p.trim().parse::<u8>().ok()?, s.trim().parse::<i8>().ok()?)));
    match numbers {
        Some((precision @ 1..=38, scale)) if (0..=precision as i8).contains(&scale) => {
            Ok(DataType::Decimal128(precision, scale))
        }
        _ => Err(TypeError(format!(
            "`{text}` is no decimal type, expected decimal(precision,scale) with 1 to 38 digits, such as decimal(18,6)"
        ))),
    }
}

fn parse_struct(text: &str, inner: &str, levels: usize) -> Result<DataType, TypeError> {
    let (mut fields, mut given) = (Vec::new(), HashMap::new());
    for part in split_top_level(inner) {
        let named = part.split_once(':').map(|(name, of)| (name.trim(), of)).filter(|(name, _)| !name.is_empty());
        let (name, of) =
            named.ok_or_else(|| TypeError(format!("`{text}` is no struct type, expected struct<name:type,…>")))?;
        if let Some(other) = given.insert(name.to_lowercase(), name) {
            return Err(TypeError(format!(
                "a struct with the fields `{other}` and `{name}`, which tables do not tell apart; expected another name"
            )));
        }
        fields.push(Field::new(name, parse_within(of, levels)?, true));
    }
    Ok(DataType::Struct(Fields::from(fields)))
}

/// The parts between the commas that stand in no bracket.
fn split_top_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unknown(text: &str, lower: &str) -> TypeError {
    if text.is_empty() {
        return TypeError(format!("the type is missing, expected {NAMES}"));
    }
    if text.len() > LONGEST_SHOWN {
        let begin: String = text.chars().take(20).collect();
        return TypeError(format!("`{begin}…` is no type, expected {NAMES}"));
    }
    let base = lower.split(['(', '<']).next().unwrap_or(lower).trim();
    let meant = match ALIASES.iter().find(|(alias, _)| *alias == base) {
        Some((_, ours)) => Some(*ours),
        None => crate::nearest(
            base,
            [
                "string",
                "boolean",
                "tinyint",
                "smallint",
                "int",
                "bigint",
                "float",
                "double",
                "date",
                "timestamp",
                "binary",
            ],
        ),
    };
    TypeError(match meant {
        Some(meant) => format!("`{text}` is no type, did you mean `{meant}`? expected {NAMES}"),
        None => format!("`{text}` is no type, expected {NAMES}"),
    })
}

/// The text of a type, as a file would write it and as Glue wants it: without blanks.
pub fn type_text(of: &DataType) -> String {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "tinyint".into(),
        DataType::Int16 => "smallint".into(),
        DataType::Int32 => "int".into(),
        DataType::Int64 => "bigint".into(),
        DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(TimeUnit::Millisecond, None) => "timestamp".into(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp(6)".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(item) => format!("array<{}>", type_text(item.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|field| format!("{}:{}", field.name(), type_text(field.data_type()))).collect();
            format!("struct<{}>", fields.join(","))
        }
        other => format!("{other}"),
    }
}

/// The text of a column's type, with `not null` where that holds.
pub fn column_type(field: &Field) -> String {
    let text = type_text(field.data_type());
    if field.is_nullable() { text } else { format!("{text} not null") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_as_it_was_written() {
        for text in [
            "string",
            "boolean",
            "tinyint",
            "smallint",
            "int",
            "bigint",
            "float",
            "double",
            "decimal(18,6)",
            "date",
            "timestamp",
            "timestamp(6)",
            "binary",
            "array<double>",
            "struct<a:int,b:array<struct<c:decimal(9,2),d:string>>>",
            "bigint not null",
        ] {
            let field = parse_column("c", text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(column_type(&field), text);
        }
    }

    #[test]
    fn a_foreign_name_is_answered_with_ours() {
        let message = |text| parse_type(text).map(|_| ()).unwrap_err().to_string();
        assert!(message("long").contains("did you mean `bigint`"));
        assert!(message("strng").contains("did you mean `string`"));
        assert!(message("decimal(40,2)").contains("1 to 38 digits"));
        assert!(message("decimal(4,5)").contains("decimal(precision,scale)"));
        assert!(message("struct<a>").contains("struct<name:type"));
        assert!(message("").starts_with("the type is missing, expected string"));
        assert!(message("é not nul").contains("is no type"));
    }

    #[test]
    fn the_fields_of_a_struct_have_names_that_tables_tell_apart() {
        let message = |text| parse_type(text).map(|_| ()).unwrap_err().to_string();
        assert!(message("struct<:int>").contains("expected struct<name:type"));
        assert!(message("struct<a:int,A:int>").contains("the fields `a` and `A`"));
        assert!(message(&format!("struct<{}>", "a:int,".repeat(2))).contains("the fields `a` and `a`"));
    }

    #[test]
    fn a_type_is_followed_so_deep_and_no_deeper() {
        let nested = |levels: usize| format!("{}int{}", "array<".repeat(levels), ">".repeat(levels));
        assert!(parse_type(&nested(32)).is_ok());
        for levels in [33, 9_000] {
            let message = parse_type(&nested(levels)).map(|_| ()).unwrap_err().to_string();
            assert_eq!(message, "the type nests deeper than 32 levels, expected a flatter one");
        }
        let message = parse_type(&nested(100_000)).map(|_| ()).unwrap_err().to_string();
        assert_eq!(message, "the type has 700003 bytes, expected at most 65536");
        let nested = format!("{}int{}", "struct<a:".repeat(40), ">".repeat(40));
        assert!(parse_type(&nested).is_err());
    }
}
