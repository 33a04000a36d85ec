//! Sources.

use super::assert_said;

#[test]
fn a_csv_source_is_told_what_its_settings_can_be() {
    assert_said(&[
        (
            "path: stocks.csv",
            "path: ''",
            "4:21 sources[0].config.path: the path is empty, expected a file, a pattern such as data/*.csv, or a folder",
        ),
        (
            "path: stocks.csv",
            "path: 'a[b.csv'",
            "4:21 sources[0].config.path: `a[b.csv` is no pattern: invalid range pattern",
        ),
        (
            "path: stocks.csv",
            "path: x, delimiter: ab",
            "4:35 sources[0].config.delimiter: `ab` is no delimiter, expected one ASCII character",
        ),
        (
            "path: stocks.csv",
            "path: x, delimiter: ''",
            "4:35 sources[0].config.delimiter: `` is no delimiter, expected one ASCII character",
        ),
        (
            "path: stocks.csv",
            "path: x, delimiter: ä",
            "4:35 sources[0].config.delimiter: `ä` is no delimiter, expected one ASCII character",
        ),
        (
            "path: stocks.csv",
            "path: x, quote: ','",
            "4:31 sources[0].config.quote: the quote is the delimiter too, expected another character",
        ),
        (
            "path: stocks.csv",
            "path: x, quote: '\"\"'",
            "4:31 sources[0].config.quote: `\\\"\\\"` is no quote, expected one ASCII character, or an empty text for none",
        ),
        (
            "path: stocks.csv",
            "path: x, header: no",
            "4:32 sources[0].config.header: found the text `no`, expected true or false",
        ),
        (
            "path: stocks.csv",
            "path: x, header: false",
            "4:32 sources[0].config.header: files without a header need `columns: [names]`",
        ),
        (
            "path: stocks.csv",
            "path: x, columns: [a, b]",
            "4:24 sources[0].config.columns: the header names the columns, expected `header: false` for files without one, or no `columns`",
        ),
        (
            "path: stocks.csv",
            "path: x, header: false, columns: [symbol, '', symbol]",
            "4:57 sources[0].config.columns[1]: the name is empty, expected a column name\n4:61 sources[0].config.columns[2]: `symbol` occurs twice, expected unique names",
        ),
        (
            "path: stocks.csv",
            "path: x, types: { price: long }",
            "4:40 sources[0].config.types.price: `long` is no type, did you mean `bigint`? expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>",
        ),
        (
            "path: stocks.csv",
            "path: x, types: { price: array<int> }",
            "4:40 sources[0].config.types.price: a field of a csv file holds no array<int>, expected a plain type",
        ),
        (
            "path: stocks.csv",
            "path: x, header: false, columns: [symbol], types: { symbl: int }",
            "4:74 sources[0].config.types.symbl: there is no column `symbl`, did you mean `symbol`? expected one of symbol",
        ),
        (
            "path: stocks.csv",
            "path: x, nulls: NA",
            "4:31 sources[0].config.nulls: found the text `NA`, expected a list",
        ),
        (
            "path: stocks.csv",
            "path: x, nulls: [NA, 0]",
            "4:36 sources[0].config.nulls[1]: found `0`, expected a text, in quotes",
        ),
        (
            "path: stocks.csv",
            "path: x, time: { zone: Mars/Base }",
            "4:38 sources[0].config.time.zone: `Mars/Base` is no time zone, expected a name such as UTC or America/New_York",
        ),
        (
            "path: stocks.csv",
            "path: x, time: { format: 'yyyy-MM-dd' }",
            "4:40 sources[0].config.time.format: `yyyy-MM-dd` is no time format, expected iso8601, unix_s, unix_ms, unix_us or a pattern such as %m/%d/%Y %H:%M",
        ),
        (
            "path: stocks.csv",
            "path: x, time: { formats: { price: iso8601 } }",
            "4:50 sources[0].config.time.formats.price: `price` is a double, expected a date or timestamp column; `types: { price: timestamp }` makes it one",
        ),
        (
            "path: stocks.csv",
            "path: x, time: { format: '%Q' }",
            "4:40 sources[0].config.time.format: `%Q` is no time pattern: it gives no date: `UTC` is no timestamp: datetime required to parse zoned datetime: date required to parse datetime: year required to parse date; expected one such as %m/%d/%Y %H:%M",
        ),
        (
            "path: stocks.csv",
            "path: x, time: iso8601",
            "4:30 sources[0].config.time: found the text `iso8601`, expected a mapping",
        ),
        (
            "path: stocks.csv",
            "path: x, replay: { by: price }",
            "4:38 sources[0].config.replay.by: `price` is a double, expected a date or timestamp column; `types: { price: timestamp }` makes it one",
        ),
        (
            "path: stocks.csv",
            "path: x, replay: { by: day, speed: 0 }",
            "4:50 sources[0].config.replay.speed: 0 is no speed, expected a number above 0",
        ),
        (
            "path: stocks.csv",
            "path: x, replay: { by: day, speed: -1 }",
            "4:50 sources[0].config.replay.speed: -1 is no speed, expected a number above 0",
        ),
        (
            "path: stocks.csv",
            "path: x, replay: { by: day, speed: fast }",
            "4:50 sources[0].config.replay.speed: found the text `fast`, expected a number",
        ),
        (
            "path: stocks.csv",
            "path: x, replay: { speed: 2 }",
            "4:24 sources[0].config.replay.by: missing, expected a text",
        ),
        (
            "path: stocks.csv",
            "path: x, replay: true",
            "4:32 sources[0].config.replay: found `true`, expected a mapping",
        ),
        (
            "path: stocks.csv",
            "path: x, max_record: 0",
            "4:36 sources[0].config.max_record: found `0`, expected a size above 0 such as 128MiB",
        ),
        (
            "path: stocks.csv",
            "path: x, max_record: 1Mb/s",
            "4:36 sources[0].config.max_record: `1Mb/s` is not a size, expected a number above 0 with B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, such as 128MiB",
        ),
        ("path: stocks.csv", "path: x, follow: 1", "4:32 sources[0].config.follow: found `1`, expected true or false"),
        (
            "path: stocks.csv",
            "path: x, sheet: 1",
            "4:24 sources[0].config.sheet: unknown field, expected one of path, delimiter, quote, header, columns, types, nulls, time, follow, replay, max_record",
        ),
        (
            "path: stocks.csv",
            "paths: x",
            "4:15 sources[0].config.paths: unknown field, did you mean `path`? expected one of path, delimiter, quote, header, columns, types, nulls, time, follow, replay, max_record",
        ),
    ]);
}

