//! Ticks from JSON into Arrow's builders, where everything is as the fill has written it. Anything else is an error.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{ArrayRef, Float64Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMillisecondBuilder};

use crate::columns::schema;

/// The columns of a batch that is being filled.
#[derive(Default)]
pub(super) struct Decoder {
    symbol: StringBuilder,
    event_time: TimestampMillisecondBuilder,
    open: Float64Builder,
    high: Float64Builder,
    low: Float64Builder,
    close: Float64Builder,
    volume: Int64Builder,
    trades: Int64Builder,
    vwap: Float64Builder,
    rows: usize,
}

impl Decoder {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn decode(&mut self, json: &[u8]) -> Result<()> {
        self.fill(json).with_context(|| format!("no tick: {}", String::from_utf8_lossy(json)))?;
        self.rows += 1;
        Ok(())
    }

    /// The batch so far. The next one begins.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.symbol.finish()),
            Arc::new(self.event_time.finish()),
            Arc::new(self.open.finish()),
            Arc::new(self.high.finish()),
            Arc::new(self.low.finish()),
            Arc::new(self.close.finish()),
            Arc::new(self.volume.finish()),
            Arc::new(self.trades.finish()),
            Arc::new(self.vwap.finish()),
        ];
        Ok(RecordBatch::try_new(Arc::new(schema()), columns)?)
    }

    fn fill(&mut self, json: &[u8]) -> Result<()> {
        let mut rest = Rest(json);
        self.symbol.append_value(std::str::from_utf8(rest.text(b"{\"symbol\":\"")?)?);
        self.event_time.append_value(millis(rest.text(b",\"event_time\":\"")?)?);
        self.open.append_value(double(rest.number(b",\"open\":")?)?);
        self.high.append_value(double(rest.number(b",\"high\":")?)?);
        self.low.append_value(double(rest.number(b",\"low\":")?)?);
        self.close.append_value(double(rest.number(b",\"close\":")?)?);
        self.volume.append_value(bigint(rest.number(b",\"volume\":")?)?);
        self.trades.append_value(bigint(rest.number(b",\"trades\":")?)?);
        self.vwap.append_value(double(rest.number(b",\"vwap\":")?)?);
        match rest.0 {
            b"}" => Ok(()),
            _ => bail!("there is more"),
        }
    }
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The text behind these bytes, up to its quote.
    fn text(&mut self, before: &[u8]) -> Result<&'a [u8]> {
        let rest = self.0.strip_prefix(before).context("another key")?;
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).context("a text without an end")?;
        self.0 = rest[end..].strip_prefix(b"\"").context("an escape")?;
        Ok(&rest[..end])
    }

    /// The number behind these bytes.
    fn number(&mut self, before: &[u8]) -> Result<&'a [u8]> {
        let rest = self.0.strip_prefix(before).context("another key")?;
        let end = rest.iter().position(|byte| matches!(byte, b',' | b'}')).context("a number without an end")?;
        self.0 = &rest[end..];
        Ok(&rest[..end])
    }
}

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Of up to 15 digits the quotient of two exact doubles is the nearest one (Clinger, 1990). Prices have no more.
fn double(text: &[u8]) -> Result<f64> {
    let (mut digits, mut count, mut behind) = (0_u64, 0, None);
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                count += 1;
                behind = behind.map(|behind| behind + 1);
            }
            b'.' if behind.is_none() => behind = Some(0),
            _ => return Ok(std::str::from_utf8(text)?.parse()?),
        }
    }
    match count {
        1..=15 => Ok(digits as f64 / POWERS[behind.unwrap_or(0)]),
        _ => Ok(std::str::from_utf8(text)?.parse()?),
    }
}

fn bigint(text: &[u8]) -> Result<i64> {
    let mut number = 0_i64;
    for &byte in text {
        match byte {
            b'0'..=b'9' => number = number.wrapping_mul(10).wrapping_add(i64::from(byte - b'0')),
            _ => return Ok(std::str::from_utf8(text)?.parse()?),
        }
    }
    Ok(number)
}

/// Of `2026-01-02T14:30:00` with three digits behind the second, or none.
fn millis(text: &[u8]) -> Result<i64> {
    let part = |from: usize, to: usize| text.get(from..to).context("too short a time").and_then(bigint);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let seconds = part(11, 13)? * 3600 + part(14, 16)? * 60 + part(17, 19)?;
    let fraction = match text.len() {
        19 => 0,
        23 => part(20, 23)?,
        _ => bail!("another form of time"),
    };
    Ok((days(year, month, day) * 86_400 + seconds) * 1000 + fraction)
}

/// Days since 1970 in the Gregorian calendar (Hinnant's days_from_civil).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
