//! Dates and timestamps from their texts.

use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use crate::iso::{Local, iso_date, iso_offset, iso_time};
use crate::number;

/// Reads the dates and timestamps of one column.
#[derive(Clone, Debug)]
pub(crate) struct TimeReader {
    pub(crate) format: TimeFormat,
    pub(crate) zone: Zone,
}

/// How a column writes its times.
#[derive(Clone, Debug)]
pub(crate) enum TimeFormat {
    Iso,
    /// A number since 1970 UTC: how many digits of a second are before its point.
    Unix {
        digits: u8,
    },
    Pattern(String),
}

/// The zone of texts that name none.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    Utc,
    Of(TimeZone),
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Since 1970 UTC.
    pub(crate) seconds: i64,
    /// 0 to 999 999 999.
    pub(crate) nanos: u32,
}

const SECONDS_A_DAY: i64 = 86_400;

impl TimeFormat {
    /// A format from its text in the file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "iso8601" => Ok(Self::Iso),
            "unix_s" => Ok(Self::Unix { digits: 0 }),
            "unix_ms" => Ok(Self::Unix { digits: 3 }),
            "unix_us" => Ok(Self::Unix { digits: 6 }),
            _ if text.contains('%') => Self::pattern(text),
            _ => Err(format!(
                "`{text}` is no time format, expected iso8601, unix_s, unix_ms, unix_us or a pattern such as %m/%d/%Y %H:%M"
            )),
        }
    }

    /// A pattern is right if it reads what it has written.
    fn pattern(text: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("`{text}` is no time pattern: {why}; expected one such as %m/%d/%Y %H:%M");
        let sample =
            civil::date(2026, 1, 2).at(0, 0, 0, 0).to_zoned(TimeZone::UTC).map_err(|e| wrong(e.to_string()))?;
        let written = strtime::format(text, &sample).map_err(|error| wrong(error.to_string()))?;
        let reader = TimeReader { format: Self::Pattern(text.to_owned()), zone: Zone::Utc };
        match reader.moment(&written) {
            Ok(read) if read.seconds == sample.timestamp().as_second() => Ok(reader.format),
            Ok(_) => Err(wrong("it leaves out a part of the date".into())),
            Err(why) => Err(wrong(format!("it gives no date: `{written}` {why}"))),
        }
    }
}

impl Zone {
    /// A zone from its name in the file.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Self::Utc);
        }
        TimeZone::get(name)
            .map(Self::Of)
            .map_err(|_| format!("`{name}` is no time zone, expected a name such as UTC or America/New_York"))
    }

    fn moment(&self, local: Local) -> Result<Moment, String> {
        let Self::Of(zone) = self else {
            return Ok(Moment::at_utc(local));
        };
        let ambiguous = zone.to_ambiguous_timestamp(local.date_time()?);
        if ambiguous.is_ambiguous() {
            return Err("occurs twice or never in its time zone, because clocks change; expected a text with its offset, such as -04:00".into());
        }
        ambiguous.compatible().map(Moment::of).map_err(|_| "is out of range".to_owned())
    }
}

impl TimeReader {
    /// The days since 1970 of a date.
    pub(crate) fn days(&self, text: &str) -> Result<i32, String> {
        const EXPECTED: &str = "is not a date, expected one such as 2026-01-02";
        match &self.format {
            TimeFormat::Iso => match iso_date(text.as_bytes()) {
                Some((date, [])) => Ok(date.days),
                _ => Err(EXPECTED.into()),
            },
            TimeFormat::Unix { .. } => whole_day(self.moment(text)?),
            TimeFormat::Pattern(pattern) => {
                let parsed = parse_pattern(pattern, text)?;
                let date = parsed.to_date().map_err(|error| error.to_string())?;
                let time = parsed.to_time().map_err(|error| error.to_string())?;
                whole_day(Moment::at_utc(Local::of(date, time)))
            }
        }
    }

    /// The point in time of a timestamp.
    pub(crate) fn moment(&self, text: &str) -> Result<Moment, String> {
        match &self.format {
            TimeFormat::Iso => self.iso(text),
            TimeFormat::Unix { digits } => unix(text, *digits),
            TimeFormat::Pattern(pattern) => self.patterned(pattern, text),
        }
    }

