//! The catalog of local tables: what Glue is in the cloud.

mod location;
mod merge;
mod table;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pipeline_api::{Error, Result, probe_folder};

pub(crate) use location::{local_path, parent};
pub(crate) use merge::merged;
pub use table::{Column, Partition, Table, TableFormat};

/// A folder with one JSON file for each table.
///
/// A file is replaced as a whole, so a reader sees a table as it was before a change or after it, and needs no lock.
/// Writers hold a lock on the folder, in this process and between processes.
#[derive(Clone, Debug)]
pub struct LocalCatalog {
    folder: PathBuf,
}

/// Tells one version of a table's file from another without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    length: u64,
}

impl LocalCatalog {
    /// The catalog in `folder`, which is made when the first table is. Touches nothing.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All tables, by name. Errors: a file that cannot be read or is none of ours.
    pub fn tables(&self) -> Result<Vec<Table>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read", &self.folder, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| failed("read", &self.folder, error))?.file_name();
            let table =
                name.to_str().filter(|name| !name.starts_with(['_', '.'])).and_then(|n| n.strip_suffix(".json"));
            names.extend(table.map(str::to_owned));
        }
        names.sort_unstable();
        // A table may be removed between the listing and the reading.
        names.iter().filter_map(|name| self.table(name).transpose()).collect()
    }

    /// The table called `name`, if there is one. Errors: a file that cannot be read or is none of ours.
    pub fn table(&self, name: &str) -> Result<Option<Table>> {
        let path = self.path_of(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, error)),
        };
        let table = serde_json::from_slice(&text).map_err(|error| {
            Error::fatal(format!("{} is no table of a catalog, remove it or restore it", path.display()))
                .with_source(error)
        })?;
        Ok(Some(table))
    }

    /// Replaces the table called `name` by what `change` makes of it. Writes nothing if it stays as it is.
    ///
    /// Errors: those of `change`; a folder that cannot be written.
    pub fn update(&self, name: &str, change: impl FnOnce(Option<Table>) -> Result<Table>) -> Result<()> {
        let _lock = self.lock()?;
        let found = self.table(name)?;
        let wanted = change(found.clone())?;
        if found.as_ref() == Some(&wanted) {
            return Ok(());
        }
        self.write(name, &wanted)
    }

    /// Errors: the folder, or the one that it would be made in, cannot be written. Leaves nothing there.
    pub(crate) fn examine_folder(&self) -> Result<()> {
        probe_folder(&self.folder).map_err(|error| failed("write", &self.folder, error))
    }

    /// Removes the table called `name` and leaves its files. Returns whether there was one that `condition` held for.
    pub fn remove_if(&self, name: &str, condition: impl FnOnce(&Table) -> bool) -> Result<bool> {
        if !self.folder.exists() {
            return Ok(false);
        }
        let _lock = self.lock()?;
        if !self.table(name)?.is_some_and(|table| condition(&table)) {
            return Ok(false);
        }
        let path = self.path_of(name);
        fs::remove_file(&path).map_err(|error| failed("remove", &path, error))?;
        self.sync_folder()?;
        Ok(true)
    }

    /// The version of the table called `name`; `None` if there is no such table.
    pub(crate) fn stamp(&self, name: &str) -> Option<Stamp> {
        let metadata = fs::metadata(self.path_of(name)).ok()?;
        Some(Stamp { modified: metadata.modified().ok()?, length: metadata.len() })
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// Held until the file is dropped.
    fn lock(&self) -> Result<File> {
        fs::create_dir_all(&self.folder).map_err(|error| failed("make", &self.folder, error))?;
        let path = self.folder.join("_lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| failed("write", &path, error))?;
        file.lock().map_err(|error| failed("lock", &path, error))?;
        Ok(file)
    }

    /// Called under the lock, so the temporary name is ours alone, and what a crash leaves there is overwritten.
    fn write(&self, name: &str, table: &Table) -> Result<()> {
        let text = serde_json::to_vec_pretty(table)
            .map_err(|error| Error::fatal(format!("cannot write table {name} as JSON")).with_source(error))?;
        let (path, temporary) = (self.path_of(name), self.folder.join(format!("_{name}.json")));
        write_durably(&temporary, &text).map_err(|error| failed("write", &temporary, error))?;
        fs::rename(&temporary, &path).map_err(|error| failed("write", &path, error))?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> Result<()> {
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| failed("write", &self.folder, error))
    }
}

fn write_durably(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text)?;
    file.sync_all()
}

