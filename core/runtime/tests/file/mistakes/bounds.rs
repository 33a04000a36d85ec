//! Sizes, durations and numbers that are none, or too small or too large.

use super::{SINK, assert_said};

#[tokio::test]
async fn a_size_that_is_none_or_out_of_bounds_is_told_with_its_units() {
    let size = "partition_by: [symbol]";
    assert_said(&[
        (size, "part_size: 0", "p.yaml:16:52: error: sinks[0].config.part_size: found `0`, expected a size above 0 such as 128MiB"),
        (size, "part_size: -1", "p.yaml:16:52: error: sinks[0].config.part_size: found `-1`, expected a size above 0 such as 128MiB"),
        (size, "part_size: -5MiB", "p.yaml:16:52: error: sinks[0].config.part_size: `-5MiB` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB"),
        (size, "part_size: 0MiB", "p.yaml:16:52: error: sinks[0].config.part_size: `0MiB` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB"),
        (size, "part_size: 12XB", "p.yaml:16:52: error: sinks[0].config.part_size: `12XB` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB"),
        (size, "part_size: MiB", "p.yaml:16:52: error: sinks[0].config.part_size: `MiB` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB"),
        (size, "part_size: 1.5GiB", "p.yaml:16:52: error: sinks[0].config.part_size: `1.5GiB` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB"),
        (size, "part_size: 1.5", "p.yaml:16:52: error: sinks[0].config.part_size: found `1.5`, expected a size above 0 such as 128MiB"),
        (size, "part_size: ''", "p.yaml:16:52: error: sinks[0].config.part_size: found an empty text, expected a size above 0 such as 128MiB"),
        (size, "part_size: [1]", "p.yaml:16:41: error: sinks[0].config.part_size: found a list, expected a size above 0 such as 128MiB"),
        (size, "part_size: true", "p.yaml:16:52: error: sinks[0].config.part_size: found `true`, expected a size above 0 such as 128MiB"),
        (size, "part_size: 99999999999GiB", "p.yaml:16:52: error: sinks[0].config.part_size: `99999999999GiB` is more than there can be, expected a smaller size such as 128MiB"),
        (size, "part_size: 18446744073709551616", "p.yaml:16:52: error: sinks[0].config.part_size: `18446744073709551616` is more than there can be, expected a smaller size such as 128MiB"),
        (size, "part_size: 99999999999999999999999KiB", "p.yaml:16:52: error: sinks[0].config.part_size: `99999999999999999999999KiB` is more than there can be, expected a smaller size such as 128MiB"),
        (size, "part_size: 1 M", "p.yaml:16:52: error: sinks[0].config.part_size: `1 M` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB"),
        (size, "part_size: 1PB", "p.yaml:16:52: error: sinks[0].config.part_size: `1PB` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB"),
        (size, "part_size: '1,000'", "p.yaml:16:52: error: sinks[0].config.part_size: `1,000` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB"),
        (SINK, "[symbol] }\n    flush: { bytes: 0 }\n", "p.yaml:17:21: error: sinks[0].flush.bytes: found `0`, expected a size above 0 such as 128MiB"),
        (SINK, "[symbol] }\n    flush: { memory: 0B }\n", "p.yaml:17:22: error: sinks[0].flush.memory: `0B` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB"),
        (SINK, "[symbol] }\nmemory: 0\n", "p.yaml:17:9: error: memory: found `0`, expected a size above 0 such as 128MiB"),
        (SINK, "[symbol] }\nmemory: 7MiB\n", "p.yaml:17:9: error: memory: `7MiB` is too little for what shares it, expected at least 8MiB"),
        (SINK, "[symbol] }\nmemory: 15MiB\nkafka: { bootstrap.servers: k }\n", "p.yaml:17:9: error: memory: `15MiB` is too little for what shares it, expected at least 16MiB"),
        (SINK, "[symbol] }\n    tasks: 2\n    flush: { memory: 100MiB }\nmemory: 100MiB\n", "p.yaml:19:9: error: memory: `100MiB` is too little for what shares it, expected at least 216MiB"),
        (SINK, "[symbol] }\nembedded: { retention: -1 }\n", "p.yaml:17:24: error: embedded.retention: found `-1`, expected a size above 0 such as 128MiB"),
    ])
    .await;
}

