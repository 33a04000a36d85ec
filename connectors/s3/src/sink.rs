//! The sink: open files by topic partition and partition values.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::ArrayRef;
use pipeline_api::{
    Artifact, BoxFuture, Buffered, Context, CountRows, Dataset, Error, Examined, FileFormat, Findings, Found,
    PlannedRange, Plugin, Ranges, Result, Schema, Sink, SinkBatch, SinkLines, Timestamp, TopicPartition, async_trait,
};

use crate::encoding::{Encoding, OpenFile};
use crate::examine::examine;
use crate::flush::{DetachedFile, write_files};
use crate::layout::Layout;
use crate::listing::Listing;
use crate::location::Location;
use crate::object_name::{check_topic, is_of_range, is_of_topic, longest_name, object_name};
use crate::partitioner::{Group, PartitionPath, Partitioner};
use crate::settings::{FileConfig, Settings};
use crate::store::{PART_BYTES, Store, check_name};

/// Writes files of one form below one location.
pub struct FileSink<C: FileConfig> {
    settings: Settings,
    topic: Arc<str>,
    encoding: C::Encoding,
    layout: Layout,
    partitioner: Partitioner,
    store: Arc<Store>,
    open: BTreeMap<TopicPartition, HashMap<Box<[u8]>, PartitionFile<C>>>,
}

/// The open file of one topic partition and combination of partition values.
struct PartitionFile<C: FileConfig> {
    path: PartitionPath,
    rows: u64,
    file: <C::Encoding as Encoding>::File,
    /// What the file holds, so that it need not be asked again until it is written to.
    buffered: Buffered,
}

/// A part of a batch, after all that can be refused in it has been checked.
struct Part<C: FileConfig> {
    id: Box<[u8]>,
    /// Where it goes, if no such file is open.
    new: Option<PartitionPath>,
    rows: u64,
    block: <C::Encoding as Encoding>::Block,
}

#[async_trait]
impl<C: FileConfig> Plugin for FileSink<C> {
    const TYPE: &'static str = C::TYPE;
    type Config = C;

    fn validate(config: &C, records: &Schema, findings: &mut Findings) {
        let settings = config.settings();
        settings.check(findings);
        config.check(findings);
        Layout::check(&settings, records, findings);
    }

    async fn open(config: C, context: Context) -> Result<Self> {
        let settings = config.settings();
        let store = Store::open(&settings, &absolute(&context)?).await?;
        check_names(store.location(), &context.topic)?;
        Self::over(config, context, store)
    }
}

impl<C: FileConfig> FileSink<C> {
    /// A sink over a store that is open.
    pub(crate) fn over(config: C, context: Context, store: Store) -> Result<Self> {
        let settings = config.settings();
        let layout = Layout::new(&settings, &context.schema)?;
        Ok(Self {
            topic: context.topic,
            encoding: config.encoding(),
            partitioner: Partitioner::new(Arc::clone(&layout.partition_schema))?,
            layout,
            store: Arc::new(store),
            open: BTreeMap::new(),
            settings,
        })
    }

    /// Removes every file of the topic. Returns how many they were and where, if there were any.
    pub(crate) async fn remove_all(&mut self) -> Result<Option<String>> {
        let topic = Arc::clone(&self.topic);
        let removed = self.store.remove(move |name| is_of_topic(name, &topic)).await?;
        let files = if removed == 1 { "file" } else { "files" };
        Ok((removed > 0).then(|| format!("{removed} {files} below {}", self.store.location().url())))
    }

    /// Splits a batch, and does all with it that can fail.
    fn prepare(&self, batch: &SinkBatch) -> Result<Vec<Part<C>>> {
        let values = self.layout.partition_values(batch)?;
        let groups = self.partitioner.split(&values, self.layout.file_records(batch)?)?;
        let mut parts = Vec::with_capacity(groups.len());
        for Group { id, row, records } in groups {
            let new = self.new_path(&batch.partition, &id, &values, row)?;
            let rows = records.num_rows() as u64;
            parts.push(Part { id, new, rows, block: self.encoding.prepare(records)? });
        }
        self.check_count(&parts)?;
        Ok(parts)
    }

