//! Records that a run would have: the first ones of its sources, or made up.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray, new_null_array,
};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use arrow::error::ArrowError;
use pipeline_api::{
    Context, Error, Metadata, OffsetRange, Result, SinkBatch, SourceOffsets, Task, Timestamp, TopicPartition,
    metadata_column,
};
use tracing::debug;

use super::SAMPLE;
use crate::TransformChain;
use crate::metadata_columns::behind_topic;
use crate::plan::{Plan, SinkPlan, SourcePlan};
use crate::run::partition_of_key;

/// Records, and the topic's partition of each.
pub(super) struct Records {
    records: RecordBatch,
    partitions: Int32Array,
}

impl Records {
    /// The first records of the sources, as they are on the topic. `None` if a source has none on this machine, or they do not
    /// fit: what is wrong with them is said by a run.
    pub(super) async fn sampled(plan: &Plan) -> Option<Self> {
        let mut batches = Vec::with_capacity(plan.sources.len());
        for source in &plan.sources {
            match sample(plan, source).await {
                Ok(batch) => batches.push(batch?),
                Err(error) => {
                    debug!(source = %source.name, error = told(plan, &error), "cannot look at the first records");
                    return None;
                }
            }
        }
        let records = concat_batches(&plan.topic.schema, &batches).ok().filter(|records| records.num_rows() > 0)?;
        let partitions = partitions(plan, &records).ok()?;
        Some(Self { records, partitions })
    }

    /// One record for each partition of the topic, as the sink gets it: a text is called like its column, a number is 1, and
    /// it is now. What has no plain text is null.
    pub(super) fn made_up(plan: &Plan, sink: &SinkPlan, at: Timestamp) -> Result<Self> {
        let rows = plan.topic.partitions.unsigned_abs() as usize;
        let columns = sink.schema.fields().iter().map(|field| made_up(field, at, rows));
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(internal)?;
        let fields = sink.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let records = RecordBatch::try_new(schema, columns).map_err(internal)?;
        Ok(Self { records, partitions: (0..plan.topic.partitions).collect::<Vec<_>>().into() })
    }

    /// How many they are.
    pub(super) fn rows(&self) -> usize {
        self.records.num_rows()
    }

    /// The first of them, at most so many.
    pub(super) fn first(&self, rows: usize) -> Self {
        let rows = rows.min(self.rows());
        Self { records: self.records.slice(0, rows), partitions: self.partitions.slice(0, rows) }
    }

    /// Records of the topic as the sink gets them. `None` if its transforms refuse them, or leave none.
    pub(super) async fn of_sink(&self, plan: &Plan, sink: &SinkPlan) -> Option<Self> {
        match self.transformed(plan, sink).await {
            Ok(records) => Some(records).filter(|records| records.rows() > 0),
            Err(error) => {
                debug!(sink = %sink.name, error = told(plan, &error), "cannot look at the first records");
                None
            }
        }
    }

    /// They as the batches of their partitions.
    pub(super) fn by_partition(&self, topic: &str) -> Result<Vec<SinkBatch>> {
        let partitions: BTreeSet<i32> = self.partitions.values().iter().copied().collect();
        let batch = |partition: i32| {
            let mine: BooleanArray = self.partitions.values().iter().map(|of| Some(*of == partition)).collect();
            let records = filter_record_batch(&self.records, &mine).map_err(internal)?;
            let rows = records.num_rows();
            let end = rows as i64;
            Ok(SinkBatch {
                partition: TopicPartition::new(topic, partition),
                offsets: OffsetRange::new(0, end),
                records,
                metadata: Metadata {
                    offsets: Int64Array::from_iter_values(0..end),
                    timestamps: TimestampMillisecondArray::from_value(0, rows),
                    keys: BinaryArray::new_null(rows),
                },
            })
        };
        partitions.into_iter().map(batch).collect()
    }

