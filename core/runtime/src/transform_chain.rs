//! Several transforms, one after the other.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array, new_null_array};
use arrow::compute::{
    SortOptions, concat_batches, filter_record_batch, not, prep_null_mask_filter, sort_to_indices, take_record_batch,
};
use arrow::datatypes::{DataType, Field, Schema};
use pipeline_api::{Condition, Context, Error, METADATA_PREFIX, RecordBatch, Result, SchemaRef, Transform};

use crate::plan::TransformPlan;

/// Several transforms, one after the other, opened for one input schema.
pub struct TransformChain {
    links: Vec<Link>,
    schema: SchemaRef,
}

struct Link {
    transform: Box<dyn Transform>,
    when: Option<When>,
}

/// A condition, and the schema of rows that it held for and rows that it did not.
struct When {
    condition: Box<dyn Condition>,
    schema: SchemaRef,
}

/// The column by which rows find back to their order after only some of them were transformed.
const ROW: &str = "__row";

impl TransformChain {
    /// Opens the transforms, the first for records in the schema of `context`. Pure, as every transform is.
    ///
    /// Errors: the index of the transform that does not fit its input, and why.
    pub async fn open(plans: &[TransformPlan], context: &Context) -> Result<Self, (usize, Error)> {
        let mut schema = context.schema.clone();
        let mut links = Vec::with_capacity(plans.len());
        for (index, plan) in plans.iter().enumerate() {
            let link = Link::open(plan, context, schema).await.map_err(|error| (index, error))?;
            schema = link.schema();
            links.push(link);
        }
        Ok(Self { links, schema })
    }

    /// The schema of what `apply` returns.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Whether there is no transform in it.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Applies all transforms.
    pub fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        self.links.iter().try_fold(records, |records, link| link.apply(records))
    }
}

impl Link {
    async fn open(plan: &TransformPlan, context: &Context, input: SchemaRef) -> Result<Self> {
        let Some(when) = &plan.when else {
            let context = Context { schema: input, ..context.clone() };
            let transform = plan.plugin.registration.open_transform(plan.plugin.config.clone(), context).await?;
            return Ok(Self { transform, when: None });
        };
        let numbered = with_row_column(&input)?;
        let condition_context = Context { schema: input.clone(), ..context.clone() };
        let condition = when.registration.open_condition(when.config.clone(), condition_context).await?;
        let context = Context { schema: numbered, ..context.clone() };
        let transform = plan.plugin.registration.open_transform(plan.plugin.config.clone(), context).await?;
        let schema = merged_schema(&input, &transform.schema())?;
        Ok(Self { transform, when: Some(When { condition, schema }) })
    }

    fn schema(&self) -> SchemaRef {
        match &self.when {
            Some(when) => when.schema.clone(),
            None => self.transform.schema(),
        }
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        let Some(when) = &self.when else { return self.transform.apply(records) };
        let holds = when.condition.holds(&records)?;
        let holds = if holds.null_count() > 0 { prep_null_mask_filter(&holds) } else { holds };
        let numbered = with_row_numbers(&records)?;
        let (others, chosen) = split(&numbered, &holds)?;
        let chosen = fit(&self.transform.apply(chosen)?, &when.schema)?;
        let others = fit(&others, &when.schema)?;
        merge(&others, &chosen, &when.schema)
    }
}

fn with_row_column(schema: &Schema) -> Result<SchemaRef> {
    if schema.column_with_name(ROW).is_some() {
        return Err(Error::config(format!("`{ROW}` is a name of the runtime's own, expected another name")));
    }
    let mut fields = schema.fields().to_vec();
    fields.push(Arc::new(Field::new(ROW, DataType::UInt32, false)));
    Ok(Arc::new(Schema::new(fields)))
}

fn with_row_numbers(records: &RecordBatch) -> Result<RecordBatch> {
    let schema = with_row_column(records.schema_ref())?;
    let rows = u32::try_from(records.num_rows()).map_err(|_| Error::fatal("a batch of more than 4 billion rows"))?;
    let mut columns = records.columns().to_vec();
    columns.push(Arc::new(UInt32Array::from_iter_values(0..rows)));
    RecordBatch::try_new(schema, columns).map_err(internal)
}

fn split(records: &RecordBatch, holds: &BooleanArray) -> Result<(RecordBatch, RecordBatch)> {
    let others = filter_record_batch(records, &not(holds).map_err(internal)?).map_err(internal)?;
    let chosen = filter_record_batch(records, holds).map_err(internal)?;
    Ok((others, chosen))
}

/// The schema of transformed and untransformed rows together: the input's columns, and, null where the condition does
/// not hold, those that the transform adds.
fn merged_schema(input: &Schema, output: &Schema) -> Result<SchemaRef> {
    let mut fields = Vec::with_capacity(output.fields().len());
    for field in output.fields().iter().filter(|field| field.name() != ROW) {
        match input.field_with_name(field.name()) {
            Ok(before) if before.data_type() != field.data_type() => {
                return Err(unmergeable(&format!("changes the type of `{}`", field.name())));
            }
            Ok(before) => {
                fields.push(Arc::new(field.as_ref().clone().with_nullable(field.is_nullable() || before.is_nullable())))
            }
            Err(_) => fields.push(Arc::new(field.as_ref().clone().with_nullable(true))),
        }
    }
    match input.fields().iter().find(|field| output.field_with_name(field.name()).is_err()) {
        Some(gone) => Err(unmergeable(&format!("removes `{}`", gone.name()))),
        None => Ok(Arc::new(Schema::new(fields))),
    }
}

fn unmergeable(what: &str) -> Error {
    Error::config(format!(
        "{what} for some records only, and a table has the same columns for all; expected a transform without `when`"
    ))
}

/// The batch in the merged schema, with the row column behind it.
fn fit(records: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let numbered = with_row_column(schema)?;
    let columns: Vec<ArrayRef> = numbered
        .fields()
        .iter()
        .map(|field| match records.column_by_name(field.name()) {
            Some(column) => column.clone(),
            None => new_null_array(field.data_type(), records.num_rows()),
        })
        .collect();
    RecordBatch::try_new(numbered, columns).map_err(internal)
}

fn merge(others: &RecordBatch, chosen: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let numbered = others.schema();
    let all = concat_batches(&numbered, [others, chosen]).map_err(internal)?;
    let row = all
        .column_by_name(ROW)
        .ok_or_else(|| Error::fatal(format!("a transform lost a column that begins with `{METADATA_PREFIX}`")))?;
    let order = sort_to_indices(row, Some(SortOptions::default()), None).map_err(internal)?;
    let sorted = take_record_batch(&all, &order).map_err(internal)?;
    let columns = schema.fields().iter().filter_map(|field| sorted.column_by_name(field.name()).cloned()).collect();
    RecordBatch::try_new(schema.clone(), columns).map_err(internal)
}

fn internal(error: arrow::error::ArrowError) -> Error {
    Error::fatal("a transform's result does not fit its schema").with_source(error)
}
