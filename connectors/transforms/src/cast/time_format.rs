//! How a text or a number says a time.

use std::fmt::Write;

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use pipeline_api::nearest;

use super::ticks::Ticks;

/// How a text or a number says a time, and the zone of times that name none.
#[derive(Clone, Debug)]
pub(crate) struct TimeFormat {
    style: Style,
    /// `None` if the file names none: UTC.
    zone: Option<TimeZone>,
}

#[derive(Clone, Debug)]
enum Style {
    Iso,
    Unix(Ticks),
    /// `strftime` directives.
    Pattern(String),
}

const UNIX: [(&str, Ticks); 3] = [("unix_s", Ticks::SECONDS), ("unix_ms", Ticks::MILLIS), ("unix_us", Ticks::MICROS)];
const EPOCH: Date = Date::constant(1970, 1, 1);

impl TimeFormat {
    /// ISO 8601, in UTC where no zone is named.
    pub(crate) fn iso() -> Self {
        Self { style: Style::Iso, zone: None }
    }

    /// Errors: which of `format` and `zone` is wrong, and why.
    pub(super) fn new(format: Option<&str>, zone: Option<&str>) -> Result<Self, (&'static str, String)> {
        let style = match format {
            None => Style::Iso,
            Some(format) => style(format).map_err(|reason| ("format", reason))?,
        };
        let zone = zone.map(find_zone).transpose().map_err(|reason| ("zone", reason))?;
        Ok(Self { style, zone })
    }

    pub(super) fn check_unused(&self) -> Result<(), String> {
        self.check_without_format()?;
        self.check_without_zone()
    }

    pub(super) fn check_without_format(&self) -> Result<(), String> {
        match self.style {
            Style::Iso => Ok(()),
            _ => Err("`format` is how a text or number says a time, and here is no such; expected none".into()),
        }
    }

    pub(super) fn check_without_zone(&self) -> Result<(), String> {
        match self.zone {
            None => Ok(()),
            Some(_) => Err("`zone` is for texts and dates that name none, and here are no such; expected none".into()),
        }
    }

    pub(super) fn check_reads_time(&self) -> Result<(), String> {
        match &self.style {
            Style::Iso => Ok(()),
            Style::Unix(_) => self.check_without_zone(),
            Style::Pattern(pattern) => {
                let read = sample(pattern).and_then(|text| BrokenDownTime::parse(pattern, text));
                let read = read
                    .and_then(|time| if time.timestamp().is_some() { Ok(()) } else { time.to_datetime().map(drop) });
                read.map_err(|error| unreadable(pattern, &error))
            }
        }
    }

    pub(super) fn check_reads_date(&self) -> Result<(), String> {
        self.check_without_zone()?;
        match &self.style {
            Style::Iso => Ok(()),
            Style::Unix(_) => {
                Err("a date is no number of seconds; expected `strftime` directives such as %m/%d/%Y".into())
            }
            Style::Pattern(pattern) => {
                let read = sample(pattern).and_then(|text| BrokenDownTime::parse(pattern, text));
                read.and_then(|time| time.to_date().map(drop)).map_err(|error| unreadable(pattern, &error))
            }
        }
    }

    pub(super) fn check_writes_date(&self) -> Result<(), String> {
        self.check_without_zone()?;
        match &self.style {
            Style::Unix(_) => {
                Err("a date is no number of seconds; expected `strftime` directives such as %m/%d/%Y".into())
            }
            Style::Pattern(pattern) => strtime::format(pattern, EPOCH)
                .map(drop)
                .map_err(|error| format!("`{pattern}` cannot write a date: {error}")),
            Style::Iso => Ok(()),
        }
    }

    /// What the numbers count, if they do.
    pub(super) fn unix(&self) -> Option<Ticks> {
        match self.style {
            Style::Unix(ticks) => Some(ticks),
            _ => None,
        }
    }

    pub(super) fn zone_name(&self) -> &str {
        self.zone.as_ref().and_then(TimeZone::iana_name).unwrap_or("UTC")
    }

