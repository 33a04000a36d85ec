//! The source `acme_weekdays`.

use jiff::civil::{Date, Weekday};
use pipeline_api::{
    Context, Error, Findings, Plugin, Result, Schema, SchemaRef, Source, SourceBatch, SourceOffsets, async_trait,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every Monday to Friday between two days: the days on which markets may trade.
///
/// ```yaml
/// sources:
///   - type: acme_weekdays
///     config: { from: 2026-01-01, to: 2026-12-31 }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeekdaysConfig {
    /// The first day, as 2026-01-01.
    from: String,
    /// The last day; it is included.
    to: String,
}

impl WeekdaysConfig {
    fn days(&self) -> Result<(Date, Date), (&'static str, String)> {
        let parse = |pointer, text: &str| {
            text.parse::<Date>().map_err(|_| (pointer, format!("`{text}` is no day, expected one such as 2026-01-01")))
        };
        let (from, to) = (parse("/from", &self.from)?, parse("/to", &self.to)?);
        if to < from {
            return Err(("/to", format!("{to} is before {from}, expected a later day")));
        }
        Ok((from, to))
    }
}

/// One record.
#[derive(Debug, Serialize)]
struct Day {
    date: String,
    weekday: String,
}

/// See [`WeekdaysConfig`].
pub struct Weekdays {
    schema: SchemaRef,
    next: Date,
    to: Date,
}

/// The source has one partition, whose position is the next day.
const PARTITION: &str = "weekdays";
const DAYS_A_BATCH: usize = 100;

#[async_trait]
impl Plugin for Weekdays {
    const TYPE: &'static str = "acme_weekdays";
    type Config = WeekdaysConfig;

    fn validate(config: &WeekdaysConfig, _topic: &Schema, findings: &mut Findings) {
        if let Err((pointer, message)) = config.days() {
            findings.error(pointer, message);
        }
    }

    async fn open(config: WeekdaysConfig, context: Context) -> Result<Self> {
        let (from, to) = config.days().map_err(|(pointer, message)| Error::config(format!("{pointer}: {message}")))?;
        let next = match context.offsets.get::<String>(PARTITION)? {
            // There is one partition, so there is work for one task: the others are at the end from the beginning.
            _ if context.task.index > 0 => to.tomorrow().map_err(calendar_ends)?,
            Some(stored) => {
                stored.parse().map_err(|error| Error::fatal("the stored day cannot be read").with_source(error))?
            }
            None => from,
        };
        Ok(Self { schema: context.schema, next, to })
    }
}

#[async_trait]
impl Source for Weekdays {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    async fn poll(&mut self) -> Result<Option<SourceBatch>> {
        let mut days = Vec::new();
        let mut next = self.next;
        while next <= self.to && days.len() < DAYS_A_BATCH {
            if !matches!(next.weekday(), Weekday::Saturday | Weekday::Sunday) {
                days.push(Day { date: next.to_string(), weekday: format!("{:?}", next.weekday()) });
            }
            next = next.tomorrow().map_err(calendar_ends)?;
        }
        if next == self.next {
            return Ok(None);
        }
        let records = pipeline_json::to_batch(&self.schema, &days)?;
        let mut offsets = SourceOffsets::new();
        offsets.set(PARTITION, &next.to_string())?;
        self.next = next;
        Ok(Some(SourceBatch { records, offsets, rejected: Vec::new() }))
    }
}

fn calendar_ends(error: jiff::Error) -> Error {
    Error::fatal("the calendar ends").with_source(error)
}

pipeline_api::register!(source, Weekdays);
