//! What the converter accepts, what it refuses and how, and what it writes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod payloads;
mod values;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Date32Array, Decimal128Array, Float32Array, Float64Array, RecordBatch,
    StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use pipeline_api::{Context, Converter, Decoded, ErrorKind, Findings, Kind, Registry, RejectedRow, parse_column};
use pipeline_json::{JsonConverter, TimestampStyle, UnknownFields, write_lines};

fn schema(columns: &[(&str, &str)]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|(name, text)| parse_column(name, text).unwrap()).collect();
    Arc::new(Schema::new(fields))
}

fn decode_payloads(columns: &[(&str, &str)], payloads: &[&[u8]]) -> Decoded {
    let converter = JsonConverter::new(schema(columns), UnknownFields::Ignore).unwrap();
    let decoded = converter.decode(&BinaryArray::from_iter_values(payloads)).unwrap();
    assert_eq!(decoded.records.num_rows() + decoded.rejected.len(), payloads.len());
    decoded
}

fn decode(columns: &[(&str, &str)], payloads: &[&str]) -> Decoded {
    let payloads: Vec<&[u8]> = payloads.iter().map(|payload| payload.as_bytes()).collect();
    decode_payloads(columns, &payloads)
}

/// The column that the values make of a column `c` of that type.
fn column(of: &str, values: &[&str]) -> ArrayRef {
    let payloads: Vec<String> = values.iter().map(|value| format!("{{\"c\":{value}}}")).collect();
    let decoded = decode(&[("c", of)], &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(decoded.rejected, []);
    decoded.records.column(0).clone()
}

#[test]
fn a_pipeline_file_finds_it_by_its_name_and_opens_it() {
    let registry = Registry::linked().unwrap();
    let registration = registry.get(Kind::Converter, "json").unwrap();
    let context = Context::new("t", schema(&[("a", "bigint")]));
    let config = serde_json::json!({ "unknown_fields": "strict" });
    let converter = futures::executor::block_on(registration.open_converter(config, context)).unwrap();
    let decoded = converter.decode(&BinaryArray::from_iter_values([br#"{"a":1,"b":2}"#, br#"{"a": 1     }"#])).unwrap();
    assert_eq!(decoded.records.num_rows(), 1);
    assert_eq!(decoded.rejected[0].field.as_deref(), Some("b"));
    assert!(decoded.rejected[0].reason.contains("is no field of the schema"), "{:?}", decoded.rejected);
}

#[test]
fn a_wrong_config_is_a_finding() {
    let registry = Registry::linked().unwrap();
    let registration = registry.get(Kind::Converter, "json").unwrap();
    let findings_of = |config, schema: &Schema| {
        let mut findings = Findings::default();
        registration.validate(config, schema, &mut findings);
        findings.iter().map(|finding| (finding.pointer.clone(), finding.message.clone())).collect::<Vec<_>>()
    };
    let findings = findings_of(serde_json::json!({ "unknown_fields": "drop" }), &Schema::empty());
    assert_eq!(findings[0].0, "/unknown_fields");
    assert!(findings[0].1.contains("`strict`"), "{findings:?}");
    let odd = Schema::new(vec![Field::new("d", DataType::Duration(arrow::datatypes::TimeUnit::Second), true)]);
    assert!(findings_of(serde_json::json!({}), &odd)[0].1.contains("column `d`"));
    assert_eq!(findings_of(serde_json::json!({}), &schema(&[("a", "array<struct<b:decimal(9,2)>>")])), []);
}

#[test]
fn a_rejected_row_leaves_no_trace_in_its_neighbours() {
    let columns = [
        ("s", "string"),
        ("n", "array<array<bigint>>"),
        ("o", "struct<p:array<string>,q:struct<r:boolean>>"),
        ("b", "binary"),
        ("d", "decimal(5,2)"),
        ("t", "timestamp"),
        ("last", "int not null"),
    ];
    let good = |i: i32| {
        format!(
            r#"{{"s":"s{i}","n":[[{i}],null,[]],"o":{{"p":["a","{i}"],"q":{{"r":true}}}},"b":"AQI=","d":{i}.25,"t":"2026-01-02T14:30:00Z","last":{i}}}"#
        )
    };
    let nulls = r#"{"s":null,"o":{"q":null},"last":3}"#.to_owned();
    // Each fails at its very end, when every other column has taken its value.
    let bad =
        [good(8).replace("\"last\":8", "\"last\":8.5"), good(9).replace(",\"last\":9", ""), nulls.replace("3}", "3")];
    let mixed = [good(1), bad[0].clone(), nulls.clone(), bad[1].clone(), bad[2].clone(), good(2)];
    let clean = [good(1), nulls, good(2)];
    let text = |payloads: &[String]| decode(&columns, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    let (mixed, clean) = (text(&mixed), text(&clean));
    assert_eq!(mixed.rejected.iter().map(|row| row.row).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(mixed.rejected[1].field.as_deref(), Some("last"));
    assert_eq!(clean.rejected, []);
    assert_eq!(mixed.records, clean.records);
}

#[test]
fn a_null_or_missing_field_is_refused_where_the_column_is_not_null() {
    let columns = [("a", "bigint not null"), ("b", "string")];
    let decoded = decode(&columns, &["{\"a\":1}", "{\"b\":\"x\"}", "{\"a\":null}", "{\"a\":2,\"b\":null}"]);
    assert_eq!(decoded.records.num_rows(), 2);
    assert_eq!(decoded.rejected[0].field.as_deref(), Some("a"));
    assert_eq!(decoded.rejected[0].reason, "is missing, expected a whole number (bigint not null)");
    assert_eq!(decoded.rejected[1].reason, "`null`, expected a whole number (bigint not null)");
}

#[test]
fn a_field_that_occurs_twice_is_refused_and_an_unknown_one_is_left_out() {
    let columns = [("a", "bigint"), ("b", "bigint")];
    let decoded = decode(
        &columns,
        &[
            r#"{"a":1,"a":1}"#,
            r#"{"a":null,"b":1,"a":2}"#,
            r#"{"b":2,"x":{"a":[1,{"a":"}"}]},"\u0061":1}"#,
            r#"{"a":1,"x":[1,}"#,
        ],
    );
    assert_eq!(decoded.records.num_rows(), 1);
    assert_eq!(decoded.records.column(0).as_primitive::<Int64Type>().value(0), 1);
    assert_eq!(decoded.rejected[0].reason, "occurs twice, expected each field once");
    assert_eq!(decoded.rejected.iter().map(|row| row.row).collect::<Vec<_>>(), [0, 1, 3]);
}

#[test]
fn a_field_that_the_schema_lacks_is_refused_at_any_depth_by_strict_and_left_out_by_ignore() {
    let columns = [("price", "double"), ("o", "struct<a:int>"), ("l", "array<struct<a:int>>")];
    let cases = [
        (r#"{"prise":1}"#, "prise", "did you mean `price`?", "{}"),
        (r#"{"price":1,"":2}"#, "", "expected one of price, o, l", r#"{"price":1.0}"#),
        (r#"{"o":{"a":1,"zzz":{}}}"#, "o.zzz", "expected one of a", r#"{"o":{"a":1}}"#),
        (r#"{"l":[{"a":1},{"zzz":2}]}"#, "l[1].zzz", "expected one of a", r#"{"l":[{"a":1},{}]}"#),
    ];
    let payloads = BinaryArray::from_iter_values(cases.map(|(payload, ..)| payload));
    let decode = |unknown| JsonConverter::new(schema(&columns), unknown).unwrap().decode(&payloads).unwrap();
    let (strict, ignoring) = (decode(UnknownFields::Strict), decode(UnknownFields::Ignore));
    assert_eq!(ignoring.rejected, []);
    assert_eq!(encoded(&ignoring.records), cases.map(|(.., kept)| kept));
    for (at, ((_, field, right, _), refused)) in cases.iter().zip(&strict.rejected).enumerate() {
        let reason = format!("is no field of the schema, {right}");
        assert_eq!(*refused, RejectedRow { row: at, field: Some((*field).to_owned()), reason });
    }
    assert_eq!(strict.rejected.len(), cases.len());
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn encoded(records: &RecordBatch) -> Vec<String> {
    let converter = JsonConverter::new(records.schema(), UnknownFields::Ignore).unwrap();
    let values = converter.encode(records).unwrap();
    assert_eq!(values.null_count(), 0);
    values.iter().map(|value| String::from_utf8(value.unwrap().to_vec()).unwrap()).collect()
}

#[test]
fn a_record_is_one_compact_object_without_its_nulls() {
    let records = batch(vec![
        ("symbol", Arc::new(StringArray::from(vec![Some("I\"B\nM"), None]))),
        ("price", Arc::new(Float64Array::from(vec![Some(182.5), None]))),
        ("paid", Arc::new(Decimal128Array::from(vec![Some(-150), None]).with_precision_and_scale(9, 4).unwrap())),
        ("day", Arc::new(Date32Array::from(vec![Some(20_455), None]))),
        ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(1_767_364_200_000), None]))),
        ("raw", Arc::new(BinaryArray::from(vec![Some(&[1u8, 2][..]), None]))),
    ]);
    assert_eq!(
        encoded(&records),
        [
            r#"{"symbol":"I\"B\nM","price":182.5,"paid":-0.0150,"day":"2026-01-02","at":"2026-01-02T14:30:00.000","raw":"AQI="}"#,
            "{}",
        ]
    );
    assert_eq!(encoded(&records.slice(1, 1)), ["{}"]);
}

#[test]
fn what_has_no_json_form_is_an_error_that_names_the_column() {
    let nan: [ArrayRef; 3] = [
        Arc::new(Float64Array::from(vec![1.0, f64::NAN])),
        Arc::new(Float32Array::from(vec![1.0, f32::NEG_INFINITY])),
        Arc::new(TimestampMillisecondArray::from(vec![0, i64::MAX])),
    ];
    for column in nan {
        let records = batch(vec![("price", column)]);
        let converter = JsonConverter::new(records.schema(), UnknownFields::Ignore).unwrap();
        let error = converter.encode(&records).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().starts_with("column `price`: "), "{error}");
        assert!(converter.encode(&records.slice(0, 1)).is_ok());

        let mut lines = b"before\n".to_vec();
        assert!(write_lines(&records, TimestampStyle::Iso, &mut lines).is_err());
        assert_eq!(lines, b"before\n");
    }
}

#[test]
fn lines_are_never_blank_and_have_the_timestamps_that_were_asked_for() {
    let records = batch(vec![
        ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(1_767_364_200_123), None, Some(-1)]))),
        ("note", Arc::new(StringArray::from(vec![Some("a\r\n\u{2028}b"), None, None]))),
    ]);
    let mut lines = Vec::new();
    write_lines(&records, TimestampStyle::Athena, &mut lines).unwrap();
    assert_eq!(
        String::from_utf8(lines).unwrap(),
        "{\"at\":\"2026-01-02 14:30:00.123\",\"note\":\"a\\r\\n\u{2028}b\"}\n{}\n{\"at\":\"1969-12-31 23:59:59.999\"}\n"
    );
}

#[test]
fn an_array_keeps_its_nulls_and_its_place() {
    let list = column("array<struct<a:int,b:array<int>>>", &["[{\"a\":1},null,{\"b\":[1,null]},{}]", "[]"]);
    let items = list.as_list::<i32>().value(0);
    assert_eq!(items.len(), 4);
    assert!(items.is_null(1) && !items.is_null(3));
    assert_eq!(items.as_struct().column(0).as_primitive::<Int32Type>().value(0), 1);
    let records = batch(vec![("c", list)]);
    assert_eq!(encoded(&records), [r#"{"c":[{"a":1},null,{"b":[1,null]},{}]}"#, r#"{"c":[]}"#]);
    assert_eq!(encoded(&records.slice(1, 1)), [r#"{"c":[]}"#]);
}
