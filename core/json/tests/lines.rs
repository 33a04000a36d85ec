//! Payloads that become lines without columns become the same lines as with them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::array::BinaryArray;
use arrow::datatypes::{Schema, SchemaRef};
use pipeline_api::{Converter, parse_column};
use pipeline_json::{JsonConverter, TimestampStyle, UnknownFields, write_lines};
use proptest::prelude::*;

const COLUMNS: [(&str, &str); 10] = [
    ("symbol", "string not null"),
    ("at", "timestamp"),
    ("price", "double"),
    ("vol\"ume", "bigint"),
    ("lot", "int"),
    ("tiny", "tinyint"),
    ("paid", "decimal(6,2)"),
    ("halted", "boolean"),
    ("day", "date"),
    ("micro", "timestamp(6)"),
];

fn converter(unknown: UnknownFields) -> JsonConverter {
    let fields = COLUMNS.iter().map(|(name, of)| parse_column(name, of).unwrap());
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    JsonConverter::new(schema, unknown).unwrap()
}

/// What decoding and writing makes of payloads; `None` if one of them is no record.
fn long_way(converter: &JsonConverter, payloads: &BinaryArray) -> Option<String> {
    let decoded = converter.decode(payloads).unwrap();
    let mut lines = Vec::new();
    write_lines(&decoded.records, TimestampStyle::Athena, &mut lines).unwrap();
    decoded.rejected.is_empty().then(|| String::from_utf8(lines).unwrap())
}

fn short_way(converter: &JsonConverter, payloads: &BinaryArray) -> Option<String> {
    converter.lines(payloads).map(|lines| String::from_utf8(lines.to_vec()).unwrap())
}