    /// The path of the values at a row, unless a file is open there. Errors: there cannot be one.
    fn new_path(
        &self,
        partition: &TopicPartition,
        id: &[u8],
        values: &[ArrayRef],
        row: usize,
    ) -> Result<Option<PartitionPath>> {
        if self.open.get(partition).is_some_and(|open| open.contains_key(id)) {
            return Ok(None);
        }
        let path = self.partitioner.path(values, row)?;
        self.store.check_path(&path, longest_name(&partition.topic))?;
        Ok(Some(path))
    }

    /// Writes a part of what one partition got into its file.
    fn take(&mut self, partition: TopicPartition, part: Part<C>) -> Result<()> {
        let Part { id, new, rows, block } = part;
        let file = self.open.entry(partition).or_default().entry(id).or_insert_with(|| PartitionFile {
            path: new.unwrap_or_default(),
            rows: 0,
            file: self.encoding.start(&self.layout.file_schema),
            buffered: Buffered::default(),
        });
        file.file.write(block)?;
        file.rows += rows;
        file.buffered = file.file.buffered();
        Ok(())
    }

    fn check_count(&self, parts: &[Part<C>]) -> Result<()> {
        let open: usize = self.open.values().map(HashMap::len).sum();
        let more = parts.iter().filter(|part| part.new.is_some()).count();
        let limit = self.settings.max_partitions;
        if open + more <= limit {
            return Ok(());
        }
        Err(Error::fatal(format!(
            "the records of one flush fall into {} files, and max_partitions allows {limit}: partition by a column with fewer \
             values (date(…) in place of hour(…)), flush more often, or raise max_partitions",
            open + more
        )))
    }
}