#[test]
fn the_other_sources_are_told_what_their_settings_can_be() {
    assert_said(&[
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { symbols: 0 }",
            "4:24 sources[0].config.symbols: found `0`, expected an integer from 1 to 100000",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { symbols: 100001 }",
            "4:24 sources[0].config.symbols: found `100001`, expected an integer from 1 to 100000",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { symbols: many }",
            "4:24 sources[0].config.symbols: found the text `many`, expected an integer from 1 to 100000",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { rows: -1 }",
            "4:21 sources[0].config.rows: found `-1`, expected an integer of at least 0",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { rows: 1.5 }",
            "4:21 sources[0].config.rows: found `1.5`, expected an integer of at least 0",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { rate: 0 }",
            "4:21 sources[0].config.rate: `0` is no rate, expected rows per second above 0",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { rate: -1 }",
            "4:21 sources[0].config.rate: `-1` is no rate, expected rows per second above 0",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { rate: .inf }",
            "4:21 : `.inf` is no number, expected a finite one",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { seed: -1 }",
            "4:21 sources[0].config.seed: found `-1`, expected an integer of at least 0",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { start: yesterday }",
            "4:22 sources[0].config.start: `yesterday` is no time, expected one in UTC to the millisecond such as 2026-01-02T14:30:00",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { start: 2026-01-02T14:30:00.0001 }",
            "4:22 sources[0].config.start: `2026-01-02T14:30:00.0001` is no time, expected one in UTC to the millisecond such as 2026-01-02T14:30:00",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { start: 99999-01-01T00:00:00 }",
            "4:22 sources[0].config.start: `99999-01-01T00:00:00` is no time, expected one in UTC to the millisecond such as 2026-01-02T14:30:00",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { interval: 0s }",
            "4:25 sources[0].config.interval: `0s` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { interval: 1 }",
            "4:25 sources[0].config.interval: found `1`, expected a duration above 0 with its unit, such as 30s or 1h30m",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { rows: 18446744073709551615 }",
            "4:21 sources[0].config.rows: the last row lies behind the year 9999, expected at most 2013079492800 rows or a shorter interval",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: ticks\n    config: { speed: 2 }",
            "4:15 sources[0].config.speed: unknown field, did you mean `seed`? expected one of symbols, rows, rate, seed, start, interval",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: console\n    config: { path: x }",
            "4:15 sources[0].config.path: unknown field, expected one of format, columns, delimiter, unknown_fields",
        ),
        (
            "type: csv\n    config: { path: stocks.csv }",
            "type: kafka\n    config: { topic: x }",
            "3:11 sources[0].type: unknown source `kafka`, expected one of console, csv, ticks",
        ),
    ]);
}
