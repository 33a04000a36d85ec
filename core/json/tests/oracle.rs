//! The same text read by programs that share no code with this crate.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use pipeline_api::{Converter, parse_column};
use pipeline_json::{JsonConverter, TimestampStyle, UnknownFields, write_lines};
use proptest::prelude::*;

fn schema() -> SchemaRef {
    let columns = [
        ("text", "string"),
        ("flag", "boolean"),
        ("tiny", "tinyint"),
        ("big", "bigint"),
        ("single", "float"),
        ("price", "double"),
        ("paid", "decimal(38,6)"),
        ("day", "date"),
        ("at", "timestamp"),
        ("micro", "timestamp(6)"),
        ("list", "array<bigint>"),
        ("object", "struct<name:string,size:double>"),
    ];
    Arc::new(Schema::new(columns.iter().map(|(name, of)| parse_column(name, of).unwrap()).collect::<Vec<_>>()))
}

type Scalars = (Option<String>, Option<bool>, Option<i8>, Option<i64>, Option<f32>, Option<f64>, Option<i128>);
type Times = (Option<i32>, Option<i64>, Option<i64>);
type Nested = (Option<Vec<Option<i64>>>, Option<(Option<String>, Option<f64>)>);

fn rows() -> impl Strategy<Value = Vec<(Scalars, Times, Nested)>> {
    let finite32 = any::<f32>().prop_filter("finite", |value| value.is_finite());
    let finite = || any::<f64>().prop_filter("finite", |value| value.is_finite());
    let text = || proptest::option::of(any::<String>());
    let digits = 10i128.pow(38);
    let scalars = (
        text(),
        any::<Option<bool>>(),
        any::<Option<i8>>(),
        any::<Option<i64>>(),
        proptest::option::of(finite32),
        proptest::option::of(finite()),
        proptest::option::of(1 - digits..digits),
    );
    let seconds = -62_135_596_800i64..253_402_300_800;
    let times = (
        proptest::option::of(-719_162i32..2_932_897),
        proptest::option::of((seconds.clone(), 0..1000i64).prop_map(|(s, f)| s * 1000 + f)),
        proptest::option::of((seconds, 0..1_000_000i64).prop_map(|(s, f)| s * 1_000_000 + f)),
    );
    let nested = (
        proptest::option::of(proptest::collection::vec(any::<Option<i64>>(), 0..4)),
        proptest::option::of((text(), proptest::option::of(finite()))),
    );
    proptest::collection::vec((scalars, times, nested), 0..20)
}

