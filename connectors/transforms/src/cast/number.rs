//! From one kind of number to another, one value at a time: exactly, or not at all.

use std::str::FromStr;

use arrow::datatypes::DataType;

/// Digits that every double tells apart.
const DOUBLE_DIGITS: i128 = 1_000_000_000_000_000;
/// The powers of ten that a double holds exactly end with 10²².
const EXACT_POWER: i8 = 22;

/// A double or a float.
pub(super) trait Float: Copy + FromStr + ToString + Into<f64> {
    /// The value itself, not its neighbour. Not a number stays so.
    fn of_double(value: f64) -> Option<Self>;
    /// The nearest.
    fn of_whole(value: i128) -> Self;
    /// The value back; `None` if it is no whole number.
    fn whole(self) -> Option<i128> {
        whole(self.into())
    }
}

impl Float for f64 {
    fn of_double(value: f64) -> Option<Self> {
        Some(value)
    }

    fn of_whole(value: i128) -> Self {
        value as f64
    }
}

impl Float for f32 {
    fn of_double(value: f64) -> Option<Self> {
        let narrow = value as f32;
        (f64::from(narrow) == value || value.is_nan()).then_some(narrow)
    }

    fn of_whole(value: i128) -> Self {
        value as f32
    }
}

/// What a message says of the bounds of an integer type.
pub(super) fn bounds(of: &DataType) -> String {
    match of {
        DataType::Int8 => format!("from {} to {}", i8::MIN, i8::MAX),
        DataType::Int16 => format!("from {} to {}", i16::MIN, i16::MAX),
        DataType::Int32 => format!("from {} to {}", i32::MIN, i32::MAX),
        _ => format!("from {} to {}", i64::MIN, i64::MAX),
    }
}

/// The whole number that a double is.
pub(super) fn whole(value: f64) -> Option<i128> {
    // Beyond 2¹²⁶ the conversion would stop at the bounds of its result; no target reaches there.
    (value.fract() == 0.0 && value.abs() < 2f64.powi(126)).then_some(value as i128)
}

/// The whole number as a float, if it is one.
pub(super) fn float_of_whole<F: Float>(value: i128) -> Option<F> {
    let float = F::of_whole(value);
    (float.whole() == Some(value)).then_some(float)
}

/// The nearest float to a decimal number, of which whole numbers must be met exactly. Nothing but a number: no blanks, no
/// `inf`, no number that is too large or too small for any but infinity or 0.
pub(super) fn parse_float<F: Float>(text: &str) -> Option<F> {
    let float: F = text.parse().ok()?;
    let double: f64 = float.into();
    let digits = text.split(['e', 'E']).next().unwrap_or(text);
    let vanished = double == 0.0 && digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    if !double.is_finite() || vanished {
        return None;
    }
    match text.parse::<i128>() {
        Ok(whole) => float_of_whole(whole),
        Err(_) if digits.len() == text.len() && !text.contains('.') => None,
        Err(_) => Some(float),
    }
}

/// The decimal in units of 10⁻ˢᶜᵃˡᵉ; `None` if it has more digits behind the point, or is none.
pub(super) fn parse_decimal(text: &str, scale: i8) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (before, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = usize::try_from(scale).ok()?;
    let significant = behind.trim_end_matches('0');
    let all_digits = before.bytes().chain(behind.bytes()).all(|digit| digit.is_ascii_digit());
    if before.is_empty() && behind.is_empty() || !all_digits || significant.len() > scale {
        return None;
    }
    let padding = std::iter::repeat_n(b'0', scale - significant.len());
    let units = before
        .bytes()
        .chain(significant.bytes())
        .chain(padding)
        .try_fold(0i128, |units, digit| units.checked_mul(10)?.checked_add(i128::from(digit - b'0')))?;
    Some(if negative { -units } else { units })
}

/// The decimal that a double stands for: the shortest that reads back as it.
pub(super) fn decimal_of(value: f64, scale: i8) -> Option<i128> {
    // A decimal of at most 15 digits is the only one of so many that reads back as its double. Dividing two numbers that
    // doubles hold exactly gives what reading the text would give.
    if (0..=EXACT_POWER).contains(&scale) {
        let power = 10f64.powi(i32::from(scale));
        let units = (value * power).round();
        if units.abs() < DOUBLE_DIGITS as f64 && units / power == value {
            return Some(units as i128);
        }
    }
    parse_decimal(&value.to_string(), scale)
}

/// The float nearest to a decimal, if it stands for it: see [`decimal_of`].
pub(super) fn float_of_decimal<F: Float>(units: i128, scale: i8) -> Option<F> {
    let float: F = decimal_text(units, scale).parse().ok()?;
    (parse_decimal(&float.to_string(), scale) == Some(units)).then_some(float)
}

/// The same decimal with another number of digits behind the point.
pub(super) fn rescale(units: i128, from: i8, to: i8) -> Option<i128> {
    let power = 10i128.checked_pow(u32::from(from.abs_diff(to)))?;
    if to >= from {
        return units.checked_mul(power);
    }
    (units % power == 0).then_some(units / power)
}

/// Whether the decimal has at most `precision` digits.
pub(super) fn fits(units: i128, precision: u8) -> bool {
    10u128.checked_pow(precision.into()).is_none_or(|limit| units.unsigned_abs() < limit)
}

/// The decimal as a person writes it.
pub(super) fn decimal_text(units: i128, scale: i8) -> String {
    let Ok(scale) = usize::try_from(scale) else { return format!("{units}e{}", scale.unsigned_abs()) };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (before, behind) = digits.split_at(digits.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{before}") } else { format!("{sign}{before}.{behind}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_double_is_the_decimal_that_its_text_is(units in -10i128.pow(17)..10i128.pow(17), scale in 0i8..10) {
            let double: f64 = decimal_text(units, scale).parse().unwrap();
            prop_assert_eq!(decimal_of(double, scale), parse_decimal(&double.to_string(), scale));
        }

        #[test]
        fn a_decimal_of_fifteen_digits_survives_a_double(units in -DOUBLE_DIGITS + 1..DOUBLE_DIGITS, scale in 0i8..15) {
            let double: f64 = float_of_decimal(units, scale).unwrap();
            prop_assert_eq!(decimal_of(double, scale), Some(units));
        }

        #[test]
        fn a_decimal_reads_back_as_it_was_written(units in any::<i64>(), scale in 0i8..38) {
            prop_assert_eq!(parse_decimal(&decimal_text(units.into(), scale), scale), Some(units.into()));
        }

        #[test]
        fn a_whole_number_is_a_double_or_refused(value in any::<i64>()) {
            let exact = format!("{:.0}", value as f64) == value.to_string();
            prop_assert_eq!(float_of_whole::<f64>(value.into()).is_some(), exact);
            prop_assert_eq!(parse_float::<f64>(&value.to_string()).is_some(), exact);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9.eEinf]{0,12}", scale in 0i8..38) {
            parse_decimal(&text, scale);
            parse_float::<f32>(&text);
        }
    }
}
