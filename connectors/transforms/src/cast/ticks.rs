//! What the number of a timestamp counts.

use std::fmt;

use arrow::datatypes::TimeUnit;
use jiff::Timestamp;

/// What the number of a timestamp counts since 1970 UTC: so many a second, at most a billion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticks(i64);

/// The first moment of the year 1 and of the year 10000: no text has a form for what lies beyond.
const YEARS: std::ops::Range<i64> = -62_135_596_800..253_402_300_800;
const NANOS_A_SECOND: i64 = 1_000_000_000;

impl Ticks {
    pub(super) const SECONDS: Self = Self(1);
    pub(super) const MILLIS: Self = Self(1_000);
    pub(super) const MICROS: Self = Self(1_000_000);
    pub(super) const NANOS: Self = Self(NANOS_A_SECOND);

    pub(super) fn of_unit(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::Second => Self::SECONDS,
            TimeUnit::Millisecond => Self::MILLIS,
            TimeUnit::Microsecond => Self::MICROS,
            TimeUnit::Nanosecond => Self::NANOS,
        }
    }

    /// How many there are in a day.
    pub(super) fn a_day(self) -> i64 {
        self.0 * 86_400
    }

    /// The same moment in other ticks, if it is a whole number of them.
    pub(super) fn rescale(self, ticks: i64, to: Self) -> Option<i64> {
        if to.0 >= self.0 {
            return ticks.checked_mul(to.0 / self.0);
        }
        let factor = self.0 / to.0;
        (ticks % factor == 0).then_some(ticks / factor)
    }

    /// Whether the moment lies in the years 1 to 9999.
    pub(super) fn in_years(self, ticks: i64) -> bool {
        YEARS.contains(&ticks.div_euclid(self.0))
    }

    /// The moment.
    pub(super) fn moment(self, ticks: i64) -> Option<Timestamp> {
        let nanos = ticks.rem_euclid(self.0) * (NANOS_A_SECOND / self.0);
        Timestamp::new(ticks.div_euclid(self.0), i32::try_from(nanos).ok()?).ok()
    }

    /// The ticks of a moment, if it is a whole number of them.
    pub(super) fn count(self, moment: Timestamp) -> Option<i64> {
        let nanos = i64::from(moment.subsec_nanosecond());
        let tick = NANOS_A_SECOND / self.0;
        if nanos % tick != 0 {
            return None;
        }
        moment.as_second().checked_mul(self.0)?.checked_add(nanos / tick)
    }
}

impl fmt::Display for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::SECONDS => "seconds",
            Self::MILLIS => "milliseconds",
            Self::MICROS => "microseconds",
            _ => "nanoseconds",
        })
    }
}