    /// The time that a text says. Errors: what would be right.
    pub(super) fn read_time(&self, text: &str, ticks: Ticks) -> Result<i64, String> {
        let moment = match &self.style {
            Style::Unix(counted) => {
                let time = text.parse().ok().and_then(|count| counted.rescale(count, ticks));
                return time.filter(|time| ticks.in_years(*time)).ok_or_else(|| {
                    format!("the {counted} since 1970 of a time that is in the years 1 to 9999 and whole {ticks}")
                });
            }
            Style::Iso => self.read_iso(text)?,
            Style::Pattern(pattern) => self.read_pattern(text, pattern)?,
        };
        ticks.count(moment).ok_or_else(|| format!("a time in whole {ticks}"))
    }

    fn read_iso(&self, text: &str) -> Result<Timestamp, String> {
        let expected = || "a time in ISO 8601 such as 2026-01-02T14:30:00.123 or 2026-01-02T14:30:00Z".to_owned();
        let pieces = Pieces::parse(text).map_err(|_| expected())?;
        let time = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
        let leap = time.second() == 59 && is_leap_second(text, &time.to_string());
        if leap || pieces.time_zone_annotation().is_some() {
            return Err(expected());
        }
        match pieces.to_numeric_offset() {
            Some(offset) => offset.to_timestamp(time).map_err(|_| expected()),
            None => self.moment(time),
        }
    }

    fn read_pattern(&self, text: &str, pattern: &str) -> Result<Timestamp, String> {
        let expected = || format!("a time in the form `{pattern}`{}", example(pattern));
        let time = BrokenDownTime::parse(pattern, text).map_err(|_| expected())?;
        if time.second() == Some(59) && time.to_string(pattern).is_ok_and(|written| is_leap_second(text, &written)) {
            return Err(expected());
        }
        if time.offset().is_some() || time.timestamp().is_some() {
            return time.to_timestamp().map_err(|_| expected());
        }
        if time.iana_time_zone().is_some() {
            return time.to_zoned().map(|time| time.timestamp()).map_err(|_| expected());
        }
        self.moment(time.to_datetime().map_err(|_| expected())?)
    }

    /// The moment at which the clocks of the zone show `time`.
    fn moment(&self, time: DateTime) -> Result<Timestamp, String> {
        let Some(zone) = &self.zone else {
            return TimeZone::UTC.to_timestamp(time).map_err(|_| "a time in the years 1 to 9999".into());
        };
        zone.to_ambiguous_timestamp(time).unambiguous().map_err(|_| {
            format!("a time that the clocks of {} show once, or one that names its offset", self.zone_name())
        })
    }

    /// The day that a text says, since 1970. Errors: what would be right.
    pub(super) fn read_day(&self, text: &str) -> Result<i32, String> {
        let date = match &self.style {
            Style::Pattern(pattern) => {
                let expected = || format!("a date in the form `{pattern}`{}", example(pattern));
                let time = BrokenDownTime::parse(pattern, text).map_err(|_| expected())?;
                let midnight = time.to_time().is_ok_and(|time| time == Time::midnight());
                time.to_date().ok().filter(|_| midnight).ok_or_else(expected)?
            }
            _ => {
                let expected = || "a date in ISO 8601 such as 2026-01-02".to_owned();
                let pieces = Pieces::parse(text).map_err(|_| expected())?;
                let nothing_more = pieces.time().is_none() && pieces.offset().is_none();
                if !nothing_more || pieces.time_zone_annotation().is_some() {
                    return Err(expected());
                }
                pieces.date()
            }
        };
        day_of(date).ok_or_else(|| "a date in the years 1 to 9999".into())
    }

    /// Writes a time. `None`: it has no text.
    pub(super) fn write_time(&self, time: i64, ticks: Ticks, into: &mut String) -> Option<()> {
        if let Style::Unix(counted) = self.style {
            return write!(into, "{}", ticks.rescale(time, counted)?).ok();
        }
        let time = ticks.moment(time).filter(|_| ticks.in_years(time))?;
        let zoned = time.to_zoned(self.zone.clone().unwrap_or(TimeZone::UTC));
        match (&self.style, &self.zone) {
            (Style::Pattern(pattern), _) => BrokenDownTime::from(&zoned).format(pattern, into).ok(),
            (_, Some(_)) => write!(into, "{}{}", zoned.datetime(), offset_text(&zoned)).ok(),
            (_, None) => write!(into, "{}", zoned.datetime()).ok(),
        }
    }

