//! `5m`, as people write it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A span of time above zero; in a file a text such as `200ms`, `30s`, `5m`, `1h30m`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(Duration);

impl HumanDuration {
    /// The JSON Schema `format` of such a text, by which the runtime checks it.
    pub const FORMAT: &'static str = "human-duration";

    /// `seconds` seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// `millis` milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// The span.
    pub const fn get(self) -> Duration {
        self.0
    }
}

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl FromStr for HumanDuration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!("`{text}` is not a duration, expected a number above 0 with ms, s, m, h or d, such as 30s or 1h30m")
        };
        let mut millis = 0u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(expected)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let factor = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(expected)?.1;
            let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(expected)?;
            millis = millis.checked_add(part).ok_or_else(expected)?;
            rest = tail;
        }
        match millis {
            0 => Err(expected()),
            // Beyond a century a deadline no longer fits every clock.
            _ if millis > 100 * 366 * UNITS[0].1 => {
                Err(format!("`{text}` is longer than 100 years, expected a shorter duration"))
            }
            _ => Ok(Self(Duration::from_millis(millis))),
        }
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        for (unit, factor) in UNITS {
            if millis >= factor {
                write!(f, "{}{unit}", millis / factor)?;
                millis %= factor;
            }
        }
        Ok(())
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::byte_size::text_or_number(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": Self::FORMAT })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::HumanDuration;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, millis) in
            [("200ms", 200), ("30s", 30_000), ("5m", 300_000), ("1h30m", 5_400_000), ("7d", 604_800_000)]
        {
            assert_eq!(
                text.parse::<HumanDuration>().map(HumanDuration::get),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
            assert_eq!(text.parse::<HumanDuration>().map(|d| d.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "5", "0s", "-1s", "1e9d", "5M", "s", "99999999999999999999d", "40000d"] {
            assert!(text.parse::<HumanDuration>().is_err(), "{text}");
        }
    }
}
