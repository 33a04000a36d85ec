//! What is said of a wrong file.

mod bounds;
mod encodings;
mod fields;
mod kafka;
mod limits;
mod names;
mod placeholders;
mod references;
mod scalars;
mod syntax;

use pipeline_runtime::file::Color;
use serde_json::json;

use crate::{File, GOOD};

/// The end of the good file, behind which a table's row writes more.
const SINK: &str = "[symbol] }\n";

/// What is replaced in the good file, what stands there instead, and all that is said of it, a line for each mistake.
type Row<'a> = (&'a str, &'a str, &'a str);

/// Asserts that everywhere what is said is what was expected. Shows every row that differs.
#[track_caller]
fn assert_table(rows: Vec<(String, String, String)>) {
    let wrong: Vec<String> = rows
        .into_iter()
        .filter(|(_, expected, found)| expected != found)
        .map(|(what, expected, found)| format!("{what}\n  expected {expected:?}\n  found    {found:?}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Asserts what is said of the good file with a mistake in it.
async fn assert_said(rows: &[Row<'_>]) {
    let mut found = Vec::new();
    for (what, with, expected) in rows {
        assert!(GOOD.contains(what), "the good file has no {what}");
        let file = File::new(GOOD.replacen(what, with, 1)).env("HOME", "/home/me");
        found.push(((*with).to_owned(), (*expected).to_owned(), file.lines().await.join("\n")));
    }
    assert_table(found);
}

/// Asserts what is said of a text.
async fn assert_text_said(rows: &[(&str, &str)]) {
    let rows: Vec<(&[u8], &str)> = rows.iter().map(|(text, said)| (text.as_bytes(), *said)).collect();
    assert_bytes_said(&rows).await;
}

/// Asserts what is said of bytes.
async fn assert_bytes_said(rows: &[(&[u8], &str)]) {
    let mut found = Vec::new();
    for (bytes, expected) in rows {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        found.push((shown, (*expected).to_owned(), File::new(bytes).lines().await.join("\n")));
    }
    assert_table(found);
}

/// Asserts what is said of the good file with a value set: what it is about, what is wrong, and what else helps.
async fn assert_set_said(rows: &[Row<'_>]) {
    let mut found = Vec::new();
    for (path, value, expected) in rows {
        let refused = File::new(GOOD).set(path, value).refused().await;
        let lines: Vec<String> = refused
            .iter()
            .map(|one| format!("{}: {} ({})", one.path, one.message, one.help.as_deref().unwrap_or_default()))
            .collect();
        found.push((format!("--set {path}={value}"), (*expected).to_owned(), lines.join("\n")));
    }
    assert_table(found);
}

/// Asserts that the good file with these changes is right, and what its source's config, or its topic, then holds.
async fn assert_accepted(changes: &[(&str, &str)], pointer: &str, expected: &str) {
    let text = changes.iter().fold(GOOD.to_owned(), |text, (what, with)| text.replacen(what, with, 1));
    let plan = File::new(text).loaded().await.plan;
    let found = match pointer {
        "/topic" => plan.topic.name.as_ref(),
        _ => plan.sources[0].plugin.config["path"].as_str().unwrap(),
    };
    assert_eq!(found, expected, "{changes:?}");
}

const TEN_MISTAKES: &str = "\
name: my stocks
delivry: exactly_once
sources:
  - type: cvs
    config: { path: stocks.csv }
  - type: csv
    config: { path: stocks.csv, delimiter: ab, follow: 'yes' }
topic:
  name: demo+testing
  partitions: 0
  key: symbl
  schema:
    symbol: string not null
    price: long
    __offset: bigint
sinks:
  - type: lake
    config: { urll: file:///lake, compression: zst, partition_by: [price, day] }
    flush: { every: 5, bytes: 12XB }
    hooks:
      - type: table
        config: { table: t, checks: [{ type: not_nul, columns: [price] }, { type: between, column: price }] }
errors: { tolerance: all }
";

#[tokio::test]
async fn every_mistake_of_a_file_is_named_with_its_place() {
    let expected = [
        "p.yaml:1:7: error: name: `my stocks` has ` ` in it, expected letters, digits, `-` and `_` only",
        "p.yaml:2:1: error: delivry: unknown field, did you mean `delivery`? expected one of name, delivery, sources, topic, sinks, memory, errors, embedded, kafka, report",
        "p.yaml:4:11: error: sources[0].type: unknown source `cvs`, did you mean `csv`? expected one of csv, socket",
        "p.yaml:7:44: error: sources[1].config.delimiter: found the text `ab`, expected a single character",
        "p.yaml:7:56: error: sources[1].config.follow: found the text `yes`, expected true or false",
        "p.yaml:9:9: error: topic.name: `demo+testing` has `+` in it, expected letters, digits, `.`, `_` and `-` only",
        "p.yaml:10:15: error: topic.partitions: found `0`, expected an integer from 1 to 10000",
        "p.yaml:11:8: error: topic.key: `symbl` is no column of the topic, did you mean `symbol`? expected one of symbol, price, __offset",
        "p.yaml:14:12: error: topic.schema.price: `long` is no type, did you mean `bigint`? expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>",
        "p.yaml:15:5: error: topic.schema.__offset: names that begin with `__` are the runtime's own, expected another name",
        "p.yaml:18:15: error: sinks[0].config.urll: unknown field, did you mean `url`? expected one of url, partition_by, compression, part_size, secret_key",
        "p.yaml:18:48: error: sinks[0].config.compression: found the text `zst`, did you mean `zstd`? expected one of none, gzip, zstd",
        "p.yaml:19:21: error: sinks[0].flush.every: found `5`, expected a duration above 0 with its unit, such as 30s or 1h30m",
        "p.yaml:19:31: error: sinks[0].flush.bytes: `12XB` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB",
        "p.yaml:22:46: error: sinks[0].hooks[0].config.checks[0].type: found the text `not_nul`, did you mean `not_null`? expected one of not_null, between",
        "p.yaml:22:77: error: sinks[0].hooks[0].config.checks[1].min: missing, expected a number",
        "p.yaml:23:22: error: errors.tolerance: `all` needs a `dead_letter_topic` for the records that nobody accepts",
    ];
    let lines = File::new(TEN_MISTAKES).lines().await;
    assert_eq!(lines, expected, "\n{}", lines.join("\n"));
}

#[tokio::test]
async fn a_mistake_is_drawn_as_rustc_draws_it() {
    let file = File::new(GOOD.replace("path: stocks.csv", "pth: größe.csv"));
    let folder = format!("{}/", file.folder.path().display());
    let drawn = file.refused().await.render(Color::Never).replace(&folder, "");
    let expected = "\
error: sources[0].config.pth: unknown field, did you mean `path`? expected one of path, delimiter, follow
 --> p.yaml:4:15
  |
4 |     config: { pth: größe.csv }
  |               ^^^";
    assert_eq!(drawn, expected, "\n{drawn}");
}

#[tokio::test]
async fn a_program_gets_the_same_as_a_person() {
    let file = File::new(GOOD.replace("type: lake", "type: lak"));
    let expected = json!([{
        "severity": "error",
        "file": file.path().display().to_string(),
        "line": 15,
        "column": 11,
        "path": "sinks[0].type",
        "message": "unknown sink `lak`, did you mean `lake`? expected one of console, lake",
        "help": "if its crate is in Cargo.toml, link it: `use the_crate as _;`",
    }]);
    assert_eq!(file.refused().await.to_json(), expected);
}

#[tokio::test]
async fn a_value_of_the_command_line_is_named_as_such() {
    let diagnostics = File::new(GOOD).set("sinks.0.flsh.rows", "1").set("topic.partitions", "x").refused().await;
    let found: Vec<_> =
        diagnostics.iter().map(|d| (d.place.is_none(), d.path.as_str(), d.help.as_deref().unwrap())).collect();
    let expected = [
        (true, "sinks[0].flsh", "the value comes from the command line: `--set sinks.0.flsh.rows=…`"),
        (true, "topic.partitions", "the value comes from the command line: `--set topic.partitions=…`"),
    ];
    for one in expected {
        assert!(found.contains(&one), "{found:?}");
    }
    assert_eq!(found.len(), 2, "{diagnostics}");
}

#[tokio::test]
async fn an_unknown_variable_is_one_mistake_and_hides_no_other() {
    let url = "url: \"s3://${env:BUCKET}/stocks\", partition_by: [1]";
    let text = GOOD.replace("type: csv", "type: ${env:KIND}");
    let text = text.replace("url: file:///lake/stocks, partition_by: [symbol]", url);
    let lines = File::new(text).env("BUCKETS", "x").lines().await;
    let expected = [
        "p.yaml:3:11: error: sources[0].type: the variable `KIND` is not set, expected it in the environment, or a default: ${env:KIND:-…}",
        "p.yaml:16:20: error: sinks[0].config.url: the variable `BUCKET` is not set, did you mean `BUCKETS`? expected it in the environment, or a default: ${env:BUCKET:-…}",
        "p.yaml:16:64: error: sinks[0].config.partition_by[0]: found `1`, expected a text, in quotes",
    ];
    assert_eq!(lines, expected, "\n{}", lines.join("\n"));
}

#[tokio::test]
async fn a_column_with_a_wrong_type_starts_no_chain_of_mistakes() {
    let text = GOOD.replace("event_time: timestamp\n", "event_time: timestmp\n").replace("[symbol]", "[event_time]");
    let lines = File::new(text).lines().await;
    assert_eq!(lines.len(), 1, "{}", lines.join("\n"));
    assert!(
        lines[0].starts_with("p.yaml:13:17: error: topic.schema.event_time: `timestmp` is no type"),
        "{}",
        lines[0]
    );
}

#[tokio::test]
async fn a_warning_refuses_nothing() {
    let text = GOOD.to_owned() + "    tasks: 7\n    hooks: [{ type: table, config: { table: daily } }]\n";
    let file = File::new(text);
    let warnings: Vec<String> = file.loaded().await.warnings.iter().map(|warning| warning.message.clone()).collect();
    assert_eq!(
        warnings,
        ["7 tasks share 6 partitions, so that some have nothing to do", "a daily table without a column `day`"]
    );
}
