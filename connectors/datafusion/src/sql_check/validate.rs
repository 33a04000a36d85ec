//! What is wrong with checks, before anything runs.

use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Schema};
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, Statement, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use pipeline_api::{Error, Findings, Result, nearest, type_text};

use super::config::{Check, SqlCheckConfig, SqlQuery};
use crate::DEFAULT_CATALOG;
use crate::catalog::check_table_name;
use crate::engine_error::parser_reason;

/// Reports what is wrong with the checks. The table may have columns that the records have not (its partitions'), so
/// an unknown name that resembles no known one is only doubtful here, and is refused when the hook opens.
pub(super) fn validate(config: &SqlCheckConfig, records: &Schema, findings: &mut Findings) {
    if let Err(message) = check_table_name(&config.table) {
        findings.error("/table", message);
    }
    if config.catalog.trim().is_empty() {
        findings.error("/catalog", format!("expected a folder, such as {DEFAULT_CATALOG}"));
    }
    if config.checks.is_empty() {
        findings.error("/checks", "expected at least one check, such as `row_count: {}`");
    }
    for (index, check) in config.checks.iter().enumerate() {
        let at = |rest: &str| format!("/checks/{index}/{rest}");
        match check {
            Check::RowCount(_) => {}
            Check::NotNull(columns) => validate_columns(&columns.0, &at("not_null"), records, findings),
            Check::Unique(columns) => validate_columns(&columns.0, &at("unique"), records, findings),
            Check::Between(between) => {
                validate_column(&between.column, &at("between/column"), records, findings);
                if between.min.is_none() && between.max.is_none() {
                    findings.error(at("between"), "expected min, max or both");
                }
            }
            Check::Freshness(freshness) => {
                validate_column(&freshness.column, &at("freshness/column"), records, findings);
                validate_time(&freshness.column, &at("freshness/column"), records, findings);
            }
            Check::Sql(sql) => validate_query(sql, &at("sql/query"), findings),
        }
    }
}

/// The query that `sql` is. Errors: it is none, or more than one.
pub(crate) fn parse_query(sql: &str) -> Result<Box<Query>> {
    let statements = Parser::parse_sql(&GenericDialect {}, sql);
    let statements = statements.map_err(|error| Error::config(parser_reason(&error)))?;
    match <[Statement; 1]>::try_from(statements) {
        Ok([Statement::Query(query)]) => Ok(query),
        Ok(_) => Err(Error::config("a check only reads, expected a SELECT")),
        Err(all) => Err(Error::config(format!("found {} statements, expected one SELECT", all.len()))),
    }
}

fn validate_columns(columns: &[String], pointer: &str, records: &Schema, findings: &mut Findings) {
    if columns.is_empty() {
        findings.error(pointer, "expected at least one column");
    }
    for (index, column) in columns.iter().enumerate() {
        validate_column(column, &format!("{pointer}/{index}"), records, findings);
        if columns[..index].contains(column) {
            findings.error(format!("{pointer}/{index}"), format!("`{column}` is named twice"));
        }
    }
}

fn validate_column(column: &str, pointer: &str, records: &Schema, findings: &mut Findings) {
    if records.field_with_name(column).is_ok() {
        return;
    }
    match nearest(column, records.fields().iter().map(|field| field.name().as_str())) {
        Some(meant) => findings.error(pointer, format!("unknown column `{column}`, did you mean `{meant}`?")),
        None => findings.warning(
            pointer,
            format!("`{column}` is no column of the records; expected one that the sink adds, as for a partition"),
        ),
    }
}

fn validate_time(column: &str, pointer: &str, records: &Schema, findings: &mut Findings) {
    let Ok(field) = records.field_with_name(column) else { return };
    if !matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..)) {
        let found = type_text(field.data_type());
        findings.error(pointer, format!("`{column}` is a {found}, expected a date or timestamp column"));
    }
}

fn validate_query(sql: &SqlQuery, pointer: &str, findings: &mut Findings) {
    let query = match parse_query(&sql.query) {
        Ok(query) => query,
        Err(error) => return findings.error(pointer, error.to_string()),
    };
    let mut aliases = GroupedAliases::default();
    // The visitor never breaks off.
    let _ = query.visit(&mut aliases);
    for alias in aliases.0 {
        findings.warning(
            pointer,
            format!("GROUP BY `{alias}` names a column of the SELECT list, which Athena refuses; write GROUP BY 1, 2"),
        );
    }
}

/// The aliases of a SELECT list that its GROUP BY uses.
#[derive(Default)]
struct GroupedAliases(Vec<String>);

impl Visitor for GroupedAliases {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let SetExpr::Select(select) = query.body.as_ref() {
            self.0.extend(grouped_aliases(select));
        }
        ControlFlow::Continue(())
    }
}

fn grouped_aliases(select: &Select) -> Vec<String> {
    let GroupByExpr::Expressions(grouped, _) = &select.group_by else { return Vec::new() };
    let is_alias = |name: &str| {
        select.projection.iter().any(|item| match item {
            SelectItem::ExprWithAlias { expr: Expr::Identifier(column), alias } => {
                alias.value == name && column.value != name
            }
            SelectItem::ExprWithAlias { alias, .. } => alias.value == name,
            _ => false,
        })
    };
    let names = grouped.iter().filter_map(|grouped| match grouped {
        Expr::Identifier(name) if is_alias(&name.value) => Some(name.value.clone()),
        _ => None,
    });
    names.collect()
}
