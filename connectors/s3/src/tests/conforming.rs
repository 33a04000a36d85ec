use std::io::Read;
use std::path::PathBuf;
use std::sync::Mutex;

use arrow::array::Float64Array;
use arrow::datatypes::Schema;
use futures::{FutureExt, TryStreamExt};
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use pipeline_api::{Artifact, BoxFuture, Buffered, Dataset, Findings, Result, Sink, async_trait};
use pipeline_json::{TimestampStyle, write_lines};
use pipeline_testkit::sink_conformance::{Stored, Subject, run};
use pipeline_testkit::{records, schema};
use serde_json::json;

use super::*;
use crate::settings::FileConfig;
use crate::{FileSink, S3JsonConfig, S3ParquetConfig};

pub(super) fn columns() -> SchemaRef {
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
        let numbers = numbers(&path, &bytes);
        Stored { url: url::Url::from_file_path(out.join(path)).unwrap().into(), bytes, numbers }
    });
    stored.collect()
}

/// The ids of the records in a file.
pub(super) fn numbers(path: &str, bytes: &[u8]) -> Vec<i64> {
    match path.ends_with(".parquet") {
        true => parquet_rows(bytes).iter().map(|row| row["id"].parse().unwrap()).collect(),
        false => json_rows(&unpacked(path, bytes)).iter().map(|row| row["id"].as_i64().unwrap()).collect(),
    }
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
        let subject = Subject::of::<S3Json>(config.clone(), columns(), stored).with_lines(lines);
        subject.formerly(former.clone()).refusing(with("price", nan.clone()))
    })
    .await;
}

pub(super) fn lines(records: &RecordBatch) -> Vec<u8> {
    let mut lines = Vec::new();
    write_lines(records, TimestampStyle::Athena, &mut lines).unwrap();
    lines
}

#[tokio::test]
async fn json_files_in_hive_folders_conform() {
    let config = json!({ "url": "out", "partition_by": ["symbol"], "compression": "zstd" });
    let former = json!({ "url": "out" });
    run(|| Subject::of::<S3Json>(config.clone(), columns(), stored).formerly(former.clone())).await;
}

/// A sink over a bucket in memory, of which each pipeline folder has its own.
struct InBucket<C: FileConfig>(FileSink<C>);

static BUCKETS: Mutex<BTreeMap<PathBuf, Arc<InMemory>>> = Mutex::new(BTreeMap::new());

fn bucket_of(folder: &Path) -> Arc<InMemory> {
    BUCKETS.lock().unwrap().entry(folder.to_owned()).or_default().clone()
}

#[async_trait]
impl<C: FileConfig> Plugin for InBucket<C> {
    const TYPE: &'static str = C::TYPE;
    type Config = C;

    fn validate(config: &C, records: &Schema, findings: &mut Findings) {
        FileSink::validate(config, records, findings);
    }

    async fn open(config: C, context: Context) -> Result<Self> {
        let settings = config.settings();
        let location = Location::parse(&settings.url, &context.folder).unwrap();
        let store = Store::new(bucket_of(&context.folder), location, settings.multipart_above);
        Ok(Self(FileSink::over(config, context, store)?))
    }
}

#[async_trait]
impl<C> Sink for InBucket<C>
where
    C: FileConfig,
    Self: Plugin<Config = C>,
    FileSink<C>: Plugin<Config = C>,
{
    fn dataset(config: &C, context: &Context) -> Result<Option<Dataset>> {
        <FileSink<C> as Sink>::dataset(config, context)
    }

    async fn reset(config: C, context: Context) -> Result<Option<String>> {
        <Self as Plugin>::open(config, context).await?.0.remove_all().await
    }

    async fn put(&mut self, batch: SinkBatch) -> Result<()> {
        self.0.put(batch).await
    }

    fn buffered(&self) -> Buffered {
        self.0.buffered()
    }

    fn flush(&mut self, ranges: Ranges) -> BoxFuture<'static, Result<Vec<Artifact>>> {
        self.0.flush(ranges)
    }

    async fn revoke(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.0.revoke(partitions).await
    }

    async fn discard(&mut self, ranges: &Ranges) -> Result<()> {
        self.0.discard(ranges).await
    }
}

/// All objects of the bucket, each by the key that a reader would ask for. Memory never makes its reader wait.
fn objects(folder: &Path) -> Vec<Stored> {
    let bucket = bucket_of(folder);
    let listed: Vec<_> = bucket.list(None).try_collect().now_or_never().unwrap().unwrap();
    let object = |key: &Key| {
        let bytes = async { bucket.get(key).await.unwrap().bytes().await.unwrap() };
        let bytes = bytes.now_or_never().unwrap().to_vec();
        Stored { url: format!("s3://lake/{key}"), numbers: numbers(key.as_ref(), &bytes), bytes }
    };
    listed.iter().map(|found| object(&found.location)).collect()
}

#[tokio::test]
async fn objects_in_a_bucket_conform() {
    let config = json!({ "url": "s3://lake/a b/p", "partition_by": ["symbol"] });
    let former = json!({ "url": "s3://lake/a b/p", "partition_by": ["day"], "compression": "zstd" });
    run(|| Subject::of::<InBucket<S3ParquetConfig>>(config.clone(), columns(), objects).formerly(former.clone())).await;
    run(|| Subject::of::<InBucket<S3JsonConfig>>(config.clone(), columns(), objects).formerly(former.clone())).await;
}