    fn iso(&self, text: &str) -> Result<Moment, String> {
        let not_a_time = || "is not a timestamp, expected one such as 2026-01-02T14:30:00".to_owned();
        let (date, rest) = iso_date(text.as_bytes()).ok_or_else(not_a_time)?;
        let (second_of_day, nanos, rest) = match rest {
            [] => (0, Ok(0), rest),
            [b'T' | b't' | b' ', rest @ ..] => iso_time(rest).ok_or_else(not_a_time)?,
            _ => return Err(not_a_time()),
        };
        let nanos = nanos.map_err(|()| "has more than 9 digits behind the second".to_owned())?;
        let local = Local { date, second_of_day, nanos };
        match iso_offset(rest).ok_or_else(not_a_time)? {
            Some(offset) => Ok(Moment { seconds: local.seconds() - i64::from(offset), nanos }),
            None => self.zone.moment(local),
        }
    }

    fn patterned(&self, pattern: &str, text: &str) -> Result<Moment, String> {
        let parsed = parse_pattern(pattern, text)?;
        if parsed.offset().is_some() || parsed.timestamp().is_some() {
            return parsed.to_timestamp().map(Moment::of).map_err(|error| format!("is no timestamp: {error}"));
        }
        if parsed.iana_time_zone().is_some() {
            let zoned = parsed.to_zoned().map_err(|error| format!("is no timestamp: {error}"))?;
            return Ok(Moment::of(zoned.timestamp()));
        }
        let local = parsed.to_datetime().map_err(|error| format!("is no timestamp: {error}"))?;
        self.zone.moment(Local::of(local.date(), local.time()))
    }
}

impl Moment {
    fn of(timestamp: Timestamp) -> Self {
        let nanos = timestamp.as_nanosecond();
        Self { seconds: nanos.div_euclid(1_000_000_000) as i64, nanos: nanos.rem_euclid(1_000_000_000) as u32 }
    }

    fn at_utc(local: Local) -> Self {
        Self { seconds: local.seconds(), nanos: local.nanos }
    }

    /// In units of which a second has `per_second`. Refused if a part would be lost.
    pub(crate) fn exactly(self, per_second: u32) -> Result<i64, String> {
        let unit = 1_000_000_000 / per_second;
        if !self.nanos.is_multiple_of(unit) {
            let digits = per_second.ilog10();
            return Err(format!("has more than {digits} digits behind the second, more than its column holds"));
        }
        Ok(self.seconds * i64::from(per_second) + i64::from(self.nanos / unit))
    }

    /// In microseconds; what is finer is cut.
    pub(crate) fn micros(self) -> i64 {
        self.seconds * 1_000_000 + i64::from(self.nanos / 1_000)
    }
}

fn whole_day(moment: Moment) -> Result<i32, String> {
    if moment.nanos != 0 || moment.seconds.rem_euclid(SECONDS_A_DAY) != 0 {
        return Err("has a time of day, expected a date alone".into());
    }
    i32::try_from(moment.seconds / SECONDS_A_DAY).map_err(|_| "is out of range for a date".to_owned())
}

fn parse_pattern(pattern: &str, text: &str) -> Result<BrokenDownTime, String> {
    BrokenDownTime::parse(pattern, text).map_err(|_| format!("does not match the pattern {pattern}"))
}

