//! The partitions that a query needs.

use std::path::PathBuf;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Fields, Schema};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use pipeline_api::Error;

use crate::Table;
use crate::catalog::local_path;

/// A partition whose values have the types of their columns.
#[derive(Clone, Debug)]
pub(crate) struct TypedPartition {
    pub(super) values: Vec<ScalarValue>,
    pub(super) folder: PathBuf,
}

impl TypedPartition {
    /// A partition of which only the types of the values matter.
    pub(super) fn nowhere(columns: &Fields) -> Result<Self> {
        let values = columns.iter().map(|field| ScalarValue::try_from(field.data_type())).collect::<Result<_>>()?;
        Ok(Self { values, folder: PathBuf::new() })
    }
}

/// The partitions of `table`; its location if it has no partition columns.
pub(super) fn typed(table: &Table, columns: &Schema) -> pipeline_api::Result<Vec<TypedPartition>> {
    if columns.fields().is_empty() {
        return Ok(vec![TypedPartition { values: Vec::new(), folder: local_path(&table.location)? }]);
    }
    let partition = |partition: &crate::Partition| {
        Ok(TypedPartition {
            values: typed_values(&partition.values, columns).map_err(|error| {
                error.context(format!("partition {} of table `{}`", partition.location, table.name))
            })?,
            folder: local_path(&partition.location)?,
        })
    };
    table.partitions.iter().map(partition).collect()
}

fn typed_values(values: &[Option<String>], columns: &Schema) -> pipeline_api::Result<Vec<ScalarValue>> {
    if values.len() != columns.fields().len() {
        let wanted = columns.fields().len();
        return Err(Error::fatal(format!("it has {} values, expected {wanted}", values.len())));
    }
    let value = |(value, field): (&Option<String>, &arrow::datatypes::FieldRef)| {
        let typed = match value {
            Some(text) => ScalarValue::try_from_string(text.clone(), field.data_type()),
            None => ScalarValue::try_from(field.data_type()),
        };
        typed.map_err(|error| {
            let text = value.as_deref().unwrap_or("null");
            Error::fatal(format!("`{text}` is no value of column `{}`", field.name())).with_source(error)
        })
    };
    values.iter().zip(columns.fields()).map(value).collect()
}

/// Whether the values of a partition decide `filter` for each of its rows.
pub(super) fn only_partition_columns(filter: &Expr, columns: &Fields) -> bool {
    let used = filter.column_refs();
    !used.is_empty()
        && !filter.is_volatile()
        && used.iter().all(|column| columns.iter().any(|field| field.name() == &column.name))
}

/// The partitions for which all filters hold that their values decide.
pub(super) fn matching<'a>(
    partitions: &'a [TypedPartition],
    columns: &Fields,
    filters: &[Expr],
    state: &dyn Session,
) -> Result<Vec<&'a TypedPartition>> {
    let decisive: Vec<&Expr> = filters.iter().filter(|filter| only_partition_columns(filter, columns)).collect();
    if decisive.is_empty() || partitions.is_empty() {
        return Ok(partitions.iter().collect());
    }
    let schema = Schema::new(columns.clone());
    let values = (0..columns.len())
        .map(|column| ScalarValue::iter_to_array(partitions.iter().map(|partition| partition.values[column].clone())))
        .collect::<Result<Vec<_>>>()?;
    let rows = RecordBatch::try_new(schema.clone().into(), values)?;
    let schema = DFSchema::try_from(schema)?;
    let mut chosen = vec![true; partitions.len()];
    for filter in decisive {
        let holds = state.create_physical_expr(filter.clone(), &schema)?.evaluate(&rows)?;
        let holds = holds.into_array(partitions.len())?;
        for (chosen, holds) in chosen.iter_mut().zip(holds.as_boolean()) {
            *chosen &= holds == Some(true);
        }
    }
    Ok(partitions.iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(partition, _)| partition).collect())
}
