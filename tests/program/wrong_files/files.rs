//! Sinks that write files.

use super::assert_said;

#[test]
fn a_place_that_is_none_is_told_with_what_would_be_one() {
    assert_said(&[
        (
            "url: out",
            "url: ''",
            "16:20 sinks[0].config.url: the url is empty, expected s3://bucket/prefix, file:///folder, or a path relative to the pipeline file",
        ),
        (
            "url: out",
            "url: ' '",
            "16:20 sinks[0].config.url: the url is empty, expected s3://bucket/prefix, file:///folder, or a path relative to the pipeline file",
        ),
        (
            "url: out",
            "url: s3://",
            "16:20 sinks[0].config.url: `` is no bucket name, expected 3 to 63 lower-case letters, digits, dots and hyphens, as in s3://bucket/prefix",
        ),
        (
            "url: out",
            "url: s3:/lake",
            "16:20 sinks[0].config.url: `s3:/lake` lacks `//`, expected s3://bucket/prefix, file:///folder, or a path relative to the pipeline file",
        ),
        (
            "url: out",
            "url: s3a://lake/x",
            "16:20 sinks[0].config.url: `s3a://lake/x` is Hadoop's spelling, write `s3://lake/x`",
        ),
        (
            "url: out",
            "url: gs://lake/x",
            "16:20 sinks[0].config.url: `gs://` is not supported, expected s3://bucket/prefix, file:///folder, or a path relative to the pipeline file",
        ),
        (
            "url: out",
            "url: http://lake/x",
            "16:20 sinks[0].config.url: `http://` is not supported, expected s3://bucket/prefix, file:///folder, or a path relative to the pipeline file",
        ),
        (
            "url: out",
            "url: s3://la/x",
            "16:20 sinks[0].config.url: `la` is no bucket name, expected 3 to 63 lower-case letters, digits, dots and hyphens, as in s3://bucket/prefix",
        ),
        (
            "url: out",
            "url: s3://Lake/x",
            "16:20 sinks[0].config.url: `Lake` is no bucket name, expected 3 to 63 lower-case letters, digits, dots and hyphens, as in s3://bucket/prefix",
        ),
        (
            "url: out",
            "url: s3://la_ke/x",
            "16:20 sinks[0].config.url: `la_ke` is no bucket name, expected 3 to 63 lower-case letters, digits, dots and hyphens, as in s3://bucket/prefix",
        ),
        (
            "url: out",
            "url: s3://-lake/x",
            "16:20 sinks[0].config.url: `-lake` is no bucket name, expected a letter or digit at its beginning and end",
        ),
        (
            "url: out",
            "url: s3://la..ke/x",
            "16:20 sinks[0].config.url: `la..ke` is no bucket name, expected no two dots side by side",
        ),
        (
            "url: out",
            "url: s3://10.0.0.1/x",
            "16:20 sinks[0].config.url: `10.0.0.1` is no bucket name, expected a name that is no IP address",
        ),
        (
            "url: out",
            "url: s3://xn--lake/x",
            "16:20 sinks[0].config.url: `xn--lake` is no bucket name, expected another beginning, for S3 keeps this one for itself",
        ),
        (
            "url: out",
            "url: s3://lake//x",
            "16:20 sinks[0].config.url: the prefix `/x` holds an empty folder name, remove the slash too many",
        ),
        (
            "url: out",
            "url: s3://lake/a//b",
            "16:20 sinks[0].config.url: the prefix `a//b` holds an empty folder name, remove the slash too many",
        ),
        (
            "url: out",
            "url: s3://lake/x//",
            "16:20 sinks[0].config.url: the prefix `x/` holds an empty folder name, remove the slash too many",
        ),
        (
            "url: out",
            "url: s3://lake/../x",
            "16:20 sinks[0].config.url: the prefix `../x` holds `..`, which an object store takes literally; write the folder's name",
        ),
        (
            "url: out",
            "url: s3://lake/a/./b",
            "16:20 sinks[0].config.url: the prefix `a/./b` holds `.`, which an object store takes literally; write the folder's name",
        ),
        (
            "url: out",
            "url: s3://lake/..",
            "16:20 sinks[0].config.url: the prefix `..` holds `..`, which an object store takes literally; write the folder's name",
        ),
        (
            "url: out",
            r#"url: "s3://lake/a\u0001b""#,
            "16:20 sinks[0].config.url: the prefix holds a control character, remove it",
        ),
        (
            "url: out",
            "url: s3://lake/kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
            "16:20 sinks[0].config.url: the prefix has 513 bytes, expected at most 512: a whole key may have 1024",
        ),
        (
            "url: out",
            "url: file://data/out",
            "16:20 sinks[0].config.url: `file://data/out` holds a host, `?` or `#`, expected an absolute path, such as file:///data/out",
        ),
        (
            "url: out",
            "url: file:data",
            "16:20 sinks[0].config.url: `file:data` lacks `//`, expected s3://bucket/prefix, file:///folder, or a path relative to the pipeline file",
        ),
        (
            "url: out",
            "url: 'file:///a?b'",
            "16:20 sinks[0].config.url: `file:///a?b` holds a host, `?` or `#`, expected an absolute path, such as file:///data/out",
        ),
        (
            "url: out",
            "url: s3://me:hidden@lake/x",
            "16:20 sinks[0].config.url: the url holds credentials, which messages would show; use access_key_id and secret_access_key",
        ),
        (
            "url: out",
            "url: file://me:hidden@/x",
            "16:20 sinks[0].config.url: `file://***@/x` is no URL (invalid international domain name), expected an absolute path, such as file:///data/out",
        ),
        ("url: out", "url: [out]", "16:15 sinks[0].config.url: found a list, expected a text"),
        ("url: out", "url: 5", "16:20 sinks[0].config.url: found `5`, expected a text, in quotes"),
    ]);
}

