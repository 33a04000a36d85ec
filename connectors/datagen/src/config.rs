//! What a file says of a walk.

use jiff::civil::DateTime;
use pipeline_api::{Findings, HumanDuration};
use schemars::JsonSchema;
use serde::Deserialize;

/// Generates prices of invented symbols: one row a symbol and interval, each with open, high, low and close, volume, number
/// of trades and volume-weighted average price. The close of a row is the open of the symbol's next one.
///
/// ```yaml
/// sources:
///   - type: ticks
///     config: { symbols: 8, rows: 1_000_000, rate: 50_000 }
/// ```
///
/// The columns are `symbol` (string), `event_time` (timestamp), `open`, `high`, `low`, `close` (double, in whole cents),
/// `volume`, `trades` (bigint) and `vwap` (double, four digits behind the point), none of them ever null. Where the topic
/// asks for another type, `open`, `high`, `low`, `close` and `vwap` can be a decimal, `volume` and `trades` an int, and
/// `event_time` a timestamp(6).
///
/// Row i is a pure function of i and this config: two runs agree to the byte, and a run resumes by number. Several tasks
/// share the symbols among them, at most 16, so that the rows of a symbol stay in their order; the number of tasks may
/// change from run to run. For other values of `symbols`, `seed`, `start` or `interval` reset the pipeline first.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicksConfig {
    /// How many symbols there are, SYM001, SYM002 and so on: 1 to 100000. Default: 8.
    #[serde(default = "default_symbols")]
    #[schemars(range(min = 1, max = 100_000))]
    pub symbols: u32,
    /// How many rows there are over all symbols and tasks. Without it the source never ends.
    pub rows: Option<u64>,
    /// Rows per second over all tasks, above 0, on a schedule that does not drift. Without it rows come as fast as they go.
    pub rate: Option<f64>,
    /// Another seed gives another walk. Default: 0.
    #[serde(default)]
    pub seed: u64,
    /// The time of the first rows in UTC, to the millisecond. Default: 2026-01-02T14:30:00.
    #[serde(default = "default_start")]
    pub start: String,
    /// The time between two rows of a symbol. Default: 1s.
    #[serde(default = "default_interval")]
    pub interval: HumanDuration,
}

fn default_symbols() -> u32 {
    8
}

fn default_start() -> String {
    "2026-01-02T14:30:00".into()
}

fn default_interval() -> HumanDuration {
    HumanDuration::seconds(1)
}

/// The last millisecond of the year 9999.
const LAST_MILLIS: i64 = 253_402_300_799_999;

impl TicksConfig {
    /// Everything that is wrong with it beyond its shape.
    pub(crate) fn check(&self, findings: &mut Findings) {
        if !(1..=100_000).contains(&self.symbols) {
            findings.error("/symbols", format!("`{}` is out of range, expected 1 to 100000", self.symbols));
        }
        if let Some(rate) = self.rate.filter(|rate| !rate.is_finite() || *rate <= 0.0) {
            findings.error("/rate", format!("`{rate}` is no rate, expected rows per second above 0"));
        }
        if let Err(message) = self.start() {
            findings.error("/start", message);
        }
        if self.rows.is_some_and(|rows| rows > self.reachable_rows()) {
            let most = self.reachable_rows();
            findings.error(
                "/rows",
                format!("the last row lies behind the year 9999, expected at most {most} rows or a shorter interval"),
            );
        }
    }

    /// The time of the first rows.
    pub(crate) fn start(&self) -> Result<DateTime, String> {
        let start = self.start.parse::<DateTime>().ok();
        start.filter(|start| start.subsec_nanosecond() % 1_000_000 == 0 && start.year() >= 0).ok_or_else(|| {
            format!("`{}` is no time, expected one in UTC to the millisecond such as 2026-01-02T14:30:00", self.start)
        })
    }

    /// The milliseconds between two rows of a symbol.
    pub(crate) fn interval_millis(&self) -> i64 {
        i64::try_from(self.interval.get().as_millis()).unwrap_or(i64::MAX)
    }

    /// How many rows have a time that every format can write.
    pub(crate) fn reachable_rows(&self) -> u64 {
        let span = LAST_MILLIS - self.start().map_or(0, millis);
        let ticks = (span / self.interval_millis()).unsigned_abs() + 1;
        ticks.saturating_mul(self.symbols.into())
    }
}

/// The milliseconds from 1970 to `time`.
pub(crate) fn millis(time: DateTime) -> i64 {
    let since = time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    since.as_secs() * 1_000 + i64::from(since.subsec_millis())
}
