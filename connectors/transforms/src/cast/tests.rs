//! What `cast` promises: exactly, or not at all.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array,
    Int64Array, StringArray, StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray, new_empty_array,
};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType};
use arrow::util::display::array_value_to_string;
use pipeline_api::ErrorKind;
use serde_json::{Value, json};

use super::*;
use crate::testing::{behind_topic, column, findings, open, refusal, stocks};

/// The texts of what a column becomes, or the error.
async fn cast(values: impl Array + 'static, to: Value) -> Result<Vec<String>> {
    let records = column(values);
    let cast = open::<Cast>(json!({ "fields": { "c": to } }), &records).await;
    let cast = cast.apply(records)?;
    Ok((0..cast.num_rows()).map(|row| array_value_to_string(cast.column(0), row).unwrap()).collect())
}

async fn misfit(values: impl Array + 'static, to: Value) -> String {
    let error = cast(values, to).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    error.to_string()
}

fn texts<const N: usize>(texts: [&str; N]) -> StringArray {
    StringArray::from(texts.to_vec())
}

fn decimals(units: Vec<i128>, precision: u8, scale: i8) -> Decimal128Array {
    Decimal128Array::from(units).with_precision_and_scale(precision, scale).unwrap()
}

#[tokio::test]
async fn a_cast_column_keeps_its_place_its_nulls_and_the_columns_beside_it() {
    let records = behind_topic();
    let cast = open::<Cast>(json!({ "fields": { "volume": "double", "close": "decimal(18,6)" } }), &records).await;
    let done = cast.apply(records.clone()).unwrap();
    assert_eq!(done.schema(), cast.schema());
    assert_eq!(done.schema().field(1).data_type(), &DataType::Decimal128(18, 6));
    let volumes: Vec<_> = done.column(2).as_primitive::<Float64Type>().iter().collect();
    assert_eq!(volumes, [Some(1000.0), None, Some(3000.0)]);
    let closes: Vec<_> = done.column(1).as_primitive::<Decimal128Type>().iter().flatten().collect();
    assert_eq!(closes, [118_560_000, 102_000_000, 89_620_000]);
    assert_eq!(done.columns()[3..], records.columns()[3..]);
    assert_eq!(done.column(0), records.column(0));
}

#[tokio::test]
async fn a_text_is_a_number_as_a_whole_or_not_at_all() {
    assert_eq!(cast(texts(["12", "-7"]), json!("bigint")).await.unwrap(), ["12", "-7"]);
    assert_eq!(cast(texts(["118.56", "1e-3", "-0.5"]), json!("double")).await.unwrap(), ["118.56", "0.001", "-0.5"]);
    assert_eq!(cast(texts(["0.10", "-12.3400"]), json!("decimal(6,2)")).await.unwrap(), ["0.10", "-12.34"]);
    assert_eq!(cast(texts(["true", "FALSE"]), json!("boolean")).await.unwrap(), ["true", "false"]);
    for (text, to) in [
        ("", "bigint"),
        (" 12", "bigint"),
        ("12 ", "bigint"),
        ("1_000", "bigint"),
        ("12.0", "bigint"),
        ("1e3", "bigint"),
        ("9223372036854775808", "bigint"),
        ("128", "tinyint"),
        ("abc", "double"),
        ("inf", "double"),
        ("NaN", "double"),
        ("1e400", "double"),
        ("1e-400", "double"),
        ("9007199254740993", "double"),
        ("16777217", "float"),
        ("1,5", "double"),
        ("1.234", "decimal(6,2)"),
        ("12345.0", "decimal(6,2)"),
        ("1e1", "decimal(6,2)"),
        ("-", "decimal(6,2)"),
        (".", "decimal(6,2)"),
        ("1", "boolean"),
        ("yes", "boolean"),
    ] {
        let message = misfit(texts([text]), json!(to)).await;
        assert!(message.starts_with(&format!("c: `{text}` is no {to}, expected ")), "{message}");
    }
}

