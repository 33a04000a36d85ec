use pipeline_api::{Artifact, Dataset, FileFormat, OffsetRange, PartitionValue, SchemaRef, TopicPartition};
use pipeline_testkit::schema;

mod changing;
mod describing;
mod examining;
mod projecting;
mod reaching;
mod reader;
mod registering;

/// What a sink writes to `s3://lake/stocks/`.
fn dataset(columns: &[(&str, &str)], partition_columns: &[(&str, &str)]) -> Dataset {
    let of = |columns: &[(&str, &str)]| -> SchemaRef { schema(columns) };
    Dataset {
        location: "s3://lake/stocks/".into(),
        format: FileFormat::Parquet,
        columns: of(columns),
        partition_columns: of(partition_columns),
    }
}

/// A file in a folder below `s3://lake/stocks/`, which is in the partition with these values.
fn artifact(folder: &str, values: &[(&str, Option<&str>)]) -> Artifact {
    let value = |(column, value): &(&str, Option<&str>)| PartitionValue {
        column: (*column).into(),
        value: value.map(str::to_owned),
    };
    Artifact {
        url: format!("s3://lake/stocks/{folder}ticks+0+00000000000000000000-5.parquet"),
        rows: 5,
        bytes: 100,
        partition_values: values.iter().map(value).collect(),
        partition: TopicPartition::new("ticks", 0),
        offsets: OffsetRange::new(0, 5),
    }
}
