//! The converter `json`.

use arrow::array::{BinaryArray, RecordBatch};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use pipeline_api::{Context, Converter, Decoded, Error, Findings, Plugin, Result, async_trait, register};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lines::LineCopier;
use crate::payloads::Payloads;
use crate::reader::RecordReader;
use crate::refusal::{not_utf8, tombstone};
use crate::writer::{RowWriter, TimestampStyle, check_schema, typical_bytes};

/// One compact JSON object a record: what `topic.format: json` means.
///
/// ```yaml
/// topic:
///   name: trades
///   format: json
///   schema: { symbol: string not null, price: double, event_time: timestamp }
/// ```
///
/// What is written is `{"symbol":"IBM","price":182.5,"event_time":"2026-01-02T14:30:00.000"}`: the columns in their order, a
/// null left out.
///
/// What is read must be exactly one JSON object, in any layout and order of fields. A value is taken only if the column
/// holds it without a change; otherwise its record is rejected with the field and the text that did not fit:
///
/// - **string**: a text. A number or boolean is refused.
/// - **boolean**: `true` or `false`.
/// - **tinyint … bigint**: a number whose value is whole, also `1.0` and `1e3`. A fraction, a value out of range and a
///   number within quotes are refused.
/// - **float, double**: a number, taken as the nearest float. Refused are a whole number in digits that would be rounded
///   (9007199254740993), unless it is the shortest text of that float (1152921504606847000 is 2^60), one that overflows
///   (1e400) and one that would become zero (1e-400); NaN has no JSON form.
/// - **decimal(p,s)**: a number with at most s digits behind the point, zeros at the end not counted.
/// - **date**: `"2026-01-02"`, in the years 0000 to 9999.
/// - **timestamp**: `"2026-01-02T14:30:00.123"`, with a `T` or a blank, with or without `Z` or an offset such as `+01:00`;
///   without one it is UTC. Digits finer than the column are refused unless they are zeros. A number is refused: whether
///   it counts seconds or milliseconds cannot be told.
/// - **binary**: a text in base64 with padding.
/// - **array, struct**: an array, an object.
///
/// `null` is the same as a field that is missing: refused in a `not null` column. A field that occurs twice is refused, and
/// so is a payload that is empty, a tombstone, begins with a byte order mark, goes on behind its object, or is nested deeper
/// than 128 levels.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonConfig {
    /// What happens to a record with a field that the schema does not have: `ignore` leaves the field out, so that a
    /// producer may add fields before the pipeline knows them; `strict` rejects the record. Default: `ignore`.
    #[serde(default)]
    pub unknown_fields: UnknownFields,
}

/// What happens to a field that the schema does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownFields {
    /// The record is rejected.
    Strict,
    /// The field is left out.
    #[default]
    Ignore,
}

/// Turns records into JSON objects and back; see [`JsonConfig`] for what each type accepts.
#[derive(Debug)]
pub struct JsonConverter {
    schema: SchemaRef,
    unknown: UnknownFields,
    lines: Option<LineCopier>,
}

register!(converter, JsonConverter);

impl JsonConverter {
    /// A converter for records of that schema. Errors: [`Config`](pipeline_api::ErrorKind::Config) if a column's type has no
    /// JSON form.
    pub fn new(schema: SchemaRef, unknown: UnknownFields) -> Result<Self> {
        check_schema(&schema)?;
        RecordReader::new(schema.clone(), unknown, 0)?;
        Ok(Self { lines: LineCopier::new(&schema, unknown), schema, unknown })
    }
}

#[async_trait]
impl Plugin for JsonConverter {
    const TYPE: &'static str = "json";
    type Config = JsonConfig;

    fn validate(config: &JsonConfig, records: &Schema, findings: &mut Findings) {
        if let Err(error) = Self::new(records.clone().into(), config.unknown_fields) {
            findings.error("", error.to_string());
        }
    }

    async fn open(config: JsonConfig, context: Context) -> Result<Self> {
        Self::new(context.schema, config.unknown_fields)
    }
}

impl Converter for JsonConverter {
    fn encode(&self, records: &RecordBatch) -> Result<BinaryArray> {
        let writer = RowWriter::new(records, TimestampStyle::Iso)?;
        let mut bytes = Vec::with_capacity(typical_bytes(records));
        let mut offsets = Vec::with_capacity(records.num_rows() + 1);
        offsets.push(0);
        for row in 0..records.num_rows() {
            writer.write(row, &mut bytes)?;
            offsets.push(i32::try_from(bytes.len()).map_err(|_| too_large())?);
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        BinaryArray::try_new(offsets, Buffer::from_vec(bytes), None)
            .map_err(|error| Error::fatal("the encoded values do not form a column").with_source(error))
    }

    fn decode(&self, values: &BinaryArray) -> Result<Decoded> {
        let payloads = Payloads::new(values);
        let mut reader = RecordReader::new(self.schema.clone(), self.unknown, payloads.len())?;
        let mut rejected = Vec::new();
        for row in 0..payloads.len() {
            let read = match payloads.get(row) {
                Ok(Some(payload)) => reader.read(payload),
                Ok(None) => Err(tombstone()),
                Err(error) => Err(not_utf8(error)),
            };
            if let Err(refusal) = read {
                rejected.push(refusal.of_row(row));
            }
        }
        Ok(Decoded { records: reader.finish()?, rejected })
    }

    fn lines(&self, values: &BinaryArray) -> Option<Bytes> {
        self.lines.as_ref()?.copy(&Payloads::new(values)).map(Bytes::from)
    }
}

pub(crate) fn too_large() -> Error {
    Error::data("the records take more than 2 GiB as JSON, expected fewer of them in one batch")
}
