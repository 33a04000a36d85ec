//! Shows records on standard output.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, Int32Array, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::util::display::FormatOptions;
use arrow::util::pretty::pretty_format_batches_with_options;
use pipeline_api::{
    Artifact, BoxFuture, Buffered, Context, Delivery, Error, Plugin, Ranges, RecordBatch, Result, Sink, SinkBatch,
    TopicPartition, async_trait, metadata_column, register,
};
use pipeline_json::{TimestampStyle, write_lines};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Shows the records on standard output, to look at what is on a topic.
///
/// Records appear when the sink flushes, one partition after the other: `flush: { every: 1s }` shows them soon. After a
/// crash those that were shown and not committed are shown again.
///
/// ```yaml
/// - type: console
///   config: { format: table }
///   flush: { every: 1s }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsoleSinkConfig {
    /// How the records look.
    #[serde(default)]
    pub format: SinkFormat,
    /// Whether each record also shows its topic, partition, offset, timestamp and key, as `__topic` and so on.
    #[serde(default)]
    pub metadata: bool,
}

/// How records look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkFormat {
    /// One JSON object a line; nulls are left out.
    #[default]
    Json,
    /// A table for each flush of a partition, with the names of the columns above it.
    Table,
}

/// The sink `console`.
pub struct ConsoleSink {
    config: ConsoleSinkConfig,
    put: BTreeMap<TopicPartition, Pending>,
    output: Output,
}

type Output = Arc<Mutex<dyn Write + Send>>;

/// What was put for one partition and not flushed: text, or the records of a table, whose widths are known at its end.
#[derive(Default)]
struct Pending {
    text: Vec<u8>,
    table: Vec<RecordBatch>,
}

register!(sink, ConsoleSink);

#[async_trait]
impl Plugin for ConsoleSink {
    const TYPE: &'static str = "console";
    type Config = ConsoleSinkConfig;

    fn delivery(_: &ConsoleSinkConfig) -> Delivery {
        Delivery::AtLeastOnce
    }

    async fn open(config: ConsoleSinkConfig, _: Context) -> Result<Self> {
        Ok(Self::to(config, Arc::new(Mutex::new(io::stdout()))))
    }
}

impl ConsoleSink {
    fn to(config: ConsoleSinkConfig, output: Output) -> Self {
        Self { config, put: BTreeMap::new(), output }
    }
}

#[async_trait]
impl Sink for ConsoleSink {
    async fn put(&mut self, batch: SinkBatch) -> Result<()> {
        let records = if self.config.metadata { with_metadata(&batch)? } else { batch.records };
        let pending = self.put.entry(batch.partition).or_default();
        match self.config.format {
            SinkFormat::Json => write_lines(&records, TimestampStyle::Iso, &mut pending.text)?,
            SinkFormat::Table if records.num_rows() > 0 => pending.table.push(records),
            SinkFormat::Table => {}
        }
        Ok(())
    }

    fn buffered(&self) -> Buffered {
        let memory: usize = self.put.values().map(Pending::memory).sum();
        Buffered { encoded: memory as u64, memory: memory as u64 }
    }

    fn flush(&mut self, ranges: Ranges) -> BoxFuture<'static, Result<Vec<Artifact>>> {
        let pending: Vec<Pending> = ranges.iter().filter_map(|(partition, _)| self.put.remove(partition)).collect();
        let output = self.output.clone();
        Box::pin(async move {
            // Whoever reads our output may read slowly or not at all, and must not hold up the other tasks.
            let shown = tokio::task::spawn_blocking(move || show(pending, &output)).await;
            shown
                .map_err(|error| Error::fatal("showing records on standard output broke off").with_source(error))??;
            Ok(Vec::new())
        })
    }

    async fn revoke(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.put.retain(|partition, _| !partitions.contains(partition));
        Ok(())
    }

    /// What was shown stays shown.
    async fn discard(&mut self, _: &Ranges) -> Result<()> {
        Ok(())
    }
}

