//! Names that are none, or that another has.

use super::{SINK, assert_said};

#[tokio::test]
async fn a_name_that_is_none_is_told_with_what_a_name_is() {
    let long = |letters: usize| "x".repeat(letters);
    assert_said(&[
        ("name: stocks", "name: ''", "p.yaml:1:7: error: name: the name is empty, expected letters, digits, `-` and `_`"),
        ("name: stocks", "name: my stocks", "p.yaml:1:7: error: name: `my stocks` has ` ` in it, expected letters, digits, `-` and `_` only"),
        ("name: stocks", "name: ../stocks", "p.yaml:1:7: error: name: `../stocks` has `.` in it, expected letters, digits, `-` and `_` only"),
        ("name: stocks", "name: a/b", "p.yaml:1:7: error: name: `a/b` has `/` in it, expected letters, digits, `-` and `_` only"),
        ("name: stocks", "name: a.b", "p.yaml:1:7: error: name: `a.b` has `.` in it, expected letters, digits, `-` and `_` only"),
        ("name: stocks", "name: größe", "p.yaml:1:7: error: name: `größe` has `ö` in it, expected letters, digits, `-` and `_` only"),
        ("name: stocks", "name: 🦀", "p.yaml:1:7: error: name: `🦀` has `🦀` in it, expected letters, digits, `-` and `_` only"),
        ("name: stocks", "name: \"a\\nb\"", "p.yaml:1:7: error: name: `a\\nb` has `\\n` in it, expected letters, digits, `-` and `_` only"),
        ("name: stocks", &format!("name: {}", long(101)), "p.yaml:1:7: error: name: the name has 101 characters, expected at most 100"),
        ("name: demo_testing2", "name: ''", "p.yaml:6:9: error: topic.name: the name is empty, expected letters, digits, `.`, `_` and `-`"),
        ("name: demo_testing2", "name: .", "p.yaml:6:9: error: topic.name: `.` is a folder, expected another name"),
        ("name: demo_testing2", "name: ..", "p.yaml:6:9: error: topic.name: `..` is a folder, expected another name"),
        ("name: demo_testing2", "name: a+b", "p.yaml:6:9: error: topic.name: `a+b` has `+` in it, expected letters, digits, `.`, `_` and `-` only"),
        ("name: demo_testing2", "name: ../../etc", "p.yaml:6:9: error: topic.name: `../../etc` has `/` in it, expected letters, digits, `.`, `_` and `-` only"),
        ("name: demo_testing2", &format!("name: {}", long(250)), "p.yaml:6:9: error: topic.name: the name has 250 characters, expected at most 249"),
        ("type: csv", "type: csv\n    name: ''", "p.yaml:4:11: error: sources[0].name: the name is empty, expected letters, digits, `-` and `_`"),
        ("type: csv", "type: csv\n    name: a.b", "p.yaml:4:11: error: sources[0].name: `a.b` has `.` in it, expected letters, digits, `-` and `_` only"),
        (SINK, "[symbol] }\n    name: a b\n", "p.yaml:17:11: error: sinks[0].name: `a b` has ` ` in it, expected letters, digits, `-` and `_` only"),
        (SINK, "[symbol] }\n    name: sources\n", "p.yaml:17:11: error: sinks[0].name: `sources` is the name of the sources' own consumer group, expected another name"),
        (SINK, "[symbol] }\n    name: SOURCES\n", "p.yaml:17:11: error: sinks[0].name: `sources` is the name of the sources' own consumer group, expected another name"),
        ("price: double", "'': double", "p.yaml:12:5: error: topic.schema.\"\": the name of the column is empty, expected one"),
        ("price: double", "' ': double", "p.yaml:12:5: error: topic.schema.\" \": the name of the column is empty, expected one"),
        ("price: double", "__offset: double", "p.yaml:12:5: error: topic.schema.__offset: names that begin with `__` are the runtime's own, expected another name"),
        (SINK, "[symbol] }\nerrors: { tolerance: all, dead_letter_topic: '' }\n", "p.yaml:17:46: error: errors.dead_letter_topic: the name is empty, expected letters, digits, `.`, `_` and `-`"),
        (SINK, "[symbol] }\nerrors: { tolerance: all, dead_letter_topic: a/b }\n", "p.yaml:17:46: error: errors.dead_letter_topic: `a/b` has `/` in it, expected letters, digits, `.`, `_` and `-` only"),
    ])
    .await;
}

