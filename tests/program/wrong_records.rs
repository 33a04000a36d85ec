//! Records that nobody accepts.

use crate::letters::{self, DEAD_LETTERS, READER};
use crate::rows::{self, Row, assert_exactly};
use crate::support::Project;

const STOCKS: &str = "\
name: stocks
sources:
  - type: csv
    config: { path: stocks.csv }
topic:
  name: stocks
  schema: { symbol: string not null, day: bigint not null, close: double }
sinks:
  - type: s3_json
    config: { url: out, compression: none }
";

/// Enough for more than one batch.
const ROWS: usize = 30_000;

fn csv(wrong: &[(usize, &str)]) -> String {
    let mut text = String::from("symbol,day,close\n");
    for day in 0..ROWS {
        let close = wrong
            .iter()
            .find(|(at, _)| *at == day)
            .map_or_else(|| format!("{}.25", day % 700), |(_, close)| (*close).to_owned());
        text.push_str(&format!("AAPL,{day},{close}\n"));
    }
    text
}

#[test]
fn a_wrong_record_stops_the_run_with_its_place_and_what_came_before_is_delivered_once_the_file_is_mended() {
    let project = Project::new(STOCKS);
    project.write("stocks.csv", csv(&[(ROWS - 2, "cheap")]));
    let failed = project.run(&[]).with_code(1).saying("stocks: failed");
    let place = format!("stocks.csv:{ROWS}:12: field `close`: `cheap` is not a double");
    let failed =
        failed.complaining(&place).complaining("errors.tolerance: all sends such records to a dead letter topic");
    assert!(!failed.err.contains("panicked"), "{}", failed.err);

    let expected = rows::csv(&csv(&[(ROWS - 2, "8.5")]));
    assert_partly_delivered(&project, &expected);

    project.run(&[]).with_code(1).complaining(&place);
    assert_partly_delivered(&project, &expected);

    project.write("stocks.csv", csv(&[(ROWS - 2, "8.5")]));
    project.run(&[]).with_code(0).saying("all delivered");
    assert_exactly(&rows::json(&project, "out"), &expected, "mended");
}

