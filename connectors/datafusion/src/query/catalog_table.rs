//! A table of the catalog as the engine reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource, JsonSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use super::files::{Compression, DataFile, data_files};
use super::partitions::{TypedPartition, matching, only_partition_columns, typed};
use crate::{Table, TableFormat};

/// Reads the files that lie in a table's partitions when a query runs. Partition values come from the catalog, with
/// their types, and never from a path.
#[derive(Debug)]
pub(crate) struct CatalogTable {
    schema: SchemaRef,
    table_schema: TableSchema,
    format: TableFormat,
    partitions: Vec<TypedPartition>,
}

impl CatalogTable {
    /// The table with its partitions as they are now. Errors: a value that is none of its column's type.
    pub(crate) fn new(table: &Table) -> pipeline_api::Result<Self> {
        let (columns, partition_columns) = (table.file_schema()?, table.partition_schema()?);
        let fields = columns.fields().iter().chain(partition_columns.fields()).cloned().collect::<Vec<_>>();
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            table_schema: TableSchema::builder(columns)
                .with_table_partition_cols(partition_columns.fields().clone())
                .build(),
            format: table.format,
            partitions: typed(table, &partition_columns)?,
        })
    }

    /// How many records are in `file`: it is read, as a query would read it.
    pub(crate) async fn count_rows(&self, file: DataFile, session: &SessionContext) -> Result<u64> {
        let nowhere = TypedPartition::nowhere(self.table_schema.table_partition_cols())?;
        let plan = self.scan_files(vec![(file, &nowhere)], Some(&Vec::new()), None, 1)?;
        let mut batches = execute_stream(plan, session.task_ctx())?;
        let mut rows = 0;
        while let Some(batch) = batches.try_next().await? {
            rows += batch.num_rows() as u64;
        }
        Ok(rows)
    }

    fn scan_files(
        &self,
        files: Vec<(DataFile, &TypedPartition)>,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
        groups: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut by_compression: BTreeMap<Compression, Vec<PartitionedFile>> = BTreeMap::new();
        for (file, partition) in files {
            let read = PartitionedFile::new_from_meta(file.meta).with_partition_values(partition.values.clone());
            by_compression.entry(file.compression).or_default().push(read);
        }
        let mut scans = Vec::with_capacity(by_compression.len());
        for (compression, files) in by_compression {
            let builder = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), self.source())
                .with_file_groups(FileGroup::new(files).split_files(groups.max(1)))
                .with_file_compression_type(match compression {
                    Compression::None => FileCompressionType::UNCOMPRESSED,
                    Compression::Gzip => FileCompressionType::GZIP,
                    Compression::Zstd => FileCompressionType::ZSTD,
                })
                .with_projection_indices(projection.cloned())?
                .with_limit(limit);
            scans.push(DataSourceExec::from_data_source(builder.build()) as Arc<dyn ExecutionPlan>);
        }
        match scans.pop() {
            None => Ok(Arc::new(EmptyExec::new(datafusion::common::project_schema(&self.schema, projection)?))),
            Some(only) if scans.is_empty() => Ok(only),
            Some(last) => {
                scans.push(last);
                UnionExec::try_new(scans)
            }
        }
    }

    fn source(&self) -> Arc<dyn FileSource> {
        match self.format {
            TableFormat::Parquet => Arc::new(ParquetSource::new(self.table_schema.clone())),
            TableFormat::JsonLines => Arc::new(JsonSource::new(self.table_schema.clone())),
        }
    }
}

#[async_trait]
impl TableProvider for CatalogTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let partition_columns = self.table_schema.table_partition_cols();
        let exact = |filter: &&Expr| match only_partition_columns(filter, partition_columns) {
            true => TableProviderFilterPushDown::Exact,
            // The optimizer hands the others to the reader of Parquet by itself.
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(exact).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut files = Vec::new();
        for partition in matching(&self.partitions, self.table_schema.table_partition_cols(), filters, state)? {
            let found = data_files(&partition.folder).map_err(|error| DataFusionError::External(Box::new(error)))?;
            files.extend(found.into_iter().map(|file| (file, partition)));
        }
        self.scan_files(files, projection, limit, state.config().target_partitions())
    }
}
