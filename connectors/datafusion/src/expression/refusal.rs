//! What cannot be said of one record at a time, and why.

use std::ops::ControlFlow;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, GroupByExpr, Query, Select, SetExpr, Statement, TableFactor, visit_expressions,
};
use pipeline_api::{Error, Result};

/// The one SELECT of a statement. Errors: which clause looks at more than one record.
pub(super) fn only_select(statement: Statement) -> Result<Select> {
    let Statement::Query(query) = statement else { return Err(refused("the statement", "it is no SELECT")) };
    let more = "a transform sees one record at a time";
    let refuse = |present: bool, clause: &str, why: &str| if present { Err(refused(clause, why)) } else { Ok(()) };
    let Query { with, body, order_by, limit_clause, fetch, locks, for_clause, settings, format_clause, pipe_operators } =
        *query;
    refuse(with.is_some(), "WITH", "there is one SELECT over `input`")?;
    refuse(order_by.is_some(), "ORDER BY", "records stay in the order of the topic")?;
    refuse(limit_clause.is_some() || fetch.is_some(), "LIMIT", more)?;
    let others = !locks.is_empty() || for_clause.is_some() || settings.is_some() || format_clause.is_some();
    refuse(others || !pipe_operators.is_empty(), "a clause behind the SELECT", "there are SELECT, FROM and WHERE")?;
    let select = match *body {
        SetExpr::Select(select) => *select,
        SetExpr::SetOperation { op, .. } => return Err(refused(&op.to_string(), "there is one SELECT over `input`")),
        _ => return Err(refused("the statement", "it is no SELECT")),
    };
    refuse(select.distinct.is_some(), "DISTINCT", more)?;
    refuse(select.top.is_some(), "TOP", more)?;
    refuse(select.having.is_some(), "HAVING", more)?;
    refuse(grouped(&select.group_by), "GROUP BY", more)?;
    refuse(select.qualify.is_some() || !select.named_window.is_empty(), "a window", more)?;
    refuse(select.into.is_some(), "INTO", "the records go to the topic or the sink")?;
    let others = !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.exclude.is_some()
        || select.value_table_mode.is_some();
    refuse(others, "this clause", "there are SELECT, FROM and WHERE")?;
    Ok(select)
}

/// The name by which a SELECT calls the records. Errors: it reads something else than `input`.
pub(super) fn input_name(select: &Select) -> Result<String> {
    let [from] = select.from.as_slice() else {
        let what = if select.from.is_empty() { "a SELECT without FROM" } else { "a join" };
        return Err(refused(what, "there is one SELECT over `input`"));
    };
    if !from.joins.is_empty() {
        return Err(refused("a join", "a transform sees one record at a time"));
    }
    match &from.relation {
        TableFactor::Table { name, alias, args: None, sample: None, .. }
            if name.to_string().eq_ignore_ascii_case("input") =>
        {
            let alias = alias.as_ref().map(|alias| match alias.name.quote_style {
                Some(_) => alias.name.value.clone(),
                None => alias.name.value.to_lowercase(),
            });
            Ok(alias.unwrap_or_else(|| "input".into()))
        }
        TableFactor::Derived { .. } => Err(refused("a subquery", "there is one SELECT over `input`")),
        other => Err(Error::config(format!("`{other}` is no table here, the records are called `input`"))),
    }
}

/// Errors: a subquery.
pub(super) fn check_syntax(expression: &SqlExpr) -> Result<()> {
    let found = visit_expressions(expression, |part| match part {
        SqlExpr::Subquery(_) | SqlExpr::InSubquery { .. } | SqlExpr::Exists { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Break(()) => Err(refused("a subquery", "a transform sees one record at a time")),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Errors: a function that looks at more than one record, or at something that is no record.
pub(super) fn check_calls(expression: &Expr) -> Result<()> {
    let mut refusal = Ok(());
    let visited = expression.apply(|part| {
        refusal = check_call(part);
        Ok(if refusal.is_ok() { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    visited.map_err(|error| Error::config(crate::engine_error::reason(&error)))?;
    refusal
}

fn check_call(expression: &Expr) -> Result<()> {
    match expression {
        Expr::AggregateFunction(call) => Err(refused(
            &format!("the aggregate {}()", call.func.name()),
            "a transform sees one record at a time; aggregates belong in `report:` or in a check",
        )),
        Expr::WindowFunction(call) => {
            Err(refused(&format!("the window function {}()", call.fun), "a transform sees one record at a time"))
        }
        Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => Err(refused(
            &format!("{}()", call.func.name()),
            "a replay after a crash must give the same records again, and this function does not",
        )),
        Expr::Placeholder(placeholder) => {
            Err(refused(&format!("`{}`", placeholder.id), "there are no parameters, write the value"))
        }
        Expr::ScalarVariable(..) | Expr::Unnest(_) => {
            Err(refused("this expression", "a transform sees one record at a time"))
        }
        _ => Ok(()),
    }
}

fn grouped(group_by: &GroupByExpr) -> bool {
    match group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(expressions, modifiers) => !expressions.is_empty() || !modifiers.is_empty(),
    }
}

fn refused(what: &str, why: &str) -> Error {
    Error::config(format!("{what} is not allowed here: {why}"))
}
