//! One SELECT over `input`.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::compute::{filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::physical_expr::expressions::{Column, cast};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::sql::sqlparser::ast::{
    ExceptSelectItem, ExcludeSelectItem, Ident, ObjectName, SelectItem, SelectItemQualifiedWildcardKind,
    WildcardAdditionalOptions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use pipeline_api::{Error, METADATA_PREFIX, Result};

use super::compile::{Expression, logical, named};
use super::output_type::output_type;
use super::refusal;
use crate::engine_error::{parser_reason, reason, unknown_column};

/// A compiled SELECT: which rows stay, and what becomes of their columns.
#[derive(Debug)]
pub(crate) struct Select {
    filter: Option<Expression>,
    /// The columns of the input that the outputs need: the others are not filtered.
    needed: Vec<usize>,
    outputs: Vec<Expression>,
    schema: SchemaRef,
}

struct Output {
    name: String,
    expression: Expression,
}

impl Select {
    /// Compiles `query` for records in the schema `input`. Errors: why it cannot be, in words of the person who wrote it.
    pub(crate) fn compile(query: &str, input: &Schema) -> Result<Self> {
        let mut statements = Parser::parse_sql(&GenericDialect {}, query)
            .map_err(|error| Error::config(parser_reason(&error)))?
            .into_iter();
        let (Some(statement), None) = (statements.next(), statements.next()) else {
            return Err(Error::config("expected exactly one SELECT, such as SELECT symbol, close FROM input"));
        };
        let select = refusal::only_select(statement)?;
        let name = refusal::input_name(&select)?;
        let columns = named(input, &name)?;
        let filter = select.selection.map(|filter| Expression::boolean(filter, &columns)).transpose()?;
        let mut outputs = Vec::new();
        for item in select.projection {
            add_item(item, &name, &columns, &mut outputs)?;
        }
        check_names(&outputs)?;
        add_metadata(&columns, &mut outputs)?;
        Self::build(filter, outputs, input)
    }

    /// The schema of what `apply` returns.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The rows that the filter keeps, as the SELECT wants them.
    pub(crate) fn apply(&self, records: &RecordBatch) -> Result<RecordBatch> {
        let kept = match &self.filter {
            Some(filter) => {
                let holds = filter.holds(records)?;
                let holds = if holds.null_count() > 0 { prep_null_mask_filter(&holds) } else { holds };
                let narrow = records.project(&self.needed).map_err(internal)?;
                filter_record_batch(&narrow, &holds).map_err(internal)?
            }
            None => records.project(&self.needed).map_err(internal)?,
        };
        let columns = self.outputs.iter().map(|output| output.evaluate(&kept)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
        RecordBatch::try_new_with_options(self.schema(), columns, &options).map_err(internal)
    }

    fn build(filter: Option<Expression>, outputs: Vec<Output>, input: &Schema) -> Result<Self> {
        let used = outputs.iter().flat_map(|output| collect_columns(output.expression.physical()));
        let needed: Vec<usize> = used.map(|column| column.index()).collect::<BTreeSet<_>>().into_iter().collect();
        let narrow = Arc::new(input.project(&needed).map_err(internal)?);
        let mut fields = Vec::with_capacity(outputs.len());
        let mut expressions = Vec::with_capacity(outputs.len());
        for Output { name, expression } in outputs {
            let nullable = expression.physical().nullable(input).map_err(|error| Error::config(reason(&error)))?;
            let of = expression.physical().data_type(input).map_err(|error| Error::config(reason(&error)))?;
            fields.push(Field::new(name, of, nullable));
            expressions.push(expression.converted(|physical| {
                reassign_expr_columns(physical, &narrow).map_err(|error| Error::config(reason(&error)))
            })?);
        }
        Ok(Self { filter, needed, outputs: expressions, schema: Arc::new(Schema::new(fields)) })
    }
}

fn add_item(item: SelectItem, name: &str, columns: &DFSchema, outputs: &mut Vec<Output>) -> Result<()> {
    let (parsed, alias) = match item {
        SelectItem::UnnamedExpr(parsed) => (parsed, None),
        SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
        SelectItem::Wildcard(options) => return add_all(options, columns, outputs),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(of), options)
            if of.to_string().eq_ignore_ascii_case(name) =>
        {
            return add_all(options, columns, outputs);
        }
        other => return Err(Error::config(format!("`{other}` is no column, expected an expression AS name"))),
    };
    let text = parsed.to_string();
    let (logical, output) = logical(parsed, alias, columns)?;
    let Some(output) = output else {
        return Err(Error::config(format!("`{text}` needs a name for its column, write `{text} AS name`")));
    };
    let expression = Expression::compile(text, logical, columns)?;
    if !output.starts_with(METADATA_PREFIX) {
        outputs.push(Output { expression: as_column(expression, &output, columns)?, name: output });
        return Ok(());
    }
    // A metadata column passes untouched, also if somebody asks for it.
    match expression.physical().downcast_ref::<Column>() {
        Some(column) if column.name() == output => Ok(()),
        _ => Err(Error::config(format!(
            "`{output}` cannot be a column's name: `{METADATA_PREFIX}` is the runtime's own"
        ))),
    }
}

