//! Files that would take much memory if they were taken whole. One process, so that nothing else is measured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::Schema;
use flate2::Compression;
use flate2::write::GzEncoder;
use pipeline_api::{Context, Plugin, Source, parse_column};
use pipeline_csv::CsvSource;
use serde_json::json;

/// What reading may add to the memory of the process. One batch alone may hold 8 MiB of a file.
const LIMIT: u64 = 16 * 1024 * 1024;

const HUNDRED_MB: usize = 100_000_000;

/// What a source gave: the texts of its column `n`, and the places and reasons of what it rejected.
#[derive(Default)]
struct Read {
    rows: Vec<i64>,
    rejected: Vec<(String, String)>,
}

async fn read(folder: &Path, config: serde_json::Value) -> Read {
    let schema = Schema::new(vec![parse_column("n", "bigint").unwrap(), parse_column("t", "string").unwrap()]);
    let context = Context { folder: folder.to_owned(), ..Context::new("csv", Arc::new(schema)) };
    let mut source = CsvSource::open(serde_json::from_value(config).unwrap(), context).await.unwrap();
    let mut read = Read::default();
    while let Some(batch) = source.poll().await.unwrap() {
        let numbers = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.records.column(0));
        read.rows.extend(numbers.values());
        assert!(batch.rejected.iter().all(|rejected| rejected.record.len() <= 4096));
        read.rejected.extend(batch.rejected.into_iter().map(|rejected| (rejected.place, rejected.reason)));
    }
    read
}

/// The most memory that the process has had since the last [`forget_peak`], in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

/// Sets the peak to what the process has now, and returns that.
fn forget_peak() -> u64 {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    peak()
}

/// A file whose second record is 100 MB long.
fn write_long_record(mut file: impl Write, byte: u8) {
    file.write_all(b"n,t\n1,a\n2,").unwrap();
    let block = vec![byte; 1_000_000];
    for _ in 0..HUNDRED_MB / block.len() {
        file.write_all(&block).unwrap();
    }
    file.write_all(b"\n3,c\n").unwrap();
    file.flush().unwrap();
}

#[tokio::test]
async fn a_record_of_100_mb_is_rejected_with_its_place_in_16_mib_also_when_it_was_compressed_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let create = |name: &str| BufWriter::new(File::create(folder.path().join(name)).unwrap());
    write_long_record(create("a.csv"), b'x');
    write_long_record(GzEncoder::new(create("b.csv.gz"), Compression::fast()), 0);
    write_long_record(zstd::Encoder::new(create("c.csv.zst"), 1).unwrap().auto_finish(), b'x');
    assert!(fs::metadata(folder.path().join("b.csv.gz")).unwrap().len() < 1_000_000);
    for name in ["a.csv", "b.csv.gz", "c.csv.zst"] {
        let before = forget_peak();
        let read = read(folder.path(), json!({ "path": name })).await;
        let more = peak() - before;
        assert_eq!(read.rows, [1, 3], "{name}");
        let reason = "the record is longer than 1048576 bytes; `max_record` allows more";
        assert_eq!(read.rejected, [(format!("{name}:3:1"), reason.to_owned())]);
        assert!(more < LIMIT, "{name} took {more} bytes");
    }

    // What it takes whole, which shows that the measure sees it.
    let before = forget_peak();
    let read = read(folder.path(), json!({ "path": "a.csv", "max_record": "128MiB" })).await;
    assert_eq!((read.rows.len(), read.rejected.len()), (3, 0));
    assert!(peak() - before > HUNDRED_MB as u64);
}
