//! Files, encoded on a thread of their own.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Result, bail};
use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::uploads::Uploads;
use crate::columns::schema;

/// What is given to it becomes files, and the files are put, or dropped where nobody is to have them.
pub(super) struct Files<T> {
    sender: SyncSender<(T, usize)>,
    encoder: JoinHandle<Result<()>>,
}

/// A file has about so many rows.
const FILE_ROWS: usize = 500_000;

/// So much waits for the encoder.
const WAITING: usize = 4;

impl Files<RecordBatch> {
    /// Parquet with zstd at level 1. Needs a bucket to put it into.
    pub(super) fn parquet(bucket: Option<&str>) -> Result<Self> {
        let uploads = bucket.map(Uploads::new).transpose()?;
        Ok(Self::new(move |batches| encode_parquet(batches, uploads)))
    }
}

impl Files<Vec<u8>> {
    /// Lines, as zstd at level 1.
    pub(super) fn json(bucket: Option<&str>) -> Result<Self> {
        let uploads = bucket.map(Uploads::new).transpose()?;
        Ok(Self::new(move |texts| encode_json(texts, uploads)))
    }
}

impl<T: Send + 'static> Files<T> {
    fn new(encode: impl FnOnce(Receiver<(T, usize)>) -> Result<()> + Send + 'static) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        Self { sender, encoder: std::thread::spawn(move || encode(receiver)) }
    }

    /// Appends so many rows. Waits while the encoder has enough to do.
    pub(super) fn write(&self, rows: T, count: usize) -> Result<()> {
        match self.sender.send((rows, count)) {
            Ok(()) => Ok(()),
            Err(_) => bail!("the encoder has ended"),
        }
    }

    /// Returns when the last file is where it should be.
    pub(super) fn close(self) -> Result<()> {
        drop(self.sender);
        match self.encoder.join() {
            Ok(outcome) => outcome,
            Err(_) => bail!("the encoder panicked"),
        }
    }
}

fn encode_parquet(batches: Receiver<(RecordBatch, usize)>, mut uploads: Option<Uploads>) -> Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
    let new = || ArrowWriter::try_new(Vec::new(), Arc::new(schema()), Some(properties.clone()));
    let (mut writer, mut rows) = (new()?, 0);
    for (batch, count) in batches {
        writer.write(&batch)?;
        rows += count;
        if rows >= FILE_ROWS {
            put(&mut uploads, std::mem::replace(&mut writer, new()?).into_inner()?, "parquet")?;
            rows = 0;
        }
    }
    put(&mut uploads, writer.into_inner()?, "parquet")?;
    uploads.map_or(Ok(()), Uploads::finish)
}

fn encode_json(texts: Receiver<(Vec<u8>, usize)>, mut uploads: Option<Uploads>) -> Result<()> {
    let new = || zstd::Encoder::new(Vec::new(), 1);
    let (mut writer, mut rows) = (new()?, 0);
    for (text, count) in texts {
        writer.write_all(&text)?;
        rows += count;
        if rows >= FILE_ROWS {
            put(&mut uploads, std::mem::replace(&mut writer, new()?).finish()?, "json.zst")?;
            rows = 0;
        }
    }
    put(&mut uploads, writer.finish()?, "json.zst")?;
    uploads.map_or(Ok(()), Uploads::finish)
}

fn put(uploads: &mut Option<Uploads>, file: Vec<u8>, extension: &str) -> Result<()> {
    match uploads {
        Some(uploads) => uploads.put(file, extension),
        None => {
            std::hint::black_box(file);
            Ok(())
        }
    }
}