#[tokio::test]
async fn two_of_one_name_are_told_also_if_they_differ_by_case_only() {
    let lake = "  - type: lake\n    config: { url: file:///other }\n";
    let of = |rest: &str| format!("[symbol] }}\n{rest}");
    assert_said(&[
        ("price: double", "symbol: double", "p.yaml:12:5: error: `symbol` is given twice, first in line 11; expected it once"),
        ("price: double", "Symbol: double", "p.yaml:12:5: error: topic.schema.Symbol: differs from `symbol` only by case, which tables do not tell apart; expected another name"),
        ("price: double", "SYMBOL: double", "p.yaml:12:5: error: topic.schema.SYMBOL: differs from `symbol` only by case, which tables do not tell apart; expected another name"),
        ("price: double", "größe: double\n    GRÖSSE: double\n    GRÖßE: double", "p.yaml:14:5: error: topic.schema.GRÖßE: differs from `größe` only by case, which tables do not tell apart; expected another name"),
        (SINK, &of(lake), "p.yaml:17:11: error: sinks[1].type: another is called `lake` too, expected a `name` that tells them apart"),
        (SINK, &of(&format!("    name: a\n{lake}    name: A\n")), "p.yaml:20:11: error: sinks[1].name: another is called `a`, expected a name that differs by more than case"),
        (SINK, &of(&format!("{lake}    name: Lake\n")), "p.yaml:19:11: error: sinks[1].name: another is called `lake`, expected a name that differs by more than case"),
        (SINK, &of("  - type: lake\n    name: b\n    config: { url: file:///lake/stocks }\n"), "p.yaml:19:5: error: sinks[1].config: writes below `file:///lake/stocks/`, and so does sinks[0]; expected a place of its own"),
        (SINK, &of("  - type: lake\n    name: b\n    config: { url: file:///lake/stocks/b }\n"), "p.yaml:19:5: error: sinks[1].config: writes below `file:///lake/stocks/b/`, and so does sinks[0]; expected a place of its own"),
        (SINK, &of("  - type: lake\n    name: b\n    config: { url: file:///lake }\n"), "p.yaml:19:5: error: sinks[1].config: writes below `file:///lake/`, and so does sinks[0]; expected a place of its own"),
        ("path: stocks.csv }", "path: stocks.csv }\n  - type: csv\n    config: { path: b.csv }", "p.yaml:5:11: error: sources[1].type: another is called `csv` too, expected a `name` that tells them apart"),
        ("type: csv", "type: csv\n    name: x\n  - { type: csv, name: X, config: { path: b.csv } }\n  - type: csv", "p.yaml:3:5: error: sources[0].config.path: missing, expected a text\np.yaml:5:24: error: sources[1].name: another is called `x`, expected a name that differs by more than case"),
        ("path: stocks.csv", "path: a.csv, path: b.csv", "p.yaml:4:28: error: `path` is given twice, first in line 4; expected it once"),
        (SINK, "[symbol] }\nsinks: []\n", "p.yaml:17:1: error: `sinks` is given twice, first in line 14; expected it once"),
        (SINK, "[symbol] }\nerrors: { tolerance: all, dead_letter_topic: demo_testing2 }\n", "p.yaml:17:46: error: errors.dead_letter_topic: `demo_testing2` is the topic of the records themselves, expected another"),
    ])
    .await;
}
