//! What is said of a wrong file.

use std::time::{Duration, Instant};

use pipeline_runtime::file::Color;
use serde_json::json;

use crate::{File, GOOD};

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
        "p.yaml:2:1: error: delivry: unknown field, did you mean `delivery`? expected one of name, delivery, sources, topic, sinks, errors, embedded, report",
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
        "p.yaml:19:31: error: sinks[0].flush.bytes: found the text `12XB`, expected a size above 0 such as 128MiB",
        "p.yaml:22:46: error: sinks[0].hooks[0].config.checks[0].type: found the text `not_nul`, did you mean `not_null`? expected one of not_null, between",
        "p.yaml:22:77: error: sinks[0].hooks[0].config.checks[1].min: missing, expected a number",
        "p.yaml:23:22: error: errors.tolerance: `all` needs a `dead_letter_topic` for the records that nobody accepts",
    ];
    let lines = File::new(TEN_MISTAKES).lines().await;
    assert_eq!(lines, expected, "\n{}", lines.join("\n"));
}

#[tokio::test]
async fn a_wrong_file_is_refused_at_once() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..10 {
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", format!("*a{},", level - 1).repeat(9)));
    }
    let texts = [
        TEN_MISTAKES.to_owned(),
        bomb,
        format!("a: &a [{}]\nb: [{}]", "1,".repeat(1000), "*a,".repeat(100_000)),
        "[".repeat(1 << 20),
        "{".repeat(10_000),
        format!("{GOOD}x: [{}]", "1,".repeat(90_000)),
        format!("{GOOD}{}", (0..20_000).map(|n| format!("x{n}: 1\n")).collect::<String>()),
    ];
    for text in texts {
        let file = File::new(&text);
        let start = Instant::now();
        let drawn = file.refused().await.render(Color::Never);
        // The promise is 100 ms; a debug build on a busy machine gets more, and whatever is quadratic takes minutes.
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}: {}", start.elapsed(), &text[..40]);
        assert!(drawn.starts_with("error: "), "{drawn}");
    }
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
async fn one_mistake_gives_one_line() {
    let sink = "partition_by: [symbol] }\n";
    let mut wrong = Vec::new();
    for (what, with, line) in [
        ("name: stocks\n", "", "p.yaml:1:1: error: name: missing, expected a text"),
        ("name: stocks", "name: stocks\nname: b", "p.yaml:2:1: error: `name` is given twice, first in line 1"),
        ("type: csv", "type: lake", "p.yaml:3:11: error: sources[0].type: `lake` is a sink, expected a source"),
        ("key: symbol", "key: [symbol]", "p.yaml:8:3: error: topic.key: found a list, expected a text"),
        (
            "timestamp: event_time",
            "timestamp: price",
            "p.yaml:9:14: error: topic.timestamp: `price` is of type double, expected a column of type timestamp",
        ),
        (
            "price: double",
            "Symbol: double",
            "p.yaml:12:5: error: topic.schema.Symbol: differs from `symbol` only by case, which tables do not tell apart",
        ),
        (
            "partitions: 6",
            "partitions: 99999999999",
            "p.yaml:7:15: error: topic.partitions: found `99999999999`, expected an integer from 1 to 10000",
        ),
        (
            "partitions: 6",
            "partitions: '6'",
            "p.yaml:7:15: error: topic.partitions: found the text `6`, expected an integer from 1 to 10000, without quotes",
        ),
        ("partitions: 6", "partitions: .nan", "p.yaml:7:15: error: `.nan` is no number, expected a finite one"),
        (
            "partitions: 6",
            "partitions: ${env:PARTS}",
            "p.yaml:7:15: error: topic.partitions: the variable `PARTS` is not set, expected it in the environment, or a default: ${env:PARTS:-…}",
        ),
        (
            "partitions: 6",
            "format: [json]",
            "p.yaml:7:3: error: topic.format: found a list, expected a text or a mapping",
        ),
        (
            "partitions: 6",
            "format: { type: json, confg: {} }",
            "p.yaml:7:25: error: topic.format.confg: unknown field, did you mean `config`? expected one of type, config",
        ),
        (
            "partitions: 6",
            "format: avro",
            "p.yaml:7:11: error: topic.format: unknown converter `avro`, expected `json`",
        ),
        (
            sink,
            "partition_by: symbol }\n",
            "p.yaml:16:55: error: sinks[0].config.partition_by: found the text `symbol`, expected a list",
        ),
        (
            sink,
            "partition_by: [day] }\n",
            "p.yaml:16:56: error: sinks[0].config.partition_by[0]: `day` is no column of the records",
        ),
        (
            sink,
            "partition_by: [symbol] }\n    tasks: -1\n",
            "p.yaml:17:12: error: sinks[0].tasks: found `-1`, expected an integer from 1 to 1024",
        ),
        (
            sink,
            "part_size: 0MiB }\n",
            "p.yaml:16:52: error: sinks[0].config.part_size: found the text `0MiB`, expected a size above 0 such as 128MiB",
        ),
        (
            sink,
            "part_size: 0 }\n",
            "p.yaml:16:52: error: sinks[0].config.part_size: found `0`, expected a size above 0 such as 128MiB",
        ),
        (
            sink,
            "part_size: 1 }\n    flush: { rows: 0 }\n",
            "p.yaml:17:20: error: sinks[0].flush.rows: found `0`, expected an integer of at least 1",
        ),
        (
            sink,
            "part_size: 1 }\n    transforms: [{ type: rename, config: { fields: { x: y } } }]\n",
            "p.yaml:17:20: error: sinks[0].transforms[0]: `x` is no column of the records",
        ),
        (
            sink,
            "part_size: 1 }\n    transforms: [{ type: rename, config: { fields: {} }, when: x > 1 }]\n",
            "p.yaml:17:64: error: sinks[0].transforms[0].when: `x` is no column of the records",
        ),
        (
            sink,
            "part_size: 1 }\n  - type: lake\n    config: { url: file:///other }\n",
            "p.yaml:17:11: error: sinks[1].type: another is called `lake` too, expected a `name` that tells them apart",
        ),
        (
            sink,
            "part_size: 1 }\n  - type: lake\n    name: LAKE\n    config: { url: file:///other }\n",
            "p.yaml:18:11: error: sinks[1].name: `LAKE` is the name of another, expected one of its own",
        ),
        (
            sink,
            "part_size: 1 }\n  - type: lake\n    name: b\n    config: { url: file:///lake/stocks/b }\n",
            "p.yaml:19:5: error: sinks[1].config: writes below `file:///lake/stocks/b/`, and so does sinks[0]; expected a place of its own",
        ),
        (
            sink,
            "part_size: 1 }\n    name: sources\n",
            "p.yaml:17:11: error: sinks[0].name: `sources` is the name of the sources' own consumer group, expected another name",
        ),
        (
            sink,
            "part_size: 1 }\nerrors: { dead_letter_topic: d }\n",
            "p.yaml:17:11: error: errors.dead_letter_topic: has no use under `tolerance: none`, expected `tolerance: all`",
        ),
        (
            sink,
            "part_size: 1 }\nerrors: { tolerance: al, dead_letter_topic: d }\n",
            "p.yaml:17:22: error: errors.tolerance: found the text `al`, did you mean `all`? expected one of none, all",
        ),
        (
            sink,
            "part_size: 1 }\nerrors: { tolerance: all, dead_letter_topic: demo_testing2 }\n",
            "p.yaml:17:46: error: errors.dead_letter_topic: `demo_testing2` is the topic of the records themselves, expected another",
        ),
        (
            sink,
            "part_size: 1 }\nerrors: { retry: { pause: 1m } }\n",
            "p.yaml:17:27: error: errors.retry.pause: `1m` is longer than the longest pause, expected at most 10s",
        ),
        (
            sink,
            "part_size: 1 }\nembedded: { in_memory: true, path: x }\n",
            "p.yaml:17:30: error: embedded.path: has no use under `in_memory: true`, expected one of the two",
        ),
        (
            sink,
            "part_size: 1 }\nreport: [{ title: x }]\n",
            "p.yaml:17:12: error: report[0].sql: missing, expected a text that is not empty",
        ),
    ] {
        let lines = File::new(GOOD.replace(what, with)).lines().await;
        if lines != [line] {
            wrong.push(format!("{with}\n  expected {line}\n  found    {}", lines.join("\n           ")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_pipeline_needs_a_source_or_a_sink_and_a_column() {
    let topic = "name: a\ntopic: { name: t, schema: { x: int } }\n";
    let lines = File::new(topic).lines().await;
    assert_eq!(lines, ["p.yaml:1:1: error: the file has neither `sources` nor `sinks`, expected one at least"]);
    let lines = File::new(topic.replace("{ x: int }", "{}") + "sinks: [{ type: console }]\n").lines().await;
    assert_eq!(lines, ["p.yaml:2:19: error: topic.schema: found an empty mapping, expected a mapping of at least 1"]);
}

#[tokio::test]
async fn what_is_no_pipeline_file_says_what_it_is() {
    for (bytes, line) in [
        (&b""[..], "p.yaml:1:1: error: the file is empty"),
        (b"# nothing\n", "p.yaml:1:1: error: the file is empty"),
        (b"hello", "p.yaml:1:1: error: found the text `hello`, expected a mapping"),
        (b"\xff\xfeh\0", "p.yaml: error: the file is UTF-16, expected UTF-8: save it again in that encoding"),
        (b"PK\x03\x04\0", "p.yaml: error: the file is binary, expected YAML"),
        (b"a: 1\n---\nb: 2\n", "p.yaml:2:1: error: the file holds a second document, expected one pipeline a file"),
        (b"a: [1, 2\nb: 3\n", "p.yaml:2:2: error: this is no YAML: illegal placement of ':' indicator"),
    ] {
        assert_eq!(File::new(bytes).lines().await, [line]);
    }
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
        "p.yaml:16:64: error: sinks[0].config.partition_by[0]: found `1`, expected a text",
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
