//! The source: files one behind the other, into batches.

use std::path::PathBuf;
use std::time::Duration;

use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use pipeline_api::{
    Context, Error, Examined, Findings, Plugin, RecordBatch, Result, Schema, SchemaRef, Source, SourceBatch,
    SourceOffsets, Task, async_trait,
};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;

use crate::batch::Batch;
use crate::columns::{columns, index_of};
use crate::config::CsvConfig;
use crate::expected::Expected;
use crate::files::{self, CsvFile, belongs_to};
use crate::input::{Compression, Input, Stamp};
use crate::layout::Dialect;
use crate::position::Position;
use crate::record_reader::{LastLine, Next, Record, RecordReader, Rules};
use crate::resume;
use crate::schedule::Schedule;

/// Reads CSV files.
pub struct CsvSource {
    listing: Listing,
    rules: Rules,
    expected: Expected,
    batch: Batch,
    schedule: Option<Schedule>,
    files: Vec<FileProgress>,
    /// The file that is read now, or next.
    turn: usize,
    reader: Option<RecordReader>,
}

/// Where files are found, and how far they were read before this run.
struct Listing {
    folder: PathBuf,
    path: String,
    task: Task,
    offsets: SourceOffsets,
}

/// A file, and how far it was read.
struct FileProgress {
    file: CsvFile,
    position: Option<Position>,
    /// What the file was when it was last read to its end in this run.
    seen: Option<Stamp>,
}

/// Why no more is read.
enum Stop {
    /// The batch is full.
    Full,
    /// The file whose turn it is must be opened.
    Closed,
    /// The next record is not due before.
    NotDue(Instant),
    /// All files are read.
    Finished,
}

/// How often a file that is followed is looked at.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

#[async_trait]
impl Plugin for CsvSource {
    const TYPE: &'static str = "csv";
    type Config = CsvConfig;

    fn validate(config: &CsvConfig, topic: &Schema, findings: &mut Findings) {
        config.check(topic, findings);
    }

    async fn open(config: CsvConfig, context: Context) -> Result<Self> {
        let rules = rules(&config)?;
        let listing =
            Listing { folder: context.folder, path: config.path.clone(), task: context.task, offsets: context.offsets };
        let found = files::list(&listing.folder, &listing.path)?;
        if found.is_empty() && listing.offsets.is_empty() && (config.header || !config.follow) {
            return Err(Error::config(format!(
                "path: there is no csv file at `{}`, expected one; relative paths start from the folder of the pipeline file",
                config.path
            )));
        }
        listing.warn_of_missing(&found);
        let expected = Expected::of(&config, &context.schema, &found, rules)?;
        let columns = columns(&config, &context.schema, &expected.names)?;
        let batch = Batch::new(columns, config.nulls, rules.dialect);
        let schedule = match &config.replay {
            Some(replay) => Some(Schedule::new(time_column(&batch, &replay.by)?, replay.speed)),
            None => None,
        };
        let mut source = Self { listing, rules, expected, batch, schedule, files: Vec::new(), turn: 0, reader: None };
        source.add(found)?;
        Ok(source)
    }
}

#[async_trait]
impl Source for CsvSource {
    /// Looks into every file; whether their columns fit is known from their headers.
    async fn examine(config: CsvConfig, context: Context) -> Vec<Examined> {
        let what = format!("the files at `{}`", config.path);
        let trial = async {
            let found = files::list(&context.folder, &config.path)?;
            Self::open(config, context).await?;
            let count = found.len();
            let opened = tokio::task::spawn_blocking(move || {
                found.iter().try_for_each(|file| Input::open(&file.path, &file.partition).map(drop))
            });
            opened.await.map_err(|error| Error::fatal("the files were not opened").with_source(error))??;
            Ok(Some(if count == 1 { "1 file".to_owned() } else { format!("{count} files") }))
        };
        vec![Examined::of(what, trial).await]
    }

    async fn sample(config: CsvConfig, context: Context, rows: usize) -> Result<Option<RecordBatch>> {
        let mut source = Self::open(CsvConfig { follow: false, replay: None, ..config }, context).await?;
        let mut batches = Vec::new();
        let mut left = rows;
        while left > 0
            && let Some(SourceBatch { records, .. }) = source.poll().await?
        {
            left = left.saturating_sub(records.num_rows());
            batches.push(records);
        }
        let sample = concat_batches(&source.schema(), &batches)
            .map_err(|error| Error::fatal("the first records are no batch").with_source(error))?;
        Ok(Some(sample.slice(0, sample.num_rows().min(rows))))
    }

    fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }

    fn place(&self, row: usize) -> Option<String> {
        self.batch.place(row)
    }

    /// What was read and not returned is in `self` whenever it waits: a call that is dropped loses nothing.
    async fn poll(&mut self) -> Result<Option<SourceBatch>> {
        loop {
            let mut stop = self.read();
            if let Ok(Stop::Closed) = stop {
                match self.open_file().await {
                    Ok(()) => continue,
                    Err(error) => stop = Err(error),
                }
            }
            if stop.is_err() {
                // The file is opened again where it was left; if there is a batch, the error comes with the next call.
                self.reader = None;
            }
            if let Some(batch) = self.batch.take()? {
                return Ok(Some(batch));
            }
            match stop? {
                Stop::Full | Stop::Closed => {}
                Stop::NotDue(until) => sleep_until(until).await,
                Stop::Finished if self.follows() => {
                    sleep(FOLLOW_INTERVAL).await;
                    self.look_again()?;
                }
                Stop::Finished => return Ok(None),
            }
        }
    }
}

