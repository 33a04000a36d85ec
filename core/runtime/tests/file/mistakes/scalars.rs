//! Plain words that other readers of YAML take for something else: texts stay texts, and numbers are no texts.

use super::{assert_accepted, assert_said};

#[tokio::test]
async fn what_older_yaml_took_for_a_truth_value_a_number_or_a_date_is_a_text() {
    for text in
        ["NO", "no", "on", "Off", "yes", "y", "n", "012", "1_000", "12:30", "2024-01-01", "0b12", "1.2.3", "<<", "="]
    {
        assert_accepted(&[("path: stocks.csv", &format!("path: {text}"))], "/sources/0/config/path", text).await;
    }
}

#[tokio::test]
async fn a_word_that_is_no_truth_value_is_no_truth_value() {
    assert_said(&[
        ("path: stocks.csv", "path: x, follow: no", "p.yaml:4:32: error: sources[0].config.follow: found the text `no`, expected true or false"),
        ("path: stocks.csv", "path: x, follow: ON", "p.yaml:4:32: error: sources[0].config.follow: found the text `ON`, expected true or false"),
        ("path: stocks.csv", "path: x, follow: y", "p.yaml:4:32: error: sources[0].config.follow: found the text `y`, expected true or false"),
        ("path: stocks.csv", "path: x, follow: 'true'", "p.yaml:4:32: error: sources[0].config.follow: found the text `true`, expected true or false, without quotes"),
        ("path: stocks.csv", "path: x, follow: 0", "p.yaml:4:32: error: sources[0].config.follow: found `0`, expected true or false"),
    ])
    .await;
}

#[tokio::test]
async fn a_number_where_a_text_belongs_is_told_to_be_put_in_quotes() {
    assert_said(&[
        (
            "path: stocks.csv",
            "path: 0o14",
            "p.yaml:4:21: error: sources[0].config.path: found `12`, expected a text, in quotes",
        ),
        (
            "path: stocks.csv",
            "path: 0x1F",
            "p.yaml:4:21: error: sources[0].config.path: found `31`, expected a text, in quotes",
        ),
        (
            "path: stocks.csv",
            "path: 1.10",
            "p.yaml:4:21: error: sources[0].config.path: found `1.1`, expected a text, in quotes",
        ),
        (
            "path: stocks.csv",
            "path: 1e3",
            "p.yaml:4:21: error: sources[0].config.path: found `1000.0`, expected a text, in quotes",
        ),
        (
            "path: stocks.csv",
            "path: 7",
            "p.yaml:4:21: error: sources[0].config.path: found `7`, expected a text, in quotes",
        ),
        ("path: stocks.csv", "path: ~", "p.yaml:4:21: error: sources[0].config.path: found nothing, expected a text"),
        (
            "path: stocks.csv",
            "path: null",
            "p.yaml:4:21: error: sources[0].config.path: found nothing, expected a text",
        ),
        (
            "path: stocks.csv",
            "path: False",
            "p.yaml:4:21: error: sources[0].config.path: found `false`, expected a text, in quotes",
        ),
        (
            "path: stocks.csv",
            "path: x, delimiter: 5",
            "p.yaml:4:35: error: sources[0].config.delimiter: found `5`, expected a single character, in quotes",
        ),
        (
            "path: stocks.csv",
            "path: x, delimiter: ",
            "p.yaml:4:24: error: sources[0].config.delimiter: found nothing, expected a single character",
        ),
        (
            "[symbol]",
            "[symbol, 1]",
            "p.yaml:16:64: error: sinks[0].config.partition_by[1]: found `1`, expected a text, in quotes",
        ),
        ("key: symbol", "key: 1", "p.yaml:8:8: error: topic.key: found `1`, expected a text, in quotes"),
    ])
    .await;
}
