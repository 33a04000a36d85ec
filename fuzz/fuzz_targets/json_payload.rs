//! JSON payloads, against serde_json: what is accepted means the same there, to the last bit, and what serde_json takes for
//! a flat object of the right types is accepted.

#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Float32Type, Float64Type, Schema, SchemaRef, TimestampMillisecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use libfuzzer_sys::fuzz_target;
use pipeline_api::{Converter, Decoded, parse_column};
use pipeline_json::{JsonConverter, TimestampStyle, UnknownFields, write_lines};
use serde_json::value::RawValue;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let columns = [
        ("s", "string"),
        ("f", "boolean"),
        ("t", "tinyint"),
        ("b", "bigint"),
        ("r", "float"),
        ("d", "double"),
        ("m", "decimal(20,4)"),
        ("y", "date"),
        ("u", "timestamp"),
        ("l", "array<bigint>"),
        ("o", "struct<a:string,b:double>"),
    ];
    Arc::new(Schema::new(columns.map(|(name, of)| parse_column(name, of).unwrap()).to_vec()))
});

/// With columns alone of which lines can be made.
static FLAT: LazyLock<JsonConverter> = LazyLock::new(|| {
    let flat = SCHEMA.project(&[0, 1, 2, 3, 5, 6, 7, 8]).unwrap();
    JsonConverter::new(Arc::new(flat), UnknownFields::Ignore).unwrap()
});

static IGNORING: LazyLock<JsonConverter> = LazyLock::new(|| converter(UnknownFields::Ignore));
static STRICT: LazyLock<JsonConverter> = LazyLock::new(|| converter(UnknownFields::Strict));

fn converter(unknown: UnknownFields) -> JsonConverter {
    JsonConverter::new(SCHEMA.clone(), unknown).unwrap()
}

/// The fields of an object as serde_json tells them apart, each with its text.
type Fields<'a> = Vec<(String, &'a RawValue)>;

fuzz_target!(|payload: &[u8]| {
    let decoded = decode(&IGNORING, payload);
    let fields = fields(payload);
    match (&decoded.rejected[..], &fields) {
        ([], Some(fields)) => {
            check_columns(SCHEMA.fields(), decoded.records.columns(), fields);
            check_round_trip(&decoded);
        }
        ([], None) => panic!("serde_json takes it for no object"),
        ([refused], Some(fields)) => {
            assert!(!refused.reason.contains(char::is_control), "{:?}", refused.reason);
            assert!(!is_plain(fields), "{refused:?}");
        }
        _ => {}
    }
    let knows_all = |fields: &Fields| fields.iter().all(|(name, _)| SCHEMA.index_of(name).is_ok());
    let strict = decode(&STRICT, payload);
    if strict.rejected.is_empty() {
        assert_eq!(strict.records, decoded.records);
        assert!(fields.is_some_and(|fields| knows_all(&fields)));
    } else if decoded.rejected.is_empty() {
        assert!(strict.rejected[0].reason.contains("is no field of the schema"), "{:?}", strict.rejected);
    }
    check_lines(payload);
});

/// What becomes a line without columns becomes the same one with them.
fn check_lines(payload: &[u8]) {
    let values = BinaryArray::from_iter_values([payload]);
    let Some(lines) = FLAT.lines(&values) else { return };
    let decoded = FLAT.decode(&values).unwrap();
    assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
    let mut written = Vec::new();
    write_lines(&decoded.records, TimestampStyle::Athena, &mut written).unwrap();
    assert_eq!(lines, written);
}

const GOOD: &[u8] = br#"{"s":"x","f":true,"b":7,"l":[1,null],"o":{"b":1.5}}"#;

static GOOD_RECORD: LazyLock<RecordBatch> =
    LazyLock::new(|| STRICT.decode(&BinaryArray::from_iter_values([GOOD])).unwrap().records);

/// The payload between two that are right, which stay what they are.
fn decode(converter: &JsonConverter, payload: &[u8]) -> Decoded {
    let mut decoded = converter.decode(&BinaryArray::from_iter_values([GOOD, payload, GOOD])).unwrap();
    assert!(decoded.rejected.iter().all(|refused| refused.row == 1));
    assert_eq!(decoded.records.num_rows() + decoded.rejected.len(), 3);
    assert_eq!(decoded.records.slice(0, 1), *GOOD_RECORD);
    assert_eq!(decoded.records.slice(decoded.records.num_rows() - 1, 1), *GOOD_RECORD);
    decoded.records = decoded.records.slice(1, decoded.records.num_rows() - 2);
    decoded
}

fn fields(payload: &[u8]) -> Option<Fields<'_>> {
    struct InOrder;
    impl<'de> serde::de::Visitor<'de> for InOrder {
        type Value = Fields<'de>;
        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some(field) = map.next_entry()? {
                fields.push(field);
            }
            Ok(fields)
        }
    }
    // Whatever is skipped by serde_json need not be UTF-8.
    let text = std::str::from_utf8(payload).ok()?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let fields = serde::de::Deserializer::deserialize_map(&mut reader, InOrder).ok()?;
    reader.end().ok().map(|()| fields)
}

