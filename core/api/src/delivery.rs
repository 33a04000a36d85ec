//! How often a record may arrive.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often a record may arrive, weakest first, so that the least of several parts is their `min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// A crash may lose records: the origin cannot be read again.
    AtMostOnce,
    /// A crash may repeat records, and loses none.
    AtLeastOnce,
    /// A crash neither loses nor repeats a record.
    ExactlyOnce,
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtMostOnce => "at_most_once",
            Self::AtLeastOnce => "at_least_once",
            Self::ExactlyOnce => "exactly_once",
        })
    }
}