/// Asserts that there are rows, of the expected ones only, and none twice.
#[track_caller]
fn assert_partly_delivered(project: &Project, expected: &[Row]) {
    let delivered = rows::json(project, "out");
    assert!((1..expected.len()).contains(&delivered.len()), "{}", delivered.len());
    assert!(delivered.iter().all(|row| expected.binary_search(row).is_ok()));
    assert!(delivered.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_file_that_was_changed_where_it_was_read_already_is_refused() {
    let project = Project::new(STOCKS);
    project.write("stocks.csv", csv(&[]));
    project.run(&[]).with_code(0);
    let delivered = rows::json(&project, "out");

    project.write("stocks.csv", csv(&[(ROWS - 1, "0.75")]));
    let refused =
        project.run(&[]).with_code(1).complaining("stocks.csv: the file was replaced or cut after it had been read");
    refused.complaining("start over with `pipeline reset`");
    assert_exactly(&rows::json(&project, "out"), &delivered, "refused");

    project.write("stocks.csv", csv(&[]) + "IBM,0,7.5\n");
    project.run(&[]).with_code(0).saying("1 records in");
    assert_exactly(&rows::json(&project, "out"), &rows::csv(&(csv(&[]) + "IBM,0,7.5\n")), "grown");
}

#[test]
fn wrong_records_go_to_the_dead_letter_topic_with_connects_headers_and_the_others_arrive() {
    let project = Project::new(&format!("{STOCKS}{DEAD_LETTERS}"));
    project.write("stocks.csv", csv(&[(1, "cheap"), (20_000, "2,3"), (ROWS - 1, "1e999")]));
    let ended = project.run(&[]).with_code(0).saying("29,997 records out");
    ended.saying("3 to the dead letter topic");
    let good: Vec<_> = rows::csv(&csv(&[]))
        .into_iter()
        .filter(|row| !["|day=1|", "|day=20000|", "|day=29999|"].iter().any(|day| format!("|{row}").contains(day)))
        .collect();
    assert_exactly(&rows::json(&project, "out"), &good, "good records");

    let letters = letters::read(&project, ".pipeline/stocks", "dead_letters");
    assert_eq!(letters::texts(&letters), ["AAPL,1,cheap", "AAPL,20000,2,3", "AAPL,29999,1e999"]);
    let places: Vec<&str> = letters.iter().map(|letter| letter.header("place")).collect();
    assert_eq!(places, ["stocks.csv:3:8", "stocks.csv:20002:14", "stocks.csv:30001:12"]);
    let first = &letters[0];
    let headers = ["connector.name", "task.id", "stage", "class.name", "field"].map(|name| first.header(name));
    assert_eq!(headers, ["csv", "0", "TASK_POLL", "csv", "close"]);
    assert_eq!(first.header("exception.message"), "`cheap` is not a double, expected a number");

    project.run(&[]).with_code(0).saying("Nothing new");
    assert_eq!(letters::read(&project, ".pipeline/stocks", "dead_letters").len(), 3);
}

const LINES: &str = "\
name: lines
sources:
  - type: console
topic:
  name: lines
  schema: { id: bigint not null, price: double }
sinks:
  - type: s3_json
    config: { url: out, compression: none }
errors: { tolerance: all, dead_letter_topic: dead_letters }
";

#[test]
fn garbage_among_typed_lines_goes_to_the_dead_letter_topic_and_the_others_arrive() {
    let project = Project::new(LINES);
    project.write("typed", "{\"id\":1,\"price\":1.5}\nrubbish\n{\"id\":\"2\"}\n{\"id\":1.5}\n[]\n{\"id\":3}\n");
    let mut command = project.runner(&[]);
    command.stdin(std::fs::File::open(project.path("typed")).unwrap());
    crate::support::Started::new(command).end().with_code(0).saying("4 to the dead letter topic");
    assert_eq!(rows::json(&project, "out"), ["id=1|price=1.5|", "id=3|"]);
    let letters = letters::read(&project, ".pipeline/lines", "dead_letters");
    assert_eq!(letters::texts(&letters), ["rubbish", "{\"id\":\"2\"}", "{\"id\":1.5}", "[]"]);
}

/// A topic of 5 records, of which the one at offset 3 has a text where the reader wants a number.
fn reader() -> Project {
    letters::reader(READER, "0,\n1,\n2,\n3,three\n4,\n", "5,5\n")
}

#[test]
fn a_wrong_record_on_the_topic_stops_the_run_with_its_offset_after_those_before_it_are_delivered() {
    let project = reader();
    let place = "topic numbers, partition 0, offset 3: field `number`: ";
    for _ in 0..2 {
        project.run(&[]).with_code(1).complaining(place).complaining("three");
        assert_eq!(rows::json(&project, "out"), ["id=0|", "id=1|", "id=2|"]);
    }
}

#[test]
fn a_run_that_stopped_at_a_wrong_record_on_the_topic_goes_on_once_dead_letters_are_allowed() {
    let project = reader();
    project.run(&[]).with_code(1);
    project.write("pipeline.yaml", format!("{READER}{DEAD_LETTERS}"));
    project.run(&[]).with_code(0).saying("1 to the dead letter topic");
    assert_eq!(rows::json(&project, "out"), ["id=0|", "id=1|", "id=2|", "id=4|", "id=5|number=5|"]);
    let letters = letters::read(&project, "store", "dead_letters");
    assert_eq!(letters.len(), 1);
    let headers = ["topic", "partition", "offset", "stage", "field"].map(|name| letters[0].header(name));
    assert_eq!(headers, ["numbers", "0", "3", "VALUE_CONVERTER", "number"]);
    assert_eq!(letters::texts(&letters), ["{\"id\":3,\"number\":\"three\"}"]);
}

/// Payloads that another program may write, none of them a record of the reader: the field and the reason that are named.
const GARBAGE: &[(Option<&[u8]>, &str, &str)] = &[
    (None, "", "is a tombstone (a record without a value), expected a JSON object"),
    (Some(b""), "", "is empty, expected a JSON object"),
    (Some(b"{\"id\":1"), "", "is no JSON: it ends at byte 7, expected `,` or `}`"),
    (Some(b"{\"id\":1}{\"id\":2}"), "", "goes on behind its object with `{\"id\":2}`, expected one object a record"),
    (Some(b"[{\"id\":1}]"), "", "is `[{\"id\":1}]`, expected a JSON object"),
    (Some(b"\xef\xbb\xbf{\"id\":1}"), "", "begins with a byte order mark, expected a JSON object"),
    (Some(b"\xff\xfe{\0"), "", "is not UTF-8 at byte 0, expected JSON"),
    (Some(b"\0\0\0\0\x07{}"), "", "is no JSON at byte 0: found `\\u{0}`, expected a value"),
    (Some(b"{\"id\":1,\"id\":1}"), "id", "occurs twice, expected each field once"),
    (
        Some(b"{\"id\":9223372036854775808}"),
        "id",
        "`9223372036854775808` is out of range, expected a whole number (bigint)",
    ),
    (Some(b"{\"id\":1.5}"), "id", "`1.5` has a fraction, expected a whole number (bigint)"),
    (Some(b"{\"id\":\"1\"}"), "id", "`\"1\"` is a text, expected a whole number (bigint)"),
    (Some(b"{\"x\":\"\\ud800\"}"), "", "is no JSON at byte 12: \\ud800 is half a character"),
];

#[test]
fn garbage_that_another_program_wrote_goes_to_the_dead_letter_topic_as_it_is_and_its_neighbours_arrive() {
    let project = Project::new(&format!("{READER}{DEAD_LETTERS}"));
    project.write("more.csv", "id,number\n1000,1\n");
    let good: Vec<String> = (0..=GARBAGE.len()).map(|id| format!("{{\"id\":{id}.0}}")).collect();
    let mut payloads = vec![Some(good[0].as_bytes())];
    for ((garbage, ..), good) in GARBAGE.iter().zip(&good[1..]) {
        payloads.extend([*garbage, Some(good.as_bytes())]);
    }
    letters::produce(&project, "store", "numbers", &payloads);
    project.run(&[]).with_code(0).saying(&format!("{} to the dead letter topic", GARBAGE.len()));

    let mut expected: Vec<Row> = (0..=GARBAGE.len()).map(|id| format!("id={id}|")).collect();
    expected.push("id=1000|number=1|".into());
    expected.sort_unstable();
    assert_exactly(&rows::json(&project, "out"), &expected, "neighbours");

    let letters = letters::read(&project, "store", "dead_letters");
    assert_eq!(letters.len(), GARBAGE.len());
    for (at, ((payload, field, reason), letter)) in GARBAGE.iter().zip(&letters).enumerate() {
        assert_eq!(letter.record.as_deref(), *payload);
        let found = ["offset", "field", "exception.message"].map(|name| letter.header(name));
        assert_eq!(found, [&(2 * at + 1).to_string(), *field, *reason]);
    }
}

#[test]
fn what_is_wrong_with_a_csv_file_goes_to_the_dead_letter_topic_line_by_line() {
    let wrong: &[(&[u8], &str, &str)] = &[
        (b"IBM,1", "stocks.csv:3:6", "the record has 2 fields, expected 3"),
        (b"IBM,1,2,3", "stocks.csv:5:9", "the record has 4 fields, expected 3"),
        (b"IB\xff,1,2", "stocks.csv:7:1", "the field is not UTF-8, expected UTF-8 text"),
        (b"I\0M,1,2", "stocks.csv:9:1", "the field holds a NUL byte, expected text"),
        (b",1,2", "stocks.csv:11:1", "`` is null, expected a string, because the column is not null"),
        (b"IBM,1.0,2", "stocks.csv:13:5", "`1.0` is not a bigint, expected a whole number in digits"),
        (b"IBM,1,NaN", "stocks.csv:15:7", "`NaN` is not a double, expected a finite number"),
        (
            b"\"I\nB\"M,1,2",
            "stocks.csv:18:3",
            "text follows a closing quote, expected the delimiter or the end of the line",
        ),
        (b"IBM,1,\"2\nIBM,2,3\n", "stocks.csv:20:7", "the quote that opens here never closes"),
    ];
    let mut csv = b"symbol,day,close\nA,0,1\n".to_vec();
    for (at, (record, ..)) in wrong.iter().enumerate() {
        csv.extend_from_slice(record);
        if at + 1 < wrong.len() {
            csv.extend_from_slice(format!("\nA,{},1\n", at + 1).as_bytes());
        }
    }
    let project = Project::new(&format!("{STOCKS}{DEAD_LETTERS}"));
    project.write("stocks.csv", csv);
    project.run(&[]).with_code(0).saying(&format!("{} to the dead letter topic", wrong.len()));
    let good: Vec<Row> = (0..wrong.len()).map(|day| format!("close=1|day={day}|symbol=A|")).collect();
    assert_exactly(&rows::json(&project, "out"), &good, "good records");
    let letters = letters::read(&project, ".pipeline/stocks", "dead_letters");
    let found: Vec<_> = letters
        .iter()
        .map(|letter| (letter.record.as_deref().unwrap(), letter.header("place"), letter.header("exception.message")))
        .collect();
    assert_eq!(found, wrong);
}
