//! Which files a path means.

use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use pipeline_api::{Error, Result, Task};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CsvFile {
    /// Its path as the pipeline file means it: the partition of its offsets, and its name towards people.
    pub(crate) partition: String,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// The endings of the files that are read from a folder.
const ENDINGS: [&str; 3] = [".csv", ".tsv", ".txt"];

/// The files that `path` means, in the order of their names. `folder` is what relative paths start from.
pub(crate) fn list(folder: &Path, path: &str) -> Result<Vec<CsvFile>> {
    let folder = std::path::absolute(folder).map_err(|error| unreadable(&folder.display().to_string(), error))?;
    let target = folder.join(path);
    if target.is_dir() {
        return list_folder(&target, path);
    }
    // Whoever opens a pipe waits for its writer, and neither it nor a device can be read again from where one was.
    if target.exists() && !target.is_file() {
        return Err(Error::config(format!("path: `{path}` is a pipe, a socket or a device, expected a file")));
    }
    if !is_pattern(path) || target.exists() {
        return Ok(vec![CsvFile { partition: path.to_owned(), path: target }]);
    }
    list_matches(&folder, path)
}

/// Whether the path stands for files that may come later.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Whether the task reads the file. It follows from the file's name alone, so that tasks that open at different times, and
/// see different files, never share one.
pub(crate) fn belongs_to(file: &CsvFile, task: Task) -> bool {
    // FNV-1a: the same on every machine and in every version.
    let hash = file
        .partition
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash % u64::from(task.of.max(1)) == u64::from(task.index)
}

fn list_folder(target: &Path, path: &str) -> Result<Vec<CsvFile>> {
    let unreadable = |error| unreadable(path, error);
    let prefix = path.trim_end_matches('/');
    let mut files = Vec::new();
    for entry in target.read_dir().map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let name = utf8(file.file_name().map(Path::new).unwrap_or(&file))?;
        if is_csv(name) && file.is_file() {
            files.push(CsvFile { partition: format!("{prefix}/{name}"), path: file });
        }
    }
    files.sort_by(|a, b| a.partition.cmp(&b.partition));
    Ok(files)
}

fn is_csv(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let plain = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    !name.starts_with('.') && ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

fn list_matches(folder: &Path, path: &str) -> Result<Vec<CsvFile>> {
    let folder_text = utf8(folder)?;
    let pattern = if Path::new(path).is_absolute() {
        path.to_owned()
    } else {
        format!("{}/{path}", Pattern::escape(folder_text.trim_end_matches('/')))
    };
    let options =
        MatchOptions { require_literal_separator: true, require_literal_leading_dot: true, ..MatchOptions::new() };
    let matches = glob::glob_with(&pattern, options)
        .map_err(|error| Error::config(format!("path: `{path}` is no pattern: {}", error.msg)))?;
    let mut files = Vec::new();
    for found in matches {
        let found = found.map_err(|error| unreadable(path, error.into()))?;
        if found.is_file() {
            let partition = utf8(found.strip_prefix(folder).unwrap_or(&found))?.to_owned();
            files.push(CsvFile { partition, path: found });
        }
    }
    files.sort_by(|a, b| a.partition.cmp(&b.partition));
    Ok(files)
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::config(format!("{}: the file's name is not UTF-8, rename it", path.display())))
}

fn unreadable(path: &str, error: io::Error) -> Error {
    Error::config(format!("{path}: the folder cannot be read")).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(folder: &Path, path: &str) -> Vec<String> {
        list(folder, path).unwrap().into_iter().map(|file| file.partition).collect()
    }

    #[test]
    fn a_path_is_a_file_a_pattern_or_a_folder_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data[1]");
        std::fs::create_dir_all(data.join("c.csv")).unwrap();
        for name in ["b.csv", "a.csv.gz", "A.TXT", "notes.md", ".hidden.csv"] {
            std::fs::write(data.join(name), "").unwrap();
        }
        assert_eq!(partitions(folder.path(), "data[1]/"), ["data[1]/A.TXT", "data[1]/a.csv.gz", "data[1]/b.csv"]);
        assert_eq!(partitions(folder.path(), "data[1]/b.csv"), ["data[1]/b.csv"]);
        assert_eq!(partitions(&data, "./*.csv*"), ["a.csv.gz", "b.csv"]);
        assert_eq!(partitions(&data.join("c.csv"), "../?.csv"), ["../b.csv"]);
        assert_eq!(partitions(folder.path(), "*.csv"), [""; 0]);
    }

    #[test]
    fn what_is_neither_a_file_nor_a_folder_is_refused_without_being_opened() {
        let folder = tempfile::tempdir().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s.csv")).unwrap();
        for path in ["s.csv", "/dev/zero"] {
            let error = list(folder.path(), path).unwrap_err();
            assert_eq!(error.to_string(), format!("path: `{path}` is a pipe, a socket or a device, expected a file"));
        }
        assert_eq!(partitions(folder.path(), "*.csv"), [""; 0]);
    }

    #[test]
    fn every_file_belongs_to_exactly_one_task() {
        for number in 0..100 {
            let file = CsvFile { partition: format!("data/{number}.csv"), path: PathBuf::new() };
            let owners = (0..3).filter(|index| belongs_to(&file, Task { index: *index, of: 3 })).count();
            assert_eq!(owners, 1, "{file:?}");
        }
    }
}