fn failed(verb: &str, path: &Path, error: io::Error) -> Error {
    let path = path.display();
    if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory) {
        let message =
            format!("a file is in the way of the catalog's folder {path}; remove it, or choose another `catalog`");
        return Error::fatal(message).with_source(error);
    }
    let message = format!("cannot {verb} {path} of the catalog");
    match error.kind() {
        io::ErrorKind::Interrupted | io::ErrorKind::TimedOut => Error::retriable(message),
        kind => Error::fatal(message + way_out(kind)),
    }
    .with_source(error)
}

/// What a person can do about it. None of these passes by itself.
fn way_out(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull => ": the disk is full; free some space and run again",
        io::ErrorKind::QuotaExceeded => ": the disk quota is used up; free some space and run again",
        io::ErrorKind::ReadOnlyFilesystem => ": the file system is read-only; choose a `catalog` that can be written",
        io::ErrorKind::PermissionDenied => {
            ": permission denied; let this user write there, or choose another `catalog`"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::testing::dataset;

    fn table(folder: &Path) -> Table {
        let columns = Schema::new(vec![Field::new("close", DataType::Float64, true)]);
        Table::of("stocks", "p", &dataset(folder, columns, Schema::empty())).unwrap()
    }

    fn with_partition(mut table: Table, value: String) -> Table {
        table.partitions.push(Partition { values: vec![Some(value)], location: "file:///".into() });
        table
    }

    #[test]
    fn what_passes_by_itself_is_tried_again_and_what_a_person_has_to_mend_stops() {
        use io::ErrorKind::{Interrupted, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};

        let error = |kind: io::ErrorKind| failed("write", Path::new("/c/_t.json"), kind.into());
        assert_eq!(error(Interrupted).kind(), pipeline_api::ErrorKind::Retriable);
        for (kind, advice) in [
            (StorageFull, "free some space and run again"),
            (QuotaExceeded, "free some space and run again"),
            (ReadOnlyFilesystem, "choose a `catalog` that can be written"),
            (PermissionDenied, "let this user write there"),
        ] {
            assert_eq!(error(kind).kind(), pipeline_api::ErrorKind::Fatal, "{kind}");
            assert!(error(kind).to_string().contains(advice), "{}", error(kind));
        }
    }

    #[test]
    fn a_catalog_without_a_folder_has_no_tables_and_makes_none() {
        let temporary = tempfile::tempdir().unwrap();
        let catalog = LocalCatalog::open(temporary.path().join("none"));
        assert!(catalog.tables().unwrap().is_empty());
        assert!(!catalog.remove_if("stocks", |_| true).unwrap());
        assert!(!temporary.path().join("none").exists());
    }

    #[test]
    fn writers_of_one_table_lose_no_partition_and_readers_always_see_a_whole_table() {
        let temporary = tempfile::tempdir().unwrap();
        let empty = table(temporary.path());
        let folder = temporary.path().join("catalog");
        LocalCatalog::open(folder.as_path()).update("stocks", |_| Ok(empty)).unwrap();
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let catalog = LocalCatalog::open(folder.as_path());
                    scope.spawn(move || {
                        for n in 0..10 {
                            let name = format!("{writer}-{n}");
                            let change = |found: Option<Table>| Ok(with_partition(found.unwrap(), name));
                            catalog.update("stocks", change).unwrap();
                        }
                    })
                })
                .collect();
            let catalog = LocalCatalog::open(folder.as_path());
            let mut seen = 0;
            while !writers.iter().all(|writer| writer.is_finished()) {
                let now = catalog.table("stocks").unwrap().unwrap().partitions.len();
                assert!(now >= seen, "{now} partitions after {seen}");
                seen = now;
            }
        });
        let table = LocalCatalog::open(folder.as_path()).table("stocks").unwrap().unwrap();
        assert_eq!(table.partitions.len(), 40);
    }

    #[test]
    fn an_update_that_changes_nothing_writes_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let catalog = LocalCatalog::open(temporary.path());
        let wanted = table(temporary.path());
        catalog.update("stocks", |_| Ok(wanted.clone())).unwrap();
        let before = catalog.stamp("stocks");
        catalog.update("stocks", |found| Ok(found.unwrap())).unwrap();
        assert_eq!(catalog.stamp("stocks"), before);
        assert_eq!(catalog.tables().unwrap(), [wanted]);
    }

    #[test]
    fn a_foreign_file_is_named_and_what_a_crash_left_is_no_table() {
        let temporary = tempfile::tempdir().unwrap();
        fs::write(temporary.path().join("_stocks.json"), "{\"na").unwrap();
        let catalog = LocalCatalog::open(temporary.path());
        assert!(catalog.tables().unwrap().is_empty());
        fs::write(temporary.path().join("other.json"), "{}").unwrap();
        let error = catalog.tables().unwrap_err().to_string();
        assert!(error.contains("other.json is no table of a catalog"), "{error}");
    }
}
