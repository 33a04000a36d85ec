//! The place below which all files of a sink lie.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, FuturesUnordered, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    Attributes, Error as StoreError, GetResult, MultipartUpload, ObjectStore, ObjectStoreExt, PutMultipartOptions,
    PutOptions,
};
use pipeline_api::{ByteSize, Error, ErrorKind, OffsetRange, Result, crash_at, nearest_folder};

use crate::client::s3_client;
use crate::clock::ServerClock;
use crate::local_folder;
use crate::location::Location;
use crate::objects::ObjectSettings;
use crate::partitioner::PartitionPath;
use crate::settings::Settings;
use crate::store_error::{Call, file_error, store_error};
use crate::uploads::Uploads;

/// The files below one location. Paths are relative to it, with `/` between their parts.
pub(crate) struct Store {
    client: Arc<dyn ObjectStore>,
    /// What local folders do not have, and nobody is shown who has no name.
    uploads: Option<Uploads>,
    location: Location,
    /// What is said of each object in a bucket.
    objects: ObjectSettings,
    /// Up to this size a file is one request: it is there whole or not at all, and leaves nothing to clean up.
    single_put_bytes: usize,
}

/// The most bytes of a part.
pub(crate) const PART_BYTES: usize = 16 * 1024 * 1024;

/// How many parts of one file are under way at once.
const PARTS_IN_FLIGHT: usize = 4;

/// The longest key of S3, in bytes.
const LONGEST_KEY: usize = 1024;

/// The longest file name of the usual file systems, in bytes.
const LONGEST_NAME: usize = 255;

/// The longest path that a Linux system takes, in bytes.
const LONGEST_PATH: usize = 4095;

/// `#` and a number follow a local file's name while it is written.
const ATTEMPT_BYTES: usize = 4;

impl Store {
    /// Makes the client; creates the folder of a local location.
    pub(crate) async fn open(settings: &Settings, folder: &Path) -> Result<Self> {
        let location = parse_location(settings, folder)?;
        if let Location::Folder(folder) = &location {
            fs::create_dir_all(folder).map_err(|error| file_error(error, &location.url()))?;
        }
        Self::at(location, settings).await
    }

    /// The same to look at what is there: makes nothing. `None` if there is no such folder.
    pub(crate) async fn open_to_read(settings: &Settings, folder: &Path) -> Result<Option<Self>> {
        let location = parse_location(settings, folder)?;
        match &location {
            Location::Folder(folder) if !folder.exists() => Ok(None),
            _ => Self::at(location, settings).await.map(Some),
        }
    }

    /// The same to try what a run would do: makes nothing. Where there is no such folder it is the one that this would be made in.
    pub(crate) async fn open_to_try(settings: &Settings, folder: &Path) -> Result<Self> {
        let location = match parse_location(settings, folder)? {
            Location::Folder(folder) => Location::Folder(nearest_folder(&folder).to_owned()),
            bucket => bucket,
        };
        Self::at(location, settings).await
    }

    async fn at(location: Location, settings: &Settings) -> Result<Self> {
        match &location {
            Location::Bucket { bucket, .. } => {
                let (client, uploads) = s3_client(settings, bucket).await?;
                let store = Self::new(client, location, settings.multipart_above);
                Ok(Self { uploads, objects: settings.objects.clone(), ..store })
            }
            Location::Folder(folder) => {
                let files = LocalFileSystem::new_with_prefix(folder)
                    .map_err(|error| store_error(error, Call::Write, &location.url()))?;
                Ok(Self::new(Arc::new(files), location, settings.multipart_above))
            }
        }
    }

