//! One query for several checks, where each query is paid for.

use std::ops::Range;

use arrow::datatypes::Schema;
use pipeline_api::{Error, Result};

use crate::query::{Question, quoted};
use crate::{Answer, Check, Dialect};

/// One query that answers several checks of a table at once.
#[derive(Clone, Debug)]
pub struct Combined {
    query: String,
    columns: usize,
    parts: Vec<(usize, Range<usize>)>,
}

impl Combined {
    /// A query for all of `checks` that are no queries themselves; `None` if there is no such one. Those for which
    /// `skip` is true are left out.
    pub fn of(
        checks: &[Check],
        skip: impl Fn(&Check) -> bool,
        table: &str,
        columns: &Schema,
        dialect: &dyn Dialect,
    ) -> Option<Self> {
        let (mut aggregates, mut singles, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for (index, check) in checks.iter().enumerate().filter(|(_, check)| !skip(check)) {
            match check.question(table, columns, dialect) {
                Question::Aggregates(expressions) => {
                    let first = aggregates.len();
                    aggregates.extend(expressions);
                    parts.push((index, Place::Aggregates(first..aggregates.len())));
                }
                Question::OneValue(query) => {
                    parts.push((index, Place::Single(singles.len())));
                    singles.push(query);
                }
                Question::Free(_) => {}
            }
        }
        let columns = aggregates.len() + singles.len();
        let list = (!aggregates.is_empty()).then(|| format!("SELECT {} FROM {}", aggregates.join(", "), quoted(table)));
        let mut relations: Vec<_> = list.into_iter().chain(singles).collect();
        let query = match relations.len() {
            0 => return None,
            1 => relations.remove(0),
            // Each has one row.
            _ => format!("SELECT * FROM ({})", relations.join(") CROSS JOIN (")),
        };
        let parts = parts.into_iter().map(|(index, place)| (index, place.columns(aggregates.len()))).collect();
        Some(Self { query, columns, parts })
    }

    /// The query.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// What `answer` says to each check, by its index. Errors: it is not the answer to this query.
    pub fn parts(&self, answer: &Answer) -> Result<Vec<(usize, Answer)>> {
        if answer.rows != 1 || answer.first.len() != self.columns {
            return Err(Error::fatal(format!(
                "the query gave {} rows of {} columns, expected one row of {}",
                answer.rows,
                answer.first.len(),
                self.columns
            )));
        }
        let part = |(index, columns): &(usize, Range<usize>)| {
            (*index, Answer { columns: columns.len(), rows: 1, first: answer.first[columns.clone()].to_vec() })
        };
        Ok(self.parts.iter().map(part).collect())
    }
}

/// Where the answer to a check stands.
enum Place {
    /// Among the aggregates, which come first.
    Aggregates(Range<usize>),
    /// Behind them, one column each.
    Single(usize),
}

impl Place {
    fn columns(self, aggregates: usize) -> Range<usize> {
        match self {
            Self::Aggregates(columns) => columns,
            Self::Single(index) => aggregates + index..aggregates + index + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, TimeUnit};
    use serde_json::json;

    use super::*;
    use crate::quoted_text;

    struct Plain;

    impl Dialect for Plain {
        fn literal(&self, text: &str, _: Option<&DataType>) -> String {
            quoted_text(text)
        }
    }

    #[test]
    fn all_checks_but_free_queries_are_one_query_whose_answer_is_taken_apart_again() {
        let checks: Vec<Check> = serde_json::from_value(json!([
            { "row_count": {} },
            { "sql": { "query": "select 1", "expect": 1 } },
            { "not_null": ["a", "b\"c"] },
            { "unique": ["a", "b\"c"] },
            { "between": { "column": "a", "min": 0, "max": "it's" } },
            { "freshness": { "column": "at", "max_age": "1d" } },
        ]))
        .unwrap();
        let columns = Schema::new(vec![Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, None), true)]);
        let combined = Combined::of(&checks, |_| false, "t", &columns, &Plain).unwrap();
        assert_eq!(
            combined.query(),
            "SELECT * FROM (SELECT count(*), count(*) - count(\"a\"), count(*) - count(\"b\"\"c\"), count(CASE WHEN \"a\" < 0 \
             OR \"a\" > 'it''s' THEN 1 END), min(\"a\"), max(\"a\"), max(\"at\") FROM \"t\") CROSS JOIN (SELECT count(*) FROM \
             (SELECT 1 FROM \"t\" GROUP BY \"a\", \"b\"\"c\" HAVING count(*) > 1))"
        );
        let first: Vec<_> = (0..8).map(|number| Some(number.to_string())).collect();
        let parts = combined.parts(&Answer { columns: 8, rows: 1, first: first.clone() }).unwrap();
        let taken: Vec<_> = parts.iter().map(|(index, answer)| (*index, answer.first.len())).collect();
        assert_eq!(taken, [(0, 1), (2, 2), (3, 1), (4, 3), (5, 1)]);
        assert_eq!(parts[3].1.first[0].as_deref(), Some("3"));
        assert_eq!(parts[2].1.first[0].as_deref(), Some("7"));
        let one = Combined::of(&checks[3..4], |_| false, "t", &columns, &Plain).unwrap();
        assert_eq!(one.query(), checks[3].query("t", &columns, &Plain));
        assert!(combined.parts(&Answer { columns: 7, rows: 1, first: first[1..].to_vec() }).is_err());
        assert!(combined.parts(&Answer { columns: 8, rows: 2, first }).is_err());
        assert!(Combined::of(&checks[1..2], |_| false, "t", &columns, &Plain).is_none());
        assert!(
            Combined::of(&checks[..1], |check| matches!(check, Check::RowCount(_)), "t", &columns, &Plain).is_none()
        );
    }
}
