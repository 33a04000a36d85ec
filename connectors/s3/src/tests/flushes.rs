use arrow::array::StringArray;
use pipeline_api::Sink;
use serde_json::json;

use super::*;

fn rows(range: std::ops::Range<i64>) -> RecordBatch {
    let keys: Vec<String> = range.clone().map(|n| format!("k{}", n % 3)).collect();
    records([
        ("k", Arc::new(StringArray::from(keys)) as ArrayRef),
        ("n", Arc::new(Int64Array::from_iter_values(range.clone()))),
        (
            "text",
            Arc::new(StringArray::from_iter_values(
                range.map(|n| format!("{:x}", n.wrapping_mul(0x1e37_79b9_7f4a_7c15))),
            )),
        ),
    ])
}

async fn flush_in_batches_of(sink: &mut dyn Sink, size: i64, total: i64) {
    for start in (0..total).step_by(size as usize) {
        sink.put(batch(start, rows(start..(start + size).min(total)))).await.unwrap();
    }
    sink.flush(ranges(0, 0, total)).await.unwrap();
}

#[tokio::test]
async fn the_same_rows_leave_the_same_bytes_however_they_were_cut_into_batches() {
    let folder = tempfile::tempdir().unwrap();
    let total = 40_000;
    for partition_by in [json!([]), json!(["k"])] {
        let mut seen = Vec::new();
        for size in [total, 8192, 1000, 777, 50] {
            let settings =
                |compression| json!({ "url": "out", "compression": compression, "partition_by": partition_by });
            flush_in_batches_of(&mut parquet_sink(settings("zstd"), &rows(0..1), folder.path()).await, size, total)
                .await;
            flush_in_batches_of(&mut json_sink(settings("gzip"), &rows(0..1), folder.path()).await, size, total).await;
            flush_in_batches_of(&mut json_sink(settings("zstd"), &rows(0..1), folder.path()).await, size, total).await;
            seen.push(files_in(&folder.path().join("out")));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
        fs::remove_dir_all(folder.path().join("out")).unwrap();
    }
}

#[tokio::test]
async fn discard_removes_exactly_the_files_of_the_range_whatever_config_wrote_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let schema = rows(0..1);
    flush_in_batches_of(
        &mut parquet_sink(json!({ "url": "out", "partition_by": ["k"] }), &schema, folder.path()).await,
        9,
        9,
    )
    .await;
    flush_in_batches_of(
        &mut json_sink(json!({ "url": "out", "compression": "gzip" }), &schema, folder.path()).await,
        9,
        9,
    )
    .await;
    fs::write(out.join("t+0+00000000000000000000-9.json#2"), "half").unwrap();
    let others = [
        "readme.txt",
        "t+0+00000000000000000000-9+1.json",
        "t+0+00000000000000000000-90.json",
        "t+1+00000000000000000000-9.json",
    ];
    for other in others {
        fs::write(out.join(other), "").unwrap();
    }
    let mut sink = json_sink(json!({ "url": "out" }), &schema, folder.path()).await;
    sink.discard(&ranges(0, 0, 9)).await.unwrap();
    assert_eq!(files_in(&out).into_keys().collect::<Vec<_>>(), others);
}

#[tokio::test]
async fn reset_removes_all_files_of_the_topic_and_says_how_many() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let schema = rows(0..1);
    let mut sink = parquet_sink(json!({ "url": "out", "partition_by": ["k"] }), &schema, folder.path()).await;
    flush_in_batches_of(&mut sink, 9, 9).await;
    fs::write(out.join("other+0+00000000000000000000-9.json"), "").unwrap();
    let location = url::Url::from_directory_path(&out).unwrap();
    assert_eq!(sink.remove_all().await.unwrap(), Some(format!("3 files below {location}")));
    assert_eq!(files_in(&out).into_keys().collect::<Vec<_>>(), ["other+0+00000000000000000000-9.json"]);
    assert!(!out.join("k=k0").exists());
    assert_eq!(sink.remove_all().await.unwrap(), None);
}

#[tokio::test]
async fn what_a_killed_process_left_half_written_is_removed_by_the_replay() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut sink = json_sink(json!({ "url": "out" }), &rows(0..1), folder.path()).await;
    for attempt in 1..=2 {
        fs::write(out.join(format!("t+0+00000000000000000000-5.json#{attempt}")), "half").unwrap();
    }
    flush_in_batches_of(&mut sink, 5, 5).await;
    assert_eq!(files_in(&out).into_keys().collect::<Vec<_>>(), ["t+0+00000000000000000000-5.json"]);
}

#[tokio::test]
async fn a_topic_whose_files_readers_would_skip_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for topic in ["_t", ".t", "a/b", ""] {
        let context = Context { topic: topic.into(), ..context(rows(0..1).schema(), folder.path()) };
        let error = S3Json::open(config(json!({ "url": "out" })), context).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), pipeline_api::ErrorKind::Config, "{topic}: {error}");
    }
}