/// `*`, which means the columns of the records without metadata.
fn add_all(options: WildcardAdditionalOptions, columns: &DFSchema, outputs: &mut Vec<Output>) -> Result<()> {
    if options.opt_ilike.is_some()
        || options.opt_replace.is_some()
        || options.opt_rename.is_some()
        || options.opt_alias.is_some()
    {
        return Err(Error::config("expected `*` or `* EXCEPT (column, …)`; write other columns out"));
    }
    let mut left_out = match options.opt_except {
        Some(ExceptSelectItem { first_element, additional_elements }) => {
            std::iter::once(&first_element).chain(&additional_elements).map(column_name).collect()
        }
        None => Vec::new(),
    };
    let excluded = |of: &ObjectName| of.0.last().and_then(|part| part.as_ident()).map(column_name);
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(of)) => left_out.extend(excluded(of)),
        Some(ExcludeSelectItem::Multiple(all)) => left_out.extend(all.iter().filter_map(excluded)),
        None => {}
    }
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    if let Some(unknown) = left_out.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(Error::config(unknown_column(unknown, &names)));
    }
    for (index, field) in columns.fields().iter().enumerate() {
        if field.name().starts_with(METADATA_PREFIX) || left_out.contains(field.name()) {
            continue;
        }
        outputs.push(unchanged(columns, index, field)?);
    }
    Ok(())
}

fn add_metadata(columns: &DFSchema, outputs: &mut Vec<Output>) -> Result<()> {
    for (index, field) in columns.fields().iter().enumerate() {
        if field.name().starts_with(METADATA_PREFIX) {
            outputs.push(unchanged(columns, index, field)?);
        }
    }
    Ok(())
}

fn unchanged(columns: &DFSchema, index: usize, field: &Field) -> Result<Output> {
    let (qualifier, _) = columns.qualified_field(index);
    let column = datafusion::common::Column::new(qualifier.cloned(), field.name());
    let expression = Expression::compile(field.name().clone(), column.into(), columns)?;
    Ok(Output { name: field.name().clone(), expression })
}

fn as_column(expression: Expression, name: &str, columns: &DFSchema) -> Result<Expression> {
    let engine = expression.data_type(columns)?;
    let wanted =
        output_type(&engine).map_err(|why| Error::config(format!("`{}` AS {name} {why}", expression.text())))?;
    if wanted == engine {
        return Ok(expression);
    }
    expression
        .converted(|physical| cast(physical, columns.as_arrow(), wanted).map_err(|error| Error::config(reason(&error))))
}

fn check_names(outputs: &[Output]) -> Result<()> {
    if outputs.is_empty() {
        return Err(Error::config("no column is selected, expected at least one"));
    }
    let mut names = BTreeSet::new();
    match outputs.iter().find(|output| !names.insert(output.name.to_lowercase())) {
        Some(twice) => {
            Err(Error::config(format!("two columns are called `{}`, give one of them another name", twice.name)))
        }
        None => Ok(()),
    }
}

fn column_name(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

fn internal(error: arrow::error::ArrowError) -> Error {
    Error::fatal("the result of a SELECT does not fit its schema").with_source(error)
}
