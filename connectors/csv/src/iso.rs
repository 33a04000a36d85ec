//! ISO 8601, byte by byte, because every record has one.

use jiff::civil;

/// A date and a time of day in no zone.
#[derive(Clone, Copy)]
pub(crate) struct Local {
    pub(crate) date: IsoDate,
    /// From 0.
    pub(crate) second_of_day: i32,
    pub(crate) nanos: u32,
}

/// A date that exists.
#[derive(Clone, Copy)]
pub(crate) struct IsoDate {
    year: i16,
    month: i8,
    day: i8,
    /// Since 1970.
    pub(crate) days: i32,
}

impl Local {
    pub(crate) fn of(date: civil::Date, time: civil::Time) -> Self {
        let second_of_day = i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second());
        Self {
            date: IsoDate::new(date.year(), date.month(), date.day()),
            second_of_day,
            nanos: time.subsec_nanosecond() as u32,
        }
    }

    pub(crate) fn seconds(self) -> i64 {
        i64::from(self.date.days) * 86_400 + i64::from(self.second_of_day)
    }

    pub(crate) fn date_time(self) -> Result<civil::DateTime, String> {
        let IsoDate { year, month, day, .. } = self.date;
        let (hour, minute, second) = (self.second_of_day / 3600, self.second_of_day / 60 % 60, self.second_of_day % 60);
        civil::DateTime::new(year, month, day, hour as i8, minute as i8, second as i8, self.nanos as i32)
            .map_err(|error| error.to_string())
    }
}

impl IsoDate {
    /// A date that exists. The days are counted as in Howard Hinnant's `days_from_civil`.
    fn new(year: i16, month: i8, day: i8) -> Self {
        let shifted = i32::from(year) - i32::from(month <= 2);
        let era = shifted.div_euclid(400);
        let year_of_era = shifted.rem_euclid(400);
        let month_from_march = (i32::from(month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i32::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self { year, month, day, days: era * 146_097 + day_of_era - 719_468 }
    }
}

/// `2026-01-02`, and what follows it.
pub(crate) fn iso_date(text: &[u8]) -> Option<(IsoDate, &[u8])> {
    let (date, rest) = text.split_at_checked(10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let year = number_of(&date[..4])?;
    let (month, day) = (number_of(&date[5..7])? as i8, number_of(&date[8..])? as i8);
    let year = i16::try_from(year).ok()?;
    let exists = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    exists.then(|| (IsoDate::new(year, month, day), rest))
}

/// `14:30`, `14:30:00` or `14:30:00.123`, and what follows it: the second of the day and the nanoseconds, which are an
/// error if they would be cut.
pub(crate) fn iso_time(text: &[u8]) -> Option<(i32, Result<u32, ()>, &[u8])> {
    let (hour, minute, rest) = hour_and_minute(text)?;
    let [b':', tens, ones, rest @ ..] = rest else {
        return Some((hour * 3600 + minute * 60, Ok(0), rest));
    };
    let second = number_of(&[*tens, *ones]).filter(|second| *second < 60)?;
    let second_of_day = hour * 3600 + minute * 60 + second;
    let [b'.' | b',', rest @ ..] = rest else { return Some((second_of_day, Ok(0), rest)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = rest.split_at(length);
    (length > 0).then(|| (second_of_day, nanos_of(fraction), rest))
}

/// `Z`, `+01:00`, `+0100`, `+01`, or nothing.
pub(crate) fn iso_offset(text: &[u8]) -> Option<Option<i32>> {
    let (sign, rest) = match text {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hour, minute) = match rest {
        [_, _] => (number_of(rest).filter(|hour| *hour < 24)?, 0),
        [a, b, c, d] => two_numbers(&[*a, *b], &[*c, *d])?,
        [a, b, b':', c, d] => two_numbers(&[*a, *b], &[*c, *d])?,
        _ => return None,
    };
    Some(Some(sign * (hour * 3600 + minute * 60)))
}

fn hour_and_minute(text: &[u8]) -> Option<(i32, i32, &[u8])> {
    let [a, b, b':', c, d, rest @ ..] = text else { return None };
    let (hour, minute) = two_numbers(&[*a, *b], &[*c, *d])?;
    Some((hour, minute, rest))
}

fn two_numbers(hour: &[u8], minute: &[u8]) -> Option<(i32, i32)> {
    Some((number_of(hour).filter(|hour| *hour < 24)?, number_of(minute).filter(|minute| *minute < 60)?))
}

fn number_of(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i32::from(digit - b'0')))
}

fn nanos_of(fraction: &[u8]) -> Result<u32, ()> {
    let (kept, cut) = fraction.split_at(fraction.len().min(9));
    if cut.iter().any(|digit| *digit != b'0') {
        return Err(());
    }
    Ok(kept.iter().fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0')) * 10u32.pow(9 - kept.len() as u32))
}

fn days_in_month(year: i16, month: i8) -> i8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
