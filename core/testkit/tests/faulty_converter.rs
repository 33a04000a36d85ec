//! A converter that does not do what the engine relies on fails the case that says so.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, AsArray, BinaryArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use bytes::Bytes;
use pipeline_api::{
    Context, Converter, Decoded, Error, Plugin, RecordBatch, RejectedRow, Result, SchemaRef, async_trait,
};
use pipeline_testkit::converter_conformance::{Subject, cases, run};
use pipeline_testkit::schema;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::faults::{assert_each_finds_one, assert_found};

/// What a converter does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
enum Fault {
    /// It does everything right.
    None,
    /// A price keeps two digits.
    RoundsPrices,
    /// A name that is null becomes an empty one.
    LosesNulls,
    /// A record without a name has no value.
    LeavesRowsOut,
    /// A record without a name becomes a tombstone.
    MakesTombstones,
    /// A tombstone becomes a record.
    TakesTombstones,
    /// Nothing at all becomes a record.
    TakesEmptyValues,
    /// Whatever it does not know becomes a record.
    TakesGarbage,
    /// The ids of the records behind a bad value are those of their neighbours.
    ShiftsNeighbours,
    /// Everything behind a bad value is rejected.
    StopsAtABadValue,
    /// The rejected rows come in the reverse order.
    RejectsBackwards,
    /// The rejected rows are numbered among themselves.
    NumbersTheRejected,
    /// A slice is encoded as the beginning of the whole.
    ForgetsWhereASliceBegins,
    /// Values hold how often it was called.
    CountsItsCalls,
    /// The least number stops the pipeline.
    StopsAtTheEdge,
    /// Zeros have no sign.
    LosesTheSignOfZero,
    /// A record without a name has no line.
    LeavesLinesOut,
    /// What is no record has a line.
    MakesLinesOfGarbage,
    /// Values are taken again that were decoded before.
    RemembersValues,
}

/// Records as `[id, bits of the price, name]`.
///
/// ```yaml
/// format: { type: triple, config: { fault: None } }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TripleConfig {
    /// What it does wrong.
    fault: Fault,
}

struct Triple {
    fault: Fault,
    schema: SchemaRef,
    calls: AtomicU64,
}

#[async_trait]
impl Plugin for Triple {
    const TYPE: &'static str = "triple";
    type Config = TripleConfig;

    async fn open(config: TripleConfig, context: Context) -> Result<Self> {
        Ok(Self { fault: config.fault, schema: context.schema, calls: AtomicU64::new(0) })
    }
}

type Record = (i64, Option<u64>, Option<String>);

impl Converter for Triple {
    fn encode(&self, records: &RecordBatch) -> Result<BinaryArray> {
        let ids = records.column(0).as_primitive::<Int64Type>();
        let prices = records.column(1).as_primitive::<Float64Type>();
        let names = records.column(2).as_string::<i32>();
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut values: Vec<Option<String>> = Vec::new();
        for row in 0..records.num_rows() {
            let id = ids.value(row);
            let mut price = prices.is_valid(row).then(|| prices.value(row));
            let mut name = names.is_valid(row).then(|| names.value(row).to_owned());
            match self.fault {
                Fault::RoundsPrices => price = price.map(|price| (price * 10.0).round() / 10.0),
                Fault::LosesTheSignOfZero => price = price.map(|price| price + 0.0),
                Fault::ForgetsWhereASliceBegins => name = name.map(|name| misread(names, row, &name)),
                Fault::LosesNulls => name = name.or(Some(String::new())),
                Fault::StopsAtTheEdge if id == i64::MIN => return Err(Error::fatal("an id is too small")),
                Fault::LeavesRowsOut if name.is_none() => continue,
                _ => {}
            }
            let mut value = json!([id, price.map(f64::to_bits), name]).to_string();
            if self.fault == Fault::CountsItsCalls {
                value += &" ".repeat(calls as usize);
            }
            values.push((self.fault != Fault::MakesTombstones || name.is_some()).then_some(value));
        }
        Ok(values.iter().map(|value| value.as_ref().map(String::as_bytes)).collect())
    }

