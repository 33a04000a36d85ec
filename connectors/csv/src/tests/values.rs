use super::*;

/// Texts that mean a value, by their column's type, and the value as Arrow shows it.
const TAKEN: &[(&str, &str, &str)] = &[
    ("tinyint", "-128", "-128"),
    ("tinyint", "127", "127"),
    ("smallint", "-32768", "-32768"),
    ("smallint", "32767", "32767"),
    ("int", "-2147483648", "-2147483648"),
    ("int", "2147483647", "2147483647"),
    ("bigint", "-9223372036854775808", "-9223372036854775808"),
    ("bigint", "9223372036854775807", "9223372036854775807"),
    ("bigint", "+5", "5"),
    ("bigint", "-0", "0"),
    ("bigint", "007", "7"),
    ("bigint", "0000000000000000000000000000001", "1"),
    ("double", "1.5", "1.5"),
    ("double", "+1.5", "1.5"),
    ("double", ".5", "0.5"),
    ("double", "5.", "5.0"),
    ("double", "007.50", "7.5"),
    ("double", "1e3", "1000.0"),
    ("double", "1E+3", "1000.0"),
    ("double", "-0", "-0.0"),
    ("double", "0e400", "0.0"),
    ("double", "5e-324", "5e-324"),
    ("double", "1.7976931348623157e308", "1.7976931348623157e308"),
    ("double", "9007199254740992", "9007199254740992.0"),
    ("double", "0.1000000000000000055", "0.1"),
    ("float", "0.1", "0.1"),
    ("float", "16777216", "16777216.0"),
    ("float", "1e-45", "1e-45"),
    ("decimal(9,2)", "1.5", "1.50"),
    ("decimal(9,2)", "+1.500", "1.50"),
    ("decimal(9,2)", "-.5", "-0.50"),
    ("decimal(9,2)", "5.", "5.00"),
    ("decimal(9,2)", "0009999999.99", "9999999.99"),
    ("decimal(38,0)", "99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
    ("boolean", "true", "true"),
    ("boolean", "FALSE", "false"),
    ("boolean", "1", "true"),
    ("boolean", "0", "false"),
    ("date", "2024-02-29", "2024-02-29"),
    ("date", "2000-02-29", "2000-02-29"),
    ("date", "0001-01-01", "0001-01-01"),
    ("date", "9999-12-31", "9999-12-31"),
    ("timestamp", "2026-01-02", "2026-01-02T00:00:00"),
    ("timestamp", "2026-01-02T23:59:59.999", "2026-01-02T23:59:59.999"),
    ("timestamp", "2026-01-02 10:00", "2026-01-02T10:00:00"),
    ("timestamp", "2026-01-02t10:00:00z", "2026-01-02T10:00:00"),
    ("timestamp", "2026-01-02T00:30:00+01:00", "2026-01-01T23:30:00"),
    ("timestamp", "1969-12-31T23:59:59.9990000000", "1969-12-31T23:59:59.999"),
    ("timestamp(6)", "2026-01-02T10:00:00.123456", "2026-01-02T10:00:00.123456"),
    ("string", " a ", " a "),
    ("string", "\ta\t", "\ta\t"),
    ("string", "NaN", "NaN"),
    ("string", "null", "null"),
    ("string", "NULL", "NULL"),
    ("string", "\u{feff}a", "\u{feff}a"),
    ("string", "", "∅"),
    ("bigint", "", "∅"),
    ("binary", "é", "c3a9"),
];

/// Texts that mean no value, by their column's type, and what is said of them.
const REFUSED: &[(&str, &str, &str)] = &[
    ("tinyint", "-129", "does not fit a tinyint, expected -128 to 127"),
    ("tinyint", "128", "does not fit a tinyint, expected -128 to 127"),
    ("smallint", "-32769", "does not fit a smallint, expected -32768 to 32767"),
    ("smallint", "32768", "does not fit a smallint, expected -32768 to 32767"),
    ("int", "-2147483649", "does not fit a int, expected -2147483648 to 2147483647"),
    ("int", "2147483648", "does not fit a int, expected -2147483648 to 2147483647"),
    ("bigint", "-9223372036854775809", "does not fit a bigint, expected -9223372036854775808 to 9223372036854775807"),
    ("bigint", "9223372036854775808", "does not fit a bigint, expected -9223372036854775808 to 9223372036854775807"),
    ("bigint", "1.0", "is not a bigint, expected a whole number in digits"),
    ("bigint", "1e3", "is not a bigint, expected a whole number in digits"),
    ("bigint", "1,000", "is not a bigint, expected a whole number in digits"),
    ("bigint", "1 000", "is not a bigint, expected a whole number in digits"),
    ("bigint", "1_000", "is not a bigint, expected a whole number in digits"),
    ("bigint", "1'000", "is not a bigint, expected a whole number in digits"),
    ("bigint", "0x10", "is not a bigint, expected a whole number in digits"),
    ("bigint", " 1", "is not a bigint, expected a whole number in digits"),
    ("bigint", "1 ", "is not a bigint, expected a whole number in digits"),
    ("bigint", "--1", "is not a bigint, expected a whole number in digits"),
    ("bigint", "+", "is not a bigint, expected a whole number in digits"),
    ("bigint", "٣", "is not a bigint, expected a whole number in digits"),
    ("bigint", "NaN", "is not a bigint, expected a whole number in digits"),
    ("bigint", "true", "is not a bigint, expected a whole number in digits"),
    ("bigint not null", "", "is null, expected a bigint, because the column is not null"),
    ("double", "NaN", "is not a double, expected a finite number"),
    ("double", "nan", "is not a double, expected a finite number"),
    ("double", "-NaN", "is not a double, expected a finite number"),
    ("double", "inf", "is not a double, expected a finite number"),
    ("double", "+inf", "is not a double, expected a finite number"),
    ("double", "Infinity", "is not a double, expected a finite number"),
    ("double", "-Infinity", "is not a double, expected a finite number"),
    ("double", "1e400", "is too large for a double"),
    ("double", "-1e400", "is too large for a double"),
    ("double", "1e-400", "is too small for a double"),
    ("double", "9007199254740993", "would be rounded as a double, expected a bigint or decimal column"),
    ("double", "1,5", "is not a double, expected a number"),
    ("double", "1,000.5", "is not a double, expected a number"),
    ("double", "1_000", "is not a double, expected a number"),
    ("double", "1.5 ", "is not a double, expected a number"),
    ("double", "$1.5", "is not a double, expected a number"),
    ("double", "1.5%", "is not a double, expected a number"),
    ("double", "(1.5)", "is not a double, expected a number"),
    ("double", "0x1p3", "is not a double, expected a number"),
    ("double", "1e", "is not a double, expected a number"),
    ("double", ".", "is not a double, expected a number"),
    ("float", "16777217", "would be rounded as a float, expected a bigint or decimal column"),
    ("float", "1e39", "is too large for a float"),
    ("float", "1e-46", "is too small for a float"),
    ("float", "#N/A", "is not a float, expected a number"),
    ("decimal(9,2)", "1.001", "has more than 2 digits behind the point, more than a decimal(9,2) holds"),
    ("decimal(9,2)", "12345678", "does not fit a decimal(9,2)"),
    ("decimal(9,2)", "-10000000.00", "does not fit a decimal(9,2)"),
    ("decimal(9,2)", "1e3", "is not a decimal(9,2), expected digits and at most one point"),
    ("decimal(9,2)", "1,5", "is not a decimal(9,2), expected digits and at most one point"),
    ("decimal(9,2)", "1.2.3", "is not a decimal(9,2), expected digits and at most one point"),
    ("decimal(9,2)", "NaN", "is not a decimal(9,2), expected digits and at most one point"),
    ("decimal(9,2)", "-", "is not a decimal(9,2), expected digits and at most one point"),
    ("decimal(38,0)", "100000000000000000000000000000000000000", "does not fit a decimal(38,0)"),
    ("boolean", "yes", "is not a boolean, expected true, false, 1 or 0"),
    ("boolean", "t", "is not a boolean, expected true, false, 1 or 0"),
    ("boolean", "2", "is not a boolean, expected true, false, 1 or 0"),
    ("boolean", " true", "is not a boolean, expected true, false, 1 or 0"),
    ("date", "2023-02-29", "is not a date, expected one such as 2026-01-02"),
    ("date", "1900-02-29", "is not a date, expected one such as 2026-01-02"),
    ("date", "2026-13-01", "is not a date, expected one such as 2026-01-02"),
    ("date", "2026-00-01", "is not a date, expected one such as 2026-01-02"),
    ("date", "2026-01-00", "is not a date, expected one such as 2026-01-02"),
    ("date", "2026-1-2", "is not a date, expected one such as 2026-01-02"),
    ("date", "20260102", "is not a date, expected one such as 2026-01-02"),
    ("date", "01/02/2026", "is not a date, expected one such as 2026-01-02"),
    ("date", "10000-01-01", "is not a date, expected one such as 2026-01-02"),
    ("date", "-001-01-01", "is not a date, expected one such as 2026-01-02"),
    ("date", "2026-01-02T00:00:00", "is not a date, expected one such as 2026-01-02"),
    ("timestamp", "2026-01-02T24:00:00", "is not a timestamp, expected one such as 2026-01-02T14:30:00"),
    ("timestamp", "2026-01-02T23:60:00", "is not a timestamp, expected one such as 2026-01-02T14:30:00"),
    ("timestamp", "2026-01-02T23:59:60", "is not a timestamp, expected one such as 2026-01-02T14:30:00"),
    ("timestamp", "2023-02-29T00:00:00", "is not a timestamp, expected one such as 2026-01-02T14:30:00"),
    ("timestamp", "2026-01-02T10:00:00 CET", "is not a timestamp, expected one such as 2026-01-02T14:30:00"),
    ("timestamp", "1767364200", "is not a timestamp, expected one such as 2026-01-02T14:30:00"),
    ("timestamp", "2026-01-02T10:00:00.0001", "has more than 3 digits behind the second, more than its column holds"),
    (
        "timestamp(6)",
        "2026-01-02T10:00:00.123456789",
        "has more than 6 digits behind the second, more than its column holds",
    ),
    ("timestamp", "2026-01-02T10:00:00.0000000001", "has more than 9 digits behind the second"),
    ("string not null", "", "is null, expected a string, because the column is not null"),
];

/// What becomes of a field, between two records that are right and stay: its value, or why its record is rejected.
async fn read_field(of: &str, text: &str) -> Result<String, String> {
    let fixture = Fixture::new(&[("s", "string not null"), ("v", of)]);
    let good = match of.split(['(', ' ']).next().unwrap() {
        "date" | "timestamp" => "2026-01-02",
        _ => "1",
    };
    fixture.write("a.csv", format!("s,v,w\nα,{good},x\nβ,\"{text}\",y\nγ,{good},z\n"));
    let mut read = fixture.read(json!({ "path": "a.csv" })).await;
    let (first, last) = (read.rows.remove(0), read.rows.pop().unwrap());
    assert!(first.starts_with("α|") && first.ends_with("|x") && last.starts_with("γ|") && last.ends_with("|z"));
    match &read.rows[..] {
        [row] => {
            assert_eq!(read.rejected, []);
            Ok(row.strip_prefix("β|").unwrap().strip_suffix("|y").unwrap().to_owned())
        }
        _ => {
            assert_eq!(read.rejected[0].record, format!("β,\"{text}\",y"));
            let (place, field, reason) = read.misfit();
            assert_eq!((place, field), ("a.csv:3:3", Some("v")), "{of} {text}");
            Err(reason.strip_prefix(&format!("`{text}` ")).unwrap_or(reason).to_owned())
        }
    }
}

#[tokio::test]
async fn a_text_means_exactly_one_value_of_its_columns_type() {
    for (of, text, value) in TAKEN {
        assert_eq!(read_field(of, text).await.unwrap(), *value, "{of} {text:?}");
    }
}

#[tokio::test]
async fn a_text_that_means_no_value_is_rejected_with_its_place_and_what_would_be_right_and_its_neighbours_stay() {
    for (of, text, reason) in REFUSED {
        assert_eq!(read_field(of, text).await.unwrap_err(), *reason, "{of} {text:?}");
    }
}

#[tokio::test]
async fn a_text_is_shown_on_one_line_that_a_person_reads() {
    let reason = read_field("bigint", &format!("1\n\u{1b}[31m{}", "9".repeat(1000))).await.unwrap_err();
    assert_eq!(
        reason,
        format!("`1\\n\\u{{1b}}[31m{}…` is not a bigint, expected a whole number in digits", "9".repeat(73))
    );
}