#[tokio::test]
async fn the_message_names_the_column_the_value_and_what_would_be_right() {
    let values = StringArray::from(vec![Some("1"), None, Some("x1"), Some("x2")]);
    assert_eq!(
        misfit(values, json!("tinyint")).await,
        "c: `x1` is no tinyint, expected a whole number from -128 to 127"
    );
    assert_eq!(
        misfit(decimals(vec![12_345], 9, 3), json!("decimal(9,2)")).await,
        "c: `12.345` is no decimal(9,2), expected a number with at most 7 digits before the point and 2 behind it"
    );
    assert_eq!(
        misfit(TimestampMicrosecondArray::from(vec![1_767_364_200_123_456]), json!("timestamp")).await,
        "c: `2026-01-02T14:30:00.123456` is no timestamp, expected a time in whole milliseconds"
    );
}

#[tokio::test]
async fn no_number_is_rounded_cut_off_or_wrapped_around() {
    let beyond = (1i64 << 53) + 1;
    assert!(misfit(Int64Array::from(vec![beyond]), json!("double")).await.contains("`9007199254740993` is no double"));
    assert_eq!(cast(Int64Array::from(vec![beyond - 1]), json!("double")).await.unwrap(), ["9007199254740992.0"]);
    misfit(Int64Array::from(vec![(1 << 24) + 1]), json!("float")).await;
    misfit(Int64Array::from(vec![128]), json!("tinyint")).await;
    misfit(Int64Array::from(vec![i64::MIN]), json!("int")).await;
    misfit(Int64Array::from(vec![10_000]), json!("decimal(6,2)")).await;

    assert_eq!(cast(Float64Array::from(vec![3.0, -0.0]), json!("int")).await.unwrap(), ["3", "0"]);
    for value in [118.5, f64::NAN, f64::INFINITY, 9.3e18, -9.3e18, 1e300] {
        misfit(Float64Array::from(vec![value]), json!("bigint")).await;
    }
    misfit(Float64Array::from(vec![118.56]), json!("float")).await;
    misfit(Float64Array::from(vec![1e300]), json!("float")).await;
    assert_eq!(cast(Float64Array::from(vec![0.5]), json!("float")).await.unwrap(), ["0.5"]);
    assert_eq!(cast(Float32Array::from(vec![0.5]), json!("double")).await.unwrap(), ["0.5"]);

    assert_eq!(
        cast(Float64Array::from(vec![0.1, 4.186663]), json!("decimal(18,6)")).await.unwrap(),
        ["0.100000", "4.186663"]
    );
    for value in [0.1 + 0.2, 0.1234567, 1e12, f64::NAN, f64::NEG_INFINITY] {
        misfit(Float64Array::from(vec![value]), json!("decimal(18,6)")).await;
    }
    misfit(decimals(vec![150], 9, 2), json!("bigint")).await;
    assert_eq!(cast(decimals(vec![300], 9, 2), json!("bigint")).await.unwrap(), ["3"]);
    assert_eq!(cast(decimals(vec![11_856], 9, 2), json!("double")).await.unwrap(), ["118.56"]);
    assert_eq!(cast(decimals(vec![11_856], 9, 2), json!("float")).await.unwrap(), ["118.56"]);
    misfit(decimals(vec![12_345_678_901_234_567_890], 38, 2), json!("double")).await;
    assert_eq!(
        cast(decimals(vec![11_856], 9, 2), json!("decimal(5,3)")).await.err().map(|error| error.kind()),
        Some(ErrorKind::Data)
    );
}

#[tokio::test]
async fn every_value_has_a_text() {
    assert_eq!(cast(Int32Array::from(vec![-7]), json!("string")).await.unwrap(), ["-7"]);
    assert_eq!(cast(Float64Array::from(vec![118.56]), json!("string")).await.unwrap(), ["118.56"]);
    assert_eq!(cast(decimals(vec![10], 9, 2), json!("string")).await.unwrap(), ["0.10"]);
    assert_eq!(cast(BooleanArray::from(vec![true]), json!("string")).await.unwrap(), ["true"]);
    assert_eq!(cast(Date32Array::from(vec![20_455, -1]), json!("string")).await.unwrap(), ["2026-01-02", "1969-12-31"]);
    let times = TimestampMillisecondArray::from(vec![1_767_364_200_123, -1]);
    assert_eq!(cast(times, json!("string")).await.unwrap(), ["2026-01-02T14:30:00.123", "1969-12-31T23:59:59.999"]);
}

