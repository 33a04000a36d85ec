//! What the sinks promise, seen from outside: files are read back by Parquet's row reader and by serde_json, which
//! share no code with what wrote them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, TimestampMillisecondArray};
use arrow::datatypes::SchemaRef;
use object_store::memory::InMemory;
use parquet::file::reader::{FileReader, SerializedFileReader};
use pipeline_api::{
    ByteSize, Context, HumanDuration, Metadata, OffsetRange, PlannedRange, Plugin, Ranges, RecordBatch, SinkBatch,
    Timestamp, TopicPartition,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::location::Location;
use crate::settings::Settings;
use crate::store::Store;
use crate::{S3Json, S3Parquet};

mod conforming;
mod crashes;
mod examining;
mod faults;
mod files;
mod flushes;
mod partitions;
mod seaweed;
mod server;
mod stores;
mod validation;

/// The settings of a config that holds nothing but a url.
pub(crate) fn settings(url: &str) -> Settings {
    use crate::settings::FileConfig;
    config::<crate::S3JsonConfig>(serde_json::json!({ "url": url })).settings()
}

fn config<C: DeserializeOwned>(config: Value) -> C {
    serde_json::from_value(config).unwrap()
}

fn context(schema: SchemaRef, folder: &Path) -> Context {
    Context { folder: folder.into(), ..Context::new("t", schema) }
}

async fn parquet_sink(settings: Value, records: &RecordBatch, folder: &Path) -> S3Parquet {
    S3Parquet::open(config(settings), context(records.schema(), folder)).await.unwrap()
}

async fn json_sink(settings: Value, records: &RecordBatch, folder: &Path) -> S3Json {
    S3Json::open(config(settings), context(records.schema(), folder)).await.unwrap()
}

impl Store {
    /// Writes a file of which nothing else is said.
    async fn put(&self, path: &str, bytes: Vec<u8>) -> pipeline_api::Result<()> {
        self.write(path, bytes, object_store::Attributes::new()).await
    }
}

fn memory_store() -> (Arc<InMemory>, Store) {
    let memory = Arc::new(InMemory::new());
    let location = Location::Bucket { bucket: "lake".into(), prefix: "p".into() };
    (Arc::clone(&memory), Store::new(memory, location, ByteSize::mib(64)))
}

/// Records of partition 0 from an offset on, with keys `key-<offset>`.
fn batch(start: i64, records: RecordBatch) -> SinkBatch {
    let end = start + records.num_rows() as i64;
    let keys: Vec<String> = (start..end).map(|offset| format!("key-{offset}")).collect();
    SinkBatch {
        partition: partition(0),
        offsets: OffsetRange::new(start, end),
        metadata: Metadata {
            offsets: Int64Array::from_iter_values(start..end),
            timestamps: TimestampMillisecondArray::from_iter_values((start..end).map(|offset| offset * 1000)),
            keys: BinaryArray::from_iter_values(keys),
        },
        records,
    }
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

fn ranges(number: i32, start: i64, end: i64) -> Ranges {
    let range = PlannedRange { offsets: OffsetRange::new(start, end), at: Timestamp::UNIX_EPOCH, revision: 0 };
    [(partition(number), range)].into_iter().collect()
}

fn records(columns: impl IntoIterator<Item = (&'static str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

/// All files below a folder, by their path in it.
fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    paths_in(folder).into_iter().map(|path| (path.clone(), fs::read(folder.join(path)).unwrap())).collect()
}

/// The paths of all files below a folder, in it.
fn paths_in(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => paths.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    paths
}

/// The rows of a Parquet file as text, `name: value` by name.
fn parquet_rows(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().get_column_iter().map(|(name, field)| (name.clone(), field.to_string())).collect())
        .collect()
}

fn json_rows(text: &[u8]) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with(b"\n"));
    let lines = std::str::from_utf8(text).unwrap().lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}
