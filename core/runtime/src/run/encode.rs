//! The way of a batch from its source to the topic.

use arrow::array::{Array, AsArray, BinaryArray, TimestampMillisecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit, TimestampMillisecondType};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use pipeline_api::{
    Context, Converter, Error, RecordBatch, Result, SchemaRef, Source, Timestamp, column_type, type_text,
};

use super::bisect::bisect;
use super::dead_letter::{DeadLetter, Origin, Stage};
use super::partitioner::partition_of_key;
use crate::TransformChain;
use crate::broker::ProducedRecords;
use crate::plan::{Plan, SourcePlan};

/// Transforms a source's batches, holds them against the topic's schema, and turns them into records of the topic.
pub(super) struct Encoder {
    chain: TransformChain,
    converter: Box<dyn Converter>,
    source_type: &'static str,
    schema: SchemaRef,
    key: Option<String>,
    timestamp: Option<String>,
    partitions: i32,
    keyless: i32,
}

/// What became of a batch.
pub(super) struct Encoded {
    pub(super) records: Vec<ProducedRecords>,
    pub(super) rejected: Vec<DeadLetter>,
}

impl Encoder {
    /// For a source of the given schema. Errors: what the transforms leave is not what the topic's schema says.
    pub(super) async fn open(plan: &Plan, source: &SourcePlan, schema: SchemaRef, context: &Context) -> Result<Self> {
        let context = Context { schema, ..context.clone() };
        let chain = TransformChain::open(&source.transforms, &context)
            .await
            .map_err(|(index, error)| error.context(format!("source `{}`, transforms[{index}]", source.name)))?;
        hold_against(&chain.schema(), &plan.topic.schema)
            .map_err(|error| error.context(format!("source `{}`", source.name)))?;
        let converter = &plan.topic.converter;
        let context = Context { schema: plan.topic.schema.clone(), ..context };
        Ok(Self {
            chain,
            converter: converter.registration.open_converter(converter.config.clone(), context).await?,
            source_type: source.plugin.registration.type_name(),
            schema: plan.topic.schema.clone(),
            key: plan.topic.key.clone(),
            timestamp: plan.topic.timestamp.clone(),
            partitions: plan.topic.partitions,
            keyless: 0,
        })
    }

    /// The batch as records of the topic, without the rows that have no form there. `source` says where these were found.
    pub(super) fn encode(&mut self, batch: &RecordBatch, source: &dyn Source) -> Result<Encoded> {
        let (records, guilty) = bisect(batch, |part| self.encode_all(part))?;
        let rejected = guilty
            .into_iter()
            .map(|(row, error)| self.dead_letter(batch, row, source.place(row), &error))
            .collect::<Result<_>>()?;
        Ok(Encoded { records, rejected })
    }

    fn encode_all(&mut self, batch: RecordBatch) -> Result<ProducedRecords> {
        let records = self.arrange(&self.chain.apply(batch)?)?;
        let values = self.converter.encode(&records)?;
        let keys = self.keys(&records)?;
        Ok(ProducedRecords {
            partitions: self.partitions(&keys),
            timestamps: self.timestamps(&records)?,
            keys,
            values,
            headers: Vec::new(),
        })
    }