#[test]
fn a_column_that_can_be_no_folder_is_told_with_what_can() {
    assert_said(&[
        (
            "url: out",
            "url: out, partition_by: [price]",
            "16:40 sinks[0].config.partition_by[0]: `price` is a double, whose values are approximate and no folder names; use a string, int, date or decimal column",
        ),
        (
            "url: out",
            "url: out, partition_by: [raw]",
            "16:40 sinks[0].config.partition_by[0]: `raw` is a binary, expected a string, int, boolean, date or decimal column",
        ),
        (
            "url: out",
            "url: out, partition_by: [tags]",
            "16:40 sinks[0].config.partition_by[0]: `tags` is a array<string>, expected a string, int, boolean, date or decimal column",
        ),
        (
            "url: out",
            "url: out, partition_by: [at]",
            "16:40 sinks[0].config.partition_by[0]: `at` is a timestamp, which would give a folder for each instant; write `date(at)` or `hour(at)`",
        ),
        (
            "url: out",
            "url: out, partition_by: [symbl]",
            "16:40 sinks[0].config.partition_by[0]: there is no column `symbl`, did you mean `symbol`?",
        ),
        (
            "url: out",
            "url: out, partition_by: [day(at)]",
            "16:40 sinks[0].config.partition_by[0]: `day` alone would mix the months, write `date(…)`",
        ),
        (
            "url: out",
            "url: out, partition_by: [yaer(at)]",
            "16:40 sinks[0].config.partition_by[0]: `yaer` is no partition function, did you mean `year`?",
        ),
        (
            "url: out",
            "url: out, partition_by: [year(price)]",
            "16:40 sinks[0].config.partition_by[0]: `price` is a double, expected a date or timestamp; `cast` it in a transform",
        ),
        (
            "url: out",
            "url: out, partition_by: [hour(day)]",
            "16:40 sinks[0].config.partition_by[0]: `day` is a date, which has no hour; use a timestamp column",
        ),
        (
            "url: out",
            "url: out, partition_by: [date(day)]",
            "16:40 sinks[0].config.partition_by[0]: `day` is a date already, write `day` alone",
        ),
        (
            "url: out",
            "url: out, partition_by: ['year(']",
            "16:40 sinks[0].config.partition_by[0]: `year(` is no partition column, expected a column, or date(column), year(column), month(column) or hour(column), such as `year(date) as y`",
        ),
        (
            "url: out",
            "url: out, partition_by: ['']",
            "16:40 sinks[0].config.partition_by[0]: `` is incomplete, expected a column, or date(column), year(column), month(column) or hour(column), such as `year(date) as y`",
        ),
        (
            "url: out",
            "url: out, partition_by: ['symbol as']",
            "16:40 sinks[0].config.partition_by[0]: there is no column `symbol as`, expected one of symbol, price, day, at, tags, raw",
        ),
        (
            "url: out",
            "url: out, partition_by: [symbol as _s]",
            "16:40 sinks[0].config.partition_by[0]: readers skip folders that begin with `_` or `.`, write `… as s`",
        ),
        (
            "url: out",
            "url: out, partition_by: [symbol as price]",
            "16:40 sinks[0].config.partition_by[0]: there is a column `price` already, write `… as symbol_price`",
        ),
        (
            "url: out",
            "url: out, partition_by: [symbol as PRICE]",
            "16:40 sinks[0].config.partition_by[0]: there is a column `price` already, write `… as symbol_PRICE`",
        ),
        (
            "url: out",
            "url: out, partition_by: [year(day) as symbol]",
            "16:40 sinks[0].config.partition_by[0]: there is a column `symbol` already, write `… as day_symbol`",
        ),
        (
            "url: out",
            "url: out, partition_by: [symbol, symbol]",
            "16:48 sinks[0].config.partition_by[1]: there is a partition column `symbol` already, write `… as` another name",
        ),
        (
            "url: out",
            "url: out, partition_by: [year(day), year(at)]",
            "16:51 sinks[0].config.partition_by[1]: there is a partition column `year` already, write `… as` another name",
        ),
        (
            "url: out",
            "url: out, partition_by: [symbol, symbol as Symbol]",
            "16:48 sinks[0].config.partition_by[1]: there is a partition column `Symbol` already, write `… as` another name",
        ),
        (
            "url: out",
            "url: out, partition_by: symbol",
            "16:39 sinks[0].config.partition_by: found the text `symbol`, expected a list",
        ),
        (
            "{ url: out }",
            "{ url: out, partition_by: [symbol] }\n    transforms: [{ type: select, config: { fields: [symbol] } }]",
            "16:25 sinks[0].config.partition_by: no column is left for the files, leave one out",
        ),
    ]);
}