    fn decode(&self, values: &BinaryArray) -> Result<Decoded> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut records: Vec<Record> = Vec::new();
        let mut rejected: Vec<RejectedRow> = Vec::new();
        let mut shifted: Vec<i64> = Vec::new();
        for (row, value) in values.iter().enumerate() {
            let stopped = self.fault == Fault::StopsAtABadValue && !rejected.is_empty();
            match self.read(value).filter(|_| !stopped) {
                Some(record) => {
                    shifted.push(record.0);
                    records.push(record);
                }
                None => {
                    shifted.push(-1);
                    let row = if self.fault == Fault::NumbersTheRejected { rejected.len() } else { row };
                    rejected.push(RejectedRow { row, field: None, reason: "is no triple".into() });
                }
            }
        }
        if self.fault == Fault::ShiftsNeighbours {
            records.iter_mut().zip(shifted).for_each(|(record, id)| record.0 = id);
        }
        if self.fault == Fault::RemembersValues {
            records.iter_mut().for_each(|record| record.0 += calls.min(1) as i64);
        }
        if self.fault == Fault::RejectsBackwards {
            rejected.reverse();
        }
        Ok(Decoded { records: self.batch(records), rejected })
    }

    fn lines(&self, values: &BinaryArray) -> Option<Bytes> {
        let mut lines = String::new();
        for value in values {
            match self.read(value) {
                Some((_, _, None)) if self.fault == Fault::LeavesLinesOut => {}
                Some((id, _, name)) => lines += &format!("{}\n", json!({ "id": id, "name": name })),
                None if self.fault == Fault::MakesLinesOfGarbage => lines += "{}\n",
                None => return None,
            }
        }
        Some(lines.into())
    }
}

/// The text of a row, had the slice begun where its memory does.
fn misread(names: &StringArray, row: usize, name: &str) -> String {
    let start = (names.value_offsets()[row] - names.value_offsets()[0]) as usize;
    String::from_utf8_lossy(&names.value_data()[start..start + name.len()]).into_owned()
}

impl Triple {
    fn read(&self, value: Option<&[u8]>) -> Option<Record> {
        let taken = match value {
            None => self.fault == Fault::TakesTombstones,
            Some([]) => self.fault == Fault::TakesEmptyValues,
            Some(value) => match serde_json::from_slice(value) {
                Ok(record) => return Some(record),
                Err(_) => self.fault == Fault::TakesGarbage,
            },
        };
        taken.then_some((0, None, None))
    }

    fn batch(&self, records: Vec<Record>) -> RecordBatch {
        let ids: Int64Array = records.iter().map(|(id, _, _)| Some(*id)).collect();
        let prices: Float64Array = records.iter().map(|(_, price, _)| price.map(f64::from_bits)).collect();
        let names: StringArray = records.iter().map(|(_, _, name)| name.as_deref()).collect();
        RecordBatch::try_new(self.schema.clone(), vec![Arc::new(ids), Arc::new(prices), Arc::new(names)]).unwrap()
    }
}

fn triple(fault: Fault) -> Subject {
    let topic = schema(&[("id", "bigint not null"), ("price", "double"), ("name", "string")]);
    Subject::of::<Triple>(json!({ "fault": format!("{fault:?}") }), topic)
}

#[tokio::test]
async fn a_converter_that_does_everything_right_conforms() {
    run(triple(Fault::None)).await;
}

/// Each fault, and a case that finds it.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::RoundsPrices, "what_is_decoded_equals_what_was_encoded"),
    (Fault::LosesNulls, "what_is_decoded_equals_what_was_encoded"),
    (Fault::LosesTheSignOfZero, "a_record_at_the_edge_comes_back_as_it_was_or_is_refused"),
    (Fault::StopsAtTheEdge, "a_record_at_the_edge_comes_back_as_it_was_or_is_refused"),
    (Fault::LeavesRowsOut, "each_row_becomes_one_value"),
    (Fault::MakesTombstones, "each_row_becomes_one_value"),
    (Fault::ForgetsWhereASliceBegins, "slices_become_what_the_whole_becomes"),
    (Fault::CountsItsCalls, "the_same_records_become_the_same_values"),
    (Fault::RemembersValues, "the_same_values_become_the_same_records"),
    (Fault::TakesTombstones, "a_tombstone_is_rejected"),
    (Fault::TakesTombstones, "the_records_have_the_schema_of_the_topic_also_if_there_are_none"),
    (Fault::TakesEmptyValues, "an_empty_value_is_rejected"),
    (Fault::TakesGarbage, "bytes_that_nobody_encoded_are_rejected"),
    (Fault::ShiftsNeighbours, "a_rejected_value_leaves_its_neighbours_as_they_are"),
    (Fault::ShiftsNeighbours, "a_value_that_was_cut_off_leaves_its_neighbours_as_they_are"),
    (Fault::StopsAtABadValue, "a_rejected_value_leaves_its_neighbours_as_they_are"),
    (Fault::StopsAtABadValue, "slices_become_what_the_whole_becomes_again"),
    (Fault::RejectsBackwards, "a_rejected_value_leaves_its_neighbours_as_they_are"),
    (Fault::LeavesLinesOut, "each_value_becomes_one_line"),
    (Fault::MakesLinesOfGarbage, "a_value_that_is_no_record_becomes_no_line"),
    (Fault::NumbersTheRejected, "a_rejected_value_leaves_its_neighbours_as_they_are"),
];

#[tokio::test]
async fn every_fault_is_found() {
    assert_found(cases(), FAULTS, triple).await;
}

#[test]
fn every_case_finds_a_fault() {
    assert_each_finds_one(cases(), FAULTS);
}
