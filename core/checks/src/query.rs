//! The query of a check.

use arrow::datatypes::{DataType, Schema};

use crate::config::{Between, Check, SqlQuery, Value};

/// How an engine's SQL differs from that of others, as far as checks need it.
pub trait Dialect {
    /// The text of a file as a literal that can be compared with a column of this type. `None` is a type that nobody
    /// knows.
    fn literal(&self, text: &str, of: Option<&DataType>) -> String;

    /// The greatest value of a date or timestamp column, which is given as SQL, so that its text begins with
    /// `YYYY-MM-DD`, and goes on with ` HH:MM:SS` if it has a time.
    fn newest(&self, column: &str) -> String {
        format!("max({column})")
    }
}

/// An identifier, whatever is in it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as a literal, whatever is in it.
pub fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What a check asks.
pub(crate) enum Question {
    /// The values of these expressions over all records of the table.
    Aggregates(Vec<String>),
    /// The one value of a query over the table.
    OneValue(String),
    /// A query of the file, over any tables.
    Free(String),
}

impl Check {
    /// The check as a person would name it.
    pub fn describe(&self, table: &str) -> String {
        match self {
            Self::RowCount(_) => format!("{table}: row_count"),
            Self::NotNull(columns) => format!("{table}: not_null({})", columns.0.join(", ")),
            Self::Unique(columns) => format!("{table}: unique({})", columns.0.join(", ")),
            Self::Between(between) => format!("{table}: between({})", between.column),
            Self::Freshness(freshness) => format!("{table}: freshness({})", freshness.column),
            Self::Sql(SqlQuery { name: Some(name), .. }) => format!("{table}: {name}"),
            Self::Sql(sql) => format!("{table}: {}", sql.query.trim()),
        }
    }

    /// The columns that it looks at, without those of a free query.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::NotNull(columns) | Self::Unique(columns) => &columns.0,
            Self::Between(between) => std::slice::from_ref(&between.column),
            Self::Freshness(freshness) => std::slice::from_ref(&freshness.column),
            Self::RowCount(_) | Self::Sql(_) => &[],
        }
    }

    /// Its query over the whole table, which has the given columns.
    pub fn query(&self, table: &str, columns: &Schema, dialect: &dyn Dialect) -> String {
        match self.question(table, columns, dialect) {
            Question::Aggregates(expressions) => format!("SELECT {} FROM {}", expressions.join(", "), quoted(table)),
            Question::OneValue(query) | Question::Free(query) => query,
        }
    }

    pub(crate) fn question(&self, table: &str, columns: &Schema, dialect: &dyn Dialect) -> Question {
        match self {
            Self::RowCount(_) => Question::Aggregates(vec!["count(*)".into()]),
            Self::NotNull(columns) => {
                let nulls = columns.0.iter().map(|column| format!("count(*) - count({})", quoted(column)));
                Question::Aggregates(nulls.collect())
            }
            Self::Unique(columns) => {
                let columns = columns.0.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
                let table = quoted(table);
                let keys = format!("SELECT 1 FROM {table} GROUP BY {columns} HAVING count(*) > 1");
                Question::OneValue(format!("SELECT count(*) FROM ({keys})"))
            }
            Self::Between(between) => Question::Aggregates(bounds(between, columns, dialect)),
            Self::Freshness(freshness) => Question::Aggregates(vec![dialect.newest(&quoted(&freshness.column))]),
            Self::Sql(sql) => Question::Free(sql.query.clone()),
        }
    }
}

fn bounds(between: &Between, columns: &Schema, dialect: &dyn Dialect) -> Vec<String> {
    let column = quoted(&between.column);
    let of = columns.field_with_name(&between.column).ok().map(|field| field.data_type());
    let literal = |value: &Value| match value {
        Value::Text(text) => dialect.literal(text, of),
        other => other.to_string(),
    };
    let below = between.min.as_ref().map(|min| format!("{column} < {}", literal(min)));
    let above = between.max.as_ref().map(|max| format!("{column} > {}", literal(max)));
    let outside = below.into_iter().chain(above).collect::<Vec<_>>().join(" OR ");
    vec![format!("count(CASE WHEN {outside} THEN 1 END)"), format!("min({column})"), format!("max({column})")]
}
