//! The source `ticks`.

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use pipeline_api::{Context, Error, Findings, Plugin, Result, Schema, Source, SourceBatch, async_trait, register};
use tokio::time::{Instant, sleep_until};

use crate::columns::TickColumns;
use crate::config::{TicksConfig, millis};
use crate::positions::Positions;
use crate::walk::Walk;

/// The most rows that one batch is made from.
const BATCH_ROWS: u64 = 8_192;

/// Generates prices of invented symbols; see [`TicksConfig`].
#[derive(Debug)]
pub struct Ticks {
    walk: Walk,
    columns: TickColumns,
    positions: Positions,
    rows: Option<u64>,
    /// One past the last row whose time can be written.
    reachable: u64,
    pace: Option<Pace>,
}

register!(source, Ticks);

/// A schedule: row `first + n` is due `n / rate` seconds after `begin`, however long the rows before it took.
#[derive(Clone, Copy, Debug)]
struct Pace {
    rate: f64,
    begin: Instant,
    first: u64,
}

#[async_trait]
impl Plugin for Ticks {
    const TYPE: &'static str = "ticks";
    type Config = TicksConfig;

    fn validate(config: &TicksConfig, _topic: &Schema, findings: &mut Findings) {
        config.check(findings);
    }

    async fn open(config: TicksConfig, context: Context) -> Result<Self> {
        let mut findings = Findings::default();
        config.check(&mut findings);
        if let Some(finding) = findings.iter().next() {
            return Err(Error::config(format!("ticks{}: {}", finding.pointer, finding.message)));
        }
        let start = config.start().map_err(Error::config)?;
        let TicksConfig { symbols, seed, interval, .. } = config;
        let identity = format!("symbols {symbols}, seed {seed}, start {start}, interval {interval}");
        let positions = Positions::resume(identity, symbols.into(), context.task, &context.offsets)?;
        let first = positions.first().unwrap_or(0);
        Ok(Self {
            walk: Walk::new(&config, millis(start)),
            columns: TickColumns::new(&context.schema),
            positions,
            rows: config.rows,
            reachable: config.reachable_rows(),
            pace: config.rate.map(|rate| Pace { rate, begin: Instant::now(), first }),
        })
    }
}

#[async_trait]
impl Source for Ticks {
    fn rate(config: &TicksConfig) -> Option<f64> {
        config.rate
    }

    fn schema(&self) -> SchemaRef {
        self.columns.schema()
    }

    async fn poll(&mut self) -> Result<Option<SourceBatch>> {
        let last = self.rows.unwrap_or(self.reachable);
        let Some(first) = self.positions.first().filter(|first| *first < last) else { return self.end() };
        let end = match &self.pace {
            None => first + BATCH_ROWS,
            Some(pace) => pace.next_end(first),
        };
        let end = end.min(last);
        if let Some(pace) = &self.pace {
            // Nothing has moved yet, so the runtime may drop this call.
            sleep_until(pace.due(end)).await;
        }
        let rows = self.positions.pending(first..end).map(|row| self.walk.row(row));
        let records = self.columns.batch(rows, (end - first) as usize)?;
        let offsets = self.positions.advance(end)?;
        Ok(Some(SourceBatch { records, offsets, rejected: Vec::new() }))
    }
}

impl Ticks {
    fn end(&self) -> Result<Option<SourceBatch>> {
        match self.rows {
            None if self.positions.first().is_some() => Err(Error::fatal(format!(
                "row {} lies behind the year 9999, expected a shorter interval",
                self.reachable
            ))),
            _ => Ok(None),
        }
    }
}

impl Pace {
    /// Where the batch that begins at row `first` ends: a tenth of a second further, or all that is due when late.
    fn next_end(&self, first: u64) -> u64 {
        let due = self.first + (self.begin.elapsed().as_secs_f64() * self.rate) as u64;
        let tenth = first + (self.rate / 10.0) as u64;
        due.max(tenth).clamp(first + 1, first + BATCH_ROWS)
    }

    /// When the last row before `end` is due.
    fn due(&self, end: u64) -> Instant {
        let seconds = (end - self.first) as f64 / self.rate;
        let farthest = Duration::from_secs(86_400 * 365);
        self.begin + Duration::try_from_secs_f64(seconds).map_or(farthest, |wait| wait.min(farthest))
    }
}