#[tokio::test]
async fn a_view_of_texts_reads_like_texts() {
    assert_eq!(cast(StringViewArray::from(vec!["12"]), json!("int")).await.unwrap(), ["12"]);
    assert_eq!(cast(StringViewArray::from(vec!["12"]), json!("string")).await.unwrap(), ["12"]);
}

#[tokio::test]
async fn iso_times_are_read_with_and_without_a_zone() {
    let values =
        texts(["2026-01-02T14:30:00.123", "2026-01-02 09:30:00.123-05:00", "2026-01-02T14:30:00.123Z", "2026-01-02"]);
    let records = column(values);
    let cast_times = open::<Cast>(json!({ "fields": { "c": "timestamp" } }), &records).await.apply(records).unwrap();
    let times = cast_times.column(0).as_primitive::<TimestampMillisecondType>().values().to_vec();
    assert_eq!(times, [1_767_364_200_123, 1_767_364_200_123, 1_767_364_200_123, 1_767_312_000_000]);

    for text in [
        "2026-01-02T14:30:00.1234",
        "2026-02-30",
        "2026-01-02T14:30:60",
        "14:30",
        "soon",
        "2026-01-02T14:30[Europe/Berlin]",
    ] {
        misfit(texts([text]), json!("timestamp")).await;
    }
    assert_eq!(
        cast(texts(["2026-01-02T14:30:00.1234"]), json!("timestamp(6)")).await.unwrap(),
        ["2026-01-02T14:30:00.123400"]
    );
}

#[tokio::test]
async fn a_time_without_a_zone_is_read_in_the_zone_of_the_file() {
    let new_york = |format: &str| json!({ "type": "timestamp", "format": format, "zone": "America/New_York" });
    let read = cast(texts(["01/02/2026 09:30", "07/02/2026 09:30"]), new_york("%m/%d/%Y %H:%M")).await.unwrap();
    assert_eq!(read, ["2026-01-02T14:30:00", "2026-07-02T13:30:00"]);
    let read = cast(texts(["2026-01-02 09:30 +0100"]), new_york("%Y-%m-%d %H:%M %z")).await.unwrap();
    assert_eq!(read, ["2026-01-02T08:30:00"]);

    let skipped = misfit(texts(["03/08/2026 02:30"]), new_york("%m/%d/%Y %H:%M")).await;
    assert!(skipped.contains("a time that the clocks of America/New_York show once"), "{skipped}");
    misfit(texts(["11/01/2026 01:30"]), new_york("%m/%d/%Y %H:%M")).await;
    let unlike = misfit(texts(["2026-01-02"]), new_york("%m/%d/%Y %H:%M")).await;
    assert!(unlike.ends_with("expected a time in the form `%m/%d/%Y %H:%M` such as 11/24/2026 15:04"), "{unlike}");
}

#[tokio::test]
async fn a_leap_second_is_refused_and_the_second_before_it_is_not() {
    let compact = || json!({ "type": "timestamp", "format": "%Y%m%d%H%M%S" });
    assert_eq!(cast(texts(["20161231235959"]), compact()).await.unwrap(), ["2016-12-31T23:59:59"]);
    assert_eq!(
        cast(texts(["2016-12-31T23:59:59.590Z"]), json!("timestamp")).await.unwrap(),
        ["2016-12-31T23:59:59.590"]
    );
    misfit(texts(["20161231235960"]), compact()).await;
    misfit(texts(["2016-12-31T23:59:60Z"]), json!("timestamp")).await;
    misfit(texts(["20161231T235960Z"]), json!("timestamp")).await;
}

