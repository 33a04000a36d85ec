use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult, UploadPart,
};
use pipeline_api::{ErrorKind, Sink};
use serde_json::json;

use super::*;

/// An object store in memory, of which some calls fail.
#[derive(Debug, Default)]
struct FaultyStore {
    inner: InMemory,
    /// The first put of a key that holds this fails.
    failing_put: Option<&'static str>,
    failed: AtomicBool,
    /// The part, counted from 1, that fails.
    failing_part: usize,
    puts: AtomicUsize,
    parts: Arc<AtomicUsize>,
    aborted: Arc<AtomicUsize>,
}

impl FaultyStore {
    fn store(self) -> (Arc<Self>, Store) {
        let this = Arc::new(self);
        let location = Location::Bucket { bucket: "lake".into(), prefix: "p".into() };
        (Arc::clone(&this), Store::new(this, location, ByteSize::mib(64)))
    }
}

fn broken() -> StoreError {
    StoreError::Generic { store: "test", source: "connection reset".into() }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Key, payload: PutPayload, opts: PutOptions) -> StoreResult<PutResult> {
        self.puts.fetch_add(1, Ordering::SeqCst);
        let fails = self.failing_put.is_some_and(|part| location.as_ref().contains(part));
        if fails && !self.failed.swap(true, Ordering::SeqCst) {
            return Err(broken());
        }
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Key,
        opts: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        let (parts, aborted) = (Arc::clone(&self.parts), Arc::clone(&self.aborted));
        Ok(Box::new(FaultyUpload { inner, failing_part: self.failing_part, parts, aborted }))
    }

    async fn get_opts(&self, location: &Key, options: GetOptions) -> StoreResult<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Key, ranges: &[Range<u64>]) -> StoreResult<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, StoreResult<Key>>) -> BoxStream<'static, StoreResult<Key>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> StoreResult<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> StoreResult<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    failing_part: usize,
    parts: Arc<AtomicUsize>,
    aborted: Arc<AtomicUsize>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.parts.fetch_add(1, Ordering::SeqCst) + 1 == self.failing_part {
            true => Box::pin(async { Err(broken()) }),
            false => self.inner.put_part(data),
        }
    }

    async fn complete(&mut self) -> StoreResult<PutResult> {
        self.inner.complete().await
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.aborted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// More than one request takes, with each mebibyte told apart.
fn large_file() -> Vec<u8> {
    let mut bytes = vec![7; 70 * 1024 * 1024];
    for (number, mebibyte) in (0u32..).zip(bytes.chunks_mut(1024 * 1024)) {
        mebibyte[..4].copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

#[tokio::test]
async fn a_large_file_goes_up_in_parts_and_is_whole() {
    let (faulty, store) = FaultyStore::default().store();
    let bytes = large_file();
    store.put("k=a%3Ab/large.parquet", bytes.clone()).await.unwrap();
    assert_eq!((faulty.puts.load(Ordering::SeqCst), faulty.parts.load(Ordering::SeqCst)), (0, 5));
    let key = Key::parse("p/k=a%3Ab/large.parquet").unwrap();
    assert!(faulty.inner.get(&key).await.unwrap().bytes().await.unwrap() == bytes);
}

#[tokio::test]
async fn an_upload_in_parts_that_fails_is_aborted_and_leaves_no_file() {
    for failing_part in [1, 5] {
        let (faulty, store) = FaultyStore { failing_part, ..FaultyStore::default() }.store();
        let error = store.put("large.parquet", large_file()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Retriable);
        assert_eq!(faulty.aborted.load(Ordering::SeqCst), 1);
        assert!(faulty.inner.get(&Key::parse("p/large.parquet").unwrap()).await.is_err());
    }
}

#[tokio::test]
async fn a_large_local_file_is_whole_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&settings("out"), folder.path()).await.unwrap();
    let bytes = large_file();
    store.put("k=a%3Ab/large.parquet", bytes.clone()).await.unwrap();
    let files = files_in(&folder.path().join("out"));
    assert_eq!(files.len(), 1);
    assert!(files["k=a%3Ab/large.parquet"] == bytes);
}

fn two_keys() -> RecordBatch {
    use arrow::array::StringArray;
    records([
        ("k", Arc::new(StringArray::from(vec!["a:1", "b"])) as ArrayRef),
        ("n", Arc::new(Int64Array::from(vec![1, 2]))),
    ])
}

fn sink_over(store: Store) -> S3Json {
    let settings = json!({ "url": "s3://lake/p", "partition_by": ["k"] });
    S3Json::over(config(settings), context(two_keys().schema(), Path::new("/")), store).unwrap()
}

#[tokio::test]
async fn a_flush_that_failed_half_way_is_made_whole_by_putting_and_flushing_again() {
    let (faulty, store) = FaultyStore { failing_put: Some("k=b"), ..FaultyStore::default() }.store();
    let mut sink = sink_over(store);
    sink.put(batch(0, two_keys())).await.unwrap();
    let error = sink.flush(ranges(0, 0, 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retriable);
    assert!(error.to_string().contains("s3://lake/p/k=b/"), "{error}");

    sink.put(batch(0, two_keys())).await.unwrap();
    let artifacts = sink.flush(ranges(0, 0, 2)).await.unwrap();
    let urls: Vec<&str> = artifacts.iter().map(|artifact| artifact.url.as_str()).collect();
    let name = "t+0+00000000000000000000-2.json";
    assert_eq!(urls, [format!("s3://lake/p/k=a%3A1/{name}"), format!("s3://lake/p/k=b/{name}")]);
    let key = Key::parse(format!("p/k=a%3A1/{name}")).unwrap();
    assert_eq!(json_rows(&faulty.inner.get(&key).await.unwrap().bytes().await.unwrap()), [json!({ "n": 1 })]);
}

#[tokio::test]
async fn discard_and_reset_remove_objects_below_the_prefix_alone() {
    let (memory, store) = memory_store();
    let mut sink = sink_over(store);
    let name = "t+0+00000000000000000000-2.json";
    for key in [format!("p2/{name}"), format!("other/{name}"), "p/t+0+00000000000000000002-4.json".into()] {
        memory.put(&Key::parse(key).unwrap(), "x".into()).await.unwrap();
    }
    sink.put(batch(0, two_keys())).await.unwrap();
    sink.flush(ranges(0, 0, 2)).await.unwrap();
    sink.discard(&ranges(0, 0, 2)).await.unwrap();
    assert_eq!(sink.remove_all().await.unwrap().as_deref(), Some("1 file below s3://lake/p/"));
    use futures::TryStreamExt;
    let mut left: Vec<String> =
        memory.list(None).map_ok(|object| object.location.to_string()).try_collect().await.unwrap();
    left.sort();
    assert_eq!(left, [format!("other/{name}"), format!("p2/{name}")]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_says_so_at_open() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = Store::open(&settings("file/out"), folder.path()).await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("in the way"), "{error}");
}
