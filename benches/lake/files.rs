//! How many rows files hold.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Result;
use parquet::file::reader::{FileReader, SerializedFileReader};

/// The rows of the Parquet files in a folder, as their footers say.
pub(crate) fn parquet_rows(folder: &Path) -> Result<u64> {
    let mut rows = 0;
    for file in files(folder, ".parquet")? {
        let reader = SerializedFileReader::new(File::open(file)?)?;
        rows += u64::try_from(reader.metadata().file_metadata().num_rows())?;
    }
    Ok(rows)
}

/// The lines of the JSON files in a folder.
pub(crate) fn json_lines(folder: &Path) -> Result<u64> {
    let mut lines = 0;
    for file in files(folder, ".json.zst")? {
        let mut reader = BufReader::new(zstd::Decoder::new(File::open(file)?)?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            lines += 1;
            line.clear();
        }
    }
    Ok(lines)
}

fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files.extend(self::files(&path, ending)?),
            false if path.to_string_lossy().ends_with(ending) => files.push(path),
            false => {}
        }
    }
    Ok(files)
}
