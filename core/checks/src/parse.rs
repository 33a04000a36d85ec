//! The queries that a person writes.

use std::ops::ControlFlow;

use pipeline_api::{Error, Result};
use sqlparser::ast::{Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, Statement, Visit, Visitor};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};

/// The query that `sql` is. Errors: it is none, or more than one.
pub fn parse_query(sql: &str) -> Result<Box<Query>> {
    let statements = Parser::parse_sql(&GenericDialect {}, sql);
    let statements = statements.map_err(|error| Error::config(parser_reason(&error)))?;
    match <[Statement; 1]>::try_from(statements) {
        Ok([Statement::Query(query)]) => Ok(query),
        Ok(_) => Err(Error::config("a check only reads, expected a SELECT")),
        Err(all) => Err(Error::config(format!("found {} statements, expected one SELECT", all.len()))),
    }
}

/// Why a text is no SQL, and where.
pub fn parser_reason(error: &ParserError) -> String {
    match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => lowered(text),
        ParserError::RecursionLimitExceeded => "nested too deeply".into(),
    }
}

/// The aliases of a SELECT list that its GROUP BY uses, which Athena refuses.
pub fn grouped_aliases(query: &Query) -> Vec<String> {
    let mut aliases = GroupedAliases::default();
    // The visitor never breaks off.
    let _ = query.visit(&mut aliases);
    aliases.0
}

#[derive(Default)]
struct GroupedAliases(Vec<String>);

impl Visitor for GroupedAliases {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let SetExpr::Select(select) = query.body.as_ref() {
            self.0.extend(aliases_of(select));
        }
        ControlFlow::Continue(())
    }
}

fn aliases_of(select: &Select) -> Vec<String> {
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

/// The parser begins with a capital. A word in capitals stays one.
fn lowered(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut letters = text.chars();
    match letters.next() {
        Some(letter) if !letters.clone().next().is_some_and(char::is_uppercase) => {
            letter.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}
