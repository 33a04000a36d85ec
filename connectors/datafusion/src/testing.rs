//! What several tests need: data on disk, written without any of this crate's code.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use datafusion::parquet::arrow::ArrowWriter;
use pipeline_api::{Artifact, Dataset, FileFormat, OffsetRange, PartitionValue, TopicPartition};
use url::Url;

/// A Parquet dataset in `folder`.
pub(crate) fn dataset(folder: &Path, columns: Schema, partition_columns: Schema) -> Dataset {
    Dataset {
        location: Url::from_directory_path(folder).unwrap().into(),
        format: FileFormat::Parquet,
        columns: Arc::new(columns),
        partition_columns: Arc::new(partition_columns),
    }
}

/// A batch of the given columns, which may all be null.
pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

/// Writes `records` to the file at `path` below `folder`, and says so as a sink does.
pub(crate) fn write_parquet(folder: &Path, path: &str, records: &RecordBatch) -> Artifact {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&file).unwrap(), records.schema(), None).unwrap();
    writer.write(records).unwrap();
    writer.close().unwrap();
    artifact(&file, records.num_rows(), &[])
}

/// What a sink would say of the file at `path`.
pub(crate) fn artifact(path: &Path, rows: usize, values: &[(&str, Option<&str>)]) -> Artifact {
    Artifact {
        url: Url::from_file_path(path).unwrap().into(),
        rows: rows as u64,
        bytes: fs::metadata(path).unwrap().len(),
        partition_values: values
            .iter()
            .map(|(column, value)| PartitionValue { column: (*column).into(), value: value.map(str::to_owned) })
            .collect(),
        partition: TopicPartition::new("stocks", 0),
        offsets: OffsetRange::new(0, rows as i64),
    }
}
