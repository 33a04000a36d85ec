use std::io::Read;

use arrow::array::Float64Array;
use pipeline_testkit::sink_conformance::{Stored, Subject, run};
use pipeline_testkit::{records, schema};
use serde_json::json;

use super::*;

fn columns() -> SchemaRef {
    schema(&[
        ("id", "bigint not null"),
        ("symbol", "string"),
        ("price", "double"),
        ("amount", "decimal(18,6)"),
        ("day", "date"),
        ("at", "timestamp"),
        ("sizes", "array<int>"),
    ])
}

/// The files of the folder `out`, but for those of which readers know that they are not whole.
fn stored(folder: &Path) -> Vec<Stored> {
    let out = folder.join("out");
    if !out.exists() {
        return Vec::new();
    }
    // What is not whole may be gone before it is read.
    let whole = paths_in(&out).into_iter().filter(|path| !path.contains('#'));
    let stored = whole.map(|path| {
        let bytes = fs::read(out.join(&path)).unwrap();
        let numbers = match path.ends_with(".parquet") {
            true => parquet_rows(&bytes).iter().map(|row| row["id"].parse().unwrap()).collect(),
            false => json_rows(&unpacked(&path, &bytes)).iter().map(|row| row["id"].as_i64().unwrap()).collect(),
        };
        Stored { url: url::Url::from_file_path(out.join(path)).unwrap().into(), bytes, numbers }
    });
    stored.collect()
}

fn unpacked(path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match path.rsplit('.').next() {
        Some("gz") => flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).map(drop).unwrap(),
        Some("zst") => zstd::stream::copy_decode(bytes, &mut text).unwrap(),
        _ => text.extend(bytes),
    }
    text
}

/// Ordinary records but for the value in one column of the third.
fn with(column: &str, value: ArrayRef) -> RecordBatch {
    let all = records(&columns(), 10..15);
    let place = all.schema().index_of(column).unwrap();
    let old = all.column(place);
    let parts: [&dyn arrow::array::Array; 3] = [&old.slice(0, 2), &value, &old.slice(3, 2)];
    let mut changed = all.columns().to_vec();
    changed[place] = arrow::compute::concat(&parts).unwrap();
    RecordBatch::try_new(all.schema(), changed).unwrap()
}

#[tokio::test]
async fn parquet_files_conform() {
    let config = json!({ "url": "out", "metadata": { "offset": "kafka_offset", "key": "kafka_key" } });
    let former = json!({ "url": "out", "partition_by": ["day"], "compression": "none" });
    run(|| Subject::of::<S3Parquet>(config.clone(), columns(), stored).formerly(former.clone())).await;
}

#[tokio::test]
async fn parquet_files_in_hive_folders_conform() {
    let config = json!({ "url": "out", "partition_by": ["symbol", "year(at)"] });
    let former = json!({ "url": "out", "partition_by": ["year(at)", "symbol"] });
    let empty: ArrayRef = Arc::new(arrow::array::StringArray::from(vec![""]));
    run(|| {
        let subject = Subject::of::<S3Parquet>(config.clone(), columns(), stored);
        subject.formerly(former.clone()).refusing(with("symbol", empty.clone()))
    })
    .await;
}

#[tokio::test]
async fn json_files_conform() {
    let config = json!({ "url": "out", "compression": "gzip" });
    let former = json!({ "url": "out", "compression": "zstd", "partition_by": ["symbol"] });
    let nan: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
    run(|| {
        let subject = Subject::of::<S3Json>(config.clone(), columns(), stored);
        subject.formerly(former.clone()).refusing(with("price", nan.clone()))
    })
    .await;
}

#[tokio::test]
async fn json_files_in_hive_folders_conform() {
    let config = json!({ "url": "out", "partition_by": ["symbol"], "compression": "zstd" });
    let former = json!({ "url": "out" });
    run(|| Subject::of::<S3Json>(config.clone(), columns(), stored).formerly(former.clone())).await;
}