fn texts(of: &str) -> BoxedStrategy<String> {
    let written = |text: String| serde_json::to_string(&text).unwrap();
    let any_text = any::<String>().prop_map(written);
    let number = "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?";
    let times = "\"20[0-9]{2}-0[1-9]-[0-3][0-9][T ](0[0-9]|2[0-4]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,7})?(Z|[+]0[12]:?30|-05)?\"";
    let few = |texts: &'static [&'static str]| proptest::sample::select(texts).prop_map(str::to_owned);
    match of {
        "string" => prop_oneof![any_text, few(&[r#""IBM""#, r#""""#, r#""\u0041\n""#, r#""é/\/""#])].boxed(),
        "time" => prop_oneof![
            times,
            few(&[r#""2026-01-02T14:30:00.123""#, r#""2026-01-02T14:30:00""#, r#""2026-01-02T14:30:00\u002e""#])
        ]
        .boxed(),
        "date" => {
            prop_oneof!["\"20[0-9]{2}-0[1-9]-[0-3][0-9]\"", few(&[r#""2026-01-02""#, r#""2026\u002d01-02""#])].boxed()
        }
        "boolean" => few(&["true", "false"]).boxed(),
        _ => prop_oneof![
            number,
            "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?",
            any::<f64>()
                .prop_filter("finite", |value| value.is_finite())
                .prop_map(|value| serde_json::json!(value).to_string()),
            any::<i64>().prop_map(|value| value.to_string()),
            "-?[0-9]{1,3}\\.[0-9]{2}",
            "[0-9]{1,2}",
            few(&[
                "0",
                "-0",
                "0.0",
                "-0.0",
                "1.50",
                "0.001",
                "0.0001",
                "0.00001",
                "9999999",
                "10000000",
                "9999999.9999999",
                "01",
                "1.",
                "1e2"
            ]),
        ]
        .boxed(),
    }
}

fn value(of: &str) -> BoxedStrategy<String> {
    let plain = of.split(['(', ' ']).next().unwrap();
    let own = texts(if plain == "timestamp" { "time" } else { plain });
    prop_oneof![40 => own, 1 => texts("number"), 1 => texts("string"), 2 => Just("null".to_owned())].boxed()
}

/// A field, and whether it is there.
fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let field = |(name, of): (&'static str, &'static str)| {
        let name = serde_json::to_string(name).unwrap();
        (value(of), prop::bool::weighted(0.9)).prop_map(move |(value, there)| there.then(|| (name.clone(), value)))
    };
    let all: Vec<_> = COLUMNS.into_iter().map(field).collect();
    let unknown = proptest::option::weighted(0.2, (0..12usize, prop_oneof![Just("[1, {}]"), Just("0"), Just("\"T\"")]));
    (all, unknown, prop::bool::weighted(0.03), prop::bool::weighted(0.03)).prop_map(
        |(fields, unknown, swapped, twice)| {
            let mut fields: Vec<(String, String)> = fields.into_iter().flatten().collect();
            if let Some((at, value)) = unknown {
                fields.insert(at.min(fields.len()), ("\"unknown\"".into(), value.into()));
            }
            if swapped && fields.len() > 1 {
                fields.swap(0, 1);
            }
            if twice {
                fields.extend(fields.first().cloned());
            }
            fields
        },
    )
}

/// A payload, compact or with white space in some places.
fn payload() -> impl Strategy<Value = String> {
    let space = || proptest::sample::select(vec!["", "", " ", "\n\t"]);
    (fields(), prop::bool::weighted(0.7), space(), space(), space(), space()).prop_map(
        |(fields, compact, a, b, c, d)| {
            let [a, b, c, d] = if compact { [""; 4] } else { [a, b, c, d] };
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{a}{name}{b}:{c}{value}{d}")).collect();
            format!("{d}{{{}}}{a}", if fields.is_empty() { b.to_owned() } else { fields.join(",") })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn lines_are_what_is_written_of_the_decoded_records(payloads in proptest::collection::vec(payload(), 1..3), strict in any::<bool>()) {
        let converter = converter(if strict { UnknownFields::Strict } else { UnknownFields::Ignore });
        let payloads = BinaryArray::from_iter_values(&payloads);
        if let Some(lines) = short_way(&converter, &payloads) {
            prop_assert_eq!(Some(lines), long_way(&converter, &payloads));
        }
    }

    #[test]
    fn what_the_converter_writes_always_becomes_lines(payloads in proptest::collection::vec(payload(), 1..5)) {
        let converter = converter(UnknownFields::Strict);
        let records = converter.decode(&BinaryArray::from_iter_values(&payloads)).unwrap().records;
        let encoded = converter.encode(&records).unwrap();
        let lines = short_way(&converter, &encoded);
        prop_assert!(lines.is_some());
        prop_assert_eq!(lines, long_way(&converter, &encoded));
    }

    #[test]
    fn a_payload_that_is_changed_in_one_place_becomes_the_same_line_or_none(
        payload in payload(), at in any::<prop::sample::Index>(), cut in 0..3usize,
        put in proptest::sample::select(vec!["", "\"", "\\", "{", "}", "[", ",", ":", "0", "-", ".", "e", " ", "\n", "n", "T", "Z", "\u{1}", "é", "\u{feff}"]),
    ) {
        let mut text = payload.into_bytes();
        let at = at.index(text.len());
        text.splice(at..(at + cut).min(text.len()), put.bytes());
        let converter = converter(UnknownFields::Ignore);
        let payloads = BinaryArray::from_iter_values([&text]);
        if let Some(lines) = short_way(&converter, &payloads) {
            prop_assert_eq!(Some(lines), long_way(&converter, &payloads), "{}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn what_other_programs_write_becomes_lines_too() {
    let converter = converter(UnknownFields::Ignore);
    for (payload, line) in [
        (
            r#"{"symbol": "IBM", "at": "2026-01-02T14:30:00.123Z", "price": 182, "tiny": 1}"#,
            r#"{"symbol":"IBM","at":"2026-01-02 14:30:00.123","price":182.0,"tiny":1}"#,
        ),
        (
            r#"{"seq":1,"symbol":"IBM","at":null,"price":1.50,"paid":1.5,"halted":false,"note":{"x":[]}}"#,
            r#"{"symbol":"IBM","price":1.5,"paid":1.50,"halted":false}"#,
        ),
        (
            "{\n  \"symbol\": \"\\u0049BM\",\n  \"at\": \"2026-01-02 15:30:00+01:00\"\n}\n",
            r#"{"symbol":"IBM","at":"2026-01-02 14:30:00.000"}"#,
        ),
    ] {
        assert_eq!(short_way(&converter, &BinaryArray::from_iter_values([payload])).unwrap(), format!("{line}\n"));
    }
}

#[test]
fn a_number_at_any_edge_becomes_the_same_line() {
    let converter = converter(UnknownFields::Ignore);
    let numbers = [
        "0",
        "-0",
        "0.0",
        "-0.0",
        "0.1",
        "0.10",
        "0.100",
        "0.001",
        "0.0010",
        "0.0001",
        "0.00012",
        "0.00001",
        "0.000012",
        "1e-7",
        "127",
        "128",
        "-128",
        "-129",
        "2147483647",
        "2147483648",
        "-2147483648",
        "9999999",
        "-9999999",
        "10000000",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "1.0",
        "1.00",
        "1.50",
        "1234.56",
        "-9999.99",
        "12345.67",
        "99999.9",
        "9999999.9999999",
        "99999999.99999999",
        "9007199254740993",
        "1e2",
        "1E+2",
        "0e0",
        "123456789012345678",
    ];
    for (name, _) in &COLUMNS[2..7] {
        for number in numbers {
            let payload = format!(r#"{{"symbol":"x",{}:{number}}}"#, serde_json::json!(name));
            let payloads = BinaryArray::from_iter_values([&payload]);
            assert_eq!(short_way(&converter, &payloads), long_way(&converter, &payloads), "{payload}");
        }
    }
}

#[test]
fn what_is_no_record_and_another_order_become_no_lines() {
    let converter = converter(UnknownFields::Ignore);
    let good = Some(&br#"{"symbol":"IBM"}"#[..]);
    for bad in [
        None,
        Some(&b"{}"[..]),
        Some(br#"{"price":1.5}"#),
        Some(br#"{"at":null,"symbol":"IBM"}"#),
        Some(b"{\"symbol\":\"\xff\"}"),
        Some(br#"{"symbol":"IBM"} x"#),
    ] {
        assert!(converter.lines(&BinaryArray::from(vec![good, bad, good])).is_none());
    }
    let lines = converter.lines(&BinaryArray::from(vec![None, good, good, None]).slice(1, 2));
    assert_eq!(lines.unwrap(), "{\"symbol\":\"IBM\"}\n{\"symbol\":\"IBM\"}\n");
}

#[test]
fn a_schema_with_columns_that_are_seldom_has_no_lines() {
    for of in ["float", "binary", "array<int>", "struct<a:int>"] {
        let schema = Arc::new(Schema::new(vec![parse_column("c", of).unwrap()]));
        let converter = JsonConverter::new(schema, UnknownFields::Ignore).unwrap();
        assert!(converter.lines(&BinaryArray::from_iter_values([b"{}"])).is_none(), "{of}");
    }
}
