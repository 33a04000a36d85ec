//! Fields that do not belong there, that are missing, or that are of another kind.

use super::{SINK, assert_said};

#[tokio::test]
async fn a_field_that_nobody_knows_is_named_at_every_level_with_those_that_there_are() {
    assert_said(&[
        ("name: stocks", "name: stocks\nversion: 2", "p.yaml:2:1: error: version: unknown field, expected one of name, delivery, sources, topic, sinks, memory, errors, embedded, kafka, report"),
        ("name: stocks", "name: stocks\nsink: []", "p.yaml:2:1: error: sink: unknown field, expected one of name, delivery, sources, topic, sinks, memory, errors, embedded, kafka, report"),
        ("type: csv", "type: csv\n    task: 2", "p.yaml:4:5: error: sources[0].task: unknown field, did you mean `tasks`? expected one of name, type, tasks, config, transforms"),
        ("path: stocks.csv", "path: stocks.csv, folow: true", "p.yaml:4:33: error: sources[0].config.folow: unknown field, did you mean `follow`? expected one of path, delimiter, follow"),
        ("path: stocks.csv", "path: stocks.csv, plugin.library.paths: /tmp", "p.yaml:4:33: error: sources[0].config.\"plugin.library.paths\": unknown field, expected one of path, delimiter, follow"),
        ("path: stocks.csv }", "path: stocks.csv }\n    transforms: [{ type: rename, wen: x }]", "p.yaml:5:20: error: sources[0].transforms[0].config.fields: missing, expected a mapping\np.yaml:5:34: error: sources[0].transforms[0].wen: unknown field, did you mean `when`? expected one of type, config, when"),
        ("path: stocks.csv }", "path: stocks.csv }\n    transforms: [{ type: rename, config: { fields: {}, x: 1 } }]", "p.yaml:5:56: error: sources[0].transforms[0].config.x: unknown field, expected `fields`"),
        ("key: symbol", "key: symbol\n  partitons: 3", "p.yaml:9:3: error: topic.partitons: unknown field, expected one of name, partitions, key, timestamp, rate, format, schema, create"),
        ("key: symbol", "key: symbol\n  replication: 3", "p.yaml:9:3: error: topic.replication: unknown field, expected one of name, partitions, key, timestamp, rate, format, schema, create"),
        ("key: symbol", "key: symbol\n  format: { type: json, confg: {} }", "p.yaml:9:25: error: topic.format.confg: unknown field, did you mean `config`? expected one of type, config"),
        ("key: symbol", "key: symbol\n  format: { type: json, config: { pretty: true } }", "p.yaml:9:25: error: topic.format.config: found `true`, expected a mapping"),
        ("key: symbol", "key: symbol\n  format: { name: json }", "p.yaml:9:3: error: topic.format.type: missing, expected a text\np.yaml:9:13: error: topic.format.name: unknown field, expected one of type, config"),
        (SINK, "[symbol] }\n    task: 2\n", "p.yaml:17:5: error: sinks[0].task: unknown field, did you mean `tasks`? expected one of name, type, tasks, config, transforms, flush, hooks, reconcile"),
        (SINK, "[symbol], urls: x }\n", "p.yaml:16:65: error: sinks[0].config.urls: unknown field, expected one of url, partition_by, compression, part_size, secret_key"),
        (SINK, "[symbol] }\n    flush: { row: 5 }\n", "p.yaml:17:14: error: sinks[0].flush.row: unknown field, did you mean `rows`? expected one of rows, bytes, every, idle, memory"),
        (SINK, "[symbol] }\n    flush: { every: 5m, interval: 5m }\n", "p.yaml:17:25: error: sinks[0].flush.interval: unknown field, expected one of rows, bytes, every, idle, memory"),
        (SINK, "[symbol] }\n    hooks: [{ type: table, config: { table: t }, when: flush }]\n", "p.yaml:17:50: error: sinks[0].hooks[0].when: unknown field, expected one of type, config"),
        (SINK, "[symbol] }\n    hooks: [{ type: table, config: { tabel: t } }]\n", "p.yaml:17:38: error: sinks[0].hooks[0].config.tabel: unknown field, did you mean `table`? expected one of table, checks"),
        (
            SINK,
            "[symbol] }\n    hooks: [{ type: table, config: { table: t, checks: [{ type: not_null, columns: [], x: 1 }] } }]\n",
            "p.yaml:17:88: error: sinks[0].hooks[0].config.checks[0].x: unknown field, expected one of type, columns",
        ),
        (SINK, "[symbol] }\n    transforms: [{ type: rename, config: { fields: {} }, if: x }]\n", "p.yaml:17:58: error: sinks[0].transforms[0].if: unknown field, expected one of type, config, when"),
        (SINK, "[symbol] }\n    transforms: [{ type: rename, config: { field: {} } }]\n", "p.yaml:17:44: error: sinks[0].transforms[0].config.field: unknown field, did you mean `fields`? expected `fields`"),
        (SINK, "[symbol] }\nerrors: { tolerence: none }\n", "p.yaml:17:11: error: errors.tolerence: unknown field, did you mean `tolerance`? expected one of tolerance, dead_letter_topic, retry"),
        (SINK, "[symbol] }\nerrors: { retry: { retries: 5 } }\n", "p.yaml:17:20: error: errors.retry.retries: unknown field, expected one of timeout, pause, max_pause"),
        (SINK, "[symbol] }\nembedded: { folder: store }\n", "p.yaml:17:13: error: embedded.folder: unknown field, expected one of path, in_memory, retention"),
        (SINK, "[symbol] }\nreport: [{ title: x, sql: SELECT 1, query: x }]\n", "p.yaml:17:37: error: report[0].query: unknown field, expected one of title, sql"),
        ("path: stocks.csv", "path: stocks.csv, \"\": 1", "p.yaml:4:33: error: sources[0].config.\"\": unknown field, expected one of path, delimiter, follow"),
        ("path: stocks.csv", "path: stocks.csv, 5: 1", "p.yaml:4:33: error: sources[0].config[5]: unknown field, expected one of path, delimiter, follow"),
        ("path: stocks.csv", "path: stocks.csv, Path: b.csv", "p.yaml:4:33: error: sources[0].config.Path: unknown field, expected one of path, delimiter, follow"),
    ])
    .await;
}

