//! Numbers from their texts, exactly or not at all.

use std::fmt::Display;
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

/// A whole number. The error says what `text` is: `is not a bigint, …`.
pub(crate) fn whole<T>(text: &str, type_name: &str, min: T, max: T) -> Result<T, String>
where
    T: FromStr<Err = ParseIntError> + Display,
{
    text.parse().map_err(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => {
            format!("does not fit a {type_name}, expected {min} to {max}")
        }
        _ => format!("is not a {type_name}, expected a whole number in digits"),
    })
}

/// A double. Refused are not-a-number and infinity, what is beyond its range, and whole numbers that it would round.
pub(crate) fn double(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "is not a double, expected a number".to_owned())?;
    if is_suspect(text, value.is_normal(), 16) {
        check_float(text, value.is_finite(), value == 0.0, "double", || format!("{value:.0}"))?;
    }
    Ok(value)
}

/// A float, under the rules of [`double`].
pub(crate) fn float(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| "is not a float, expected a number".to_owned())?;
    if is_suspect(text, value.is_normal(), 8) {
        check_float(text, value.is_finite(), value == 0.0, "float", || format!("{value:.0}"))?;
    }
    Ok(value)
}

/// Whether a float could differ from its text by more than the last digit of a fraction.
fn is_suspect(text: &str, is_normal: bool, exact_digits: usize) -> bool {
    !is_normal || text.len() >= exact_digits
}

fn check_float(
    text: &str,
    is_finite: bool,
    is_zero: bool,
    type_name: &str,
    exact: impl Fn() -> String,
) -> Result<(), String> {
    let has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
    if !has_digits {
        return Err(format!("is not a {type_name}, expected a finite number"));
    }
    if !is_finite {
        return Err(format!("is too large for a {type_name}"));
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    if is_zero && mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        return Err(format!("is too small for a {type_name}"));
    }
    let digits = text.trim_start_matches(['+', '-']).trim_start_matches('0');
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole && exact().trim_start_matches('-') != digits {
        return Err(format!("would be rounded as a {type_name}, expected a bigint or decimal column"));
    }
    Ok(())
}

/// A decimal as its digits without the point. Refused are digits behind the point beyond `scale`, unless they are 0.
pub(crate) fn decimal(text: &str, precision: u8, scale: u8) -> Result<i128, String> {
    let type_name = || format!("decimal({precision},{scale})");
    let not_a_decimal = || format!("is not a {}, expected digits and at most one point", type_name());
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return Err(not_a_decimal());
    }
    let scale = usize::from(scale);
    if fraction.len() > scale && fraction.as_bytes()[scale..].iter().any(|digit| *digit != b'0') {
        return Err(format!("has more than {scale} digits behind the point, more than a {} holds", type_name()));
    }
    let kept = &fraction.as_bytes()[..fraction.len().min(scale)];
    let digits = whole.bytes().chain(kept.iter().copied()).chain(std::iter::repeat_n(b'0', scale - kept.len()));
    let limit = 10i128.pow(u32::from(precision));
    let too_large = || format!("does not fit a {}", type_name());
    let mut value = 0i128;
    for digit in digits {
        let longer = value.checked_mul(10).and_then(|shifted| shifted.checked_add(i128::from(digit - b'0')));
        value = longer.filter(|value| *value < limit).ok_or_else(too_large)?;
    }
    Ok(if negative { -value } else { value })
}

/// `true`, `false`, `1` or `0`.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err("is not a boolean, expected true, false, 1 or 0".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_is_exact_or_refused() {
        for (text, value) in [
            ("1.5", 1.5),
            ("-0", -0.0),
            ("1e3", 1000.0),
            ("9007199254740992", 9007199254740992.0),
            ("0.1000000000000000055", 0.1),
        ] {
            assert_eq!(double(text), Ok(value), "{text}");
        }
        for text in
            ["abc", "", " 1", "1 ", "NaN", "inf", "-Infinity", "1e400", "1e-400", "9007199254740993", "0x10", "1,5"]
        {
            assert!(double(text).is_err(), "{text}");
        }
        assert_eq!(float("16777216"), Ok(16_777_216.0));
        assert!(float("16777217").unwrap_err().contains("rounded"));
    }

    #[test]
    fn a_whole_number_says_why_it_does_not_fit() {
        assert_eq!(whole("-5", "bigint", i64::MIN, i64::MAX), Ok(-5));
        assert!(
            whole("9223372036854775808", "bigint", i64::MIN, i64::MAX).unwrap_err().contains("does not fit a bigint")
        );
        assert!(whole("1.5", "bigint", i64::MIN, i64::MAX).unwrap_err().contains("whole number"));
        assert!(whole("128", "tinyint", i8::MIN, i8::MAX).unwrap_err().contains("-128 to 127"));
    }

    #[test]
    fn a_decimal_keeps_every_digit() {
        assert_eq!(decimal("-1.5", 9, 2), Ok(-150));
        assert_eq!(decimal("1.500", 9, 2), Ok(150));
        assert_eq!(decimal(".5", 9, 2), Ok(50));
        assert_eq!(decimal(&"9".repeat(38), 38, 0), Ok(10i128.pow(38) - 1));
        for text in ["1.501", "12345678.00", "1e3", "", "-", ".", "1.2.3", "--1"] {
            assert!(decimal(text, 9, 2).is_err(), "{text}");
        }
        assert!(decimal(&"9".repeat(60), 38, 0).is_err());
    }
}