#[tokio::test]
async fn times_are_written_in_the_form_and_zone_asked_for() {
    let times = || TimestampMillisecondArray::from(vec![1_767_364_200_000]);
    let to = json!({ "type": "string", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin" });
    assert_eq!(cast(times(), to).await.unwrap(), ["02.01.2026 15:30"]);
    let to = json!({ "type": "string", "zone": "America/New_York" });
    assert_eq!(cast(times(), to).await.unwrap(), ["2026-01-02T09:30:00-05:00"]);
    let to = json!({ "type": "string", "format": "unix_s" });
    assert_eq!(cast(times(), to).await.unwrap(), ["1767364200"]);
}

#[tokio::test]
async fn numbers_are_times_only_if_the_file_says_what_they_count() {
    let unix = |format: &str, of: &str| json!({ "type": of, "format": format });
    let read = cast(Int64Array::from(vec![1_767_364_200, -1]), unix("unix_s", "timestamp")).await.unwrap();
    assert_eq!(read, ["2026-01-02T14:30:00", "1969-12-31T23:59:59"]);
    let read = cast(texts(["1767364200123456"]), unix("unix_us", "timestamp(6)")).await.unwrap();
    assert_eq!(read, ["2026-01-02T14:30:00.123456"]);
    misfit(Int64Array::from(vec![1_767_364_200_123_456]), unix("unix_us", "timestamp")).await;
    misfit(Int64Array::from(vec![1_767_364_200_123]), unix("unix_s", "timestamp")).await;
    misfit(Int64Array::from(vec![i64::MAX]), unix("unix_s", "timestamp(6)")).await;

    let times = TimestampMillisecondArray::from(vec![1_767_364_200_000]);
    assert_eq!(cast(times, unix("unix_s", "bigint")).await.unwrap(), ["1767364200"]);
    misfit(TimestampMillisecondArray::from(vec![1_767_364_200_001]), unix("unix_s", "bigint")).await;

    let refused = findings::<Cast>(json!({ "fields": { "volume": "timestamp" } }), &stocks());
    assert!(refused[0].1.contains("expected `format` unix_s, unix_ms or unix_us"), "{}", refused[0].1);
}

#[tokio::test]
async fn a_time_is_a_date_only_at_midnight() {
    let midnight = 1_767_312_000_000;
    assert_eq!(cast(TimestampMillisecondArray::from(vec![midnight]), json!("date")).await.unwrap(), ["2026-01-02"]);
    misfit(TimestampMillisecondArray::from(vec![midnight + 1]), json!("date")).await;
    let new_york = |of: &str| json!({ "type": of, "zone": "America/New_York" });
    let times = TimestampMillisecondArray::from(vec![midnight + 5 * 3_600_000]);
    assert_eq!(cast(times, new_york("date")).await.unwrap(), ["2026-01-02"]);
    assert_eq!(cast(Date32Array::from(vec![20_455]), new_york("timestamp")).await.unwrap(), ["2026-01-02T05:00:00"]);
    assert_eq!(cast(Date32Array::from(vec![20_455]), json!("timestamp")).await.unwrap(), ["2026-01-02T00:00:00"]);

    let dates = column(texts(["01/02/2026"]));
    let to = json!({ "fields": { "c": { "type": "date", "format": "%m/%d/%Y" } } });
    let dates = open::<Cast>(to, &dates).await.apply(dates).unwrap();
    assert_eq!(dates.column(0).as_primitive::<Date32Type>().values().to_vec(), [20_455]);
    misfit(texts(["2026-01-02T14:30"]), json!("date")).await;
}

#[tokio::test]
async fn times_go_between_milliseconds_and_microseconds() {
    let times = TimestampMillisecondArray::from(vec![-1]);
    assert_eq!(cast(times, json!("timestamp(6)")).await.unwrap(), ["1969-12-31T23:59:59.999"]);
    misfit(TimestampMillisecondArray::from(vec![i64::MAX]), json!("timestamp(6)")).await;
    let zoned = TimestampMillisecondArray::from(vec![1_767_364_200_000]).with_timezone("+05:00");
    assert_eq!(cast(zoned, json!("timestamp")).await.unwrap(), ["2026-01-02T14:30:00"]);
}

#[tokio::test]
async fn every_mistake_is_found_at_its_own_place() {
    for (name, to, pointer, what) in [
        ("clse", json!("int"), "/fields/clse", "did you mean `close`"),
        ("__offset", json!("int"), "/fields/__offset", "belongs to the runtime"),
        ("close", json!("long"), "/fields/close", "did you mean `bigint`"),
        ("close", json!({ "type": "long" }), "/fields/close/type", "did you mean `bigint`"),
        ("close", json!({ "typ": "int" }), "/fields/close", "unknown field `typ`"),
        ("close", json!(3), "/fields/close", "expected a type such as bigint"),
        ("close", json!("boolean"), "/fields/close", "from double to boolean"),
        ("quote", json!("string"), "/fields/quote", "flatten turns structs"),
        ("close", json!("timestamp"), "/fields/close", "no exact way from double to timestamp"),
        ("close", json!({ "type": "int", "zone": "UTC" }), "/fields/close", "expected none"),
        ("close", json!({ "type": "int", "format": "%Y" }), "/fields/close", "expected none"),
        ("symbol", json!({ "type": "timestamp", "format": "unix" }), "/fields/symbol/format", "no format"),
        ("symbol", json!({ "type": "timestamp", "format": "%Y-%" }), "/fields/symbol/format", "no format"),
        ("symbol", json!({ "type": "timestamp", "format": "%H:%M" }), "/fields/symbol", "cannot be read"),
        ("symbol", json!({ "type": "date", "format": "unix_s" }), "/fields/symbol", "a date is no number"),
        (
            "symbol",
            json!({ "type": "timestamp", "zone": "America/NewYork" }),
            "/fields/symbol/zone",
            "did you mean `America/New_York`",
        ),
    ] {
        let config = json!({ "fields": { name: to } });
        let found = findings::<Cast>(config.clone(), &behind_topic());
        assert_eq!(found.len(), 1, "{config}: {found:?}");
        assert!(found[0].0.starts_with(pointer), "{config}: {found:?}");
        assert!(found[0].1.contains(what), "{config}: {found:?}");
        refusal::<Cast>(config, &behind_topic()).await;
    }
    let three = json!({ "fields": { "clse": "int", "close": "long", "symbol": { "type": "x", "zone": "y" } } });
    assert_eq!(findings::<Cast>(three, &stocks()).len(), 4);
}

#[test]
fn what_can_be_planned_can_be_done_and_gives_the_type_asked_for() {
    let times = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let mut types: Vec<DataType> = times.map(|unit| DataType::Timestamp(unit, None)).to_vec();
    types.push(DataType::Timestamp(TimeUnit::Millisecond, Some("Europe/Berlin".into())));
    types.extend([DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, DataType::Boolean, DataType::Binary]);
    types.extend([
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt32,
    ]);
    types.extend([DataType::Float32, DataType::Float64, DataType::Decimal128(18, 6), DataType::Date32]);
    types.push(DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)));
    let formats = [None, Some("unix_ms"), Some("%Y-%m-%d")];
    for (from, to, format) in types
        .iter()
        .flat_map(|from| types.iter().map(move |to| (from, to)))
        .flat_map(|(a, b)| formats.map(|f| (a, b, f)))
    {
        let Ok(conversion) = Conversion::new(from, to, TimeFormat::new(format, None).unwrap()) else { continue };
        let done = conversion.apply(&new_empty_array(from)).unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
        assert_eq!(done.data_type(), to, "from {from}");
    }
}

#[tokio::test]
async fn a_slice_is_cast_like_the_whole() {
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("1"), None, Some("3"), Some("x")]));
    let records = RecordBatch::try_from_iter_with_nullable([("c", values, true)]).unwrap();
    let cast = open::<Cast>(json!({ "fields": { "c": "bigint" } }), &records).await;
    assert!(cast.apply(records.clone()).is_err());
    let done = cast.apply(records.slice(1, 2)).unwrap();
    assert_eq!(done.column(0).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [None, Some(3)]);
    assert!(cast.apply(records.slice(3, 1)).is_err());
}
