//! Dates and timestamps as text, in both directions.
//!
//! The calendar is the proleptic Gregorian one, from the year 0 to 9999; the arithmetic is Howard Hinnant's
//! "chrono-Compatible Low-Level Date Algorithms" (`civil_from_days`, `days_from_civil`).

use arrow::datatypes::TimeUnit;

const DAY_SECONDS: i64 = 86_400;

/// The days since 1970-01-01 of 0000-01-01 and 9999-12-31.
const DAYS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeProblem {
    /// It has another form, or names a day or an hour that does not exist.
    Form,
    /// It is finer than the column, so that digits would be lost.
    Finer,
    /// The column's unit cannot reach it, or its zone moves it out of the years with four digits.
    Range,
}

/// The day that was met last, as a number and as text: the times of neighbours mostly fall on one day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastDay {
    days: i64,
    text: [u8; 10],
}

impl Default for LastDay {
    fn default() -> Self {
        Self { days: 0, text: *b"1970-01-01" }
    }
}

impl LastDay {
    /// The text of a day; `None` if its year does not have four digits.
    fn text_of(&mut self, days: i64) -> Option<[u8; 10]> {
        if days != self.days {
            *self = Self { days, text: date_text(days)? };
        }
        Some(self.text)
    }

    /// The day of ten bytes; `None` if there is no such day.
    fn days_of(&mut self, text: [u8; 10]) -> Option<i64> {
        if text != self.text {
            *self = Self { days: days(&text)?, text };
        }
        Some(self.days)
    }
}

/// Writes `YYYY-MM-DD`. `None` if the year does not have four digits.
pub(crate) fn write_date(days: i64, into: &mut Vec<u8>) -> Option<()> {
    into.extend_from_slice(&date_text(days)?);
    Some(())
}

/// Writes `YYYY-MM-DD`, the separator, and `HH:MM:SS` with as many digits behind the point as the unit has. `None` if the
/// year does not have four digits.
pub(crate) fn write_timestamp(
    value: i64,
    unit: TimeUnit,
    separator: u8,
    last: &mut LastDay,
    into: &mut Vec<u8>,
) -> Option<()> {
    // One function for each unit: dividing by a constant is several times as fast.
    match unit {
        TimeUnit::Second => write_time::<0>(value, separator, last, into),
        TimeUnit::Millisecond => write_time::<3>(value, separator, last, into),
        TimeUnit::Microsecond => write_time::<6>(value, separator, last, into),
        TimeUnit::Nanosecond => write_time::<9>(value, separator, last, into),
    }
}

fn write_time<const DIGITS: usize>(value: i64, separator: u8, last: &mut LastDay, into: &mut Vec<u8>) -> Option<()> {
    let per_second = const { 10i64.pow(DIGITS as u32) };
    let (seconds, mut fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));

    let mut text = *b"0000-00-00T00:00:00.000000000";
    text[..10].copy_from_slice(&last.text_of(days)?);
    text[SEPARATOR] = separator;
    two_digits(second / 3600, &mut text[11..13]);
    two_digits(second / 60 % 60, &mut text[14..16]);
    two_digits(second % 60, &mut text[17..19]);
    let end = if DIGITS == 0 { 19 } else { 20 + DIGITS };
    for at in (20..end).rev() {
        text[at] = b'0' + (fraction % 10) as u8;
        fraction /= 10;
    }
    into.extend_from_slice(&text[..end]);
    Some(())
}

/// Where the separator stands in what [`write_timestamp`] writes.
pub(crate) const SEPARATOR: usize = 10;

/// Whether [`write_timestamp`] writes a text that [`parse_timestamp`] takes with the same letters, but for the separator.
pub(crate) fn is_as_written(text: &str, unit: TimeUnit) -> bool {
    match (text.as_bytes().get(19..), fraction_digits(unit) as usize) {
        (Some(rest), 0) => rest.is_empty(),
        (Some([b'.', rest @ ..]), digits) => rest.len() == digits && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// The days since 1970-01-01 of a text `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Result<i32, TimeProblem> {
    match text.as_bytes() {
        date @ [_, _, _, _, b'-', _, _, b'-', _, _] => days(date).map(|days| days as i32).ok_or(TimeProblem::Form),
        _ => Err(TimeProblem::Form),
    }
}

/// The time since 1970 UTC, in `unit`, of a text `YYYY-MM-DDTHH:MM:SS`, where a blank may stand for the `T`, a fraction may
/// follow, and `Z` or `±HH:MM` may end it. Without a zone it is UTC.
pub(crate) fn parse_timestamp(text: &str, unit: TimeUnit, last: &mut LastDay) -> Result<i64, TimeProblem> {
    let (clock, rest) = text.as_bytes().split_at_checked(19).ok_or(TimeProblem::Form)?;
    if !matches!(clock, [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b't' | b' ', _, _, b':', _, _, b':', _, _]) {
        return Err(TimeProblem::Form);
    }
    let within = |from: usize, below: i64| number(&clock[from..from + 2]).filter(|value| *value < below);
    let seconds = clock
        .first_chunk()
        .and_then(|date| last.days_of(*date))
        .zip(within(11, 24))
        .zip(within(14, 60))
        .zip(within(17, 60))
        .map(|(((days, hour), minute), second)| days * DAY_SECONDS + hour * 3600 + minute * 60 + second)
        .ok_or(TimeProblem::Form)?;

    let (fraction, zone) = match rest {
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return Err(TimeProblem::Form);
            }
            rest.split_at(digits)
        }
        _ => (&[][..], rest),
    };
    let seconds = seconds - zone_seconds(zone).ok_or(TimeProblem::Form)?;
    if !DAYS.contains(&seconds.div_euclid(DAY_SECONDS)) {
        return Err(TimeProblem::Range);
    }
    let digits = fraction_digits(unit) as usize;
    let (kept, beyond) = fraction.split_at(fraction.len().min(digits));
    if beyond.iter().any(|digit| *digit != b'0') {
        return Err(TimeProblem::Finer);
    }
    let fraction = kept.iter().fold(0i64, |value, digit| value * 10 + i64::from(digit - b'0'))
        * 10i64.pow((digits - kept.len()) as u32);
    seconds
        .checked_mul(10i64.pow(digits as u32))
        .and_then(|value| value.checked_add(fraction))
        .ok_or(TimeProblem::Range)
}

