//! The way of records from the topic to their sink.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, Int64Array, StringArray, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use bytes::Bytes;
use pipeline_api::{
    Context, Converter, Decoded, Error, Metadata, RecordBatch, Result, SchemaRef, SinkBatch, SinkLines, TopicPartition,
    metadata_column,
};

use super::bisect::bisect;
use super::dead_letter::{DeadLetter, Origin, Stage};
use crate::TransformChain;
use crate::broker::ConsumedRecords;
use crate::metadata_columns::behind_topic;
use crate::plan::{Plan, SinkPlan};

/// Turns records of the topic into the batches that a sink gets.
pub(super) struct Decoder {
    topic: Arc<str>,
    converter: Box<dyn Converter>,
    converter_type: &'static str,
    chain: TransformChain,
    schema: SchemaRef,
}

impl Decoder {
    /// For one task of a sink.
    pub(super) async fn open(plan: &Plan, sink: &SinkPlan, context: &Context) -> Result<Self> {
        let converter = &plan.topic.converter;
        let of_topic = Context { schema: plan.topic.schema.clone(), ..context.clone() };
        let behind = Context { schema: behind_topic(&plan.topic.schema), ..context.clone() };
        let chain = TransformChain::open(&sink.transforms, &behind)
            .await
            .map_err(|(index, error)| error.context(format!("sink `{}`, transforms[{index}]", sink.name)))?;
        Ok(Self {
            topic: plan.topic.name.clone(),
            converter: converter.registration.open_converter(converter.config.clone(), of_topic).await?,
            converter_type: converter.registration.type_name(),
            chain,
            schema: sink.schema.clone(),
        })
    }

    /// The batch for the sink, which covers the same offsets, and the records that have no place in it.
    pub(super) fn decode(&self, consumed: &ConsumedRecords) -> Result<(SinkBatch, Vec<DeadLetter>)> {
        let Decoded { records, rejected } = self.converter.decode(&consumed.values)?;
        let mut dead: Vec<DeadLetter> = rejected
            .iter()
            .map(|row| DeadLetter {
                field: row.field.clone(),
                ..self.dead_letter(consumed, row.row, Stage::ValueConverter, row.reason.clone())
            })
            .collect();
        let metadata = metadata(consumed);
        let metadata = match rejected.is_empty() {
            true => metadata,
            false => metadata_of(&metadata, survivors(consumed.values.len(), rejected.iter().map(|row| row.row)))?,
        };
        let (records, metadata) = match self.chain.is_empty() {
            true => (records, metadata),
            false => self.transform(consumed, &records, metadata, &mut dead)?,
        };
        let partition = TopicPartition::new(self.topic.clone(), consumed.partition);
        Ok((SinkBatch { partition, offsets: consumed.range, records, metadata }, dead))
    }

    /// The same records as lines, if nothing between the topic and the sink needs columns, and the converter can say that all of
    /// them have a place there.
    pub(super) fn lines(&self, consumed: &ConsumedRecords) -> Option<SinkLines> {
        if !self.chain.is_empty() || consumed.values.is_empty() {
            return None;
        }
        let lines = self.converter.lines(&consumed.values)?;
        let partition = TopicPartition::new(self.topic.clone(), consumed.partition);
        Some(SinkLines { partition, offsets: consumed.range, rows: consumed.values.len() as u64, lines })
    }

    fn transform(
        &self,
        consumed: &ConsumedRecords,
        records: &RecordBatch,
        metadata: Metadata,
        dead: &mut Vec<DeadLetter>,
    ) -> Result<(RecordBatch, Metadata)> {
        let input = self.with_metadata(records, &metadata, consumed.partition)?;
        let (parts, guilty) = bisect(&input, |part| self.chain.apply(part))?;
        for (row, error) in guilty {
            let row = consumed.offsets.values().partition_point(|offset| *offset < metadata.offsets.value(row));
            dead.push(self.dead_letter(consumed, row, Stage::Transformation, format!("{error:#}")));
        }
        let output = concat_batches(&self.chain.schema(), &parts).map_err(internal)?;
        let offsets = output
            .column_by_name(metadata_column::OFFSET)
            .and_then(|column| column.as_primitive_opt::<Int64Type>())
            .ok_or_else(|| Error::fatal(format!("a transform lost the column `{}`", metadata_column::OFFSET)))?;
        let metadata = metadata_of(&metadata, rows_of(offsets, &metadata.offsets)?)?;
        let columns =
            self.schema.fields().iter().filter_map(|field| output.column_by_name(field.name()).cloned()).collect();
        Ok((RecordBatch::try_new(self.schema.clone(), columns).map_err(internal)?, metadata))
    }

    fn with_metadata(&self, records: &RecordBatch, metadata: &Metadata, partition: i32) -> Result<RecordBatch> {
        let rows = records.num_rows();
        let mut columns = records.columns().to_vec();
        columns.extend([
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&self.topic, rows))) as ArrayRef,
            Arc::new(Int32Array::from_value(partition, rows)),
            Arc::new(metadata.offsets.clone()),
            Arc::new(metadata.timestamps.clone()),
            Arc::new(key_texts(&metadata.keys)),
        ]);
        RecordBatch::try_new(behind_topic(records.schema_ref()), columns).map_err(internal)
    }

    /// The record in this row of what was consumed, as it was found.
    pub(super) fn dead_letter(
        &self,
        consumed: &ConsumedRecords,
        row: usize,
        stage: Stage,
        reason: String,
    ) -> DeadLetter {
        let partition = TopicPartition::new(self.topic.clone(), consumed.partition);
        DeadLetter {
            stage,
            plugin: self.converter_type,
            origin: Origin::Topic(partition, consumed.offsets.value(row)),
            field: None,
            reason,
            value: consumed.values.is_valid(row).then(|| Bytes::copy_from_slice(consumed.values.value(row))),
        }
    }
}

fn metadata(consumed: &ConsumedRecords) -> Metadata {
    Metadata { offsets: consumed.offsets.clone(), timestamps: consumed.timestamps.clone(), keys: consumed.keys.clone() }
}

/// The rows of `0..rows` that were not rejected.
fn survivors(rows: usize, rejected: impl Iterator<Item = usize>) -> UInt32Array {
    let mut rejected = rejected.peekable();
    (0..rows).filter(|row| rejected.next_if_eq(row).is_none()).map(|row| row as u32).collect()
}

/// The rows in which `all` holds the offsets that are left. Both ascend.
fn rows_of(left: &Int64Array, all: &Int64Array) -> Result<UInt32Array> {
    let mut row = 0;
    let mut rows = Vec::with_capacity(left.len());
    for offset in left.values() {
        row += all.values()[row..].partition_point(|candidate| candidate < offset);
        if all.values().get(row) != Some(offset) {
            return Err(Error::fatal("a transform reordered or invented records, which none may"));
        }
        rows.push(row as u32);
        row += 1;
    }
    Ok(rows.into())
}

fn metadata_of(metadata: &Metadata, rows: UInt32Array) -> Result<Metadata> {
    let column = |column: &dyn Array| take(column, &rows, None).map_err(internal);
    Ok(Metadata {
        offsets: column(&metadata.offsets)?.as_primitive().clone(),
        timestamps: column(&metadata.timestamps)?.as_primitive().clone(),
        keys: column(&metadata.keys)?.as_binary().clone(),
    })
}

fn key_texts(keys: &BinaryArray) -> StringArray {
    keys.iter().map(|key| key.map(String::from_utf8_lossy)).collect()
}

fn internal(error: ArrowError) -> Error {
    Error::fatal("a batch does not fit the sink's schema").with_source(error)
}