#[test]
fn the_other_settings_are_told_what_they_can_be() {
    assert_said(&[
        (
            "url: out",
            "url: out, metadata: { offset: price }",
            "16:45 sinks[0].config.metadata.offset: there is a column `price` already, choose another name, such as `kafka_offset`",
        ),
        (
            "url: out",
            "url: out, metadata: { offset: '' }",
            "16:45 sinks[0].config.metadata.offset: the column has no name, such as `kafka_offset`",
        ),
        (
            "url: out",
            "url: out, metadata: { ofset: o }",
            "16:37 sinks[0].config.metadata.ofset: unknown field, did you mean `offset`? expected one of topic, partition, offset, timestamp, key",
        ),
        (
            "url: out",
            "url: out, metadata: offset",
            "16:35 sinks[0].config.metadata: found the text `offset`, expected a mapping",
        ),
        (
            "url: out",
            "url: out, max_partitions: 0",
            "16:41 sinks[0].config.max_partitions: at least 1 file must be open to write anything, such as 1000",
        ),
        (
            "url: out",
            "url: out, max_partitions: -1",
            "16:41 sinks[0].config.max_partitions: found `-1`, expected an integer of at least 0",
        ),
        (
            "url: out",
            "url: out, row_group_rows: 0",
            "16:41 sinks[0].config.row_group_rows: a row group has at least 1 row, such as 1_000_000",
        ),
        (
            "url: out",
            "url: out, compression: gzip",
            "16:38 sinks[0].config.compression: found the text `gzip`, expected one of none, snappy, zstd",
        ),
        (
            "url: out",
            "url: out, compression: lz4",
            "16:38 sinks[0].config.compression: found the text `lz4`, expected one of none, snappy, zstd",
        ),
        (
            "url: out",
            "url: out, compression: 9",
            "16:38 sinks[0].config.compression: found `9`, expected one of none, snappy, zstd",
        ),
        (
            "url: out",
            "url: out, path_style: yes",
            "16:37 sinks[0].config.path_style: found the text `yes`, expected true or false",
        ),
        (
            "url: out",
            "url: s3://lake/x, region: 'eu central'",
            "16:41 sinks[0].config.region: `eu central` is no region, expected one such as eu-central-1",
        ),
        (
            "url: out",
            "url: s3://lake/x, region: ''",
            "16:41 sinks[0].config.region: `` is no region, expected one such as eu-central-1",
        ),
        (
            "url: out",
            "url: s3://lake/x, endpoint: localhost:9000",
            "16:43 sinks[0].config.endpoint: `localhost:9000` is no endpoint, expected the URL of an S3 server without a path, such as https://minio.example.com:9000",
        ),
        (
            "url: out",
            "url: s3://lake/x, endpoint: ''",
            "16:43 sinks[0].config.endpoint: `` is no URL, expected the URL of an S3 server without a path, such as https://minio.example.com:9000",
        ),
        (
            "url: out",
            "url: s3://lake/x, endpoint: 'http://'",
            "16:43 sinks[0].config.endpoint: `http://` is no URL, expected the URL of an S3 server without a path, such as https://minio.example.com:9000",
        ),
        (
            "url: out",
            "url: s3://lake/x, endpoint: ftp://host",
            "16:43 sinks[0].config.endpoint: `ftp://host` is no endpoint, expected the URL of an S3 server without a path, such as https://minio.example.com:9000",
        ),
        (
            "url: out",
            "url: s3://lake/x, endpoint: 'https://host/path'",
            "16:43 sinks[0].config.endpoint: `https://host/path` is no endpoint, expected the URL of an S3 server without a path, such as https://minio.example.com:9000",
        ),
        (
            "url: out",
            "url: s3://lake/x, endpoint: 'https://host:99999'",
            "16:43 sinks[0].config.endpoint: `https://host:99999` is no URL, expected the URL of an S3 server without a path, such as https://minio.example.com:9000",
        ),
        (
            "url: out",
            "url: s3://lake/x, endpoint: 'http://minio.example.com'",
            "16:43 sinks[0].config.endpoint: `http://minio.example.com` would send records unencrypted, use https, or set allow_http: true if the network between is yours",
        ),
        (
            "url: out",
            "url: s3://lake/x, endpoint: 'https://me:hidden@host'",
            "16:43 sinks[0].config.endpoint: the endpoint holds credentials, which logs would show: use access_key_id and secret_access_key",
        ),
        (
            "url: out",
            "url: s3://lake/x, endpoint: 'https://me:hid/den@host'",
            "16:43 sinks[0].config.endpoint: the endpoint holds credentials, which logs would show: use access_key_id and secret_access_key",
        ),
        (
            "url: out",
            "url: s3://lake/x, access_key_id: hidden",
            "16:48 sinks[0].config.access_key_id: secret_access_key is missing: give both, or neither to use the environment's",
        ),
        (
            "url: out",
            "url: s3://lake/x, secret_access_key: hidden",
            "16:52 sinks[0].config.secret_access_key: access_key_id is missing: give both, or neither to use the environment's",
        ),
        (
            "url: out",
            "url: s3://lake/x, session_token: hidden",
            "16:48 sinks[0].config.session_token: a token needs the access_key_id and secret_access_key that it was made with",
        ),
        (
            "url: out",
            "url: s3://lake/x, access_key_id: 123456",
            "16:48 sinks[0].config.access_key_id: found `***`, expected a text",
        ),
        (
            "url: out",
            "url: s3://lake/x, access_key_id: [hidden]",
            "16:33 sinks[0].config.access_key_id: found a list, expected a text",
        ),
        (
            "url: out",
            "url: s3://lake/x, acces_key_id: hidden",
            "16:33 sinks[0].config.acces_key_id: unknown field, did you mean `access_key_id`? expected one of url, partition_by, compression, row_group_rows, metadata, max_partitions, multipart_above, timeout, objects, endpoint, region, path_style, allow_http, profile, access_key_id, secret_access_key, session_token",
        ),
        (
            "url: out",
            "url: out, region: eu-central-1",
            "16:33 sinks[0].config.region: `region` has no effect: `url` is a local folder, not s3://…",
        ),
        (
            "type: s3_parquet\n    config: { url: out }",
            "type: s3_json\n    config: { url: out, compression: snappy }",
            "16:38 sinks[0].config.compression: found the text `snappy`, expected one of none, gzip, zstd",
        ),
        (
            "type: s3_parquet\n    config: { url: out }",
            "type: s3_json\n    config: { url: out, row_group_rows: 5 }",
            "16:25 sinks[0].config.row_group_rows: unknown field, expected one of url, partition_by, compression, metadata, max_partitions, multipart_above, timeout, objects, endpoint, region, path_style, allow_http, profile, access_key_id, secret_access_key, session_token",
        ),
        (
            "type: s3_parquet\n    config: { url: out }",
            "type: s3\n    config: { url: out }",
            "15:11 sinks[0].type: unknown sink `s3`, expected one of console, s3_json, s3_parquet",
        ),
    ]);
}

#[test]
fn sinks_that_are_in_each_others_way_are_told() {
    assert_said(&[
        (
            "{ url: out }",
            "{ url: out }\n  - type: s3_json\n    config: { url: ./out/../out/ }",
            "18:5 sinks[1].config: writes below `file://FOLDER/out/`, and so does sinks[0]; expected a place of its own",
        ),
        (
            "{ url: out }",
            "{ url: out }\n  - type: s3_json\n    config: { url: out/json }",
            "18:5 sinks[1].config: writes below `file://FOLDER/out/json/`, and so does sinks[0]; expected a place of its own",
        ),
        (
            "{ url: out }",
            "{ url: s3://lake/a }\n  - type: s3_json\n    config: { url: s3://lake/a/b/ }",
            "18:5 sinks[1].config: writes below `s3://lake/a/b/`, and so does sinks[0]; expected a place of its own",
        ),
        (
            "{ url: out }",
            "{ url: out }\n  - type: console\ndelivery: exactly_once",
            "18:11 delivery: `exactly_once` is more than sinks[1] (`console`) gives, expected `at_least_once` or less",
        ),
    ]);
}