/// How many digits stand behind the point of a second.
fn fraction_digits(unit: TimeUnit) -> u32 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// The seconds that `Z`, `±HH:MM`, `±HHMM`, `±HH` or nothing are east of UTC.
fn zone_seconds(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, a, b, b':', c, d] | [sign, a, b, c, d] => (sign, number(&[*a, *b])?, number(&[*c, *d])?),
        [sign, a, b] => (sign, number(&[*a, *b])?, 0),
        _ => return None,
    };
    let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn date_text(days: i64) -> Option<[u8; 10]> {
    if !DAYS.contains(&days) {
        return None;
    }
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);

    let mut text = *b"0000-00-00";
    two_digits(year / 100, &mut text[..2]);
    two_digits(year % 100, &mut text[2..4]);
    two_digits(month, &mut text[5..7]);
    two_digits(day, &mut text[8..]);
    Some(text)
}

/// The days since 1970-01-01 of ten bytes `YYYY-MM-DD`; `None` if there is no such day.
fn days(date: &[u8]) -> Option<i64> {
    let (year, month, day) = (number(&date[..4])?, number(&date[5..7])?, number(&date[8..10])?);
    if !(1..=12).contains(&month) || !(1..=month_days(year, month)).contains(&day) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * shifted_month + 2) / 5 + day - 1;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

fn two_digits(value: i64, into: &mut [u8]) {
    into[0] = b'0' + (value / 10) as u8;
    into[1] = b'0' + (value % 10) as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_reads_back_and_follows_the_day_before() {
        let mut before = String::new();
        for day in DAYS {
            let mut text = Vec::new();
            write_date(day, &mut text).unwrap();
            let text = String::from_utf8(text).unwrap();
            assert_eq!(parse_date(&text), Ok(day as i32), "{text}");
            assert!(text > before, "{text} comes after {before}");
            before = text;
        }
        assert_eq!(before, "9999-12-31");
        assert_eq!(write_date(DAYS.end() + 1, &mut Vec::new()), None);
        assert_eq!(write_date(DAYS.start() - 1, &mut Vec::new()), None);
    }

    #[test]
    fn a_timestamp_has_the_digits_of_its_unit() {
        let text = |value, unit, separator| {
            let mut text = Vec::new();
            write_timestamp(value, unit, separator, &mut LastDay::default(), &mut text)
                .map(|()| String::from_utf8(text).unwrap())
        };
        assert_eq!(text(1_767_364_200_123, TimeUnit::Millisecond, b'T').as_deref(), Some("2026-01-02T14:30:00.123"));
        assert_eq!(text(-1, TimeUnit::Microsecond, b' ').as_deref(), Some("1969-12-31 23:59:59.999999"));
        assert_eq!(text(0, TimeUnit::Second, b'T').as_deref(), Some("1970-01-01T00:00:00"));
        assert_eq!(text(i64::MAX, TimeUnit::Millisecond, b'T'), None);
        assert_eq!(text(i64::MIN, TimeUnit::Nanosecond, b'T').as_deref(), Some("1677-09-21T00:12:43.145224192"));
    }

    #[test]
    fn a_zone_shifts_to_utc() {
        let at = Ok(1_767_364_200_000);
        for text in [
            "2026-01-02T14:30:00",
            "2026-01-02 14:30:00.0",
            "2026-01-02T14:30:00Z",
            "2026-01-02T15:30:00+01:00",
            "2026-01-02T09:30:00.000-0500",
            "2026-01-02T14:30:00.000000000",
        ] {
            assert_eq!(parse_timestamp(text, TimeUnit::Millisecond, &mut LastDay::default()), at, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-01-02",
            "2026-01-02T14:30",
            "2026-02-29T00:00:00",
            "2026-13-01T00:00:00",
            "2026-01-02T24:00:00",
            "2026-01-02T23:59:60",
            "2026-01-02T14:30:00.",
            "2026-01-02T14:30:00 UTC",
            "2026-01-02T14:30:00+25:00",
            "1767364200000",
            "2026-01-02T14:30:0é",
            "-026-01-02T14:30:00",
        ] {
            assert_eq!(
                parse_timestamp(text, TimeUnit::Millisecond, &mut LastDay::default()),
                Err(TimeProblem::Form),
                "{text}"
            );
        }
        assert_eq!(
            parse_timestamp("2026-01-02T14:30:00.1234", TimeUnit::Millisecond, &mut LastDay::default()),
            Err(TimeProblem::Finer)
        );
        assert_eq!(
            parse_timestamp("2263-01-02T14:30:00", TimeUnit::Nanosecond, &mut LastDay::default()),
            Err(TimeProblem::Range)
        );
        for text in ["2026-1-02", "2026-01-00", "2026/01/02", "20260102", "2026-01-02 "] {
            assert_eq!(parse_date(text), Err(TimeProblem::Form), "{text}");
        }
    }
}
