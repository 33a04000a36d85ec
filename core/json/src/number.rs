//! What a number means exactly.

use crate::scanner::Number;

/// Why a number does not fit its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It has more digits behind the point than the column keeps.
    Finer,
    /// It is too large, or too small to differ from zero.
    Range,
    /// It is a whole number that a float would change.
    Rounded,
}

/// The number times ten to the `scale`, exactly: `1.50` at scale 1 is 15, and so is `0.15e1`.
pub(crate) fn scaled(number: Number<'_>, scale: u32) -> Result<i128, Misfit> {
    // Without a point or exponent a few digits need none of the care below.
    if let (Some((value, 0)), 0) = (number.short, scale) {
        return Ok(if number.negative { -i128::from(value) } else { i128::from(value) });
    }
    let text = number.text.trim_start_matches('-');
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent_value(exponent)),
        None => (text, 0),
    };
    let behind_point = digits.split_once('.').map_or(0, |(_, behind)| behind.len());
    let (mantissa, zeros) = mantissa(digits).ok_or(Misfit::Range)?;
    if mantissa == 0 {
        return Ok(0);
    }
    let shift = exponent + i64::from(scale) + zeros as i64 - behind_point as i64;
    let shift = u32::try_from(shift).map_err(|_| if shift < 0 { Misfit::Finer } else { Misfit::Range })?;
    let value = 10i128.checked_pow(shift).and_then(|power| mantissa.checked_mul(power)).ok_or(Misfit::Range)?;
    Ok(if number.negative { -value } else { value })
}

/// The nearest double. A whole number must be one that a double can hold, or the text that stands for a double.
#[inline]
pub(crate) fn double(number: Number<'_>) -> Result<f64, Misfit> {
    if let Some(value) = short_double(number) {
        return Ok(value);
    }
    let value: f64 = number.text.parse().map_err(|_| Misfit::Range)?;
    if !value.is_finite() || (value == 0.0 && !is_zero(number.text)) {
        return Err(Misfit::Range);
    }
    // Whole numbers of up to 15 digits are always exact.
    if number.whole && number.text.len() > 15 && !holds_whole(number.text, value) {
        return Err(Misfit::Rounded);
    }
    Ok(value)
}

/// The nearest double of a few digits without an exponent: as one whole number and as a power of ten both sides of the point are
/// exact, so that one division rounds once (Clinger, "How to read floating point numbers accurately", 1990).
#[inline]
fn short_double(number: Number<'_>) -> Option<f64> {
    const POWERS: [f64; Number::SHORT + 1] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];
    let (whole, behind_point) = number.short.filter(|(whole, _)| *whole < 1 << f64::MANTISSA_DIGITS)?;
    let value = whole as f64 / POWERS[behind_point];
    Some(if number.negative { -value } else { value })
}

/// The nearest float, as [`double`].
pub(crate) fn float(number: Number<'_>) -> Result<f32, Misfit> {
    let value: f32 = number.text.parse().map_err(|_| Misfit::Range)?;
    if !value.is_finite() || (value == 0.0 && !is_zero(number.text)) {
        return Err(Misfit::Range);
    }
    if number.whole
        && number.text.len() > 7
        && number.text != value.to_string()
        && !holds_whole(number.text, value.into())
    {
        return Err(Misfit::Rounded);
    }
    Ok(value)
}

/// Whether the whole number `text` is `value` itself, or the shortest text that reads as `value`: many programs write
/// 2^60 as 1152921504606847000.
fn holds_whole(text: &str, value: f64) -> bool {
    let exact = value.abs() < 1e38 && text.parse() == Ok(value as i128);
    exact || text == value.to_string()
}

fn is_zero(text: &str) -> bool {
    text.split(['e', 'E']).next().is_some_and(|digits| !digits.bytes().any(|digit| matches!(digit, b'1'..=b'9')))
}

/// The digits without those zeros at their end, and how many these are; `None` if they are too many.
fn mantissa(digits: &str) -> Option<(i128, usize)> {
    let (mut mantissa, mut zeros) = (0i128, 0);
    for digit in digits.bytes().filter(u8::is_ascii_digit) {
        if digit == b'0' {
            zeros += usize::from(mantissa > 0);
            continue;
        }
        let power = 10i128.checked_pow(u32::try_from(zeros + 1).ok()?)?;
        mantissa = mantissa.checked_mul(power)?.checked_add(i128::from(digit - b'0'))?;
        zeros = 0;
    }
    Some((mantissa, zeros))
}

