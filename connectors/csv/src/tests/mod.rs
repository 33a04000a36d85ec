//! The source from outside: files in, batches out.

mod compressed;
mod configuring;
mod conforming;
mod examining;
mod following;
mod grammar;
mod headers;
mod reading;
mod rejecting;
mod replaying;
mod resuming;
mod sampling;
mod values;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use pipeline_api::{Context, Finding, Findings, Plugin, Rejected, Result, Source, SourceOffsets, Task, parse_column};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{CsvConfig, CsvSource};

/// A folder with files, and a topic's schema.
struct Fixture {
    folder: TempDir,
    schema: SchemaRef,
}

/// Everything that a source gave until it ended.
#[derive(Debug, Default)]
struct Read {
    /// Each row as its fields' texts with `|` between them; null is `∅`.
    rows: Vec<String>,
    rejected: Vec<Rejected>,
    offsets: SourceOffsets,
}

impl Fixture {
    /// `columns` are pairs of a name and a type.
    fn new(columns: &[(&str, &str)]) -> Self {
        let fields: Vec<Field> = columns.iter().map(|(name, of)| parse_column(name, of).unwrap()).collect();
        Self { folder: tempfile::tempdir().unwrap(), schema: Arc::new(Schema::new(fields)) }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    fn append(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(bytes.as_ref()).unwrap();
        self
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn context(&self, offsets: SourceOffsets) -> Context {
        Context { folder: self.folder.path().to_owned(), offsets, ..Context::new("csv", self.schema.clone()) }
    }

    async fn open(&self, config: Value, offsets: SourceOffsets) -> Result<CsvSource> {
        CsvSource::open(parsed(config), self.context(offsets)).await
    }

    async fn try_read(&self, config: Value, offsets: SourceOffsets) -> Result<Read> {
        read_all(&mut self.open(config, offsets.clone()).await?, offsets).await
    }

    async fn read(&self, config: Value) -> Read {
        self.try_read(config, SourceOffsets::new()).await.unwrap()
    }

    async fn refusal(&self, config: Value) -> String {
        format!("{:#}", self.try_read(config, SourceOffsets::new()).await.unwrap_err())
    }
}

impl Read {
    fn add(&mut self, batch: pipeline_api::SourceBatch) {
        self.rows.extend(rows(&batch.records));
        self.rejected.extend(batch.rejected);
        self.offsets.merge(batch.offsets);
    }

    /// The only rejected record: its place, field and reason.
    fn misfit(&self) -> (&str, Option<&str>, &str) {
        let [rejected] = &self.rejected[..] else { panic!("{:?}", self.rejected) };
        (&rejected.place, rejected.field.as_deref(), &rejected.reason)
    }
}

async fn read_all(source: &mut CsvSource, offsets: SourceOffsets) -> Result<Read> {
    let mut read = Read { offsets, ..Read::default() };
    while let Some(batch) = source.poll().await? {
        assert_eq!(batch.records.schema(), source.schema());
        read.add(batch);
    }
    Ok(read)
}

fn parsed(config: Value) -> CsvConfig {
    serde_json::from_value(config).unwrap()
}

fn rows(records: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("∅");
    let columns: Vec<_> =
        records.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
    (0..records.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"))
        .collect()
}