#[tokio::test]
async fn a_duration_that_is_none_or_out_of_bounds_is_told_with_its_units() {
    assert_said(&[
        (SINK, "[symbol] }\n    flush: { every: 0 }\n", "p.yaml:17:21: error: sinks[0].flush.every: found `0`, expected a duration above 0 with its unit, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: 0s }\n", "p.yaml:17:21: error: sinks[0].flush.every: `0s` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: 5 }\n", "p.yaml:17:21: error: sinks[0].flush.every: found `5`, expected a duration above 0 with its unit, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: '5' }\n", "p.yaml:17:21: error: sinks[0].flush.every: `5` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: -1s }\n", "p.yaml:17:21: error: sinks[0].flush.every: `-1s` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: 1e9d }\n", "p.yaml:17:21: error: sinks[0].flush.every: `1e9d` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: 5M }\n", "p.yaml:17:21: error: sinks[0].flush.every: `5M` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: 5 minutes }\n", "p.yaml:17:21: error: sinks[0].flush.every: `5 minutes` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: s }\n", "p.yaml:17:21: error: sinks[0].flush.every: `s` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: 1.5h }\n", "p.yaml:17:21: error: sinks[0].flush.every: `1.5h` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: '' }\n", "p.yaml:17:21: error: sinks[0].flush.every: found an empty text, expected a duration above 0 with its unit, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: }\n", "p.yaml:17:14: error: sinks[0].flush.every: found nothing, expected a duration above 0 with its unit, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: 40000d }\n", "p.yaml:17:21: error: sinks[0].flush.every: `40000d` is longer than 100 years, expected a shorter duration"),
        (SINK, "[symbol] }\n    flush: { every: 99999999999999999999d }\n", "p.yaml:17:21: error: sinks[0].flush.every: `99999999999999999999d` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: 00:05:00 }\n", "p.yaml:17:21: error: sinks[0].flush.every: `00:05:00` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { every: never }\n", "p.yaml:17:21: error: sinks[0].flush.every: `never` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\n    flush: { idle: 0ms }\n", "p.yaml:17:20: error: sinks[0].flush.idle: `0ms` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\nerrors: { retry: { timeout: 0s } }\n", "p.yaml:17:29: error: errors.retry.timeout: `0s` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m"),
        (SINK, "[symbol] }\nerrors: { retry: { pause: 1 } }\n", "p.yaml:17:27: error: errors.retry.pause: found `1`, expected a duration above 0 with its unit, such as 30s or 1h30m"),
        (SINK, "[symbol] }\nerrors: { retry: { pause: 1m } }\n", "p.yaml:17:27: error: errors.retry.pause: `1m` is longer than the longest pause, expected at most 10s"),
        (SINK, "[symbol] }\nerrors: { retry: { max_pause: 50ms } }\n", "p.yaml:17:11: error: errors.retry.pause: `100ms` is longer than the longest pause, expected at most 50ms"),
    ])
    .await;
}

#[tokio::test]
async fn a_number_that_is_none_or_out_of_bounds_is_told_with_its_bounds() {
    assert_said(&[
        ("partitions: 6", "partitions: 0", "p.yaml:7:15: error: topic.partitions: found `0`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: -1", "p.yaml:7:15: error: topic.partitions: found `-1`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: 10_001", "p.yaml:7:15: error: topic.partitions: found `10001`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: 99999999999", "p.yaml:7:15: error: topic.partitions: found `99999999999`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: 99999999999999999999", "p.yaml:7:15: error: topic.partitions: found the text `99999999999999999999`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: 6.5", "p.yaml:7:15: error: topic.partitions: found `6.5`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: 1e5", "p.yaml:7:15: error: topic.partitions: found `100000`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: 1e400", "p.yaml:7:15: error: topic.partitions: found the text `1e400`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: .nan", "p.yaml:7:15: error: `.nan` is no number, expected a finite one"),
        ("partitions: 6", "partitions: -.inf", "p.yaml:7:15: error: `-.inf` is no number, expected a finite one"),
        ("partitions: 6", "partitions: '6'", "p.yaml:7:15: error: topic.partitions: found the text `6`, expected an integer from 1 to 10000, without quotes"),
        ("partitions: 6", "partitions: 6 # six\n  partitions: 7", "p.yaml:8:3: error: `partitions` is given twice, first in line 7; expected it once"),
        ("partitions: 6", "partitions: 1__0", "p.yaml:7:15: error: topic.partitions: found the text `1__0`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: _6", "p.yaml:7:15: error: topic.partitions: found the text `_6`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: 1,000", "p.yaml:7:15: error: topic.partitions: found the text `1,000`, expected an integer from 1 to 10000"),
        (SINK, "[symbol] }\n    tasks: 0\n", "p.yaml:17:12: error: sinks[0].tasks: found `0`, expected an integer from 1 to 1024"),
        (SINK, "[symbol] }\n    tasks: 1025\n", "p.yaml:17:12: error: sinks[0].tasks: found `1025`, expected an integer from 1 to 1024"),
        (SINK, "[symbol] }\n    flush: { rows: 0 }\n", "p.yaml:17:20: error: sinks[0].flush.rows: found `0`, expected an integer of at least 1"),
        (SINK, "[symbol] }\n    flush: { rows: -1_000 }\n", "p.yaml:17:20: error: sinks[0].flush.rows: found the text `-1_000`, expected an integer of at least 1"),
        (SINK, "[symbol] }\n    flush: { rows: 18446744073709551616 }\n", "p.yaml:17:20: error: sinks[0].flush.rows: found the text `18446744073709551616`, expected an integer of at least 1"),
        (SINK, "[symbol] }\n    flush: { rows: 1.5e0 }\n", "p.yaml:17:20: error: sinks[0].flush.rows: found `1.5`, expected an integer of at least 1"),
        ("type: csv\n    config: { path: stocks.csv }", "type: socket\n    config: { port: 65536 }", "p.yaml:4:21: error: sources[0].config.port: found `65536`, expected an integer from 0 to 65535"),
        ("type: csv\n    config: { path: stocks.csv }", "type: socket\n    config: { port: -1 }", "p.yaml:4:21: error: sources[0].config.port: found `-1`, expected an integer from 0 to 65535"),
    ])
    .await;
}
