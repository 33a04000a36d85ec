//! `${env:NAME}` in its right and wrong forms, `--env-file` and `--set`.

use std::path::Path;

use pipeline_runtime::file::read_env_file;

use super::{assert_said, assert_set_said, assert_table};
use crate::{File, GOOD};

/// The value of `path:` that a text with placeholders gives, where A=1, EMPTY is empty, and NONE is not set.
async fn filled(text: &str) -> String {
    let file = File::new(GOOD.replace("path: stocks.csv", &format!("path: '{text}'"))).env("A", "1").env("EMPTY", "");
    let plan = file.loaded().await.plan;
    plan.sources[0].plugin.config["path"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_right_form_of_a_placeholder_gives_its_value() {
    for (text, value) in [
        ("x-${env:A}-${env:A}", "x-1-1"),
        ("${env:NONE:-d}", "d"),
        ("${env:EMPTY:-d}", "d"),
        ("${env:A:-d}", "1"),
        ("<${env:EMPTY}>", "<>"),
        ("<${env:NONE:-}>", "<>"),
        ("${env:NONE:-s3://a:b/-:-c}", "s3://a:b/-:-c"),
        ("$${env:A}", "${env:A}"),
        ("$$${env:A}", "$${env:A}"),
        ("$${", "${"),
        ("$$ $ $A 5$", "$$ $ $A 5$"),
    ] {
        assert_eq!(filled(text).await, value, "{text}");
    }
}

#[tokio::test]
async fn a_placeholder_that_is_none_is_told_with_what_would_be_one() {
    let path = "path: stocks.csv";
    assert_said(&[
        (path, "path: '${env:NONE}'", "p.yaml:4:21: error: sources[0].config.path: the variable `NONE` is not set, did you mean `HOME`? expected it in the environment, or a default: ${env:NONE:-…}"),
        (path, "path: '${env:HOMES}'", "p.yaml:4:21: error: sources[0].config.path: the variable `HOMES` is not set, did you mean `HOME`? expected it in the environment, or a default: ${env:HOMES:-…}"),
        (path, "path: '${env:NONE'", "p.yaml:4:21: error: sources[0].config.path: a `${` has no `}`, expected ${env:NAME}"),
        (path, "path: '${env:}'", "p.yaml:4:21: error: sources[0].config.path: this names no variable, expected ${env:NAME} with letters, digits and `_`, and no digit first"),
        (path, "path: '${}'", "p.yaml:4:21: error: sources[0].config.path: a `${` begins no placeholder, expected ${env:NAME}, or $${ for the text `${` itself"),
        (path, "path: '${NONE}'", "p.yaml:4:21: error: sources[0].config.path: a `${` begins no placeholder, expected ${env:NAME}, or $${ for the text `${` itself"),
        (path, "path: '${NONE:-d}'", "p.yaml:4:21: error: sources[0].config.path: a `${` begins no placeholder, expected ${env:NAME}, or $${ for the text `${` itself"),
        (path, "path: '${env:NONE-d}'", "p.yaml:4:21: error: sources[0].config.path: `NONE` is followed by what is no part of a variable's name, expected ${env:NAME} or ${env:NAME:-default}"),
        (path, "path: '${env:NONE:=d}'", "p.yaml:4:21: error: sources[0].config.path: `NONE` is followed by what is no part of a variable's name, expected ${env:NAME} or ${env:NAME:-default}"),
        (path, "path: '${env:NONE:?told}'", "p.yaml:4:21: error: sources[0].config.path: `NONE` is followed by what is no part of a variable's name, expected ${env:NAME} or ${env:NAME:-default}"),
        (path, "path: '${env: NONE }'", "p.yaml:4:21: error: sources[0].config.path: this names no variable, expected ${env:NAME} with letters, digits and `_`, and no digit first"),
        (path, "path: '${env:1ST}'", "p.yaml:4:21: error: sources[0].config.path: this names no variable, expected ${env:NAME} with letters, digits and `_`, and no digit first"),
        (path, "path: '${file:/etc/passwd}'", "p.yaml:4:21: error: sources[0].config.path: a `${` begins no placeholder, expected ${env:NAME}, or $${ for the text `${` itself"),
        (path, "path: '${ENV:HOME}'", "p.yaml:4:21: error: sources[0].config.path: a `${` begins no placeholder, expected ${env:NAME}, or $${ for the text `${` itself"),
        (path, "path: '${env:NONE:-${env:HOME}}'", "p.yaml:4:21: error: sources[0].config.path: a placeholder stands within another, expected ${env:NAME} or ${env:NAME:-default}, where the default is plain text"),
        (path, "path: '${env:${env:HOME}}'", "p.yaml:4:21: error: sources[0].config.path: a placeholder stands within another, expected ${env:NAME} or ${env:NAME:-default}, where the default is plain text"),
        (path, "path: '${env:NONE:-$${x}'", "p.yaml:4:21: error: sources[0].config.path: a placeholder stands within another, expected ${env:NAME} or ${env:NAME:-default}, where the default is plain text"),
        (path, "path: 'pa${ss}word'", "p.yaml:4:21: error: sources[0].config.path: a `${` begins no placeholder, expected ${env:NAME}, or $${ for the text `${` itself"),
        (path, "path: '${'", "p.yaml:4:21: error: sources[0].config.path: a `${` has no `}`, expected ${env:NAME}"),
        (path, "path: '${env:HOME:-${env:NONE:-x}}'", "p.yaml:4:21: error: sources[0].config.path: a placeholder stands within another, expected ${env:NAME} or ${env:NAME:-default}, where the default is plain text"),
        (path, "path: ${env:NONE}", "p.yaml:4:22: error: this is no YAML: a placeholder between brackets, expected it in quotes: '${env:NAME}'"),
        (path, "'${env:HOME}': x", "p.yaml:4:5: error: sources[0].config.path: missing, expected a text\np.yaml:4:15: error: sources[0].config.${env:HOME}: unknown field, expected one of path, delimiter, follow"),
        ("partitions: 6", "partitions: ${env:NONE:-six}", "p.yaml:7:15: error: topic.partitions: found the text `six`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: ${env:NONE:-}", "p.yaml:7:15: error: topic.partitions: found an empty text, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: ${env:NONE:-0}", "p.yaml:7:15: error: topic.partitions: found `0`, expected an integer from 1 to 10000"),
        ("type: csv", "type: ${env:NONE:-cvs}", "p.yaml:3:11: error: sources[0].type: unknown source `cvs`, did you mean `csv`? expected one of csv, socket"),
    ])
    .await;
}

#[tokio::test]
async fn a_value_of_the_command_line_is_told_with_its_path() {
    assert_set_said(&[
        ("topic.partitions", "x", "topic.partitions: found the text `x`, expected an integer from 1 to 10000 (the value comes from the command line: `--set topic.partitions=…`)"),
        ("topic.partitions", "0", "topic.partitions: found `0`, expected an integer from 1 to 10000 (the value comes from the command line: `--set topic.partitions=…`)"),
        ("topic.partitions", "", "topic.partitions: found an empty text, expected an integer from 1 to 10000 (the value comes from the command line: `--set topic.partitions=…`)"),
        ("topic.partitons", "3", "topic.partitons: unknown field, expected one of name, partitions, key, timestamp, rate, format, schema, create (the value comes from the command line: `--set topic.partitons=…`)"),
        ("topc.partitions", "3", "topc: unknown field, expected one of name, delivery, sources, topic, sinks, memory, errors, embedded, kafka, report (the value comes from the command line: `--set topc.partitions=…`)"),
        ("sinks.0.flsh.rows", "1", "sinks[0].flsh: unknown field, did you mean `flush`? expected one of name, type, tasks, config, transforms, flush, hooks, reconcile (the value comes from the command line: `--set sinks.0.flsh.rows=…`)"),
        ("sinks.1.flush.rows", "1", ": `--set sinks.1.flush.rows` names no value: `sinks` has no entry `1`, expected its only one, `0` ()"),
        ("sinks.-1.flush.rows", "1", ": `--set sinks.-1.flush.rows` names no value: `sinks` has no entry `-1`, expected its only one, `0` ()"),
        ("sinks.lake.flush.rows", "1", ": `--set sinks.lake.flush.rows` names no value: `sinks` has no entry `lake`, expected its only one, `0` ()"),
        ("sinks[0].flush.rows", "0", "sinks[0].flush.rows: found `0`, expected an integer of at least 1 (the value comes from the command line: `--set sinks[0].flush.rows=…`)"),
        ("sinks[1].flush.rows", "1", ": `--set sinks[1].flush.rows` names no value: `sinks` has no entry `1`, expected its only one, `0` ()"),
        ("sources.0.transforms.0.type", "rename", "sources[0].transforms: found a mapping, expected a list (the value comes from the command line: `--set sources.0.transforms.0.type=…`)"),
        ("topic.name.x", "1", ": `--set topic.name.x` names no value: `topic.name` is a single value, expected the path to end there ()"),
        ("topic..name", "1", ": `--set topic..name` names no value: expected names with one dot between two, such as sinks.0.flush.rows ()"),
        (".topic", "1", ": `--set .topic` names no value: expected names with one dot between two, such as sinks.0.flush.rows ()"),
        ("topic.", "1", ": `--set topic.` names no value: expected names with one dot between two, such as sinks.0.flush.rows ()"),
        ("sinks", "console", "sinks: found the text `console`, expected a list (the value comes from the command line: `--set sinks=…`)"),
        ("topic.schema.price", "long", "topic.schema.price: `long` is no type, did you mean `bigint`? expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…> (the value comes from the command line: `--set topic.schema.price=…`)"),
        ("topic.name", "${env:NONE}", "topic.name: the variable `NONE` is not set, expected it in the environment, or a default: ${env:NONE:-…} (the value comes from the command line: `--set topic.name=…`)"),
        ("sinks.0.config.url", "lake", "sinks[0].config.url: `lake` is no place for files, expected s3:// or file:// (the value comes from the command line: `--set sinks.0.config.url=…`)"),
        ("sinks.0.flush.every", "5", "sinks[0].flush.every: `5` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m (the value comes from the command line: `--set sinks.0.flush.every=…`)"),
    ])
    .await;
}

#[test]
fn a_file_of_variables_that_is_none_is_told_without_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let texts: [(&[u8], &str); 12] = [
        (b"A=1\nhunter2\n", "env:2: this is no variable, expected NAME=value"),
        (b"=hunter2\n", "env:1: this is no variable, expected NAME=value"),
        (b"A B=hunter2\n", "env:1: this is no variable, expected NAME=value"),
        (b"A: hunter2\n", "env:1: this is no variable, expected NAME=value"),
        (b"export hunter2\n", "env:1: this is no variable, expected NAME=value"),
        (b"A='hunter2\n", ""),
        (b"A=\"hunter2\n", ""),
        (b"1ST=hunter2\n", ""),
        (b"A-B=hunter2\n", ""),
        (b"\xff\xfeA\0", "env is UTF-16, expected UTF-8: save it again in that encoding"),
        (b"A=hunter2\0\n", "env is binary, expected text"),
        (
            b"A=hunter2\xff\n",
            "env is not UTF-8: line 1 holds a byte that is no character, expected it to be saved in that encoding",
        ),
    ];
    let said = |path: &Path| read_env_file(path).map(|_| ()).map_err(|said| said.to_string()).err().unwrap_or_default();
    let place = format!("{}/", folder.path().display());
    let mut rows = Vec::new();
    for (text, expected) in texts {
        let path = folder.path().join("env");
        std::fs::write(&path, text).unwrap();
        let found = said(&path);
        assert!(!found.contains("hunter2"), "{found}");
        rows.push((format!("{text:?}"), expected.to_owned(), found.replace(&place, "")));
    }
    for (path, expected) in [
        ("", " is a folder, expected a file"),
        ("none.env", "none.env does not exist, expected the path of one"),
        ("env/none.env", "env/none.env lies below a file, expected a path through folders"),
    ] {
        let found = said(&folder.path().join(path)).replace(&place, "");
        rows.push((path.to_owned(), expected.to_owned(), found));
    }
    assert_table(rows);
}

#[test]
fn a_file_of_variables_reads_as_a_shell_reads_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "\u{feff}# a comment\r\nA=1\r\nexport B=2 \n  C = 3\nD=\"x = y\"\nE='#'\nF=\nA=4\nG=a#b\n";
    std::fs::write(file.path(), text).unwrap();
    let expected = [("A", "4"), ("B", "2"), ("C", "3"), ("D", "x = y"), ("E", "#"), ("F", ""), ("G", "a#b")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(read_env_file(file.path()).unwrap(), expected.into());
}
