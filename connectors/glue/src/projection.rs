//! Partitions that Athena computes ("Partition projection with Amazon Athena", supported types).
//!
//! What lies outside of what is computed is invisible, and no query says so. So each file is held against it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use arrow::datatypes::DataType;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use pipeline_api::{Artifact, Error, Result, Schema, type_text};

use crate::config::{Bound, ProjectedColumn};

/// What a table says whose partitions are computed.
pub(crate) const ENABLED: &str = "projection.enabled";

/// How the partitions of a table are computed.
#[derive(Clone, Debug)]
pub(crate) struct Projection {
    columns: Vec<(String, Values)>,
}

/// What a partition column may be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    /// Whatever a query says.
    Injected,
    Enum(Vec<String>),
    Integer(i64, i64),
    Date(Day, Day),
}

/// An end of a range of dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    Fixed(Date),
    /// So many days from now.
    FromNow(i32),
}

impl Projection {
    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if what the file says does not fit the partition columns.
    pub(crate) fn of(projected: &BTreeMap<String, ProjectedColumn>, partition_columns: &Schema) -> Result<Self> {
        let fields = partition_columns.fields();
        if fields.is_empty() {
            return Err(Error::config("/partitions: a projection needs a sink with `partition_by`"));
        }
        if let Some(name) = projected.keys().find(|name| fields.find(name).is_none()) {
            let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
            let names = names.join(", ");
            return Err(Error::config(format!("/projection: `{name}` is no partition column, expected {names}")));
        }
        let values = |name: &String, of: &DataType| {
            values(name, of, projected.get(name))
                .map_err(|message| Error::config(format!("/projection/{name}: {message}")))
        };
        let columns = fields.iter().map(|field| Ok((field.name().clone(), values(field.name(), field.data_type())?)));
        Ok(Self { columns: columns.collect::<Result<_>>()? })
    }

    /// What the table says of it.
    pub(crate) fn parameters(&self) -> HashMap<String, String> {
        let mut parameters = HashMap::from([(ENABLED.to_owned(), "true".to_owned())]);
        for (name, values) in &self.columns {
            let properties = match values {
                Values::Injected => vec![("type", "injected".to_owned())],
                Values::Enum(values) => vec![("type", "enum".to_owned()), ("values", values.join(","))],
                Values::Integer(first, last) => {
                    vec![("type", "integer".to_owned()), ("range", format!("{first},{last}"))]
                }
                Values::Date(first, last) => vec![
                    ("type", "date".to_owned()),
                    ("format", "yyyy-MM-dd".to_owned()),
                    ("range", format!("{first},{last}")),
                    ("interval", "1".to_owned()),
                    ("interval.unit", "DAYS".to_owned()),
                ],
            };
            let named = |(property, value)| (format!("projection.{}.{property}", name.to_lowercase()), value);
            parameters.extend(properties.into_iter().map(named));
        }
        parameters
    }

    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if a reader would not find the file.
    pub(crate) fn check(&self, artifact: &Artifact, location: &str) -> Result<()> {
        let folder = artifact.url.rfind('/').map_or("", |slash| &artifact.url[..=slash]);
        let values: Vec<Option<&str>> = artifact.partition_values.iter().map(|value| value.value.as_deref()).collect();
        match self.unseen(folder, &values, location) {
            None => Ok(()),
            Some(reason) => Err(Error::config(format!("{} would be seen by no query: {reason}", artifact.url))),
        }
    }

    /// Why a reader does not find what lies in a folder, whose partition columns have these values; `None` if it does.
    pub(crate) fn unseen(&self, folder: &str, values: &[Option<&str>], location: &str) -> Option<String> {
        if values.len() != self.columns.len() {
            return Some(format!(
                "it is in a folder of {} partition columns, not {}",
                values.len(),
                self.columns.len()
            ));
        }
        let mut projected = location.to_owned();
        for ((name, known), value) in self.columns.iter().zip(values) {
            let Some(value) = value else {
                return Some(format!("`{name}` is null, which cannot be projected; use `partitions: registered`"));
            };
            if !known.hold(value) {
                return Some(format!("`{name}` is {value}, outside of what `projection` says: {known}"));
            }
            projected.push_str(&format!("{}={value}/", name.to_lowercase()));
        }
        (folder != projected).then(|| format!("a projection looks into {projected}; use `partitions: registered`"))
    }
}

