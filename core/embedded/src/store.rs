//! The file that everything lies in.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use pipeline_api::{Error, Result, probe_folder};
use redb::backends::InMemoryBackend;
use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageError, TableDefinition,
    WriteTransaction,
};

use crate::owner::Owner;

/// Topics: name → (id, partitions, when it was created in milliseconds since 1970 UTC).
pub(crate) const TOPICS: TableDefinition<&str, (u64, i32, i64)> = TableDefinition::new("topics");
/// Partitions: (topic id, partition) → (first offset, next offset, stored bytes).
pub(crate) const PARTITIONS: TableDefinition<(u64, i32), (i64, i64, u64)> = TableDefinition::new("partitions");
/// Records: (topic id, partition, offset of the first record) → [block](crate::block).
pub(crate) const LOG: TableDefinition<(u64, i32, i64), &[u8]> = TableDefinition::new("log");
/// Committed offsets of groups: (topic id, group, partition) → (offset, metadata).
pub(crate) const GROUP_OFFSETS: TableDefinition<(u64, &str, i32), (i64, &str)> = TableDefinition::new("group_offsets");
/// Committed offsets of sources: (pipeline, source, partition of the source) → position as JSON.
pub(crate) const SOURCE_OFFSETS: TableDefinition<(&str, &str, &str), &str> = TableDefinition::new("source_offsets");

/// Small, because records are read in blocks that the consumers keep, and the operating system caches the file.
const CACHE_BYTES: usize = 8 << 20;
const FILE: &str = "broker.redb";

/// The file that everything lies in, or its image in memory. One process at a time holds it.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
}

impl Store {
    /// Opens the store in `folder` and creates what is missing; without a folder it is new and in memory.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Arc<Self>> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES);
        let database = match folder {
            Some(folder) => open_folder(&mut builder, folder)?,
            None => builder.create_with_backend(InMemoryBackend::new()).map_err(failed)?,
        };
        let store = Self { database };
        store.create_tables()?;
        Ok(Arc::new(store))
    }

    /// Whether there is one in `folder`.
    pub(crate) fn is_in(folder: &Path) -> bool {
        has_begun(&folder.join(FILE))
    }

    /// Errors: `folder`, or the one that it would be made in, cannot be written. Leaves nothing there.
    pub(crate) fn examine_folder(folder: &Path) -> Result<()> {
        probe_folder(folder).map_err(|error| no_folder(folder, error))
    }

    /// Reads a snapshot. Short: runs where it is called.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T> {
        let transaction = self.database.begin_read().map_err(failed)?;
        read(&transaction).map_err(failed)
    }

    /// Makes the changes of `write` durable, all or, if it fails, none. Blocks: see [`blocking`].
    pub(crate) fn write<T, E: From<Error>>(
        &self,
        write: impl FnOnce(&WriteTransaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.database.begin_write().map_err(failed)?;
        let written = write(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(written)
    }

    /// Runs `act` between two writes. Blocks: see [`blocking`].
    pub(crate) fn between_writes<T>(&self, act: impl FnOnce() -> T) -> Result<T> {
        let transaction = self.database.begin_write().map_err(failed)?;
        let outcome = act();
        transaction.abort().map_err(failed)?;
        Ok(outcome)
    }

    /// Readers need not ask whether a table exists.
    fn create_tables(&self) -> Result<()> {
        let complete = self.read(|transaction| Ok(transaction.open_table(SOURCE_OFFSETS).is_ok()))?;
        if complete {
            return Ok(());
        }
        self.write(|transaction| {
            transaction.open_table(TOPICS).map_err(failed)?;
            transaction.open_table(PARTITIONS).map_err(failed)?;
            transaction.open_table(LOG).map_err(failed)?;
            transaction.open_table(GROUP_OFFSETS).map_err(failed)?;
            transaction.open_table(SOURCE_OFFSETS).map_err(failed)?;
            Ok(())
        })
    }
}

/// Runs what blocks on the store where it holds up nobody. It runs to its end also if the caller is dropped.
pub(crate) async fn blocking<T: Send + 'static, E: From<Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => {
            Err(Error::fatal("a write to the embedded broker's store was cut short").with_source(error).into())
        }
    }
}

