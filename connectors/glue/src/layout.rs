//! The table as Glue describes it: types, formats, and the names of Hive's classes.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field};
use aws_sdk_glue::error::BuildError;
use aws_sdk_glue::types::{Column, PartitionInput, SerDeInfo, StorageDescriptor, TableInput};
use pipeline_api::{Dataset, Error, FileFormat, Result, Schema, column_type, parse_column, type_text};
use sha2::{Digest, Sha256};

/// Says who made a table. A table without it is nobody's to change.
pub(crate) const OWNER: &str = "pipeline.name";

/// What stands in place of a value that is null.
pub(crate) const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The classes that read and write the files, and what Glue calls the form.
struct Classes {
    classification: &'static str,
    serde: &'static str,
    input: &'static str,
    output: &'static str,
}

const PARQUET: Classes = Classes {
    classification: "parquet",
    serde: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    input: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    output: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
};

const JSON: Classes = Classes {
    classification: "json",
    serde: "org.openx.data.jsonserde.JsonSerDe",
    input: "org.apache.hadoop.mapred.TextInputFormat",
    output: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
};

/// The table that a sink's files are.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) table: String,
    pub(crate) pipeline: String,
    /// An S3 URL with a slash at its end.
    pub(crate) location: String,
    format: FileFormat,
    pub(crate) columns: Vec<TableColumn>,
    pub(crate) partition_columns: Vec<TableColumn>,
    /// Beside what every table of ours says: how partitions are projected.
    pub(crate) parameters: HashMap<String, String>,
}

/// A column of a table. Glue knows nothing of null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableColumn {
    /// In small letters, as Glue keeps it.
    pub(crate) name: String,
    /// Without blanks: `struct<a:int>`.
    pub(crate) of: String,
    pub(crate) nullable: bool,
}

impl Layout {
    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if the records do not lie in S3, or a column has a type that no
    /// table has.
    pub(crate) fn of(table: &str, pipeline: &str, dataset: &Dataset) -> Result<Self> {
        if !dataset.location.starts_with("s3://") {
            return Err(Error::config(format!(
                "the records lie at {}, and a table of Glue is read from S3; expected a sink whose url begins with s3://, \
                 or the hook local_table",
                dataset.location
            )));
        }
        Ok(Self {
            table: table.to_owned(),
            pipeline: pipeline.to_owned(),
            location: dataset.location.clone(),
            format: dataset.format,
            columns: columns(&dataset.columns)?,
            partition_columns: columns(&dataset.partition_columns)?,
            parameters: HashMap::new(),
        })
    }

    /// What makes the table.
    pub(crate) fn table_input(&self) -> Result<TableInput> {
        TableInput::builder()
            .name(&self.table)
            .description(format!("Written by the pipeline {}", self.pipeline))
            .table_type("EXTERNAL_TABLE")
            .storage_descriptor(self.storage(&self.location)?)
            .set_partition_keys(Some(glue_columns(&self.partition_columns)?))
            .set_parameters(Some(self.table_parameters()))
            .build()
            .map_err(unbuilt)
    }

    /// What makes a partition with these values, which lies at `location`.
    pub(crate) fn partition_input(&self, values: &[Option<String>], location: &str) -> Result<PartitionInput> {
        let own = HashMap::from([
            ("classification".to_owned(), self.classes().classification.to_owned()),
            (OWNER.to_owned(), self.pipeline.clone()),
        ]);
        Ok(PartitionInput::builder()
            .set_values(Some(glue_values(values)))
            .storage_descriptor(self.storage(location)?)
            .set_parameters(Some(own))
            .build())
    }

    /// How files at `location` are read.
    pub(crate) fn storage(&self, location: &str) -> Result<StorageDescriptor> {
        let classes = self.classes();
        let serde =
            SerDeInfo::builder().serialization_library(classes.serde).parameters("serialization.format", "1").build();
        Ok(StorageDescriptor::builder()
            .set_columns(Some(glue_columns(&self.columns)?))
            .location(location)
            .input_format(classes.input)
            .output_format(classes.output)
            .serde_info(serde)
            .build())
    }

    /// What our tables say of themselves.
    pub(crate) fn table_parameters(&self) -> HashMap<String, String> {
        let mut parameters = self.parameters.clone();
        parameters.insert("EXTERNAL".into(), "TRUE".into());
        parameters.insert("classification".into(), self.classes().classification.into());
        parameters.insert(OWNER.into(), self.pipeline.clone());
        parameters.insert("pipeline.schema".into(), self.fingerprint());
        parameters
    }

    /// Of the columns: 16 hexadecimal digits.
    fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for column in self.columns.iter().chain(&self.partition_columns) {
            digest.update(format!("{} {}\n", column.name, column.of));
        }
        digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn classes(&self) -> &'static Classes {
        match self.format {
            FileFormat::Parquet => &PARQUET,
            FileFormat::JsonLines => &JSON,
        }
    }
}

/// The values of a partition as Glue has them.
fn glue_values(values: &[Option<String>]) -> Vec<String> {
    values.iter().map(|value| value.clone().unwrap_or_else(|| NULL.to_owned())).collect()
}

pub(crate) fn glue_columns(columns: &[TableColumn]) -> Result<Vec<Column>> {
    columns
        .iter()
        .map(|column| Column::builder().name(&column.name).r#type(&column.of).build().map_err(unbuilt))
        .collect()
}

pub(crate) fn unbuilt(error: BuildError) -> Error {
    Error::fatal("a request to Glue lacks a field").with_source(error)
}

fn columns(schema: &Schema) -> Result<Vec<TableColumn>> {
    let column = |field: &Field| {
        parse_column(field.name(), &column_type(field)).map_err(|error| {
            Error::config(format!("column `{}` cannot be in a table", field.name())).with_source(error)
        })?;
        let of = glue_type(field.data_type());
        Ok(TableColumn { name: field.name().to_lowercase(), of, nullable: field.is_nullable() })
    };
    schema.fields().iter().map(|field| column(field)).collect()
}

/// The type's text. A timestamp is one whatever its unit: readers take that from the file.
fn glue_type(of: &DataType) -> String {
    match of {
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::List(item) => format!("array<{}>", glue_type(item.data_type())),
        DataType::Struct(fields) => {
            let field = |field: &Field| format!("{}:{}", field.name().to_lowercase(), glue_type(field.data_type()));
            let fields: Vec<String> = fields.iter().map(|of| field(of)).collect();
            format!("struct<{}>", fields.join(","))
        }
        other => type_text(other),
    }
}