/// Every field that was read means what its text means, and those that are not there are null.
fn check_columns(schema: &arrow::datatypes::Fields, columns: &[ArrayRef], fields: &Fields<'_>) {
    let mut texts = BTreeMap::new();
    for (name, text) in fields.iter().filter(|(name, _)| schema.find(name).is_some()) {
        assert!(texts.insert(name.as_str(), text.get()).is_none(), "`{name}` occurs twice");
    }
    for (field, column) in schema.iter().zip(columns) {
        match texts.get(field.name().as_str()) {
            None | Some(&"null") => assert!(column.is_null(0), "{field}"),
            Some(text) => {
                assert!(column.is_valid(0), "{field}");
                check_value(column.as_ref(), text);
            }
        }
    }
}

fn check_value(column: &dyn Array, text: &str) {
    match column.data_type() {
        DataType::Utf8 => assert_eq!(column.as_string::<i32>().value(0), parsed::<String>(text)),
        DataType::Boolean => assert_eq!(column.as_boolean().value(0), parsed::<bool>(text)),
        DataType::Float32 => {
            let value = column.as_primitive::<Float32Type>().value(0);
            assert_eq!(value.to_bits(), text.parse::<f32>().unwrap().to_bits(), "{text}");
            assert!(value != 0.0 || Digits::of(text).digits.is_empty(), "{text}");
        }
        DataType::Float64 => {
            let value = column.as_primitive::<Float64Type>().value(0);
            assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
            assert!(value != 0.0 || Digits::of(text).digits.is_empty(), "{text}");
            // A whole number is the float's own, or the shortest text that stands for it.
            let whole = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
            let exact = Digits::of(text) == Digits::of(&format!("{value:.0}"));
            assert!(!whole || exact || text == value.to_string(), "{text}");
        }
        DataType::Date32 => {
            let day =
                jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(column.as_primitive::<Date32Type>().value(0));
            assert_eq!(day, parsed::<String>(text).parse().unwrap());
        }
        DataType::Timestamp(..) => {
            let text = parsed::<String>(text);
            let zoned = text.parse::<jiff::Timestamp>();
            let at = zoned.unwrap_or_else(|_| {
                text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp()
            });
            let millis = column.as_primitive::<TimestampMillisecondType>().value(0);
            assert_eq!(jiff::Timestamp::from_millisecond(millis).unwrap(), at, "{text}");
        }
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(0);
            let texts: Vec<&RawValue> = serde_json::from_str(text).unwrap();
            assert_eq!(values.len(), texts.len());
            for (at, text) in texts.iter().enumerate() {
                match text.get() {
                    "null" => assert!(values.is_null(at)),
                    text => check_value(values.slice(at, 1).as_ref(), text),
                }
            }
        }
        DataType::Struct(_) => {
            let object = column.as_struct();
            check_columns(object.fields(), object.columns(), &fields(text.as_bytes()).unwrap());
        }
        _ => {
            let shown = ArrayFormatter::try_new(column, &FormatOptions::default()).unwrap().value(0).to_string();
            assert_eq!(Digits::of(&shown), Digits::of(text), "{text}");
        }
    }
}

fn parsed<'a, T: serde::Deserialize<'a>>(text: &'a str) -> T {
    serde_json::from_str(text).unwrap()
}

/// A number as its digits without zeros at either end, and the power of ten of the last one.
#[derive(Debug, PartialEq)]
struct Digits {
    negative: bool,
    digits: String,
    power: i128,
}

impl Digits {
    fn of(text: &str) -> Self {
        let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let unsigned = number.trim_start_matches('-');
        let (before, behind) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = format!("{before}{behind}");
        let digits = all.trim_end_matches('0');
        let power = exponent.parse::<i128>().unwrap_or(i128::MAX / 2) - behind.len() as i128
            + (all.len() - digits.len()) as i128;
        let digits = digits.trim_start_matches('0').to_owned();
        match digits.is_empty() {
            true => Self { negative: false, digits, power: 0 },
            false => Self { negative: number.starts_with('-'), digits, power },
        }
    }
}

/// What was read is written so that it reads as the same.
fn check_round_trip(decoded: &Decoded) {
    let again = STRICT.decode(&STRICT.encode(&decoded.records).unwrap()).unwrap();
    assert_eq!(again.rejected, []);
    assert_eq!(again.records, decoded.records);
}

/// Whether nobody could refuse the object: fields that are known, each once, of types about which there is no question.
fn is_plain(fields: &Fields<'_>) -> bool {
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
        && fields.iter().all(|(name, text)| is_plain_value(name, text.get()))
}

fn is_plain_value(name: &str, text: &str) -> bool {
    text == "null"
        || match name {
            "s" => serde_json::from_str::<String>(text).is_ok(),
            "f" => serde_json::from_str::<bool>(text).is_ok(),
            "t" => serde_json::from_str::<i8>(text).is_ok(),
            "b" => serde_json::from_str::<i64>(text).is_ok(),
            "m" => serde_json::from_str::<i32>(text).is_ok(),
            "d" => serde_json::from_str::<f64>(text).is_ok_and(|value| value.is_normal() && value.abs() < 1e15),
            "l" => serde_json::from_str::<Vec<Option<i64>>>(text).is_ok(),
            _ => false,
        }
}