impl CsvSource {
    /// Reads records into the batch.
    fn read(&mut self) -> Result<Stop> {
        if self.batch.is_full() {
            return Ok(Stop::Full);
        }
        let Some(progress) = self.files.get_mut(self.turn) else { return Ok(Stop::Finished) };
        let Some(reader) = &mut self.reader else { return Ok(Stop::Closed) };
        let stop = read_file(reader, &mut self.batch, &mut self.schedule, &progress.file.partition, self.rules);
        let position = reader.position();
        if matches!(stop, Ok(Stop::Closed)) {
            progress.seen = Some(position.stamp());
            self.turn += 1;
            self.reader = None;
        }
        if progress.position.as_ref() != Some(&position) {
            self.batch.set_offset(&progress.file.partition, &position)?;
            progress.position = Some(position);
        }
        stop
    }

    /// Opens the file whose turn it is, or goes on to the next if there is nothing to be read in it.
    async fn open_file(&mut self) -> Result<()> {
        let follows = self.follows();
        let Some(progress) = self.files.get_mut(self.turn) else { return Ok(()) };
        let stamp = Stamp::of(&progress.file.path).ok();
        // A file that is gone while it is followed may come back.
        if progress.is_read(stamp) || (follows && stamp.is_none()) {
            self.turn += 1;
            return Ok(());
        }
        let (file, position) = (progress.file.clone(), progress.position.clone());
        let (expected, rules) = (self.expected.clone(), self.rules);
        // To go to a place in a compressed file is to decompress everything before it.
        let opened =
            tokio::task::spawn_blocking(move || resume::open(&file, position.as_ref(), &expected, rules)).await;
        self.reader = opened.map_err(|error| Error::fatal("a file was not opened").with_source(error))??;
        if self.reader.is_none() {
            progress.seen = stamp;
            self.turn += 1;
        }
        Ok(())
    }

    fn follows(&self) -> bool {
        self.rules.last_line == LastLine::Awaited
    }

    /// Begins again with the first file, and those that are new.
    fn look_again(&mut self) -> Result<()> {
        let found = files::list(&self.listing.folder, &self.listing.path)?;
        self.turn = 0;
        self.add(found)
    }

    /// Adds the files among `found` that belong to this task and are new.
    fn add(&mut self, found: Vec<CsvFile>) -> Result<()> {
        for file in found {
            let known = self.files.binary_search_by(|progress| progress.file.partition.cmp(&file.partition));
            if let (Err(index), true) = (known, belongs_to(&file, self.listing.task)) {
                let position = self.listing.offsets.get(&file.partition)?;
                self.files.insert(index, FileProgress { file, position, seen: None });
            }
        }
        Ok(())
    }
}

impl FileProgress {
    /// Whether the file was read to its end and is the same since. At a start a plain file is compared with its
    /// fingerprint; for a compressed one, which would have to be decompressed for that, size and time are enough.
    fn is_read(&self, stamp: Option<Stamp>) -> bool {
        if self.seen.is_some() {
            return self.seen == stamp;
        }
        let compressed = Compression::of(&self.file.path) != Compression::None;
        compressed && self.position.as_ref().is_some_and(|left| left.done && Some(left.stamp()) == stamp)
    }
}

impl Listing {
    /// A file that was read only in part and is gone may be a mistake, or not: the path may have been changed.
    fn warn_of_missing(&self, found: &[CsvFile]) {
        if self.task.index > 0 {
            return;
        }
        for partition in self.offsets.partitions() {
            let left = self.offsets.get::<Position>(partition).ok().flatten();
            if let Some(left) = left.filter(|left| !left.done && found.iter().all(|file| file.partition != partition)) {
                warn!(file = partition, line = left.line, "a file that was read only in part is not there any more");
            }
        }
    }
}

/// Reads records of one file; [`Stop::Closed`] is its end.
fn read_file(
    reader: &mut RecordReader,
    batch: &mut Batch,
    schedule: &mut Option<Schedule>,
    file: &str,
    rules: Rules,
) -> Result<Stop> {
    while !batch.is_full() {
        match reader.peek()? {
            Next::Record => {
                if let Some(until) = schedule.as_mut().and_then(|schedule| wait_until(schedule, batch, reader.record()))
                {
                    return Ok(Stop::NotDue(until));
                }
                batch.push(reader.record(), file);
            }
            Next::TooLong => batch.push_too_long(reader.record(), rules.max_record, file),
            Next::End(_) => return Ok(Stop::Closed),
        }
        reader.advance();
    }
    Ok(Stop::Full)
}

fn wait_until(schedule: &mut Schedule, batch: &Batch, record: Record<'_>) -> Option<Instant> {
    let micros = batch.micros(record, schedule.column)?;
    schedule.wait_until(micros, Instant::now())
}

fn rules(config: &CsvConfig) -> Result<Rules> {
    Ok(Rules {
        dialect: Dialect {
            delimiter: Dialect::delimiter(&config.delimiter).map_err(Error::config)?,
            quote: Dialect::quote(&config.quote).map_err(Error::config)?,
        },
        max_record: usize::try_from(config.max_record.bytes()).unwrap_or(usize::MAX),
        last_line: if config.follow { LastLine::Awaited } else { LastLine::Complete },
    })
}

fn time_column(batch: &Batch, name: &str) -> Result<usize> {
    let schema = batch.schema();
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let index = index_of(&names, name, "replay.by")?;
    match schema.field(index).data_type() {
        DataType::Date32 | DataType::Timestamp(..) => Ok(index),
        _ => Err(Error::config(format!(
            "replay.by: `{name}` is a string, expected a date or timestamp; `types: {{ {name}: timestamp }}` makes it one"
        ))),
    }
}
