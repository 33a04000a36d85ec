//! A transform that does not do what the engine relies on fails the case that says so.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use pipeline_api::{
    Context, Error, Findings, METADATA_PREFIX, Plugin, RecordBatch, Result, SchemaRef, Transform, async_trait,
    metadata_column,
};
use pipeline_testkit::transform_conformance::{Subject, cases, run};
use pipeline_testkit::{records, schema};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::faults::{assert_each_finds_one, assert_found};

/// What a transform does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
enum Fault {
    /// It does everything right.
    None,
    /// The last row comes twice.
    AddsARow,
    /// The rows come in the reverse order.
    ReordersRows,
    /// The columns of the runtime are left out.
    LeavesTheRuntimesColumnsOut,
    /// The columns of the runtime that it does not know are left out.
    LeavesUnknownColumnsOut,
    /// The columns of the runtime keep their first rows whichever were dropped.
    CutsTheRuntimesColumns,
    /// Its column has a name of the runtime.
    TakesANameOfTheRuntime,
    /// It adds how often it was called.
    CountsItsCalls,
    /// It adds how many rows the batch has.
    LooksAtTheBatch,
    /// It reads the memory around a slice.
    ForgetsWhereASliceBegins,
    /// It says another schema than it gives.
    SaysAnotherSchema,
    /// An empty batch is given back as it is.
    GivesEmptyBatchesBack,
    /// An empty batch gets a row.
    InventsARowForNone,
    /// An overflow is a panic.
    PanicsOnOverflow,
    /// An overflow stops the pipeline.
    StopsOnOverflow,
    /// A negative number changes the values of the whole batch.
    LetsARowChangeOthers,
    /// A null stops the pipeline.
    StopsOnNulls,
    /// Validation does not look for its column.
    ValidatesNothing,
}

/// Doubles `id` into `twice`, and drops the records without a `volume`.
///
/// ```yaml
/// type: double
/// config: { fault: None }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DoubleConfig {
    /// What it does wrong.
    fault: Fault,
}

struct Double {
    fault: Fault,
    schema: SchemaRef,
    calls: AtomicI64,
}

#[async_trait]
impl Plugin for Double {
    const TYPE: &'static str = "double";
    type Config = DoubleConfig;

    fn validate(config: &DoubleConfig, records: &Schema, findings: &mut Findings) {
        if config.fault != Fault::ValidatesNothing && records.field_with_name("id").is_err() {
            findings.error("", "there is no column `id`");
        }
    }

    async fn open(config: DoubleConfig, context: Context) -> Result<Self> {
        let fault = config.fault;
        if context.schema.field_with_name("id").is_err() {
            return Err(Error::config("there is no column `id`"));
        }
        let known = [metadata_column::OFFSET, metadata_column::KEY];
        let kept = |field: &&Arc<Field>| match fault {
            Fault::LeavesTheRuntimesColumnsOut => !field.name().starts_with(METADATA_PREFIX),
            Fault::LeavesUnknownColumnsOut => {
                !field.name().starts_with(METADATA_PREFIX) || known.contains(&field.name().as_str())
            }
            _ => true,
        };
        let mut fields: Vec<_> = context.schema.fields().iter().filter(kept).cloned().collect();
        let name = if fault == Fault::TakesANameOfTheRuntime { "__twice" } else { "twice" };
        fields.push(Arc::new(Field::new(name, DataType::Int64, fault == Fault::SaysAnotherSchema)));
        Ok(Self { fault, schema: Arc::new(Schema::new(fields)), calls: AtomicI64::new(0) })
    }
}

impl Transform for Double {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        if self.fault == Fault::GivesEmptyBatchesBack && records.num_rows() == 0 {
            return Ok(records);
        }
        if self.fault == Fault::InventsARowForNone && records.num_rows() == 0 {
            let one = pipeline_testkit::records(&self.schema, [1]);
            return Ok(one);
        }
        let volumes = records.column_by_name("volume").unwrap();
        if self.fault == Fault::StopsOnNulls && volumes.null_count() == volumes.len() && !volumes.is_empty() {
            return Err(Error::fatal("a volume is null"));
        }
        let has_volume: BooleanArray = (0..volumes.len()).map(|row| Some(volumes.is_valid(row))).collect();
        let mut kept = filter_record_batch(&records, &has_volume).unwrap();
        if self.fault == Fault::CutsTheRuntimesColumns {
            let schema = records.schema();
            let columns = schema.fields().iter().zip(kept.columns()).map(|(field, column)| {
                match field.name().starts_with(METADATA_PREFIX) && field.name() != metadata_column::OFFSET {
                    true => records.column_by_name(field.name()).unwrap().slice(0, kept.num_rows()),
                    false => column.clone(),
                }
            });
            kept = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
        }
        let twice = self.twice(&records, &kept)?;
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in &self.schema.fields()[..self.schema.fields().len() - 1] {
            columns.push(kept.column_by_name(field.name()).unwrap().clone());
        }
        columns.push(Arc::new(twice));
        let schema = match self.fault {
            Fault::SaysAnotherSchema => {
                let mut fields = self.schema.fields().to_vec();
                *fields.last_mut().unwrap() = Arc::new(Field::new("twice", DataType::Int64, false));
                Arc::new(Schema::new(fields))
            }
            _ => self.schema.clone(),
        };
        let result = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let rows = result.num_rows();
        Ok(match self.fault {
            Fault::AddsARow if rows > 0 => concat_batches(&schema, [&result, &result.slice(rows - 1, 1)]).unwrap(),
            Fault::ReordersRows => {
                take_record_batch(&result, &UInt32Array::from_iter_values((0..rows as u32).rev())).unwrap()
            }
            _ => result,
        })
    }
}