    pub(crate) fn new(client: Arc<dyn ObjectStore>, location: Location, multipart_above: ByteSize) -> Self {
        let single_put_bytes = usize::try_from(multipart_above.bytes()).unwrap_or(usize::MAX);
        Self { client, uploads: None, location, objects: ObjectSettings::default(), single_put_bytes }
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// What is said of a file with so many rows of these offsets. Local files have nothing of the kind.
    pub(crate) fn attributes(&self, rows: u64, offsets: OffsetRange) -> Attributes {
        self.objects.attributes(rows, offsets)
    }

    /// Writes a file whole, in place of what had its name. Returns when it is durable, but for the folders of a local
    /// file (see [`settle`](Self::settle)).
    pub(crate) async fn write(&self, path: &str, bytes: Vec<u8>, attributes: Attributes) -> Result<()> {
        let key = self.key(path)?;
        let place = self.location.url_of(path);
        crash_at("s3_before_put");
        let in_parts = bytes.len() > self.single_put_bytes;
        let result = match in_parts {
            true => self.put_in_parts(&key, bytes.into(), attributes).await,
            false => {
                let options = PutOptions { tags: self.objects.tag_set(), attributes, ..PutOptions::default() };
                self.client.put_opts(&key, bytes.into(), options).await.map(|_| ())
            }
        };
        result.map_err(|error| store_error(error, Call::Write, &place))?;
        match &self.location {
            Location::Folder(root) => {
                let file = root.join(path);
                blocking(&place, move || {
                    local_folder::sync_file(&file).and_then(|()| local_folder::remove_leftovers(&file))
                })
                .await
            }
            Location::Bucket { .. } if in_parts => {
                self.abort_uploads(key.as_ref(), |found| found == key.as_ref()).await
            }
            Location::Bucket { .. } => Ok(()),
        }
    }

    async fn put_in_parts(&self, key: &Key, bytes: Bytes, attributes: Attributes) -> object_store::Result<()> {
        let options =
            PutMultipartOptions { tags: self.objects.tag_set(), attributes, ..PutMultipartOptions::default() };
        let mut upload = self.client.put_multipart_opts(key, options).await?;
        let result = send_parts(&mut *upload, bytes, PART_BYTES.min(self.single_put_bytes)).await;
        if result.is_err() {
            match upload.abort().await {
                Ok(()) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => {
                    // In these words nothing is left of what the store may have repeated of the request.
                    let error = store_error(error, Call::Abort, key.as_ref());
                    tracing::warn!(error = %format!("{error:#}"), "an incomplete upload stays behind, until the next attempt");
                }
            }
        }
        result
    }

    /// Aborts what killed processes and lost answers left of uploads in parts. An upload that another process is still
    /// making of the same range is that of a process which has lost its partition: it fails, and must not commit.
    async fn abort_uploads(&self, prefix: &str, ours: impl Fn(&str) -> bool + Send) -> Result<()> {
        let Some(uploads) = &self.uploads else { return Ok(()) };
        let place = self.location.url();
        match uploads.abort(prefix, ours).await.map_err(|error| store_error(error, Call::Abort, &place)) {
            Ok(0) => {}
            Ok(aborted) => tracing::info!(aborted, prefix, "aborted incomplete uploads"),
            Err(error) if error.kind() == ErrorKind::Retriable => return Err(error),
            // The files are there; what is left over is for the bucket's lifecycle rule.
            Err(error) => tracing::warn!(error = %format!("{error:#}"), "cannot look for incomplete uploads"),
        }
        Ok(())
    }

    /// Makes the names of local files durable. Nothing to do in an object store.
    pub(crate) async fn settle(&self, paths: Vec<String>) -> Result<()> {
        let Location::Folder(root) = self.location.clone() else { return Ok(()) };
        blocking(&self.location.url(), move || {
            let files = paths.iter().map(|path| root.join(path)).collect::<Vec<_>>();
            local_folder::sync_folders(&root, files)
        })
        .await
    }

    /// Removes every file whose name is `ours`. Returns how many there were.
    pub(crate) async fn remove(&self, ours: impl Fn(&str) -> bool + Send + Sync + 'static) -> Result<u64> {
        let place = self.location.url();
        match self.location.clone() {
            Location::Folder(root) => blocking(&place, move || local_folder::remove_files(&root, &ours)).await,
            Location::Bucket { .. } => self.remove_objects(ours).await,
        }
    }

    /// Removes one file.
    pub(crate) async fn remove_one(&self, path: &str) -> Result<()> {
        let removed = self.client.delete(&self.key(path)?).await;
        removed.map_err(|error| store_error(error, Call::Remove, &self.location.url_of(path)))
    }

    /// The server's clock, if there is a server: its `Date`, and when it was asked and had answered.
    pub(crate) async fn clock(&self) -> Result<Option<ServerClock>> {
        let Some(uploads) = &self.uploads else { return Ok(None) };
        uploads.clock().await.map_err(|error| store_error(error, Call::Abort, &self.location.url()))
    }

    async fn remove_objects(&self, ours: impl Fn(&str) -> bool + Send + Sync) -> Result<u64> {
        let failed = |call| move |error| store_error(error, call, &self.location.url());
        let prefix = self.key("")?;
        let listed = self.client.list(Some(&prefix)).try_filter_map(|object| {
            let found = object.location.filename().is_some_and(&ours).then_some(object.location);
            futures::future::ready(Ok(found))
        });
        let keys: Vec<Key> = listed.try_collect().await.map_err(failed(Call::List))?;
        let count = keys.len() as u64;
        let removed = self.client.delete_stream(futures::stream::iter(keys.into_iter().map(Ok)).boxed());
        removed.try_for_each(|_| futures::future::ready(Ok(()))).await.map_err(failed(Call::Remove))?;
        let below = if prefix.as_ref().is_empty() { String::new() } else { format!("{prefix}/") };
        self.abort_uploads(&below, |key| ours(key.rsplit('/').next().unwrap_or(key))).await?;
        Ok(count)
    }

    /// Every file, by its path, with its size.
    pub(crate) async fn list(&self) -> Result<Vec<(String, u64)>> {
        let place = self.location.url();
        match self.location.clone() {
            Location::Folder(root) => blocking(&place, move || local_folder::list_files(&root)).await,
            Location::Bucket { .. } => {
                self.list_objects()?.try_collect().await.map_err(|error| store_error(error, Call::List, &place))
            }
        }
    }

    /// Errors: files cannot be listed.
    pub(crate) async fn examine_list(&self) -> Result<()> {
        match &self.location {
            Location::Folder(folder) => {
                fs::read_dir(folder).map(drop).map_err(|error| file_error(error, &self.location.url()))
            }
            Location::Bucket { .. } => {
                let first = self.list_objects()?.try_next().await;
                first.map(drop).map_err(|error| store_error(error, Call::List, &self.location.url()))
            }
        }
    }

    fn list_objects(&self) -> Result<BoxStream<'static, object_store::Result<(String, u64)>>> {
        let prefix = self.key("")?;
        let listed = self.client.list(Some(&prefix)).map_ok(move |object| {
            let path = object.location.as_ref().strip_prefix(prefix.as_ref()).unwrap_or_default();
            (path.trim_start_matches('/').to_owned(), object.size)
        });
        Ok(listed.boxed())
    }

