//! Records as an author's own structs.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use pipeline_api::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::converter::{UnknownFields, too_large};
use crate::reader::RecordReader;
use crate::writer::{RowWriter, TimestampStyle};

/// The rows as a batch of that schema. For sources that think in rows; those that deliver millions build columns.
///
/// Each row is a struct or map whose fields are columns, in the form that [`JsonConfig`](crate::JsonConfig) describes: a
/// timestamp is an ISO text, for example. A field that the schema does not have is an error. Beware of NaN: serde_json
/// writes it as null.
///
/// Errors: [`Data`](pipeline_api::ErrorKind::Data) names the first row that does not fit, counted from 0, its field and
/// why; [`Config`](pipeline_api::ErrorKind::Config) if a column's type has no JSON form.
pub fn to_batch(schema: &SchemaRef, rows: &[impl Serialize]) -> Result<RecordBatch> {
    let mut reader = RecordReader::new(schema.clone(), UnknownFields::Strict, rows.len())?;
    let mut bytes = 0;
    for (number, row) in rows.iter().enumerate() {
        let payload = serde_json::to_string(row)
            .map_err(|error| Error::data(format!("row {number} does not serialize")).with_source(error))?;
        bytes += payload.len();
        if i32::try_from(bytes).is_err() {
            return Err(too_large());
        }
        reader.read(&payload).map_err(|refusal| Error::data(format!("row {number}: {refusal}")))?;
    }
    reader.finish()
}

/// The records as rows of an author's type, each made from the fields that are not null. For sinks that think in rows.
///
/// Errors: [`Data`](pipeline_api::ErrorKind::Data) if a record does not fit the type, or has no JSON form (see
/// [`write_lines`](crate::write_lines)).
pub fn to_rows<T: DeserializeOwned>(records: &RecordBatch) -> Result<Vec<T>> {
    let writer = RowWriter::new(records, TimestampStyle::Iso)?;
    let mut text = Vec::new();
    (0..records.num_rows())
        .map(|row| {
            text.clear();
            writer.write(row, &mut text)?;
            serde_json::from_slice(&text)
                .map_err(|error| Error::data(format!("row {row} does not fit the type")).with_source(error))
        })
        .collect()
}