/// An exponent; one that no column can hold is cut off, far out of every range.
fn exponent_value(text: &str) -> i64 {
    const FAR: i64 = 1 << 40;
    match text.parse::<i64>() {
        Ok(exponent) => exponent.clamp(-FAR, FAR),
        Err(_) if text.starts_with('-') => -FAR,
        Err(_) => FAR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::Scanner;

    fn number(text: &str) -> Number<'_> {
        Scanner::new(text).number().unwrap_or_else(|refusal| panic!("{text}: {refusal:?}"))
    }

    #[test]
    fn a_number_has_one_exact_meaning_however_it_is_written() {
        for (text, scale, value) in [
            ("0", 0, 0),
            ("-0", 0, 0),
            ("1.0", 0, 1),
            ("1e3", 0, 1000),
            ("-1.50e1", 0, -15),
            ("1500e-2", 0, 15),
            ("0.000e-999999999999999999999", 0, 0),
            ("1.5", 2, 150),
            ("1.500000", 1, 15),
            ("9223372036854775808", 0, 9_223_372_036_854_775_808),
            ("0.00000000000000000000000000000000000001", 38, 1),
        ] {
            assert_eq!(scaled(number(text), scale), Ok(value), "{text}");
        }
    }

    #[test]
    fn no_digit_is_ever_dropped() {
        for (text, scale, why) in [
            ("1.5", 0, Misfit::Finer),
            ("1e-1", 0, Misfit::Finer),
            ("1.005", 2, Misfit::Finer),
            ("1e-99999999999999999999", 2, Misfit::Finer),
            ("1e99999999999999999999", 0, Misfit::Range),
            ("1e39", 0, Misfit::Range),
            ("1234567890123456789012345678901234567890", 0, Misfit::Range),
        ] {
            assert_eq!(scaled(number(text), scale), Err(why), "{text}");
        }
    }

    #[test]
    fn a_short_number_reads_as_the_standard_library_reads_it() {
        for whole in (0..1_000_000_000_000_000u64).step_by(999_999_999_999 / 7).chain([999_999_999_999_999]) {
            for behind in 0..=15 {
                let digits = format!("{whole:016}");
                let (before, behind) = digits.split_at(16 - behind);
                let text = format!("-{}.{behind}0", before.trim_start_matches('0')).replace("-.", "-0.");
                assert_eq!(
                    double(number(&text)).map(f64::to_bits),
                    Ok(text.parse::<f64>().unwrap().to_bits()),
                    "{text}"
                );
            }
        }
        assert_eq!(short_double(number("0.00000000000000001")), Some(1e-17));
        assert_eq!(short_double(number("9007199254740991")), Some(9_007_199_254_740_991.0));
        for long in ["9007199254740992", "0.000000000000000001", "1e3"] {
            assert_eq!(short_double(number(long)), None, "{long}");
        }
    }

    #[test]
    fn a_float_takes_no_whole_number_that_it_would_change() {
        assert_eq!(double(number("9007199254740993")), Err(Misfit::Rounded));
        assert_eq!(double(number("9007199254740992")), Ok(9_007_199_254_740_992.0));
        assert_eq!(double(number("1152921504606847000")), Ok(2f64.powi(60)));
        assert_eq!(double(number("1152921504606846976")), Ok(2f64.powi(60)));
        assert_eq!(double(number("170141183460469231731687303715884105727")), Err(Misfit::Rounded));
        assert_eq!(float(number("16777217")), Err(Misfit::Rounded));
        assert_eq!(float(number("16777216")), Ok(16_777_216.0));
        assert_eq!(double(number("0.1")), Ok(0.1));
        assert_eq!(double(number("1e400")), Err(Misfit::Range));
        assert_eq!(double(number("1e-400")), Err(Misfit::Range));
        assert_eq!(double(number("0e-400")), Ok(0.0));
        assert_eq!(float(number("1e39")), Err(Misfit::Range));
    }
}