    /// The bytes of a part of a file; `None` if it has gone.
    pub(crate) async fn read_part(&self, path: &str, part: Range<u64>) -> Result<Option<Bytes>> {
        self.unless_gone(path, self.client.get_range(&self.key(path)?, part).await)
    }

    /// The bytes of a file, from its beginning to its end; `None` if it has gone.
    pub(crate) async fn read(&self, path: &str) -> Result<Option<BoxStream<'static, object_store::Result<Bytes>>>> {
        let got = self.client.get(&self.key(path)?).await;
        Ok(self.unless_gone(path, got)?.map(GetResult::into_stream))
    }

    fn unless_gone<T>(&self, path: &str, got: object_store::Result<T>) -> Result<Option<T>> {
        match got {
            Ok(got) => Ok(Some(got)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(store_error(error, Call::Read, &self.location.url_of(path))),
        }
    }

    /// Errors: [`Data`](pipeline_api::ErrorKind::Data) if a file in that folder, with a name of up to `name_bytes`,
    /// cannot be named here.
    pub(crate) fn check_path(&self, path: &PartitionPath, name_bytes: usize) -> Result<()> {
        let too_long = |what: &str, column: &str, bytes: usize, limit: usize| {
            Err(Error::data(format!(
                "partition column `{column}`: its value makes a {what} of {bytes} bytes, of {limit} that fit; shorten it in a \
                 transform"
            )))
        };
        let folders = path.folder.split_terminator('/').map(str::len);
        let named = path.values.iter().map(|value| value.column.as_str()).zip(folders);
        let Some((column, longest)) = named.max_by_key(|(_, bytes)| *bytes) else { return Ok(()) };
        match &self.location {
            Location::Folder(_) if longest > LONGEST_NAME => too_long("name", column, longest, LONGEST_NAME),
            Location::Folder(root) => {
                let whole = root.as_os_str().len() + 1 + path.folder.len() + name_bytes + ATTEMPT_BYTES;
                if whole > LONGEST_PATH { too_long("path", column, whole, LONGEST_PATH) } else { Ok(()) }
            }
            Location::Bucket { prefix, .. } => {
                let key = prefix.len() + 1 + path.folder.len() + name_bytes;
                if key > LONGEST_KEY { too_long("key", column, key, LONGEST_KEY) } else { Ok(()) }
            }
        }
    }

    /// The key of a path. `Key::from` would escape the percent signs of Hive's escapes once more.
    fn key(&self, path: &str) -> Result<Key> {
        let key = match &self.location {
            Location::Bucket { prefix, .. } if !prefix.is_empty() => Key::parse(format!("{prefix}/{path}")),
            _ => Key::parse(path),
        };
        key.map_err(|error| Error::fatal(format!("`{path}` is no key of the store")).with_source(error))
    }
}