    /// The columns in the order of the topic's schema, in which `not null` holds.
    fn arrange(&self, records: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            let column = records
                .column_by_name(field.name())
                .ok_or_else(|| Error::fatal(format!("column `{}` is gone", field.name())))?;
            if !field.is_nullable() && column.null_count() > 0 {
                return Err(Error::data(format!(
                    "field `{}` is null, expected a {}",
                    field.name(),
                    column_type(field)
                )));
            }
            columns.push(column.clone());
        }
        RecordBatch::try_new(self.schema.clone(), columns).map_err(internal)
    }

    fn keys(&self, records: &RecordBatch) -> Result<BinaryArray> {
        let Some(column) = self.key.as_ref().and_then(|key| records.column_by_name(key)) else {
            return Ok(BinaryArray::new_null(records.num_rows()));
        };
        let text = cast(column, &DataType::Utf8).map_err(internal)?;
        Ok(cast(&text, &DataType::Binary).map_err(internal)?.as_binary::<i32>().clone())
    }

    fn timestamps(&self, records: &RecordBatch) -> Result<TimestampMillisecondArray> {
        let now = Timestamp::now().as_millisecond();
        let Some(column) = self.timestamp.as_ref().and_then(|column| records.column_by_name(column)) else {
            return Ok(TimestampMillisecondArray::from_value(now, records.num_rows()));
        };
        let column = cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None)).map_err(internal)?;
        let column = column.as_primitive::<TimestampMillisecondType>();
        if column.null_count() == 0 {
            return Ok(column.clone());
        }
        Ok(column.iter().map(|timestamp| Some(timestamp.unwrap_or(now))).collect())
    }

    /// Records without a key go to one partition a batch, and to the next one with the next batch.
    fn partitions(&mut self, keys: &BinaryArray) -> Vec<i32> {
        let keyless = self.keyless;
        self.keyless = (keyless + 1) % self.partitions;
        keys.iter().map(|key| key.map_or(keyless, |key| partition_of_key(key, self.partitions))).collect()
    }

    fn dead_letter(&self, batch: &RecordBatch, row: usize, place: Option<String>, error: &Error) -> Result<DeadLetter> {
        Ok(DeadLetter {
            stage: Stage::Transformation,
            plugin: self.source_type,
            origin: Origin::Source(place.unwrap_or_else(|| self.source_type.to_owned())),
            field: None,
            reason: format!("{error:#}"),
            value: Some(Bytes::from(row_text(batch, row)?)),
        })
    }
}

/// A row as a person reads it: `symbol=IBM, close=100.25`.
fn row_text(batch: &RecordBatch, row: usize) -> Result<String> {
    let options = FormatOptions::default().with_null("null");
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let formatter = ArrayFormatter::try_new(column, &options).map_err(internal)?;
        columns.push(format!("{}={}", field.name(), formatter.value(row)));
    }
    Ok(columns.join(", "))
}

/// Every difference between what a source delivers and what the topic takes, in one error.
fn hold_against(found: &Schema, wanted: &Schema) -> Result<()> {
    let mut differences = Vec::new();
    for field in wanted.fields() {
        match found.field_with_name(field.name()) {
            Err(_) => differences.push(format!("column `{}` is missing{}", field.name(), hint(field, found, wanted))),
            Ok(other) if other.data_type() != field.data_type() => differences.push(format!(
                "column `{}` is a {}, expected a {}",
                field.name(),
                type_text(other.data_type()),
                type_text(field.data_type())
            )),
            Ok(_) => {}
        }
    }
    let extra: Vec<String> = found
        .fields()
        .iter()
        .filter(|field| wanted.field_with_name(field.name()).is_err())
        .map(|field| format!("`{}`", field.name()))
        .collect();
    if !extra.is_empty() {
        differences.push(format!(
            "{} not in topic.schema: add it there, or leave it out with `drop` or `select`",
            extra.join(", ")
        ));
    }
    match differences.is_empty() {
        true => Ok(()),
        false => Err(Error::config(differences.join("; "))),
    }
}

/// The unclaimed column that was probably meant.
fn hint(field: &Field, found: &Schema, wanted: &Schema) -> String {
    let unclaimed =
        found.fields().iter().map(|field| field.name().as_str()).filter(|name| wanted.field_with_name(name).is_err());
    match pipeline_api::nearest(field.name(), unclaimed) {
        Some(name) => format!(" (there is `{name}`: `rename` it?)"),
        None => String::new(),
    }
}

fn internal(error: ArrowError) -> Error {
    Error::fatal("a batch does not fit the topic's schema").with_source(error)
}
