//! Where AWS says no and what stands in for it does not.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// So many on a page unless fewer are asked for, that a test soon has two pages; AWS gives up to 1000.
const PAGE: usize = 3;

/// How many of what an operation takes.
const LIMITS: [(&str, &str, usize); 6] = [
    ("BatchCreatePartition", "PartitionInputList", 100),
    ("BatchUpdatePartition", "Entries", 100),
    ("BatchDeletePartition", "PartitionsToDelete", 25),
    ("BatchGetPartition", "PartitionsToGet", 1000),
    ("BatchDeleteTable", "TablesToDelete", 100),
    ("BatchDeleteTableVersion", "VersionIds", 100),
];

/// The fields with what these operations list.
const LISTS: [(&str, &str); 4] = [
    ("GetPartitions", "Partitions"),
    ("GetTables", "TableList"),
    ("GetTableVersions", "TableVersions"),
    ("GetDatabases", "DatabaseList"),
];

/// A refusal, and its reason.
pub(super) type Refused = (Refusal, String);

pub(super) const VALIDATION: Refusal = Refusal { status: 400, code: "ValidationException" };
const INVALID_INPUT: Refusal = Refusal { status: 400, code: "InvalidInputException" };
const INVALID_REQUEST: Refusal = Refusal { status: 400, code: "InvalidRequestException" };

/// Refuses a call of more than the operation takes.
pub(super) fn check_limits(operation: &str, input: &Value) -> Result<(), Refused> {
    for (_, field, most) in LIMITS.into_iter().filter(|(limited, ..)| *limited == operation) {
        let found = input[field].as_array().map_or(0, Vec::len);
        if found > most {
            let place = format!("{}{}", field[..1].to_lowercase(), &field[1..]);
            let message = format!(
                "1 validation error detected: Value at '{place}' failed to satisfy constraint: Member must have length less than \
                 or equal to {most}"
            );
            return Err((VALIDATION, message));
        }
    }
    Ok(())
}

/// What is to be shown of a list.
pub(super) struct Page {
    field: &'static str,
    start: usize,
    count: usize,
    /// This of so many parts of the list.
    segment: Option<(usize, usize)>,
}

impl Page {
    /// Takes what is about pages out of the input of an operation that lists.
    pub(super) fn of(operation: &str, input: &mut Value) -> Result<Option<Self>, Refused> {
        let Some((_, field)) = LISTS.into_iter().find(|(lists, _)| *lists == operation) else { return Ok(None) };
        let Some(input) = input.as_object_mut() else { return Ok(None) };
        let start = match input.remove("NextToken") {
            None | Some(Value::Null) => 0,
            Some(token) => parsed(&token).ok_or((INVALID_INPUT, "Invalid token".to_owned()))?,
        };
        let asked = input.remove("MaxResults").and_then(|count| count.as_u64());
        let count = asked.and_then(|count| usize::try_from(count).ok()).map_or(PAGE, |count| count.min(PAGE));
        Ok(Some(Self { field, start, count, segment: segment(input)? }))
    }

    /// The page of the whole list. A full page is followed by another one, which may be empty, as AWS has it.
    pub(super) fn cut(&self, output: &mut Value) {
        let Some(whole) = output[self.field].as_array_mut() else { return };
        let whole = std::mem::take(whole);
        let (number, segments) = self.segment.unwrap_or((0, 1));
        let segment = whole.into_iter().enumerate().filter(|(place, _)| place % segments == number);
        let page: Vec<_> = segment.map(|(_, one)| one).skip(self.start).take(self.count).collect();
        if page.len() == self.count {
            output["NextToken"] = json!(format!("{TOKEN}{}", self.start + self.count));
        }
        output[self.field] = Value::Array(page);
    }
}

const TOKEN: &str = "after-";

fn parsed(token: &Value) -> Option<usize> {
    token.as_str()?.strip_prefix(TOKEN)?.parse().ok()
}

fn segment(input: &mut Map<String, Value>) -> Result<Option<(usize, usize)>, Refused> {
    let Some(segment) = input.remove("Segment").filter(|segment| !segment.is_null()) else { return Ok(None) };
    let part = |name: &str| segment[name].as_u64().and_then(|number| usize::try_from(number).ok());
    match (part("SegmentNumber"), part("TotalSegments")) {
        (Some(number), Some(segments)) if number < segments && segments <= 10 => Ok(Some((number, segments))),
        _ => Err((INVALID_INPUT, "Invalid segment".to_owned())),
    }
}

/// Refuses to change a table that is not as the caller has seen it.
pub(super) fn check_version(input: &Value, current: &Value) -> Result<(), Refused> {
    match (input["VersionId"].as_str(), current["Table"]["VersionId"].as_str()) {
        (Some(seen), Some(current)) if seen != current => {
            let message = "Update table failed due to concurrent modifications.".to_owned();
            Err((Refusal::CONCURRENT_MODIFICATION, message))
        }
        _ => Ok(()),
    }
}

/// The queries that were started, by the token of who started them.
#[derive(Debug, Default)]
pub(super) struct Started(HashMap<String, (Value, Bytes)>);

impl Started {
    /// The answer to who starts the same query again. Refuses another query under a token that was used.
    pub(super) fn again(&self, input: &Value) -> Result<Option<Bytes>, Refused> {
        let token = input["ClientRequestToken"].as_str().unwrap_or_default();
        if !(32..=128).contains(&token.len()) {
            let message = "ClientRequestToken must have a length of 32 to 128 characters".to_owned();
            return Err((INVALID_REQUEST, message));
        }
        match self.0.get(token) {
            Some((first, _)) if first != input => {
                Err((INVALID_REQUEST, "Idempotent parameters do not match".to_owned()))
            }
            started => Ok(started.map(|(_, output)| output.clone())),
        }
    }

    pub(super) fn remember(&mut self, input: Value, output: Bytes) {
        let token = input["ClientRequestToken"].as_str().unwrap_or_default().to_owned();
        self.0.insert(token, (input, output));
    }
}