fn parse_location(settings: &Settings, folder: &Path) -> Result<Location> {
    Location::parse(&settings.url, folder).map_err(|message| Error::config(format!("/url: {message}")))
}

/// Errors: a file with a name of `name_bytes`, which is made from that of the topic, cannot be written there.
pub(crate) fn check_name(location: &Location, topic: &str, name_bytes: usize) -> Result<()> {
    let most = LONGEST_NAME - ATTEMPT_BYTES;
    if matches!(location, Location::Folder(_)) && name_bytes > most {
        return Err(Error::config(format!(
            "files are named after the topic, and that has {} characters, of at most {} that leave a file name room for the \
             rest: rename the topic `{topic}`",
            topic.len(),
            topic.len() + most - name_bytes
        )));
    }
    Ok(())
}

async fn send_parts(upload: &mut dyn MultipartUpload, mut bytes: Bytes, part_bytes: usize) -> object_store::Result<()> {
    let mut in_flight = FuturesUnordered::new();
    let mut sent = Ok(());
    while sent.is_ok() && !bytes.is_empty() {
        if in_flight.len() >= PARTS_IN_FLIGHT {
            sent = in_flight.try_next().await.map(|_| ());
            crash_at("s3_multipart_part");
        }
        let part = bytes.split_to(bytes.len().min(part_bytes));
        in_flight.push(upload.put_part(part.into()));
    }
    // Also after a failure: a part that comes in after the abort would stay.
    while let Some(part) = in_flight.next().await {
        sent = sent.and(part);
        crash_at("s3_multipart_part");
    }
    sent?;
    crash_at("s3_before_complete");
    upload.complete().await?;
    crash_at("s3_after_complete");
    Ok(())
}

/// Does file work away from the threads that serve other tasks.
async fn blocking<T: Send + 'static>(place: &str, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| file_error(error, place)),
        Err(error) => Err(Error::fatal(format!("{place}: file work was cut off")).with_source(error)),
    }
}
