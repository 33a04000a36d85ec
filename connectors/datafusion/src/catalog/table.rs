//! A table as its file in the catalog describes it.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use pipeline_api::{Dataset, Error, FileFormat, Result, column_type, parse_column};
use serde::{Deserialize, Serialize};

use super::local_path;

/// A table: where its files lie and how to read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name in queries.
    pub name: String,
    /// The pipeline that made it.
    pub pipeline: String,
    /// A `file://` URL with a slash at its end.
    pub location: String,
    /// The form of its files.
    pub format: TableFormat,
    /// The columns that are in the files.
    pub columns: Vec<Column>,
    /// The columns that each partition has one value of. Without any, the files lie in `location` itself.
    pub partition_columns: Vec<Column>,
    /// The partitions that readers see.
    pub partitions: Vec<Partition>,
}

/// The form of a table's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line; `.gz` and `.zst` names are compressed.
    JsonLines,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as a pipeline file writes it: `bigint`, or `string not null`.
    #[serde(rename = "type")]
    pub column_type: String,
}

/// A part of a table: a folder, all of whose records have the same values in the partition columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// The value of each partition column as text, neither escaped nor encoded; `None` is null.
    pub values: Vec<Option<String>>,
    /// The folder: a `file://` URL with a slash at its end. Folders below it are not part of it.
    pub location: String,
}

impl Table {
    /// A table over `dataset`, without partitions.
    ///
    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if the dataset does not lie in local files, or a column has
    /// a type that no file can write.
    pub fn of(name: &str, pipeline: &str, dataset: &Dataset) -> Result<Self> {
        local_path(&dataset.location)?;
        Ok(Self {
            name: name.into(),
            pipeline: pipeline.into(),
            location: dataset.location.clone(),
            format: match dataset.format {
                FileFormat::Parquet => TableFormat::Parquet,
                FileFormat::JsonLines => TableFormat::JsonLines,
            },
            columns: columns(&dataset.columns)?,
            partition_columns: columns(&dataset.partition_columns)?,
            partitions: Vec::new(),
        })
    }

    /// The columns that are in the files. All are nullable: a check must be able to find a null where none should be.
    pub fn file_schema(&self) -> Result<SchemaRef> {
        schema(&self.columns)
    }

    /// The partition columns, nullable as all are.
    pub fn partition_schema(&self) -> Result<SchemaRef> {
        schema(&self.partition_columns)
    }
}

fn columns(schema: &Schema) -> Result<Vec<Column>> {
    let column = |field: &Arc<Field>| {
        let column_type = column_type(field);
        parse_column(field.name(), &column_type).map_err(|error| {
            Error::config(format!("column `{}` cannot be in a table", field.name())).with_source(error)
        })?;
        Ok(Column { name: field.name().clone(), column_type })
    };
    schema.fields().iter().map(column).collect()
}

fn schema(columns: &[Column]) -> Result<SchemaRef> {
    let field = |column: &Column| match parse_column(&column.name, &column.column_type) {
        Ok(field) => Ok(field.with_nullable(true)),
        Err(error) => Err(Error::fatal(format!("column `{}` of the catalog", column.name)).with_source(error)),
    };
    Ok(Arc::new(Schema::new(columns.iter().map(field).collect::<Result<Vec<_>>>()?)))
}