/// The store cannot be read or written.
pub(crate) fn failed(error: impl Into<redb::Error>) -> Error {
    let error = error.into();
    let fault = match &error {
        redb::Error::Io(error) => fault_of_the_disk(error.kind()),
        _ => None,
    };
    Error::fatal(format!("the embedded broker's store {}", fault.unwrap_or("failed"))).with_source(error)
}

/// What is wrong where the store lies, and what a person can do about it.
fn fault_of_the_disk(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "finds the disk full; free some space and run again, or choose another embedded.path"
        }
        ErrorKind::FileTooLarge => {
            "would become larger than the file system or `ulimit -f` allows; raise that, or choose another embedded.path"
        }
        ErrorKind::ReadOnlyFilesystem => "lies on a read-only file system; choose an embedded.path that can be written",
        ErrorKind::PermissionDenied => {
            "may not be written by this user; let it write there, or choose another embedded.path"
        }
        _ => return None,
    })
}

fn open_folder(builder: &mut Builder, folder: &Path) -> Result<Database> {
    std::fs::create_dir_all(folder).map_err(|error| no_folder(folder, error))?;
    let file = folder.join(FILE);
    let shown = file.display().to_string();
    builder.set_repair_callback(move |session| {
        tracing::info!(file = shown, progress = session.progress(), "checking the broker's store after a crash");
    });
    let making = begin_to_make(folder, &file);
    let database = builder.create(&file);
    drop(making);
    match database {
        Ok(database) => {
            Owner::announce(folder);
            Ok(database)
        }
        Err(DatabaseError::DatabaseAlreadyOpen) => Err(Owner::refusal(folder)),
        Err(error) => {
            let file = file.display();
            let fault = match &error {
                DatabaseError::Storage(StorageError::Io(error)) => fault_of_the_disk(error.kind()),
                _ => None,
            };
            let message = match fault {
                Some(fault) => format!("the embedded broker's store `{file}` {fault}"),
                None => format!("cannot open the embedded broker's store `{file}`"),
            };
            Err(Error::fatal(message).with_source(error))
        }
    }
}

/// The folder of a store cannot be made or written.
fn no_folder(folder: &Path, error: std::io::Error) -> Error {
    let folder = folder.display();
    let message = match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => format!(
            "a file is in the way of the embedded broker's folder `{folder}`; remove it, or choose another `embedded.path`"
        ),
        kind => match fault_of_the_disk(kind) {
            Some(fault) => format!("the embedded broker's folder `{folder}` {fault}"),
            None => format!("cannot create the embedded broker's folder `{folder}`"),
        },
    };
    Error::fatal(message).with_source(error)
}

/// Makes room for a store where there is none. A kill or a full disk may have cut off the making of one; redb would refuse what
/// is left of it for ever. Returns what has to be held until the store is made, so that no process takes a store that
/// another is making for such a rest. Whatever fails here, redb will meet as well, and say.
fn begin_to_make(folder: &Path, file: &Path) -> Option<File> {
    if has_begun(file) {
        return None;
    }
    let lock = File::open(folder).ok()?;
    lock.lock().ok()?;
    if !has_begun(file)
        && let Ok(rest) = OpenOptions::new().write(true).open(file)
        && rest.set_len(0).is_ok()
    {
        tracing::debug!(file = %file.display(), "the broker's store is made anew, its making was cut off");
    }
    Some(lock)
}

/// Whether there is a store, or something else that is not ours to remove. The first bytes are the last that redb writes when it
/// makes one.
fn has_begun(file: &Path) -> bool {
    let mut first = Vec::new();
    let read = File::open(file).and_then(|found| found.take(REDB_MAGIC_BYTES).read_to_end(&mut first));
    read.is_ok() && first.iter().any(|byte| *byte != 0)
}

const REDB_MAGIC_BYTES: u64 = 9;
