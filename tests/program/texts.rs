//! Texts that programs like to change, on their whole way.

use std::fs;

use crate::letters;
use crate::rows::{self, Row, assert_exactly};
use crate::support::Project;

const TEXTS: &str = "\
name: texts
sources:
  - type: csv
    config: { path: texts.csv, nulls: [] }
topic:
  name: texts
  key: text
  schema: { id: bigint not null, text: string not null }
sinks:
  - type: s3_parquet
    config: { url: out/parquet }
  - type: s3_json
    config: { url: out/json, compression: none }
";

/// Everything but NUL, which a CSV file cannot hold.
fn naughty() -> Vec<String> {
    let controls: String = (1..0x20u8).chain([0x7f]).map(char::from).collect();
    let separators = ["\n", "\r", "\r\n", "\n\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"];
    let blanks =
        ["", " ", " a ", "\t", "\u{a0}", "\u{3000}", "\u{200b}", "a\u{200d}b", "\u{feff}", "\u{feff}a", "\u{2060}"];
    let directions = ["\u{202e}abc\u{202c}", "\u{2066}a\u{2069}", "\u{200f}", "שלום", "مرحبا abc"];
    let quotes = [
        "\"", "\"\"", "\"a\"", "a\"b", "'", "`", "\\", "\\\"", "\\n", "\\u0041", "\\ud800", "\\", "“”", "a,b", "a;b",
        "a|b",
    ];
    let words = [
        "null",
        "NULL",
        "None",
        "\\N",
        "true",
        "NaN",
        "-0",
        "1e1000",
        "007",
        "0x1f",
        "2023-02-29",
        "__HIVE_DEFAULT_PARTITION__",
    ];
    let formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|'/C calc'!A0"];
    let codes = [
        "{\"a\":1}",
        "{}",
        "[1]",
        "</script>",
        "<!--",
        "'; DROP TABLE texts; --",
        "${env:HOME}",
        "%s%n",
        "%00",
        "../../x",
        "#",
        "~",
    ];
    let letters = [
        "é",
        "e\u{301}",
        "ﬀ",
        "ß",
        "İ",
        "ı",
        "日本語",
        "𝒳",
        "😀",
        "👨\u{200d}👩\u{200d}👧",
        "🇩🇪",
        "\u{fffd}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{e000}",
        "\u{10ffff}",
    ];
    let all = [&separators[..], &blanks, &directions, &quotes, &words, &formulas, &codes, &letters].concat();
    let long = ["a".repeat(500_000), "\n\"\\".repeat(10_000), format!("a{}", "\u{301}".repeat(1000)), controls];
    all.into_iter().map(str::to_owned).chain(long).collect()
}

#[test]
fn every_text_comes_out_of_a_csv_file_and_a_topic_as_it_went_in() {
    let texts = naughty();
    let mut csv = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    csv.write_record(["id", "text"]).unwrap();
    for (id, text) in texts.iter().enumerate() {
        csv.write_record([&id.to_string(), text]).unwrap();
    }
    let project = Project::new(TEXTS);
    project.write("texts.csv", csv.into_inner().unwrap());
    project.run(&[]).with_code(0).saying(&format!("{} records in", texts.len()));

    let mut expected: Vec<Row> = texts.iter().enumerate().map(|(id, text)| format!("id={id}|text={text}|")).collect();
    expected.sort_unstable();
    assert_exactly(&rows::parquet(&project, "out/parquet"), &expected, "parquet");
    assert_exactly(&rows::json(&project, "out/json"), &expected, "json");

    // To any reader of lines one record is one line.
    let files = project.files("out/json");
    let bytes: Vec<u8> = files.iter().flat_map(|file| fs::read(file).unwrap()).collect();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), texts.len());
    assert!(bytes.iter().all(|byte| *byte == b'\n' || *byte >= 0x20));
}

#[test]
fn a_record_that_was_written_over_many_lines_is_one_line() {
    let project = Project::new(letters::READER);
    project.write("more.csv", "id,number\n1000,1\n");
    let payloads = [
        "{\n  \"id\": 0,\n  \"number\": 1\n}\n",
        "{\r\n\t\"id\": 1,\r\n\t\"number\": 1\r\n}\r\n",
        "\n\n{\"number\":\n1\n,\n\"id\"\n:\n2}",
        "{\"id\":3,\"number\":1,\"text\":\"\u{2028}\u{2029}\u{85}\"}",
    ];
    let payloads = payloads.map(|payload| Some(payload.as_bytes()));
    letters::produce(&project, "store", "numbers", &payloads);
    project.run(&[]).with_code(0);
    let mut expected: Vec<Row> = [0, 1, 2, 3, 1000].map(|id| format!("id={id}|number=1|")).to_vec();
    expected.sort_unstable();
    assert_exactly(&rows::json(&project, "out"), &expected, "json");
    let text: String = project.files("out").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    assert_eq!(text.lines().count(), expected.len());
    assert!(text.chars().all(|c| c == '\n' || !c.is_whitespace()), "{text}");
}