    async fn transformed(&self, plan: &Plan, sink: &SinkPlan) -> Result<Self> {
        let context = plan.sink_context(sink, Task { index: 0, of: 1 });
        let behind = Context { schema: behind_topic(&plan.topic.schema), ..context };
        let chain = TransformChain::open(&sink.transforms, &behind).await.map_err(|(_, error)| error)?;
        let left = chain.apply(self.behind_topic(plan)?)?;
        let partitions = left
            .column_by_name(metadata_column::PARTITION)
            .and_then(|column| column.as_primitive_opt::<Int32Type>())
            .ok_or_else(|| Error::fatal(format!("a transform lost the column `{}`", metadata_column::PARTITION)))?;
        Ok(Self { partitions: partitions.clone(), records: arranged(&left, &sink.schema)? })
    }

    /// They with the metadata columns.
    fn behind_topic(&self, plan: &Plan) -> Result<RecordBatch> {
        let rows = self.rows();
        let mut columns = self.records.columns().to_vec();
        columns.extend([
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&plan.topic.name, rows))) as ArrayRef,
            Arc::new(self.partitions.clone()),
            Arc::new(Int64Array::from_iter_values(0..rows as i64)),
            Arc::new(TimestampMillisecondArray::from_value(0, rows)),
            Arc::new(StringArray::new_null(rows)),
        ]);
        RecordBatch::try_new(behind_topic(&plan.topic.schema), columns).map_err(internal)
    }
}

/// The first records of a source, as they are on the topic. `None` if they lie elsewhere.
async fn sample(plan: &Plan, source: &SourcePlan) -> Result<Option<RecordBatch>> {
    let context = plan.source_context(source, Task { index: 0, of: 1 }, SourceOffsets::new());
    let plugin = &source.plugin;
    let Some(records) = plugin.registration.sample(plugin.config.clone(), context.clone(), SAMPLE).await? else {
        return Ok(None);
    };
    let context = Context { schema: records.schema(), ..context };
    let chain = TransformChain::open(&source.transforms, &context).await.map_err(|(_, error)| error)?;
    arranged(&chain.apply(records)?, &plan.topic.schema).map(Some)
}

/// The columns in the order of the schema.
fn arranged(records: &RecordBatch, schema: &Arc<Schema>) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| {
        let found = records.column_by_name(field.name());
        found.cloned().ok_or_else(|| Error::data(format!("there is no column `{}`", field.name())))
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(internal)
}

/// The partition of each record: that of its key; those without one are spread evenly.
fn partitions(plan: &Plan, records: &RecordBatch) -> Result<Int32Array> {
    let count = plan.topic.partitions;
    let evenly = (0..count).cycle().take(records.num_rows());
    let Some(column) = plan.topic.key.as_ref().and_then(|key| records.column_by_name(key)) else {
        return Ok(evenly.collect::<Vec<_>>().into());
    };
    let keys = cast(column, &DataType::Utf8).map_err(internal)?;
    let keys = keys.as_string::<i32>().iter();
    let of_key = |(key, other): (Option<&str>, i32)| key.map_or(other, |key| partition_of_key(key.as_bytes(), count));
    Ok(keys.zip(evenly).map(of_key).collect::<Vec<_>>().into())
}

fn made_up(field: &Field, at: Timestamp, rows: usize) -> Result<ArrayRef, ArrowError> {
    let of = field.data_type();
    let text = match of {
        DataType::Utf8 => field.name().to_uppercase(),
        DataType::Boolean => "true".to_owned(),
        DataType::Date32 => at.strftime("%Y-%m-%d").to_string(),
        DataType::Timestamp(..) => at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        other if other.is_numeric() => "1".to_owned(),
        _ => return Ok(new_null_array(of, rows)),
    };
    cast(&StringArray::from_iter_values(std::iter::repeat_n(text, rows)), of)
}

/// An error as a log may have it: the file is still being loaded, and nobody else takes its secrets out.
fn told(plan: &Plan, error: &Error) -> String {
    plan.secrets.redact(&format!("{error:#}"))
}

fn internal(error: ArrowError) -> Error {
    Error::data("the records do not fit").with_source(error)
}
