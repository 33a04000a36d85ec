//! The files of one flush, on their way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::stream::{self, StreamExt};
use pipeline_api::{Artifact, Error, OffsetRange, PartitionValue, Result, TopicPartition, crash_at};

use crate::encoding::OpenFile;
use crate::store::Store;

/// A file that takes no more rows.
pub(crate) struct DetachedFile<F> {
    pub(crate) file: F,
    /// Where it goes, relative to the store's location.
    pub(crate) path: String,
    pub(crate) rows: u64,
    /// The rows of all files of its topic partition.
    pub(crate) flushed: u64,
    pub(crate) partition_values: Vec<PartitionValue>,
    pub(crate) partition: TopicPartition,
    pub(crate) offsets: OffsetRange,
}

/// How many files are finished and written at once.
const FILES_IN_FLIGHT: usize = 6;

/// Writes all files, and returns what was written in the order of their paths.
///
/// After a failure no further file is begun, but those under way end in their own time, so that no upload in parts is
/// left behind without being aborted.
pub(crate) async fn write_files<F: OpenFile>(
    store: Arc<Store>,
    mut files: Vec<DetachedFile<F>>,
) -> Result<Vec<Artifact>> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let progress = Arc::new(Progress::default());
    let written = stream::iter(files).map(|file| {
        let (store, progress) = (Arc::clone(&store), Arc::clone(&progress));
        async move {
            if progress.failed.load(Ordering::Relaxed) {
                return None;
            }
            let result = write_file(&store, &progress, file).await;
            progress.failed.fetch_or(result.is_err(), Ordering::Relaxed);
            Some(result)
        }
    });
    let written: Vec<Option<Result<Artifact>>> = written.buffered(FILES_IN_FLIGHT).collect().await;
    let artifacts = written.into_iter().flatten().collect::<Result<Vec<_>>>()?;
    store.settle(paths).await?;
    crash_at("s3_after_put");
    Ok(artifacts)
}

#[derive(Default)]
struct Progress {
    failed: AtomicBool,
    first_written: AtomicBool,
}

async fn write_file<F: OpenFile>(store: &Store, progress: &Progress, file: DetachedFile<F>) -> Result<Artifact> {
    let DetachedFile { file, path, rows, flushed, partition_values, partition, offsets } = file;
    let bytes = tokio::task::spawn_blocking(move || file.finish(flushed))
        .await
        .map_err(|error| Error::fatal(format!("{path}: the file could not be finished")).with_source(error))??;
    let size = bytes.len() as u64;
    store.write(&path, bytes, store.attributes(rows, offsets)).await?;
    if !progress.first_written.swap(true, Ordering::Relaxed) {
        crash_at("s3_after_first_put");
    }
    Ok(Artifact { url: store.location().url_of(&path), rows, bytes: size, partition_values, partition, offsets })
}
