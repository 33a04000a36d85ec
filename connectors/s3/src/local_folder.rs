//! What a local folder needs beyond what an object store does.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Removes what killed processes left of their attempts to write `file`, which is whole by now. They bear its name with
/// `#` and a number, which readers do not know.
///
/// An attempt that another process is still making is of the same range, so that process has lost its partition: it
/// fails, and must not commit.
pub(crate) fn remove_leftovers(file: &Path) -> io::Result<()> {
    let mut misses = 0;
    for attempt in 1.. {
        let mut leftover = file.as_os_str().to_owned();
        leftover.push(format!("#{attempt}"));
        match fs::remove_file(PathBuf::from(leftover)) {
            // Numbers are given from 1 on, but our own attempt has left a gap.
            Err(error) if error.kind() == ErrorKind::NotFound && misses == 2 => break,
            Err(error) if error.kind() == ErrorKind::NotFound => misses += 1,
            result => result?,
        }
    }
    Ok(())
}

/// Returns when the file's bytes would survive a power cut.
pub(crate) fn sync_file(file: &Path) -> io::Result<()> {
    File::open(file)?.sync_all()
}

/// Returns when the names of these files would survive a power cut, and those of the folders between them and `root`.
pub(crate) fn sync_folders(root: &Path, files: impl IntoIterator<Item = PathBuf>) -> io::Result<()> {
    let mut folders = BTreeSet::new();
    for file in files {
        let between = file.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
        folders.extend(between.map(Path::to_owned));
    }
    folders.iter().try_for_each(|folder| sync_file(folder))
}

/// Removes every file below `root` whose name is `ours`, also as a leftover, and the folders that this leaves empty.
/// Returns how many files it removed.
pub(crate) fn remove_files(root: &Path, ours: &dyn Fn(&str) -> bool) -> io::Result<u64> {
    let mut removed = 0;
    remove_in(root, ours, &mut removed)?;
    Ok(removed)
}

fn remove_in(folder: &Path, ours: &dyn Fn(&str) -> bool, removed: &mut u64) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        // Links are left alone: what they lead to is not ours.
        let of = entry.file_type()?;
        if of.is_dir() {
            let before = *removed;
            remove_in(&path, ours, removed)?;
            if *removed > before {
                // Refused if there is anything left in it, and then it stays.
                let _ = fs::remove_dir(&path);
            }
        } else if of.is_file() && entry.file_name().to_str().is_some_and(|name| ours(final_name(name))) {
            fs::remove_file(&path)?;
            *removed += 1;
        }
    }
    Ok(())
}

/// Every file below `root`, by its path relative to that, with its size. Links to folders are not followed. Names that are no
/// UTF-8 are shown as well as they can be.
pub(crate) fn list_files(root: &Path) -> io::Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    list_in(root, "", &mut files)?;
    files.sort();
    Ok(files)
}

fn list_in(folder: &Path, path: &str, files: &mut Vec<(String, u64)>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        // Who writes or resets meanwhile may remove it.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = format!("{path}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list_in(&entry.path(), &format!("{path}/"), files)?;
            continue;
        }
        match fs::metadata(entry.path()) {
            Ok(found) if found.is_file() => files.push((path, found.len())),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// `name`, also of `name#12`.
pub(crate) fn final_name(name: &str) -> &str {
    match name.rsplit_once('#') {
        Some((file, attempt)) if !attempt.is_empty() && attempt.bytes().all(|byte| byte.is_ascii_digit()) => file,
        _ => name,
    }
}