fn values(name: &str, of: &DataType, projected: Option<&ProjectedColumn>) -> Result<Values, String> {
    let given = projected.cloned().unwrap_or_default();
    match (of, given.range, given.values) {
        (DataType::Utf8, None, None) => Ok(Values::Injected),
        (DataType::Utf8, None, Some(values)) => match values.iter().find(|value| value.contains(',')) {
            Some(value) => {
                Err(format!("`{value}` has a comma, which separates the values; use `partitions: registered`"))
            }
            None => Ok(Values::Enum(values)),
        },
        (DataType::Boolean, None, None) => Ok(Values::Enum(vec!["false".into(), "true".into()])),
        (DataType::Date32, Some([first, last]), None) => Ok(Values::Date(day(&first)?, day(&last)?)),
        (DataType::Date32, None, None) => {
            Err("expected since when and until when, such as `range: [2024-01-01, NOW]`".into())
        }
        (of, range, None) if of.is_signed_integer() => match (range, name) {
            (Some([Bound::Number(first), Bound::Number(last)]), _) => Ok(Values::Integer(first, last)),
            (Some(_), _) => Err("expected two integers, such as `range: [2000, 2100]`".into()),
            (None, "month") => Ok(Values::Integer(1, 12)),
            (None, "hour") => Ok(Values::Integer(0, 23)),
            (None, _) => Err("expected the first and the last value, such as `range: [2000, 2100]`".into()),
        },
        (of, _, _) => Err(format!(
            "`{name}` is a {}, expected `values` for a string, `range` for an integer or a date, and no other type",
            type_text(of)
        )),
    }
}

fn day(bound: &Bound) -> Result<Day, String> {
    let wrong = || "expected a date such as 2024-01-01, NOW, or so many days from now such as NOW+1DAYS".to_owned();
    let Bound::Text(text) = bound else { return Err(wrong()) };
    let Some(rest) = text.trim().strip_prefix("NOW") else {
        return text.trim().parse().map(Day::Fixed).map_err(|_| wrong());
    };
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok(Day::FromNow(0));
    }
    let days = rest.strip_suffix("DAYS").or_else(|| rest.strip_suffix("DAY")).ok_or_else(wrong)?;
    let days: String = days.chars().filter(|c| !c.is_whitespace()).collect();
    match days.starts_with(['+', '-']) {
        true => days.parse().map(Day::FromNow).map_err(|_| wrong()),
        false => Err(wrong()),
    }
}

impl Values {
    fn hold(&self, value: &str) -> bool {
        match self {
            Self::Injected => true,
            Self::Enum(values) => values.iter().any(|known| known == value),
            Self::Integer(first, last) => value.parse().is_ok_and(|value: i64| (*first..=*last).contains(&value)),
            Self::Date(first, last) => {
                value.parse().is_ok_and(|value: Date| (first.date()..=last.date()).contains(&value))
            }
        }
    }
}

impl Day {
    fn date(self) -> Date {
        match self {
            Self::Fixed(date) => date,
            Self::FromNow(days) => {
                Timestamp::now().to_zoned(TimeZone::UTC).date().saturating_add(i64::from(days).days())
            }
        }
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Injected => f.write_str("any"),
            Self::Enum(values) => f.write_str(&values.join(", ")),
            Self::Integer(first, last) => write!(f, "{first} to {last}"),
            Self::Date(first, last) => write!(f, "{first} to {last}"),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(date) => write!(f, "{date}"),
            Self::FromNow(0) => f.write_str("NOW"),
            Self::FromNow(days) => write!(f, "NOW{days:+}DAYS"),
        }
    }
}
