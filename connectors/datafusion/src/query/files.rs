//! The files of a partition, as a query finds them.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use datafusion::object_store::ObjectMeta;
use datafusion::object_store::path::Path as StorePath;
use pipeline_api::{Error, Result};

/// A file with records in it.
#[derive(Clone, Debug)]
pub(crate) struct DataFile {
    pub(super) meta: ObjectMeta,
    pub(super) compression: Compression,
}

/// How a file is compressed as a whole. It goes by the name alone, as it does in Athena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// The files in `folder`, by name, without those below it and without what is no data: names that begin with `_` or
/// `.`, what an interrupted write left behind, and empty files. A folder that is not there holds none.
pub(super) fn data_files(folder: &Path) -> Result<Vec<DataFile>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, error))?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(is_data) {
            continue;
        }
        files.extend(data_file(&entry.path())?);
    }
    files.sort_by(|a, b| a.meta.location.cmp(&b.meta.location));
    Ok(files)
}

/// The file at `path`, if it is one and not empty.
pub(crate) fn data_file(path: &Path) -> Result<Option<DataFile>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    };
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(None);
    }
    let location = StorePath::from_absolute_path(path)
        .map_err(|error| Error::fatal(format!("cannot read {}", path.display())).with_source(error))?;
    let compression = match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Compression::Gzip,
        Some("zst") => Compression::Zstd,
        _ => Compression::None,
    };
    let last_modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH).into();
    let meta = ObjectMeta { location, last_modified, size: metadata.len(), e_tag: None, version: None };
    Ok(Some(DataFile { meta, compression }))
}

/// A write that was cut off leaves `name#1`.
fn is_data(name: &str) -> bool {
    let leftover = name.rsplit_once('#').is_some_and(|(_, tail)| tail.bytes().all(|byte| byte.is_ascii_digit()));
    !name.starts_with(['_', '.']) && !leftover
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::fatal(format!("cannot read {}", path.display())).with_source(error)
}