impl Pending {
    fn memory(&self) -> usize {
        self.text.capacity() + self.table.iter().map(RecordBatch::get_array_memory_size).sum::<usize>()
    }

    fn into_text(self) -> Result<Vec<u8>> {
        if self.table.is_empty() {
            return Ok(self.text);
        }
        let options = FormatOptions::default().with_display_error(true).with_null("null");
        let table = pretty_format_batches_with_options(&self.table, &options)
            .map_err(|error| Error::fatal("the records make no table").with_source(error))?;
        Ok(format!("{table}\n").into_bytes())
    }
}

fn show(pending: Vec<Pending>, output: &Output) -> Result<()> {
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    for pending in pending {
        // In one call, so that the lines of several sinks do not mix.
        output.write_all(&pending.into_text()?).map_err(unwritable)?;
    }
    output.flush().map_err(unwritable)
}

fn unwritable(error: io::Error) -> Error {
    let message = match error.kind() {
        io::ErrorKind::BrokenPipe => "standard output was closed by its reader, so no more records can be shown there",
        _ => "records cannot be written to standard output",
    };
    Error::fatal(message).with_source(error)
}

/// The records behind what the topic says of them.
fn with_metadata(batch: &SinkBatch) -> Result<RecordBatch> {
    let rows = batch.records.num_rows();
    let keys = batch.metadata.keys.iter().map(|key| key.map(String::from_utf8_lossy)).collect::<StringArray>();
    let metadata: [(&str, ArrayRef); 5] = [
        (metadata_column::TOPIC, Arc::new(StringArray::from(vec![batch.partition.topic.as_ref(); rows]))),
        (metadata_column::PARTITION, Arc::new(Int32Array::from(vec![batch.partition.partition; rows]))),
        (metadata_column::OFFSET, Arc::new(batch.metadata.offsets.clone())),
        (metadata_column::TIMESTAMP, Arc::new(batch.metadata.timestamps.clone())),
        (metadata_column::KEY, Arc::new(keys)),
    ];
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (name, column) in metadata {
        fields.push(Arc::new(Field::new(name, column.data_type().clone(), true)));
        columns.push(column);
    }
    fields.extend(batch.records.schema().fields().iter().cloned());
    columns.extend(batch.records.columns().iter().cloned());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| Error::fatal("the records and their metadata are of different lengths").with_source(error))
}