    /// Writes a day since 1970. `None`: it has no text.
    pub(super) fn write_day(&self, day: i64, into: &mut String) -> Option<()> {
        let date = date_of(day)?;
        match &self.style {
            Style::Pattern(pattern) => BrokenDownTime::from(date).format(pattern, into).ok(),
            _ => write!(into, "{date}").ok(),
        }
    }

    /// The day since 1970 whose midnight a time is.
    pub(super) fn day_at_midnight(&self, time: i64, ticks: Ticks) -> Option<i64> {
        let Some(zone) = &self.zone else {
            return (time % ticks.a_day() == 0).then_some(time / ticks.a_day());
        };
        let shown = zone.to_datetime(ticks.moment(time)?);
        (shown.time() == Time::midnight()).then(|| day_of(shown.date()).map(i64::from))?
    }

    /// The midnight with which a day since 1970 begins.
    pub(super) fn midnight(&self, day: i64, ticks: Ticks) -> Option<i64> {
        match self.zone {
            None => day.checked_mul(ticks.a_day()).filter(|time| ticks.in_years(*time)),
            Some(_) => ticks.count(self.moment(date_of(day)?.to_datetime(Time::midnight())).ok()?),
        }
    }
}

/// A time for a message, in ISO 8601.
pub(super) fn iso(time: i64, ticks: Ticks) -> String {
    let mut text = String::new();
    match TimeFormat::iso().write_time(time, ticks, &mut text) {
        Some(()) => text,
        None => time.to_string(),
    }
}

/// A day for a message, in ISO 8601.
pub(super) fn iso_day(day: i64) -> String {
    date_of(day).map_or_else(|| day.to_string(), |date| date.to_string())
}

fn style(format: &str) -> Result<Style, String> {
    if let Some((_, ticks)) = UNIX.iter().find(|(name, _)| *name == format) {
        return Ok(Style::Unix(*ticks));
    }
    if !format.contains('%') {
        let expected = "expected `strftime` directives such as %Y-%m-%d, or unix_s, unix_ms or unix_us";
        return Err(match nearest(format, UNIX.map(|(name, _)| name)) {
            Some(meant) => format!("`{format}` is no format, did you mean `{meant}`? {expected}"),
            None => format!("`{format}` is no format, {expected}"),
        });
    }
    match sample(format) {
        Ok(_) => Ok(Style::Pattern(format.to_owned())),
        Err(error) => Err(format!("`{format}` is no format: {error}; expected `strftime` directives such as %Y-%m-%d")),
    }
}

fn find_zone(name: &str) -> Result<TimeZone, String> {
    let found = if name.eq_ignore_ascii_case("utc") { Ok(TimeZone::UTC) } else { TimeZone::get(name) };
    found.map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
        let expected = "expected a name of the IANA time zone database such as America/New_York";
        match nearest(name, known.iter().map(String::as_str)) {
            Some(meant) => format!("there is no time zone `{name}`, did you mean `{meant}`? {expected}"),
            None => format!("there is no time zone `{name}`, {expected}"),
        }
    })
}

/// A time as the pattern writes it, with a fraction and in the afternoon, so that nothing is left out by chance.
fn sample(pattern: &str) -> Result<String, jiff::Error> {
    let time = Date::constant(2026, 11, 24).at(15, 4, 5, 123_456_789).to_zoned(TimeZone::UTC)?;
    strtime::format(pattern, &time)
}

fn example(pattern: &str) -> String {
    sample(pattern).map(|text| format!(" such as {text}")).unwrap_or_default()
}

fn unreadable(pattern: &str, error: &jiff::Error) -> String {
    format!("`{pattern}` cannot be read: {error}; expected `strftime` directives for year, month and day at least")
}

/// Whether what was read says 59 once more than what was written: jiff reads second 60 as second 59, and that would change
/// the time silently.
fn is_leap_second(text: &str, read: &str) -> bool {
    read.matches("59").count() > text.matches("59").count()
}

fn offset_text(time: &Zoned) -> String {
    let minutes = time.offset().seconds() / 60;
    format!("{}{:02}:{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60)
}

fn date_of(day: i64) -> Option<Date> {
    let days = Span::new().try_days(day).ok()?;
    EPOCH.checked_add(days).ok().filter(|date| date.year() >= 1)
}

fn day_of(date: Date) -> Option<i32> {
    (date.year() >= 1).then(|| date.since(EPOCH).map(|span| span.get_days()).ok())?
}