fn unix(text: &str, digits: u8) -> Result<Moment, String> {
    let scale = 9 - digits;
    let nanos = number::decimal(text, 38, scale).map_err(|_| match digits {
        0 => "is not a number of seconds since 1970",
        3 => "is not a number of milliseconds since 1970",
        _ => "is not a number of microseconds since 1970",
    })?;
    // The same years as a jiff timestamp.
    let timestamp = Timestamp::from_nanosecond(nanos).map_err(|_| "is out of range for a timestamp")?;
    Ok(Moment::of(timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(format: &str, zone: &str) -> TimeReader {
        TimeReader { format: TimeFormat::parse(format).unwrap(), zone: Zone::parse(zone).unwrap() }
    }

    /// What jiff itself reads, which shares no code with ours.
    fn by_jiff(text: &str) -> Moment {
        Moment::of(text.parse::<Timestamp>().unwrap())
    }

    #[test]
    fn iso_texts_read_as_jiff_reads_them() {
        let iso = reader("iso8601", "UTC");
        for (text, same) in [
            ("2026-01-02T14:30:00Z", "2026-01-02T14:30:00Z"),
            ("2026-01-02 14:30:00.123456789", "2026-01-02T14:30:00.123456789Z"),
            ("2026-01-02T14:30+01:00", "2026-01-02T13:30:00Z"),
            ("2026-01-02T00:30:00-0530", "2026-01-02T06:00:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
            ("2026-01-02T14:30:00.5000000000Z", "2026-01-02T14:30:00.5Z"),
        ] {
            assert_eq!(iso.moment(text), Ok(by_jiff(same)), "{text}");
        }
    }

    #[test]
    fn every_day_of_ten_centuries_is_counted_as_jiff_counts_it() {
        let iso = reader("iso8601", "UTC");
        let epoch = civil::date(1970, 1, 1);
        let mut date = civil::date(1600, 1, 1);
        while date.year() < 2600 {
            let days = date.since(epoch).unwrap().get_days();
            assert_eq!(iso.days(&date.to_string()), Ok(days), "{date}");
            date = date.tomorrow().unwrap();
        }
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let iso = reader("iso8601", "UTC");
        for text in [
            "2025-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-2",
            "2026-01-02T24:00:00",
            "2026-01-02T10:60",
            "2026-01-02T10:00:60",
            "2026-01-02T",
            "2026-01-02T10",
            "2026-01-02T10:00:00+25:00",
            "2026-01-02T10:00:00 Z",
            "2026-01-02x",
            "",
            "today",
            "2026-01-02T10:00:00.",
            "2026-01-02T10:00:00.0000000001",
            "é026-01-02",
        ] {
            assert!(iso.moment(text).is_err(), "{text}");
        }
        assert!(iso.days("2026-01-02T00:00:00").is_err());
    }

    #[test]
    fn local_texts_are_read_in_their_zone_and_refused_where_clocks_change() {
        let new_york = reader("%m/%d/%Y %H:%M", "America/New_York");
        assert_eq!(new_york.moment("01/05/2026 09:30"), Ok(by_jiff("2026-01-05T14:30:00Z")));
        assert_eq!(new_york.moment("07/06/2026 09:30"), Ok(by_jiff("2026-07-06T13:30:00Z")));
        assert!(new_york.moment("03/08/2026 02:30").unwrap_err().contains("clocks change"));
        assert!(new_york.moment("11/01/2026 01:30").unwrap_err().contains("clocks change"));
        assert!(new_york.moment("13/01/2026 01:30").unwrap_err().contains("%m/%d/%Y"));
        assert_eq!(
            reader("iso8601", "America/New_York").moment("2026-01-05 09:30"),
            Ok(by_jiff("2026-01-05T14:30:00Z"))
        );
        assert_eq!(
            reader("%Y-%m-%d %H:%M %z", "America/New_York").moment("2026-01-05 09:30 +0000"),
            Ok(by_jiff("2026-01-05T09:30:00Z"))
        );
    }

    #[test]
    fn unix_times_keep_their_fraction() {
        assert_eq!(reader("unix_s", "UTC").moment("1.5"), Ok(Moment { seconds: 1, nanos: 500_000_000 }));
        assert_eq!(reader("unix_ms", "UTC").moment("-1"), Ok(Moment { seconds: -1, nanos: 999_000_000 }));
        assert_eq!(
            reader("unix_us", "UTC").moment("1700000000000001"),
            Ok(Moment { seconds: 1_700_000_000, nanos: 1_000 })
        );
        assert!(reader("unix_s", "UTC").moment("99999999999999").is_err());
        assert!(reader("unix_s", "UTC").days("86401").unwrap_err().contains("time of day"));
        assert_eq!(reader("unix_s", "UTC").days("86400"), Ok(1));
    }

    #[test]
    fn a_finer_time_than_its_column_is_refused() {
        let iso = reader("iso8601", "UTC");
        assert_eq!(iso.moment("1970-01-01T00:00:00.123000Z").unwrap().exactly(1_000), Ok(123));
        assert!(
            iso.moment("1970-01-01T00:00:00.1234Z").unwrap().exactly(1_000).unwrap_err().contains("more than 3 digits")
        );
        assert_eq!(iso.moment("1969-12-31T23:59:59.999Z").unwrap().exactly(1_000), Ok(-1));
    }

    #[test]
    fn a_pattern_names_a_whole_date() {
        for text in ["%d.%m.%Y", "%Y%m%d %H:%M:%S%.f", "%s", "%F %T %z", "%b %d, %Y"] {
            assert!(TimeFormat::parse(text).is_ok(), "{text}: {:?}", TimeFormat::parse(text));
        }
        for text in ["%H:%M", "%Y-%m", "%&", "%Y-%m-%d %", "iso", "unix"] {
            assert!(TimeFormat::parse(text).is_err(), "{text}");
        }
        assert!(reader("%d.%m.%Y %H:%M", "UTC").days("02.01.2026 10:00").is_err());
        assert_eq!(reader("%d.%m.%Y", "UTC").days("02.01.1970"), Ok(1));
    }
}
