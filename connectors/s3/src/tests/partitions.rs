use arrow::array::StringArray;
use futures::TryStreamExt;
use object_store::ObjectStore;
use pipeline_api::{Artifact, ErrorKind, Sink};
use serde_json::json;

use super::*;
use crate::FileSink;
use crate::object_name::longest_name;
use crate::settings::FileConfig;

fn keyed(keys: Vec<Option<&str>>) -> RecordBatch {
    let rows = keys.len() as i64;
    records([
        ("k", Arc::new(StringArray::from(keys)) as ArrayRef),
        ("n", Arc::new(Int64Array::from_iter_values(0..rows))),
        ("at", Arc::new(TimestampMillisecondArray::from_iter_values((0..rows).map(|n| n * 3_600_000 - 1)))),
    ])
}

#[tokio::test]
async fn a_partition_column_is_in_the_path_and_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let all = keyed(vec![Some("a"), Some("b"), None, Some("a")]);
    let settings = json!({ "url": "out", "partition_by": ["k", "date(at) as day", "hour(at)"] });
    let mut sink = parquet_sink(settings, &all, folder.path()).await;
    sink.put(batch(0, all)).await.unwrap();
    let artifacts = sink.flush(ranges(0, 0, 4)).await.unwrap();
    let files = files_in(&folder.path().join("out"));
    let name = "t+0+00000000000000000000-4.parquet";
    assert_eq!(
        files.keys().cloned().collect::<Vec<_>>(),
        [
            format!("k=__HIVE_DEFAULT_PARTITION__/day=1970-01-01/hour=1/{name}"),
            format!("k=a/day=1969-12-31/hour=23/{name}"),
            format!("k=a/day=1970-01-01/hour=2/{name}"),
            format!("k=b/day=1970-01-01/hour=0/{name}"),
        ]
    );
    for bytes in files.values() {
        let rows = parquet_rows(bytes);
        assert_eq!(rows[0].keys().collect::<Vec<_>>(), ["at", "n"]);
    }
    let values = |n: usize| {
        artifacts[n].partition_values.iter().map(|v| (v.column.as_str(), v.value.as_deref())).collect::<Vec<_>>()
    };
    assert_eq!(values(0), [("k", None), ("day", Some("1970-01-01")), ("hour", Some("1"))]);
    assert_eq!(values(1), [("k", Some("a")), ("day", Some("1969-12-31")), ("hour", Some("23"))]);
}

#[tokio::test]
async fn what_a_flush_leaves_is_known_before_it_and_without_a_place_to_write_to() {
    let folder = tempfile::tempdir().unwrap();
    let all = keyed(vec![Some("a"), Some("b"), None, Some("a")]);
    let settings = json!({ "url": "out", "partition_by": ["k", "hour(at)"], "metadata": { "offset": "o" } });
    let foreseen =
        S3Parquet::outlook(&config(settings.clone()), &context(all.schema(), folder.path()), &batch(7, all.clone()));
    let mut foreseen = foreseen.unwrap();
    assert!(files_in(folder.path()).is_empty());
    let mut sink = parquet_sink(settings, &all, folder.path()).await;
    sink.put(batch(7, all)).await.unwrap();
    let mut left = sink.flush(ranges(0, 7, 11)).await.unwrap();
    foreseen.sort_by(|a, b| a.url.cmp(&b.url));
    left.sort_by(|a, b| a.url.cmp(&b.url));
    let without_bytes: Vec<_> = left.into_iter().map(|artifact| Artifact { bytes: 0, ..artifact }).collect();
    assert_eq!(foreseen, without_bytes);
}

#[test]
fn requests_are_those_that_a_file_of_this_size_takes() {
    const MIB: u64 = 1 << 20;
    let requests = |url: &str, above: &str, bytes: u64| {
        S3Parquet::requests(&config(json!({ "url": url, "multipart_above": above })), bytes)
    };
    assert_eq!(requests("out", "64MiB", 5), []);
    assert_eq!(requests("s3://lake/out", "64MiB", 64 * MIB), [("PUT", 1)]);
    assert_eq!(requests("s3://lake/out", "64MiB", 64 * MIB + 1), [("PUT", 5), ("POST", 2), ("LIST", 1)]);
    assert_eq!(requests("s3://lake/out", "8MiB", 16 * MIB), [("PUT", 2), ("POST", 2), ("LIST", 1)]);
}