#[tokio::test]
async fn a_field_that_is_missing_is_named_with_what_belongs_there() {
    assert_said(&[
        ("name: stocks\n", "", "p.yaml:1:1: error: name: missing, expected a text"),
        ("  name: demo_testing2\n", "", "p.yaml:5:1: error: topic.name: missing, expected a text"),
        ("type: csv\n    config", "config", "p.yaml:3:5: error: sources[0].type: missing, expected a text"),
        ("    config: { path: stocks.csv }\n", "", "p.yaml:3:5: error: sources[0].config.path: missing, expected a text"),
        ("{ path: stocks.csv }", "{}", "p.yaml:4:5: error: sources[0].config.path: missing, expected a text"),
        ("path: stocks.csv }", "path: stocks.csv }\n    transforms: [{ config: {} }]", "p.yaml:5:20: error: sources[0].transforms[0].type: missing, expected a text"),
        ("path: stocks.csv }", "path: stocks.csv }\n    transforms: [{ type: rename }]", "p.yaml:5:20: error: sources[0].transforms[0].config.fields: missing, expected a mapping"),
        ("type: lake\n    config", "config", "p.yaml:15:5: error: sinks[0].type: missing, expected a text"),
        ("url: file:///lake/stocks, ", "", "p.yaml:16:5: error: sinks[0].config.url: missing, expected a text"),
        ("key: symbol", "key: symbol\n  format: {}", "p.yaml:9:3: error: topic.format.type: missing, expected a text"),
        (SINK, "[symbol] }\n    hooks: [{}]\n", "p.yaml:17:13: error: sinks[0].hooks[0].type: missing, expected a text"),
        (SINK, "[symbol] }\n    hooks: [{ type: table }]\n", "p.yaml:17:15: error: sinks[0].hooks[0].config.table: missing, expected a text"),
        (SINK, "[symbol] }\n    hooks: [{ type: table, config: { table: t, checks: [{}] } }]\n", "p.yaml:17:57: error: sinks[0].hooks[0].config.checks[0].type: missing, expected `not_null`\np.yaml:17:57: error: sinks[0].hooks[0].config.checks[0].columns: missing, expected a list"),
        (SINK, "[symbol] }\n    hooks: [{ type: table, config: { table: t, checks: [{ type: between }] } }]\n", "p.yaml:17:59: error: sinks[0].hooks[0].config.checks[0].column: missing, expected a text\np.yaml:17:59: error: sinks[0].hooks[0].config.checks[0].min: missing, expected a number"),
        (SINK, "[symbol] }\nreport: [{ sql: SELECT 1 }]\n", "p.yaml:17:12: error: report[0].title: missing, expected a text that is not empty"),
        (SINK, "[symbol] }\nreport: [{ title: x }]\n", "p.yaml:17:12: error: report[0].sql: missing, expected a text that is not empty"),
        (SINK, "[symbol] }\nerrors: { tolerance: all }\n", "p.yaml:17:22: error: errors.tolerance: `all` needs a `dead_letter_topic` for the records that nobody accepts"),
        (
            "  schema:\n    symbol: string not null\n    price: double\n    event_time: timestamp\n",
            "",
            "p.yaml:5:1: error: topic.schema: missing, expected a mapping of 1 to 4000 fields",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_value_of_another_kind_is_named_with_the_kind_that_belongs_there() {
    assert_said(&[
        ("name: stocks", "name: [stocks]", "p.yaml:1:1: error: name: found a list, expected a text"),
        ("name: stocks", "name:", "p.yaml:1:1: error: name: found nothing, expected a text"),
        ("name: stocks", "name: 5", "p.yaml:1:7: error: name: found `5`, expected a text, in quotes"),
        ("name: stocks", "name: stocks\ndelivery: 1", "p.yaml:2:11: error: delivery: found `1`, expected one of at_most_once, at_least_once, exactly_once"),
        ("name: stocks", "name: stocks\ndelivery: exactly-once", "p.yaml:2:11: error: delivery: found the text `exactly-once`, did you mean `exactly_once`? expected one of at_most_once, at_least_once, exactly_once"),
        ("sources:\n  - type: csv\n    config: { path: stocks.csv }", "sources: csv", "p.yaml:2:10: error: sources: found the text `csv`, expected a list"),
        ("sources:\n  - type: csv\n    config: { path: stocks.csv }", "sources: { type: csv }", "p.yaml:2:1: error: sources: found a mapping, expected a list"),
        ("sources:\n  - type: csv\n    config: { path: stocks.csv }", "sources: [csv]", "p.yaml:2:11: error: sources[0]: found the text `csv`, expected a mapping"),
        ("sources:\n  - type: csv\n    config: { path: stocks.csv }", "sources:", "p.yaml:2:1: error: sources: found nothing, expected a list"),
        ("type: csv", "type: [csv]", "p.yaml:3:5: error: sources[0].type: found a list, expected a text"),
        ("type: csv", "type:", "p.yaml:3:5: error: sources[0].type: found nothing, expected a text"),
        ("{ path: stocks.csv }", "stocks.csv", "p.yaml:4:13: error: sources[0].config: found the text `stocks.csv`, expected a mapping"),
        ("{ path: stocks.csv }", "[stocks.csv]", "p.yaml:4:5: error: sources[0].config: found a list, expected a mapping"),
        ("    config: { path: stocks.csv }", "    config:", "p.yaml:4:5: error: sources[0].config: found nothing, expected a mapping"),
        ("path: stocks.csv", "path: [a.csv, b.csv]", "p.yaml:4:15: error: sources[0].config.path: found a list, expected a text"),
        ("path: stocks.csv", "path: 2024", "p.yaml:4:21: error: sources[0].config.path: found `2024`, expected a text, in quotes"),
        ("path: stocks.csv", "path: true", "p.yaml:4:21: error: sources[0].config.path: found `true`, expected a text, in quotes"),
        ("path: stocks.csv", "path: a.csv, follow: 1", "p.yaml:4:36: error: sources[0].config.follow: found `1`, expected true or false"),
        ("path: stocks.csv }", "path: stocks.csv }\n    transforms: { type: rename }", "p.yaml:5:5: error: sources[0].transforms: found a mapping, expected a list"),
        ("path: stocks.csv }", "path: stocks.csv }\n    transforms: [rename]", "p.yaml:5:18: error: sources[0].transforms[0]: found the text `rename`, expected a mapping"),
        ("key: symbol", "key: [symbol]", "p.yaml:8:3: error: topic.key: found a list, expected a text"),
        ("partitions: 6", "partitions: six", "p.yaml:7:15: error: topic.partitions: found the text `six`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: [6]", "p.yaml:7:3: error: topic.partitions: found a list, expected an integer from 1 to 10000"),
        ("partitions: 6", "format: [json]", "p.yaml:7:3: error: topic.format: found a list, expected a text or a mapping"),
        ("partitions: 6", "format: 1", "p.yaml:7:11: error: topic.format: found `1`, expected a text or a mapping"),
        ("price: double", "price: { type: double }", "p.yaml:12:5: error: topic.schema.price: found a mapping, expected a text"),
        ("price: double", "price:", "p.yaml:12:5: error: topic.schema.price: found nothing, expected a text"),
        ("price: double", "price: 8", "p.yaml:12:12: error: topic.schema.price: found `8`, expected a text, in quotes"),
        ("type: lake", "type: { name: lake }", "p.yaml:15:5: error: sinks[0].type: found a mapping, expected a text"),
        ("partition_by: [symbol]", "partition_by: symbol", "p.yaml:16:55: error: sinks[0].config.partition_by: found the text `symbol`, expected a list"),
        ("partition_by: [symbol]", "partition_by: [[symbol]]", "p.yaml:16:56: error: sinks[0].config.partition_by[0]: found a list, expected a text"),
        ("partition_by: [symbol]", "partition_by: { symbol: true }", "p.yaml:16:41: error: sinks[0].config.partition_by: found a mapping, expected a list"),
        ("partition_by: [symbol]", "compression: true", "p.yaml:16:54: error: sinks[0].config.compression: found `true`, expected one of none, gzip, zstd"),
        ("partition_by: [symbol]", "compression: 9", "p.yaml:16:54: error: sinks[0].config.compression: found `9`, expected one of none, gzip, zstd"),
        (SINK, "[symbol] }\n    tasks: two\n", "p.yaml:17:12: error: sinks[0].tasks: found the text `two`, expected an integer from 1 to 1024"),
        (SINK, "[symbol] }\n    flush: 5m\n", "p.yaml:17:12: error: sinks[0].flush: found the text `5m`, expected a mapping"),
        (SINK, "[symbol] }\n    flush: { rows: many }\n", "p.yaml:17:20: error: sinks[0].flush.rows: found the text `many`, expected an integer of at least 1"),
        (SINK, "[symbol] }\n    hooks: table\n", "p.yaml:17:12: error: sinks[0].hooks: found the text `table`, expected a list"),
        (SINK, "[symbol] }\n    hooks: [table]\n", "p.yaml:17:13: error: sinks[0].hooks[0]: found the text `table`, expected a mapping"),
        (SINK, "[symbol] }\n    hooks: [{ type: table, config: { table: t, checks: [not_null] } }]\n", "p.yaml:17:57: error: sinks[0].hooks[0].config.checks[0]: found the text `not_null`, expected a mapping"),
        (
            SINK,
            "[symbol] }\n    hooks: [{ type: table, config: { table: t, checks: [{ type: between, column: price, min: low }] } }]\n",
            "p.yaml:17:94: error: sinks[0].hooks[0].config.checks[0].min: found the text `low`, expected a number",
        ),
        (SINK, "[symbol] }\nerrors: none\n", "p.yaml:17:9: error: errors: found the text `none`, expected a mapping"),
        (SINK, "[symbol] }\nerrors: { tolerance: true }\n", "p.yaml:17:22: error: errors.tolerance: found `true`, expected one of none, all"),
        (SINK, "[symbol] }\nerrors: { retry: 5 }\n", "p.yaml:17:18: error: errors.retry: found `5`, expected a mapping"),
        (SINK, "[symbol] }\nembedded: true\n", "p.yaml:17:11: error: embedded: found `true`, expected a mapping"),
        (SINK, "[symbol] }\nembedded: { in_memory: 1 }\n", "p.yaml:17:24: error: embedded.in_memory: found `1`, expected true or false"),
        (SINK, "[symbol] }\nembedded: { path: '' }\n", "p.yaml:17:19: error: embedded.path: found an empty text, expected a text that is not empty"),
        (SINK, "[symbol] }\nreport: SELECT 1\n", "p.yaml:17:9: error: report: found the text `SELECT 1`, expected a list"),
        (SINK, "[symbol] }\nreport: [SELECT 1]\n", "p.yaml:17:10: error: report[0]: found the text `SELECT 1`, expected a mapping"),
        (SINK, "[symbol] }\nreport: [{ title: '', sql: SELECT 1 }]\n", "p.yaml:17:19: error: report[0].title: found an empty text, expected a text that is not empty"),
    ])
    .await;
}

#[tokio::test]
async fn a_type_that_is_not_linked_is_named_with_those_that_are() {
    assert_said(&[
        ("type: csv", "type: postgres", "p.yaml:3:11: error: sources[0].type: unknown source `postgres`, expected one of csv, socket"),
        ("type: csv", "type: CSV", "p.yaml:3:11: error: sources[0].type: unknown source `CSV`, did you mean `csv`? expected one of csv, socket"),
        ("type: csv", "type: ''", "p.yaml:3:11: error: sources[0].type: unknown source ``, expected one of csv, socket"),
        ("type: csv", "type: lake", "p.yaml:3:11: error: sources[0].type: `lake` is a sink, expected a source"),
        ("type: lake", "type: csv", "p.yaml:15:11: error: sinks[0].type: `csv` is a source, expected a sink"),
        ("type: lake", "type: lakes", "p.yaml:15:11: error: sinks[0].type: unknown sink `lakes`, did you mean `lake`? expected one of console, lake"),
        ("path: stocks.csv }", "path: stocks.csv }\n    transforms: [{ type: renam }]", "p.yaml:5:26: error: sources[0].transforms[0].type: unknown transform `renam`, did you mean `rename`? expected `rename`"),
        ("path: stocks.csv }", "path: stocks.csv }\n    transforms: [{ type: table }]", "p.yaml:5:26: error: sources[0].transforms[0].type: `table` is a hook, expected a transform"),
        ("key: symbol", "key: symbol\n  format: avro", "p.yaml:9:11: error: topic.format: unknown converter `avro`, expected `json`"),
        ("key: symbol", "key: symbol\n  format: { type: avro }", "p.yaml:9:19: error: topic.format.type: unknown converter `avro`, expected `json`"),
        ("key: symbol", "key: symbol\n  format: ''", "p.yaml:9:11: error: topic.format: unknown converter ``, expected `json`"),
        (SINK, "[symbol] }\n    hooks: [{ type: glue_table, config: { database: x } }]\n", "p.yaml:17:21: error: sinks[0].hooks[0].type: unknown hook `glue_table`, expected `table`"),
        (SINK, "[symbol] }\n    hooks: [{ type: rename }]\n", "p.yaml:17:21: error: sinks[0].hooks[0].type: `rename` is a transform, expected a hook"),
    ])
    .await;
}

#[tokio::test]
async fn a_type_of_a_column_that_is_none_is_told_with_those_that_there_are() {
    assert_said(&[
        ("price: double", "price: number", "p.yaml:12:12: error: topic.schema.price: `number` is no type, did you mean `double`? expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: long", "p.yaml:12:12: error: topic.schema.price: `long` is no type, did you mean `bigint`? expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: ''", "p.yaml:12:12: error: topic.schema.price: the type is missing, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: double nul", "p.yaml:12:12: error: topic.schema.price: `double nul` is no type, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: not null", "p.yaml:12:12: error: topic.schema.price: the type is missing, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: decimal", "p.yaml:12:12: error: topic.schema.price: `decimal` is no type, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: decimal(0,0)", "p.yaml:12:12: error: topic.schema.price: `decimal(0,0)` is no decimal type, expected decimal(precision,scale) with 1 to 38 digits, such as decimal(18,6)"),
        ("price: double", "price: decimal(39,2)", "p.yaml:12:12: error: topic.schema.price: `decimal(39,2)` is no decimal type, expected decimal(precision,scale) with 1 to 38 digits, such as decimal(18,6)"),
        ("price: double", "price: decimal(4,5)", "p.yaml:12:12: error: topic.schema.price: `decimal(4,5)` is no decimal type, expected decimal(precision,scale) with 1 to 38 digits, such as decimal(18,6)"),
        ("price: double", "price: decimal(4,-1)", "p.yaml:12:12: error: topic.schema.price: `decimal(4,-1)` is no decimal type, expected decimal(precision,scale) with 1 to 38 digits, such as decimal(18,6)"),
        ("price: double", "price: decimal(99999999999,2)", "p.yaml:12:12: error: topic.schema.price: `decimal(99999999999,2)` is no decimal type, expected decimal(precision,scale) with 1 to 38 digits, such as decimal(18,6)"),
        ("price: double", "price: timestamp(9)", "p.yaml:12:12: error: topic.schema.price: `timestamp(9)` is no type, did you mean `timestamp`? expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: array<>", "p.yaml:12:12: error: topic.schema.price: the type is missing, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: array<double", "p.yaml:12:12: error: topic.schema.price: `array<double` is no type, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: array<long>", "p.yaml:12:12: error: topic.schema.price: `long` is no type, did you mean `bigint`? expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: array<int,int>", "p.yaml:12:12: error: topic.schema.price: `int,int` is no type, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: struct<>", "p.yaml:12:12: error: topic.schema.price: `struct<>` is no struct type, expected struct<name:type,…>"),
        ("price: double", "price: struct<a>", "p.yaml:12:12: error: topic.schema.price: `struct<a>` is no struct type, expected struct<name:type,…>"),
        ("price: double", "price: 'struct<a:>'", "p.yaml:12:12: error: topic.schema.price: the type is missing, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: 'struct<:int>'", "p.yaml:12:12: error: topic.schema.price: `struct<:int>` is no struct type, expected struct<name:type,…>"),
        ("price: double", "price: 'struct<a:int,a:int>'", "p.yaml:12:12: error: topic.schema.price: a struct with the fields `a` and `a`, which tables do not tell apart; expected another name"),
        ("price: double", "price: 'struct<a:int,A:int>'", "p.yaml:12:12: error: topic.schema.price: a struct with the fields `a` and `A`, which tables do not tell apart; expected another name"),
        ("price: double", "price: 'struct<a:int,b:struct<c:lng>>'", "p.yaml:12:12: error: topic.schema.price: `lng` is no type, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: 'map<string,int>'", "p.yaml:12:12: error: topic.schema.price: `map<string,int>` is no type, expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
        ("price: double", "price: varchar(10)", "p.yaml:12:12: error: topic.schema.price: `varchar(10)` is no type, did you mean `string`? expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>"),
    ])
    .await;
}

#[tokio::test]
async fn a_type_that_nests_deeper_than_any_record_is_refused_and_not_followed() {
    let of = |depth: usize| format!("price: {}int{}", "array<".repeat(depth), ">".repeat(depth));
    assert_said(&[
        (
            "price: double",
            &of(40),
            "p.yaml:12:12: error: topic.schema.price: the type nests deeper than 32 levels, expected a flatter one",
        ),
        (
            "price: double",
            &of(100_000),
            "p.yaml:12:12: error: topic.schema.price: the type has 700003 bytes, expected at most 65536",
        ),
    ])
    .await;
}