#[async_trait]
impl<C> Sink for FileSink<C>
where
    C: FileConfig,
    // Says what is known already, but the compiler does not find it where it compares `dataset` with the trait.
    Self: Plugin<Config = C>,
{
    fn dataset(config: &C, context: &Context) -> Result<Option<Dataset>> {
        let settings = config.settings();
        let location = Location::parse(&settings.url, &context.folder)
            .map_err(|message| Error::config(format!("/url: {message}")))?;
        check_names(&location, &context.topic)?;
        let layout = Layout::new(&settings, &context.schema)?;
        Ok(Some(Dataset {
            location: location.url(),
            format: <C::Encoding as Encoding>::FORMAT,
            columns: layout.file_schema,
            partition_columns: layout.partition_schema,
        }))
    }

    fn outlook(config: &C, context: &Context, batch: &SinkBatch) -> Result<Vec<Artifact>> {
        let settings = config.settings();
        let location = Location::parse(&settings.url, &context.folder)
            .map_err(|message| Error::config(format!("/url: {message}")))?;
        let layout = Layout::new(&settings, &context.schema)?;
        let partitioner = Partitioner::new(Arc::clone(&layout.partition_schema))?;
        let values = layout.partition_values(batch)?;
        let range = PlannedRange { offsets: batch.offsets, at: Timestamp::UNIX_EPOCH, revision: 0 };
        let name = object_name(&batch.partition, &range, config.encoding().extension());
        let groups = partitioner.split(&values, batch.records.clone())?;
        let artifact = |group: Group| {
            let path = partitioner.path(&values, group.row)?;
            Ok(Artifact {
                url: location.url_of(&format!("{}{name}", path.folder)),
                rows: group.records.num_rows() as u64,
                bytes: 0,
                partition_values: path.values,
                partition: batch.partition.clone(),
                offsets: batch.offsets,
            })
        };
        groups.into_iter().map(artifact).collect()
    }

    fn requests(config: &C, bytes: u64) -> Vec<(&'static str, u64)> {
        let settings = config.settings();
        let above = settings.multipart_above.bytes();
        if !settings.url.starts_with("s3://") {
            return Vec::new();
        }
        match bytes > above {
            false => vec![("PUT", 1)],
            // Its beginning and its end are POSTs, and what was cut off of it before is looked for.
            true => vec![("PUT", bytes.div_ceil(above.min(PART_BYTES as u64))), ("POST", 2), ("LIST", 1)],
        }
    }

    async fn reset(config: C, context: Context) -> Result<Option<String>> {
        let store = Store::open(&config.settings(), &absolute(&context)?).await?;
        Self::over(config, context, store)?.remove_all().await
    }

    async fn list(config: C, context: Context, count: CountRows) -> Result<Option<Vec<Found>>> {
        let store = Store::open_to_read(&config.settings(), &absolute(&context)?).await?;
        let Some(store) = store else { return Ok(Some(Vec::new())) };
        Listing { store, topic: context.topic, format: <C::Encoding as Encoding>::FORMAT, count }.list().await.map(Some)
    }

    async fn examine(config: C, context: Context) -> Vec<Examined> {
        examine(&config.settings(), &context).await
    }

    async fn put(&mut self, batch: SinkBatch) -> Result<()> {
        if batch.records.num_rows() == 0 {
            return Ok(());
        }
        for part in self.prepare(&batch)? {
            self.take(batch.partition.clone(), part)?;
        }
        Ok(())
    }

    fn takes_lines(&self) -> bool {
        <C::Encoding as Encoding>::FORMAT == FileFormat::JsonLines && self.layout.files_have_the_records_columns()
    }

    async fn put_lines(&mut self, lines: SinkLines) -> Result<()> {
        let SinkLines { partition, rows, lines, .. } = lines;
        let block = self.encoding.block_of_lines(lines).filter(|_| self.takes_lines());
        let block = block.ok_or_else(|| Error::data("these files need columns of the records"))?;
        let id = Box::default();
        let part = Part { new: self.new_path(&partition, &id, &[], 0)?, id, rows, block };
        self.check_count(std::slice::from_ref(&part))?;
        self.take(partition, part)
    }

    fn buffered(&self) -> Buffered {
        self.open.values().flat_map(HashMap::values).fold(Buffered::default(), |sum, file| Buffered {
            encoded: sum.encoded + file.buffered.encoded,
            memory: sum.memory + file.buffered.memory,
        })
    }

    fn flush(&mut self, ranges: Ranges) -> BoxFuture<'static, Result<Vec<Artifact>>> {
        let mut files = Vec::new();
        for (partition, range) in ranges.iter() {
            let name = object_name(partition, range, self.encoding.extension());
            let open = self.open.remove(partition).unwrap_or_default();
            let flushed = open.values().map(|file| file.rows).sum();
            files.extend(open.into_values().map(|open| DetachedFile {
                file: open.file,
                path: format!("{}{name}", open.path.folder),
                rows: open.rows,
                flushed,
                partition_values: open.path.values,
                partition: partition.clone(),
                offsets: range.offsets,
            }));
        }
        Box::pin(write_files(Arc::clone(&self.store), files))
    }

    async fn revoke(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        for partition in partitions {
            self.open.remove(partition);
        }
        Ok(())
    }

    async fn discard(&mut self, ranges: &Ranges) -> Result<()> {
        let ranges = ranges.clone();
        let ours = move |name: &str| ranges.iter().any(|(partition, range)| is_of_range(name, partition, range));
        let removed = self.store.remove(ours).await?;
        if removed > 0 {
            tracing::info!(
                removed,
                location = self.store.location().url(),
                "removed files of an interrupted flush under another config"
            );
        }
        Ok(())
    }
}

/// Errors: files that are named after this topic cannot be written there, or would not be found again.
fn check_names(location: &Location, topic: &str) -> Result<()> {
    check_topic(topic)?;
    check_name(location, topic, longest_name(topic))
}

/// The folder that relative paths start from.
pub(crate) fn absolute(context: &Context) -> Result<PathBuf> {
    std::path::absolute(context.resolve("."))
        .map_err(|error| Error::fatal("the current folder cannot be read").with_source(error))
}