#[tokio::test]
async fn the_same_values_join_one_file_in_every_batch_of_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = json_sink(json!({ "url": "out", "partition_by": ["k"] }), &keyed(vec![None]), folder.path()).await;
    sink.put(batch(0, keyed(vec![Some("a"), Some("b"), Some("a")]))).await.unwrap();
    sink.put(batch(3, keyed(vec![Some("b"), Some("b")]))).await.unwrap();
    let artifacts = sink.flush(ranges(0, 0, 5)).await.unwrap();
    assert_eq!(artifacts.iter().map(|artifact| artifact.rows).collect::<Vec<_>>(), [2, 3]);
    let files = files_in(&folder.path().join("out"));
    let numbers = |bytes: &Vec<u8>| json_rows(bytes).iter().map(|row| row["n"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(files.values().map(numbers).collect::<Vec<_>>(), [vec![0, 2], vec![1, 0, 1]]);
}

#[tokio::test]
async fn nasty_values_become_one_folder_each_that_reads_back_as_the_value() {
    let nasty = [
        "a/b",
        "../../x",
        "a=b",
        "%",
        "a%3Db",
        "a:b",
        " ",
        "new\nline",
        "nul\0",
        "\r\n",
        "\u{85}",
        "\u{2028}",
        "ü",
        "u\u{308}",
        "🦀",
        "CON",
        ".",
        "..",
        "'\"#*?\\{}[]^~|<>`&+",
        "__hive_default_partition__",
        "null",
    ];
    let folder = tempfile::tempdir().unwrap();
    let all = keyed(nasty.iter().copied().map(Some).collect());
    let mut sink = json_sink(json!({ "url": "out", "partition_by": ["k"] }), &all, folder.path()).await;
    sink.put(batch(0, all)).await.unwrap();
    let artifacts = sink.flush(ranges(0, 0, nasty.len() as i64)).await.unwrap();
    let on_disk: Vec<String> = files_in(&folder.path().join("out"))
        .into_iter()
        .map(|(path, bytes)| {
            let folder = path.strip_suffix("/t+0+00000000000000000000-21.json").unwrap();
            let value = percent_encoding::percent_decode_str(folder.strip_prefix("k=").unwrap()).decode_utf8().unwrap();
            assert!(!value.contains('/') || folder.contains("%2F"));
            assert_eq!(nasty[json_rows(&bytes)[0]["n"].as_i64().unwrap() as usize], value);
            value.into_owned()
        })
        .collect();
    assert_eq!(on_disk.len(), nasty.len());
    for artifact in artifacts {
        let path = url::Url::parse(&artifact.url).unwrap().to_file_path().unwrap();
        assert!(path.is_file(), "{} leads to no file", artifact.url);
        assert!(on_disk.contains(artifact.partition_values[0].value.as_ref().unwrap()));
    }
    assert!(folder.path().join("out/k=a%3Ab").is_dir());
}

#[tokio::test]
async fn a_refused_value_leaves_nothing_of_its_batch_behind() {
    let long = "x".repeat(300);
    let folder = tempfile::tempdir().unwrap();
    for bad in ["", "__HIVE_DEFAULT_PARTITION__", &long] {
        let all = keyed(vec![Some("a"), Some(bad), Some("b")]);
        let mut sink = json_sink(json!({ "url": "out", "partition_by": ["k"] }), &all, folder.path()).await;
        let error = sink.put(batch(0, all)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        assert!(error.to_string().contains("`k`"), "{error}");
        assert_eq!(sink.buffered(), Default::default());
        assert_eq!(sink.flush(ranges(0, 0, 3)).await.unwrap(), []);
    }
    assert!(files_in(&folder.path().join("out")).is_empty());
}

#[tokio::test]
async fn a_number_without_json_form_is_refused_with_the_parts_before_it() {
    use arrow::array::Float64Array;
    let folder = tempfile::tempdir().unwrap();
    let all = records([
        ("k", Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef),
        ("x", Arc::new(Float64Array::from(vec![1.0, f64::NAN]))),
    ]);
    let mut sink = json_sink(json!({ "url": "out", "partition_by": ["k"] }), &all, folder.path()).await;
    assert_eq!(sink.put(batch(0, all)).await.unwrap_err().kind(), ErrorKind::Data);
    assert_eq!(sink.flush(ranges(0, 0, 2)).await.unwrap(), []);
}

/// Writes a record of each value, and says which were refused.
async fn refused<C: FileConfig>(mut sink: FileSink<C>, values: &[&str]) -> Vec<bool>
where
    FileSink<C>: Sink,
{
    let mut refused = Vec::new();
    for (offset, value) in (0..).zip(values) {
        let put = sink.put(batch(offset, keyed(vec![Some(value)]))).await;
        if let Err(error) = &put {
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
            assert!(error.to_string().contains("`k`") && error.to_string().contains("shorten it"), "{error}");
        }
        refused.push(put.is_err());
    }
    let written = sink.flush(ranges(0, 0, values.len() as i64)).await.unwrap();
    assert_eq!(written.len(), refused.iter().filter(|refused| !**refused).count());
    refused
}

#[tokio::test]
async fn a_folder_of_255_bytes_is_the_longest_on_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let sink = json_sink(json!({ "url": "out", "partition_by": ["k"] }), &keyed(vec![None]), folder.path()).await;
    let values = ["x".repeat(253), "x".repeat(254), "é".repeat(126), "é".repeat(127), "/".repeat(84), "/".repeat(85)];
    let found = refused(sink, &values.each_ref().map(String::as_str)).await;
    assert_eq!(found, [false, true, false, true, false, true]);
}

#[tokio::test]
async fn a_path_of_4095_bytes_is_the_longest_on_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let room = 4095 - format!("{}/out/k=/", root.display()).len() - longest_name("t") - "#123".len();
    // Folders of 250 bytes, and one more that fills the rest, or goes beyond it by one.
    let rest = (room - 1) % 251 + 1;
    let fixed: Vec<(String, String)> = (0..(room - 1) / 251).map(|n| (format!("c{n:02}"), "x".repeat(246))).collect();
    let names: Vec<&str> = fixed.iter().map(|(name, _)| name.as_str()).chain(["k"]).collect();
    for (length, fits) in [(rest, true), (rest + 1, false)] {
        let mut columns: Vec<(&str, ArrayRef)> = vec![("n", Arc::new(Int64Array::from(vec![1])))];
        for (name, value) in &fixed {
            columns.push((name, Arc::new(StringArray::from(vec![value.as_str()]))));
        }
        columns.push(("k", Arc::new(StringArray::from(vec!["y".repeat(length)]))));
        let all = RecordBatch::try_from_iter(columns).unwrap();
        let mut sink = json_sink(json!({ "url": "out", "partition_by": names }), &all, &root).await;
        match sink.put(batch(0, all)).await {
            Ok(()) => assert!(fits && sink.flush(ranges(0, 0, 1)).await.unwrap().len() == 1),
            Err(error) => {
                assert!(!fits, "{error}");
                assert_eq!(error.kind(), ErrorKind::Data);
                assert!(error.to_string().contains("makes a path of 4096 bytes, of 4095 that fit"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_of_1024_bytes_is_the_longest_in_s3() {
    let (memory, store) = memory_store();
    let schema = keyed(vec![None]).schema();
    let settings = json!({ "url": "s3://lake/p", "partition_by": ["k"] });
    let sink = S3Json::over(config(settings), context(schema, Path::new("/")), store).unwrap();
    let room = 1024 - "p/k=/".len() - longest_name("t");
    let values =
        ["x".repeat(room), "x".repeat(room + 1), "ü".repeat(500), "%".repeat(room / 3), "%".repeat(room / 3 + 1)];
    let found = refused(sink, &values.each_ref().map(String::as_str)).await;
    assert_eq!(found, [false, true, true, false, true]);
    let keys: Vec<object_store::ObjectMeta> = memory.list(None).try_collect().await.unwrap();
    assert!(keys.iter().all(|object| object.location.as_ref().len() <= 1024));
}

#[tokio::test]
async fn an_instant_beyond_the_calendar_is_refused_and_not_taken_for_null() {
    let folder = tempfile::tempdir().unwrap();
    let all = records([("at", Arc::new(TimestampMillisecondArray::from(vec![i64::MAX])) as ArrayRef)]);
    for function in ["date", "year", "month", "hour"] {
        let settings = json!({ "url": "out", "partition_by": [format!("{function}(at)")] });
        let mut sink = parquet_sink(settings, &all, folder.path()).await;
        assert_eq!(sink.put(batch(0, all.clone())).await.unwrap_err().kind(), ErrorKind::Data, "{function}");
    }
}

#[tokio::test]
async fn too_many_files_stop_the_pipeline_with_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let all = keyed(vec![Some("a"), Some("b"), Some("c")]);
    let settings = json!({ "url": "out", "partition_by": ["k"], "max_partitions": 2 });
    let mut sink = json_sink(settings, &all, folder.path()).await;
    sink.put(batch(0, all.slice(0, 2))).await.unwrap();
    let error = sink.put(batch(2, all.slice(2, 1))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("raise max_partitions"), "{error}");
}
