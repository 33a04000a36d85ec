//! Gives columns other types.

mod conversion;
mod number;
mod ticks;
mod time_conversion;
mod time_format;

use std::fmt;

use arrow::datatypes::{DataType, Schema};
use indexmap::IndexMap;
use pipeline_api::{
    Context, Error, Findings, Plugin, RecordBatch, Result, SchemaRef, Transform, async_trait, parse_type, register,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

pub(crate) use self::conversion::Conversion;
pub(crate) use self::time_format::TimeFormat;
use crate::names;

/// Gives columns other types, exactly: a value that the new type cannot hold as it is makes the record a wrong one, which
/// goes the way of `errors.tolerance`. Nothing is rounded, cut off, wrapped around, or made null.
///
/// - A text is a number, `true`, `false`, a date or a time only as a whole: no blanks, no digit separators.
/// - A double or float stands for the shortest decimal that reads back as it: 118.56 fits `decimal(18,6)`, and 0.1234567
///   does not. To whole numbers it goes without a fraction only; from double to float only if nothing is lost.
/// - A time without a zone is read in `zone`, and written there. A time that a change of clocks skips or repeats is refused.
/// - A date is the midnight of its day, and a time is a date only at midnight. (In the `sql` transform `date(t)` is the day
///   of any time.)
///
/// ```yaml
/// - type: cast
///   config:
///     fields:
///       volume: bigint
///       price: decimal(18,6)
///       event_time: { type: timestamp, format: "%m/%d/%Y %H:%M", zone: America/New_York }
///       received: { type: timestamp(6), format: unix_us }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CastConfig {
    /// For each column its new type: a type, or `type` with `format` and `zone`.
    pub fields: IndexMap<String, CastTo>,
}

/// The new type of a column.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum CastTo {
    /// The type, such as `bigint` or `decimal(18,6)`.
    Type(String),
    /// The type, and how the column writes its times.
    Timed(TimedType),
}

/// A type, and how a column writes its times.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimedType {
    /// The type, such as `timestamp`.
    pub r#type: String,
    /// How the text or number in the column writes a time: `strftime` directives such as `%Y-%m-%d %H:%M:%S%.f`, or
    /// `unix_s`, `unix_ms`, `unix_us` for what has passed since 1970 UTC. Default: ISO 8601, such as
    /// `2026-01-02T14:30:00.123Z` or `2026-01-02`.
    #[serde(default)]
    pub format: Option<String>,
    /// The zone of times that name none, such as `America/New_York`. Default: UTC.
    #[serde(default)]
    pub zone: Option<String>,
}

/// The transform `cast`.
pub struct Cast {
    casts: Vec<(usize, Conversion)>,
    schema: SchemaRef,
}

register!(transform, Cast);

#[async_trait]
impl Plugin for Cast {
    const TYPE: &'static str = "cast";
    type Config = CastConfig;

    fn validate(config: &CastConfig, records: &Schema, findings: &mut Findings) {
        Self::plan(config, records, findings);
    }

    async fn open(config: CastConfig, context: Context) -> Result<Self> {
        names::planned(|findings| Self::plan(&config, &context.schema, findings))
    }
}

impl Cast {
    fn plan(config: &CastConfig, input: &Schema, findings: &mut Findings) -> Self {
        if config.fields.is_empty() {
            findings.error("/fields", "no column is named, expected at least one");
        }
        let mut fields = input.fields().to_vec();
        let mut casts = Vec::with_capacity(config.fields.len());
        for (name, to) in &config.fields {
            let pointer = format!("/fields/{}", names::segment(name));
            let place = names::find(input, name, &pointer, findings);
            let target = to.plan(&pointer, findings);
            let (Some(place), Some((of, format))) = (place, target) else { continue };
            match Conversion::new(fields[place].data_type(), &of, format) {
                Ok(conversion) => casts.push((place, conversion)),
                Err(reason) => findings.error(pointer, format!("`{name}` cannot be cast: {reason}")),
            }
            fields[place] = fields[place].as_ref().clone().with_data_type(of).into();
        }
        Self { casts, schema: Schema::new_with_metadata(fields, input.metadata().clone()).into() }
    }
}

impl CastTo {
    fn plan(&self, pointer: &str, findings: &mut Findings) -> Option<(DataType, TimeFormat)> {
        let (of, at, format) = match self {
            Self::Type(of) => (of, pointer.to_owned(), Some(TimeFormat::iso())),
            Self::Timed(timed) => (&timed.r#type, format!("{pointer}/type"), timed.plan_format(pointer, findings)),
        };
        match parse_type(of) {
            Ok(of) => Some((of, format?)),
            Err(error) => {
                findings.error(at, error.to_string());
                None
            }
        }
    }
}

impl TimedType {
    fn plan_format(&self, pointer: &str, findings: &mut Findings) -> Option<TimeFormat> {
        TimeFormat::new(self.format.as_deref(), self.zone.as_deref())
            .map_err(|(field, reason)| findings.error(format!("{pointer}/{field}"), reason))
            .ok()
    }
}

impl Transform for Cast {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        let rows = records.num_rows();
        let (_, mut columns, _) = records.into_parts();
        for (place, conversion) in &self.casts {
            columns[*place] = conversion
                .apply(&columns[*place])
                .map_err(|misfit| Error::data(format!("{}: {misfit}", self.schema.field(*place).name())))?;
        }
        names::batch(&self.schema, columns, rows)
    }
}

/// By hand, because an untagged enum would answer a slip in the map with "did not match any variant".
impl<'de> Deserialize<'de> for CastTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TypeOrMap;

        impl<'de> Visitor<'de> for TypeOrMap {
            type Value = CastTo;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type such as bigint, or a map of type, format and zone")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<CastTo, E> {
                Ok(CastTo::Type(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CastTo, A::Error> {
                TimedType::deserialize(MapAccessDeserializer::new(map)).map(CastTo::Timed)
            }
        }

        deserializer.deserialize_any(TypeOrMap)
    }
}

#[cfg(test)]
mod tests;
