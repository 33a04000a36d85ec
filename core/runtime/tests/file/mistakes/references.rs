//! What names something that is not there, or contradicts another part of the file.

use super::{SINK, assert_said, assert_text_said};

#[tokio::test]
async fn a_column_that_the_schema_lacks_is_told_with_those_that_it_has() {
    assert_said(&[
        ("key: symbol", "key: symbl", "p.yaml:8:8: error: topic.key: `symbl` is no column of the topic, did you mean `symbol`? expected one of symbol, price, event_time"),
        ("key: symbol", "key: Symbol", "p.yaml:8:8: error: topic.key: `Symbol` is no column of the topic, did you mean `symbol`? expected one of symbol, price, event_time"),
        ("key: symbol", "key: ''", "p.yaml:8:8: error: topic.key: `` is no column of the topic, expected one of symbol, price, event_time"),
        ("key: symbol", "key: x", "p.yaml:8:8: error: topic.key: `x` is no column of the topic, expected one of symbol, price, event_time"),
        ("timestamp: event_time", "timestamp: event_tme", "p.yaml:9:14: error: topic.timestamp: `event_tme` is no column of the topic, did you mean `event_time`? expected one of symbol, price, event_time"),
        ("timestamp: event_time", "timestamp: price", "p.yaml:9:14: error: topic.timestamp: `price` is of type double, expected a column of type timestamp"),
        ("[symbol]", "[day]", "p.yaml:16:56: error: sinks[0].config.partition_by[0]: `day` is no column of the records"),
        (SINK, "[symbol] }\n    transforms: [{ type: rename, config: { fields: { x: y } } }]\n", "p.yaml:17:20: error: sinks[0].transforms[0]: `x` is no column of the records"),
        (SINK, "[symbol] }\n    transforms: [{ type: rename, config: { fields: {} }, when: x > 1 }]\n", "p.yaml:17:64: error: sinks[0].transforms[0].when: `x` is no column of the records"),
        (SINK, "[symbol] }\n    transforms: [{ type: rename, config: { fields: { price: SYMBOL } } }]\n", "p.yaml:17:5: error: sinks[0].transforms: leave `symbol` and `SYMBOL`, which tables do not tell apart; expected another name"),
        (SINK, "[symbol] }\n    transforms: [{ type: rename, config: { fields: { symbol: s } } }]\n", "p.yaml:16:56: error: sinks[0].config.partition_by[0]: `symbol` is no column of the records"),
    ])
    .await;
}

#[tokio::test]
async fn a_key_needs_a_column_with_a_plain_text() {
    assert_said(&[
        ("symbol: string not null", "symbol: binary", "p.yaml:8:8: error: topic.key: `symbol` is of type binary, which has no plain text; expected another column"),
        ("symbol: string not null", "symbol: array<string>", "p.yaml:8:8: error: topic.key: `symbol` is of type array<string>, which has no plain text; expected another column"),
        ("symbol: string not null", "symbol: 'struct<a:int>'", "p.yaml:8:8: error: topic.key: `symbol` is of type struct<a:int>, which has no plain text; expected another column"),
    ])
    .await;
}

#[tokio::test]
async fn more_than_the_parts_deliver_is_refused_with_the_part_and_what_it_delivers() {
    let console = "[symbol] }\n  - type: console\n";
    assert_said(&[
        (SINK, &format!("{console}delivery: exactly_once\n"), "p.yaml:18:11: error: delivery: `exactly_once` is more than sinks[1] (`console`) gives, expected `at_least_once` or less"),
        ("type: csv\n    config: { path: stocks.csv }", "type: socket\n    config: { port: 1 }\ndelivery: at_least_once", "p.yaml:5:11: error: delivery: `at_least_once` is more than sources[0] (`socket`) gives, expected `at_most_once` or less"),
        (SINK, "[symbol] }\ndelivery: exactly_once\nembedded: { in_memory: true }\n", "p.yaml:17:11: error: delivery: `exactly_once` is more than embedded.in_memory (`a topic in memory`) gives, expected `at_least_once` or less"),
        (SINK, "[symbol] }\ndelivery: exactly once\n", "p.yaml:17:11: error: delivery: found the text `exactly once`, did you mean `exactly_once`? expected one of at_most_once, at_least_once, exactly_once"),
        (SINK, "[symbol] }\ndelivery: ''\n", "p.yaml:17:11: error: delivery: found an empty text, expected one of at_most_once, at_least_once, exactly_once"),
    ])
    .await;
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_told() {
    assert_said(&[
        (SINK, "[symbol] }\nerrors: { tolerance: all }\n", "p.yaml:17:22: error: errors.tolerance: `all` needs a `dead_letter_topic` for the records that nobody accepts"),
        (SINK, "[symbol] }\nerrors: { dead_letter_topic: d }\n", "p.yaml:17:11: error: errors.dead_letter_topic: has no use under `tolerance: none`, expected `tolerance: all`"),
        (SINK, "[symbol] }\nerrors: { tolerance: none, dead_letter_topic: d }\n", "p.yaml:17:28: error: errors.dead_letter_topic: has no use under `tolerance: none`, expected `tolerance: all`"),
        (SINK, "[symbol] }\nerrors: { tolerance: al, dead_letter_topic: d }\n", "p.yaml:17:22: error: errors.tolerance: found the text `al`, did you mean `all`? expected one of none, all"),
        (SINK, "[symbol] }\n  - type: console\n    reconcile: {}\n", "p.yaml:18:5: error: sinks[1].reconcile: has no use here: `console` leaves no files that could be compared"),
        (SINK, "[symbol] }\n    reconcile: { on_failure: stop }\n", "p.yaml:17:30: error: sinks[0].reconcile.on_failure: found the text `stop`, expected one of fail, warn"),
        (SINK, "[symbol] }\nembedded: { in_memory: true, path: x }\n", "p.yaml:17:30: error: embedded.path: has no use under `in_memory: true`, expected one of the two"),
    ])
    .await;
    let topic = "name: a\ntopic: { name: t, schema: { x: int } }\n";
    assert_text_said(&[
        (topic, "p.yaml:1:1: error: the file has neither `sources` nor `sinks`, expected one at least"),
        (
            &format!("{topic}sources: []\nsinks: []\n"),
            "p.yaml:1:1: error: the file has neither `sources` nor `sinks`, expected one at least",
        ),
        (
            &format!("{}sinks: [{{ type: console }}]\n", topic.replace("{ x: int }", "{}")),
            "p.yaml:2:19: error: topic.schema: found an empty mapping, expected a mapping of 1 to 4000 fields",
        ),
    ])
    .await;
}
