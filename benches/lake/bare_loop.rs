//! The same work as a program that promises nothing: no topic, no offsets, no checks of what the values are.
//!
//! Each part is what people reach for: `csv` reads, `arrow-json` decodes, `parquet` writes. The records take the form of
//! JSON on their way, as they do on a topic.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use csv::ByteRecord;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::columns::{schema, write_json};

const BATCH_ROWS: usize = 8192;

pub(crate) fn run(csv: &Path, file: &Path) -> Result<()> {
    let schema = Arc::new(schema());
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
    let file = BufWriter::new(File::create(file)?);
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))?;
    let mut decoder = ReaderBuilder::new(schema.clone()).with_batch_size(BATCH_ROWS).build_decoder()?;
    let mut reader = csv::Reader::from_path(csv)?;
    let mut record = ByteRecord::new();
    let mut json = Vec::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        json.clear();
        write_json(&schema, &record, &mut json);
        decoder.decode(&json)?;
        rows += 1;
        if rows == BATCH_ROWS {
            flush(&mut decoder, &mut writer)?;
            rows = 0;
        }
    }
    flush(&mut decoder, &mut writer)?;
    writer.close()?;
    Ok(())
}

fn flush(decoder: &mut Decoder, writer: &mut ArrowWriter<BufWriter<File>>) -> Result<()> {
    match decoder.flush()? {
        Some(batch) => Ok(writer.write(&batch)?),
        None => Ok(()),
    }
}
