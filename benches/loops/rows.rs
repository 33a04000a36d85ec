//! The rows that the loops are given.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::BinaryArray;
use pipeline_api::{Converter, RecordBatch, SchemaRef};
use pipeline_json::{JsonConverter, UnknownFields};

use crate::columns::schema;
use crate::measure::ticks::{SYMBOLS, each_batch};

/// A batch has so many rows.
pub(crate) const BATCH_ROWS: usize = 8192;

/// A file has so many batches.
const FILE_BATCHES: usize = 16;

/// The ticks of one file: as columns, and as the payloads of a topic.
pub(crate) struct Rows {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) payloads: Vec<BinaryArray>,
}

impl Rows {
    pub(crate) fn prepare() -> Result<Self> {
        let schema = Arc::new(schema());
        let converter = JsonConverter::new(schema.clone(), UnknownFields::Ignore)?;
        let mut generated = Vec::new();
        each_batch((BATCH_ROWS * FILE_BATCHES) as u64, SYMBOLS, |batch| {
            // The source says in its own words which columns are never null.
            generated.push(RecordBatch::try_new(schema.clone(), batch.columns().to_vec())?);
            Ok(())
        })?;
        let all = arrow::compute::concat_batches(&schema, &generated)?;
        let batches: Vec<_> = (0..FILE_BATCHES).map(|index| all.slice(index * BATCH_ROWS, BATCH_ROWS)).collect();
        let payloads = batches.iter().map(|batch| converter.encode(batch)).collect::<Result<_, _>>()?;
        Ok(Self { schema, batches, payloads })
    }

    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// The payloads, each ended by a newline.
pub(crate) fn joined(payloads: &BinaryArray) -> Vec<u8> {
    payloads.iter().flatten().flat_map(|payload| [payload, b"\n"].concat()).collect()
}