fn batch(rows: &[(Scalars, Times, Nested)]) -> RecordBatch {
    use arrow::array::*;
    let schema = schema();
    let list = ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>(
        rows.iter().map(|(_, _, (list, _))| list.clone()),
    );
    let DataType::Struct(fields) = schema.field(11).data_type().clone() else { panic!("the object is a struct") };
    let objects: Vec<_> = rows.iter().map(|(_, _, (_, object))| object.clone()).collect();
    let members: Vec<ArrayRef> = vec![
        Arc::new(objects.iter().map(|object| object.as_ref()?.0.clone()).collect::<StringArray>()),
        Arc::new(objects.iter().map(|object| object.as_ref()?.1).collect::<Float64Array>()),
    ];
    let present = objects.iter().map(Option::is_some).collect::<Vec<bool>>();
    let decimals = rows.iter().map(|row| row.0.6).collect::<Decimal128Array>().with_precision_and_scale(38, 6).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0.0.clone()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.0.1).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.0.2).collect::<Int8Array>()),
        Arc::new(rows.iter().map(|row| row.0.3).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.0.4).collect::<Float32Array>()),
        Arc::new(rows.iter().map(|row| row.0.5).collect::<Float64Array>()),
        Arc::new(decimals),
        Arc::new(rows.iter().map(|row| row.1.0).collect::<Date32Array>()),
        Arc::new(rows.iter().map(|row| row.1.1).collect::<TimestampMillisecondArray>()),
        Arc::new(rows.iter().map(|row| row.1.2).collect::<TimestampMicrosecondArray>()),
        Arc::new(list),
        Arc::new(StructArray::try_new_with_length(fields, members, Some(present.into()), rows.len()).unwrap()),
    ];
    RecordBatch::try_new(schema, columns).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_decoded_equals_what_was_encoded(rows in rows()) {
        let records = batch(&rows);
        let converter = JsonConverter::new(records.schema(), UnknownFields::Strict).unwrap();
        let decoded = converter.decode(&converter.encode(&records).unwrap()).unwrap();
        prop_assert_eq!(decoded.rejected, vec![]);
        prop_assert_eq!(decoded.records, records);
    }

    #[test]
    fn arrow_json_reads_the_lines_as_the_same_records(rows in rows(), athena in any::<bool>()) {
        let records = batch(&rows);
        let style = if athena { TimestampStyle::Athena } else { TimestampStyle::Iso };
        let mut lines = Vec::new();
        write_lines(&records, style, &mut lines).unwrap();
        prop_assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), rows.len());

        let mut reader = arrow_json::ReaderBuilder::new(records.schema()).with_batch_size(1024).build(&lines[..]).unwrap();
        match reader.next() {
            Some(read) => prop_assert_eq!(read.unwrap(), records),
            None => prop_assert!(rows.is_empty()),
        }
    }

    /// Texts that are nearly JSON: a record cut, repeated or changed at one place.
    #[test]
    fn serde_json_takes_the_same_texts_for_an_object(
        rows in rows().prop_filter("one row", |rows| !rows.is_empty()), at in any::<prop::sample::Index>(), cut in 0..4usize,
        put in proptest::sample::select(vec!["", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", " ", "\n", "n", "\\u12", "\u{1}"]),
    ) {
        let mut text = Vec::new();
        write_lines(&batch(&rows[..1]), TimestampStyle::Iso, &mut text).unwrap();
        let at = at.index(text.len());
        text.splice(at..(at + cut).min(text.len()), put.bytes());

        // No column of ours: every field is skipped over, and only the form counts.
        let converter = JsonConverter::new(Arc::new(Schema::empty()), UnknownFields::Ignore).unwrap();
        let decoded = converter.decode(&BinaryArray::from_iter_values([&text])).unwrap();
        let is_object = std::str::from_utf8(&text).is_ok()
            && serde_json::from_slice::<std::collections::HashMap<String, serde::de::IgnoredAny>>(&text).is_ok();
        prop_assert_eq!(decoded.rejected.is_empty(), is_object, "{}: {:?}", String::from_utf8_lossy(&text), decoded.rejected);
    }

    /// Records changed at one place that are still taken: in every column they mean what another reader says.
    #[test]
    fn what_is_accepted_means_the_same_to_arrow_json(
        rows in rows().prop_filter("one row", |rows| !rows.is_empty()), at in any::<prop::sample::Index>(), cut in 0..3usize,
        put in proptest::sample::select(vec!["", "0", "1", "9", "-", "e1", "E-1", ".0", "5", " ", "\n", "\\n", "\\u00e9", "T", "Z", "é"]),
    ) {
        let mut row = rows[0].clone();
        // With an exponent the other reader takes a whole number for a double, so here there are none that a double cannot hold.
        row.0.3 = row.0.3.map(|whole| whole >> 14);
        row.2.0.iter_mut().flatten().flatten().for_each(|whole| *whole >>= 14);
        let mut text = Vec::new();
        write_lines(&batch(&[row]), TimestampStyle::Iso, &mut text).unwrap();
        let at = at.index(text.len());
        text.splice(at..(at + cut).min(text.len()), put.bytes());

        let converter = JsonConverter::new(schema(), UnknownFields::Ignore).unwrap();
        let decoded = converter.decode(&BinaryArray::from_iter_values([&text])).unwrap();
        if decoded.rejected.is_empty() {
            let read = arrow_json::ReaderBuilder::new(schema()).build(&text[..]).unwrap().next().unwrap().unwrap();
            prop_assert_eq!(decoded.records, read, "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..10)) {
        let converter = JsonConverter::new(schema(), UnknownFields::Strict).unwrap();
        let decoded = converter.decode(&BinaryArray::from_iter_values(&payloads)).unwrap();
        prop_assert_eq!(decoded.records.num_rows() + decoded.rejected.len(), payloads.len());
    }
}

#[test]
fn a_part_of_a_column_of_texts_is_escaped_where_it_must_be() {
    let texts = arrow::array::StringArray::from(vec!["\"", "a", "é", "\u{1}", "\\", "b"]);
    for start in 0..texts.len() {
        for length in 1..=texts.len() - start {
            let part = texts.slice(start, length);
            let records = RecordBatch::try_from_iter([("c", Arc::new(part.clone()) as ArrayRef)]).unwrap();
            let mut lines = Vec::new();
            write_lines(&records, TimestampStyle::Iso, &mut lines).unwrap();
            let expected: String = part.iter().map(|text| format!("{}\n", serde_json::json!({ "c": text }))).collect();
            assert_eq!(String::from_utf8(lines).unwrap(), expected);
        }
    }
}

#[test]
fn other_layouts_of_a_column_are_written_as_the_plain_one() {
    let plain: ArrayRef = Arc::new(arrow::array::StringArray::from(vec![Some("a"), None, Some("a\"")]));
    let lines_of = |column: ArrayRef| {
        let mut lines = Vec::new();
        let records = RecordBatch::try_from_iter([("c", column)]).unwrap();
        write_lines(&records, TimestampStyle::Iso, &mut lines).unwrap();
        String::from_utf8(lines).unwrap()
    };
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    for layout in [DataType::LargeUtf8, DataType::Utf8View, dictionary] {
        assert_eq!(lines_of(cast(&plain, &layout).unwrap()), lines_of(plain.clone()), "{layout}");
    }
}
