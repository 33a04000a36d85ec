//! What lies below a location, for whoever wants to know whether all is there.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use pipeline_api::{CountRows, FileFormat, Found, Origin, Result, Rows};

use crate::local_folder::final_name;
use crate::object_name::{NamedRange, range_of};
use crate::row_count;
use crate::store::Store;

/// How many files are looked into at once.
const FILES_IN_FLIGHT: usize = 8;

/// A look at the files below a store's location.
pub(crate) struct Listing {
    pub(crate) store: Store,
    /// The topic that our files are named after.
    pub(crate) topic: Arc<str>,
    /// The form that readers expect.
    pub(crate) format: FileFormat,
    pub(crate) count: CountRows,
}

impl Listing {
    /// What readers find there, in the order of their paths. What has gone before it was looked into is left out.
    pub(crate) async fn list(&self) -> Result<Vec<Found>> {
        let mut listed = self.store.list().await?;
        listed.retain(|(path, bytes)| self.is_read(path, *bytes));
        listed.sort();
        let found = stream::iter(listed).map(|(path, bytes)| self.look_into(path, bytes)).buffered(FILES_IN_FLIGHT);
        found.try_filter_map(|found| futures::future::ready(Ok(found))).try_collect().await
    }

    /// Whether readers take it for data. They skip names that begin with `_` or `.`, and what is empty; but a file of ours never
    /// is. A local file that is being written, or was when its process was killed, has its name with `#` and a number.
    fn is_read(&self, path: &str, bytes: u64) -> bool {
        let hidden = path.split('/').any(|part| part.starts_with(['_', '.']));
        let name = name_of(path);
        let unfinished = final_name(name) != name && self.ours(final_name(name)).is_some();
        !hidden && !unfinished && (bytes > 0 || self.ours(name).is_some())
    }

    fn ours(&self, name: &str) -> Option<NamedRange> {
        range_of(name, &self.topic)
    }

    async fn look_into(&self, path: String, bytes: u64) -> Result<Option<Found>> {
        let url = self.store.location().url_of(&path);
        let Some(NamedRange { partition, offsets, revision, extension }) = self.ours(name_of(&path)) else {
            return Ok(Some(Found { url, bytes, origin: Origin::Foreign, rows: Rows::NotCounted, flushed: None }));
        };
        let rows = self.rows(&path, bytes, extension).await?;
        let origin = Origin::Flush { partition, offsets, revision };
        Ok(rows.map(|(rows, flushed)| Found { url, bytes, origin, rows, flushed }))
    }

    /// The rows of one of our files, and those of its flush, if it says so; `None` if it has gone.
    async fn rows(&self, path: &str, bytes: u64, extension: &str) -> Result<Option<(Rows, Option<u64>)>> {
        let format = if extension == ".parquet" { FileFormat::Parquet } else { FileFormat::JsonLines };
        let unreadable = |why: &str| Ok(Some((Rows::Unreadable(why.to_owned()), None)));
        match (format, self.format) {
            _ if bytes == 0 => unreadable("it is empty"),
            (FileFormat::JsonLines, FileFormat::Parquet) => unreadable("it is JSON, and readers expect Parquet here"),
            (FileFormat::Parquet, FileFormat::JsonLines) => unreadable("it is Parquet, and readers expect JSON here"),
            (FileFormat::Parquet, _) => row_count::of_parquet(&self.store, path, bytes).await,
            (FileFormat::JsonLines, _) if self.count == CountRows::WhereCheap => Ok(Some((Rows::NotCounted, None))),
            (FileFormat::JsonLines, _) => {
                Ok(row_count::of_lines(&self.store, path, extension).await?.map(|rows| (rows, None)))
            }
        }
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