#[cfg(test)]
mod conforming;

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, Float64Array, Int64Array, TimestampMillisecondArray};
    use pipeline_api::{ErrorKind, Metadata, OffsetRange, PlannedRange, Timestamp};
    use serde_json::{Value, json};

    use super::*;

    fn sink(config: Value) -> (ConsoleSink, Arc<Mutex<Vec<u8>>>) {
        let shown = Arc::new(Mutex::new(Vec::new()));
        (ConsoleSink::to(serde_json::from_value(config).unwrap(), shown.clone()), shown)
    }

    fn text(shown: &Mutex<Vec<u8>>) -> String {
        String::from_utf8(shown.lock().unwrap().clone()).unwrap()
    }

    /// Two records, IBM without a price, at the offsets `first` and `first + 2`.
    fn batch(partition: i32, first: i64) -> SinkBatch {
        let symbols: ArrayRef = Arc::new(StringArray::from(vec!["AAPL", "IBM"]));
        let prices: ArrayRef = Arc::new(Float64Array::from(vec![Some(118.56), None]));
        SinkBatch {
            partition: TopicPartition::new("stocks", partition),
            offsets: OffsetRange::new(first, first + 3),
            records: RecordBatch::try_from_iter_with_nullable([("symbol", symbols, false), ("price", prices, true)])
                .unwrap(),
            metadata: Metadata {
                offsets: Int64Array::from(vec![first, first + 2]),
                timestamps: TimestampMillisecondArray::from(vec![1_767_364_200_000; 2]),
                keys: BinaryArray::from_opt_vec(vec![Some(b"AAPL"), None]),
            },
        }
    }

    fn ranges(partitions: &[i32]) -> Ranges {
        let planned = PlannedRange { offsets: OffsetRange::new(0, 100), at: Timestamp::UNIX_EPOCH, revision: 0 };
        partitions.iter().map(|partition| (TopicPartition::new("stocks", *partition), planned)).collect()
    }

    #[tokio::test]
    async fn records_are_shown_when_their_partition_is_flushed_and_not_before() {
        let (mut sink, shown) = sink(json!({}));
        sink.put(batch(1, 10)).await.unwrap();
        sink.put(batch(0, 20)).await.unwrap();
        assert_eq!(text(&shown), "");
        assert!(sink.buffered().memory > 0);
        let one = sink.flush(ranges(&[1]));
        sink.put(batch(1, 30)).await.unwrap();
        assert!(one.await.unwrap().is_empty());
        let lines = text(&shown);
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, [json!({ "symbol": "AAPL", "price": 118.56 }), json!({ "symbol": "IBM" })]);
        sink.flush(ranges(&[0, 1])).await.unwrap();
        assert_eq!(text(&shown).lines().count(), 6);
        assert_eq!(sink.buffered().memory, 0);
        sink.flush(ranges(&[0, 1])).await.unwrap();
        assert_eq!(text(&shown).lines().count(), 6);
    }

    #[tokio::test]
    async fn metadata_stands_before_the_columns() {
        let (mut sink, shown) = sink(json!({ "metadata": true }));
        sink.put(batch(3, 40)).await.unwrap();
        sink.flush(ranges(&[3])).await.unwrap();
        let lines: Vec<Value> = text(&shown).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = json!({
            "__topic": "stocks", "__partition": 3, "__offset": 40, "__timestamp": "2026-01-02T14:30:00.000",
            "__key": "AAPL", "symbol": "AAPL", "price": 118.56,
        });
        assert_eq!(lines[0], expected);
        assert_eq!(lines[1]["__offset"], 42);
        assert_eq!(lines[1].get("__key"), None);
    }

    #[tokio::test]
    async fn a_table_has_its_columns_above_the_rows_of_the_whole_flush() {
        let (mut sink, shown) = sink(json!({ "format": "table" }));
        sink.put(batch(0, 0)).await.unwrap();
        sink.put(batch(0, 3)).await.unwrap();
        sink.flush(ranges(&[0])).await.unwrap();
        sink.flush(ranges(&[0])).await.unwrap();
        let expected = "\
+--------+--------+
| symbol | price  |
+--------+--------+
| AAPL   | 118.56 |
| IBM    | null   |
| AAPL   | 118.56 |
| IBM    | null   |
+--------+--------+
";
        assert_eq!(text(&shown), expected);
    }

    #[tokio::test]
    async fn a_record_without_a_form_is_refused_and_its_batch_is_not_taken() {
        let (mut sink, shown) = sink(json!({}));
        let mut wrong = batch(0, 0);
        let prices: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::NAN]));
        wrong.records = RecordBatch::try_from_iter([("price", prices)]).unwrap();
        assert_eq!(sink.put(wrong).await.unwrap_err().kind(), ErrorKind::Data);
        sink.flush(ranges(&[0])).await.unwrap();
        assert_eq!(text(&shown), "");
    }

    struct ClosedPipe;

    impl Write for ClosedPipe {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_closed_pipe_ends_the_sink_with_an_error_that_says_so() {
        let config = serde_json::from_value(json!({})).unwrap();
        let mut sink = ConsoleSink::to(config, Arc::new(Mutex::new(ClosedPipe)));
        sink.put(batch(0, 0)).await.unwrap();
        let error = sink.flush(ranges(&[0])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal);
        assert!(error.to_string().contains("closed by its reader"), "{error}");
    }
}