impl Double {
    fn twice(&self, all: &RecordBatch, kept: &RecordBatch) -> Result<Int64Array> {
        let ids = kept.column_by_name("id").unwrap().as_primitive::<Int64Type>();
        let more = match self.fault {
            Fault::CountsItsCalls => self.calls.fetch_add(1, Ordering::Relaxed),
            Fault::LooksAtTheBatch => all.num_rows() as i64,
            Fault::ForgetsWhereASliceBegins => {
                i64::from(all.column_by_name("name").unwrap().as_string::<i32>().value_offsets()[0])
            }
            Fault::LetsARowChangeOthers => ids.values().iter().filter(|id| **id < 0).count() as i64,
            _ => 0,
        };
        let mut twice = Vec::with_capacity(ids.len());
        for id in ids.values() {
            twice.push(match (id.checked_mul(2), self.fault) {
                (Some(twice), _) => twice.wrapping_add(more),
                (None, Fault::PanicsOnOverflow) => panic!("attempt to multiply with overflow"),
                (None, Fault::StopsOnOverflow) => return Err(Error::fatal(format!("id: {id} is too large"))),
                (None, _) => return Err(Error::data(format!("id: {id} is too large"))),
            });
        }
        Ok(twice.into())
    }
}

fn double(fault: Fault) -> Subject {
    let input = records(&schema(&[("id", "bigint not null"), ("volume", "bigint"), ("name", "string")]), 0..50);
    Subject::of::<Double>(json!({ "fault": format!("{fault:?}") }), input)
}

#[tokio::test]
async fn a_transform_that_does_everything_right_conforms() {
    run(double(Fault::None)).await;
}

/// Each fault, and a case that finds it.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::AddsARow, "rows_are_neither_added_nor_reordered"),
    (Fault::ReordersRows, "rows_are_neither_added_nor_reordered"),
    (Fault::LeavesTheRuntimesColumnsOut, "the_columns_of_the_runtime_are_passed_on"),
    (Fault::LeavesUnknownColumnsOut, "the_columns_of_the_runtime_are_passed_on"),
    (Fault::CutsTheRuntimesColumns, "the_columns_of_the_runtime_follow_their_rows"),
    (Fault::TakesANameOfTheRuntime, "its_columns_have_names_of_their_own"),
    (Fault::CountsItsCalls, "the_same_batch_gives_the_same_result"),
    (Fault::CountsItsCalls, "what_came_before_changes_nothing"),
    (Fault::LooksAtTheBatch, "a_batch_gives_what_its_slices_give"),
    (Fault::ForgetsWhereASliceBegins, "a_slice_gives_what_its_copy_gives"),
    (Fault::SaysAnotherSchema, "every_result_has_the_schema_of_the_transform"),
    (Fault::GivesEmptyBatchesBack, "every_result_has_the_schema_of_the_transform"),
    (Fault::InventsARowForNone, "an_empty_batch_gives_an_empty_one"),
    (Fault::PanicsOnOverflow, "a_record_at_the_edge_is_transformed_or_refused"),
    (Fault::StopsOnOverflow, "a_record_at_the_edge_is_transformed_or_refused"),
    (Fault::LetsARowChangeOthers, "a_record_that_is_refused_does_not_change_its_neighbours"),
    (Fault::StopsOnNulls, "nulls_are_transformed_or_refused"),
    (Fault::ValidatesNothing, "records_without_its_columns_are_taken_or_refused_before_anything_runs"),
];

#[tokio::test]
async fn every_fault_is_found() {
    assert_found(cases(), FAULTS, double).await;
}

#[test]
fn every_case_finds_a_fault() {
    assert_each_finds_one(cases(), FAULTS);
}
