//! The names of files.

use pipeline_api::{Error, OffsetRange, PlannedRange, Result, Timestamp, TopicPartition};

/// The endings that our files have had under any config.
const EXTENSIONS: [&str; 4] = [".parquet", ".json", ".json.gz", ".json.zst"];

/// `<topic>+<partition>+<start, 20 digits>-<end><extension>`, with `+<revision>` behind the end where it is not 0. It follows
/// from the range alone, so that the same flush again replaces the file, and names sort by offset.
pub(crate) fn object_name(partition: &TopicPartition, range: &PlannedRange, extension: &str) -> String {
    format!("{}{extension}", stem(partition, range))
}

fn stem(partition: &TopicPartition, range: &PlannedRange) -> String {
    let stem = format!("{partition}+{:020}-{}", range.offsets.start, range.offsets.end);
    match range.revision {
        0 => stem,
        revision => format!("{stem}+{revision}"),
    }
}

/// The length of the longest name that a topic's files can have.
pub(crate) fn longest_name(topic: &str) -> usize {
    let offsets = OffsetRange::new(i64::MAX, i64::MAX);
    let last = PlannedRange { offsets, at: Timestamp::UNIX_EPOCH, revision: u32::MAX };
    object_name(&TopicPartition::new(topic, i32::MAX), &last, ".json.zst").len()
}

/// Whether a file of this name is ours, for exactly this range, under any config.
pub(crate) fn is_of_range(name: &str, partition: &TopicPartition, range: &PlannedRange) -> bool {
    name.strip_prefix(&stem(partition, range)).is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// Whether a file of this name is ours, for this topic, under any config.
pub(crate) fn is_of_topic(name: &str, topic: &str) -> bool {
    range_of(name, topic).is_some()
}

/// What the name of a file says, if it is ours, for this topic, under any config.
pub(crate) fn range_of(name: &str, topic: &str) -> Option<NamedRange> {
    let (partition, rest) = name.strip_prefix(topic)?.strip_prefix('+')?.split_once('+')?;
    let (start, rest) = rest.split_once('-')?;
    let (end, extension) = rest.split_at(rest.find('.')?);
    let (end, revision) = end.split_once('+').unwrap_or((end, "0"));
    let extension = EXTENSIONS.into_iter().find(|known| *known == extension)?;
    let offsets = OffsetRange::new(start.parse().ok()?, end.parse().ok()?);
    let partition = TopicPartition::new(topic, partition.parse().ok()?);
    let range = PlannedRange { offsets, at: Timestamp::UNIX_EPOCH, revision: revision.parse().ok()? };
    // What is spelled in another way is somebody else's.
    let ours = object_name(&partition, &range, extension) == name;
    ours.then_some(NamedRange { partition, offsets, revision: range.revision, extension })
}

/// What the name of one of our files says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedRange {
    pub(crate) partition: TopicPartition,
    pub(crate) offsets: OffsetRange,
    pub(crate) revision: u32,
    /// What it ends with, with its dot.
    pub(crate) extension: &'static str,
}

/// Errors: files named after this topic could not be told apart, or readers would skip them.
pub(crate) fn check_topic(topic: &str) -> Result<()> {
    if topic.starts_with(['_', '.']) {
        return Err(Error::config(format!(
            "files are named after the topic, and readers skip names that begin with `_` or `.`: rename the topic `{topic}`"
        )));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if topic.is_empty() || !topic.chars().all(legal) {
        return Err(Error::config(format!(
            "files are named after the topic: `{topic}` holds more than ASCII letters, digits, `.`, `_` and `-`"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_range_and_is_recognised_by_it_alone() {
        let partition = TopicPartition::new("stocks.daily", 3);
        let range =
            |end, revision| PlannedRange { offsets: OffsetRange::new(42, end), at: Timestamp::UNIX_EPOCH, revision };
        for (revision, expected) in [
            (0, "stocks.daily+3+00000000000000000042-1000.json.gz"),
            (1, "stocks.daily+3+00000000000000000042-1000+1.json.gz"),
        ] {
            let name = object_name(&partition, &range(1000, revision), ".json.gz");
            assert_eq!(name, expected);
            assert!(is_of_range(&name, &partition, &range(1000, revision)) && is_of_topic(&name, "stocks.daily"));
            assert!(!is_of_range(&name, &partition, &range(100, revision)));
            assert!(!is_of_range(&name, &partition, &range(1000, 1 - revision)));
            assert!(!is_of_range(&name, &TopicPartition::new("stocks.daily", 30), &range(1000, revision)));
            assert!(!is_of_topic(&name, "stocks"));
            let (offsets, partition) = (OffsetRange::new(42, 1000), partition.clone());
            let named = NamedRange { partition, offsets, revision, extension: ".json.gz" };
            assert_eq!(range_of(&name, "stocks.daily"), Some(named));
        }
    }

    #[test]
    fn what_others_put_there_is_not_ours() {
        for name in [
            "t+0+0-1.parquet",
            "t+0+00000000000000000000-.parquet",
            "t+0+00000000000000000000-1.csv",
            "t+0+00000000000000000000-1.parquet.crc",
            "t+x+00000000000000000000-1.parquet",
            "t+0+00000000000000000000-1+.parquet",
            "t+0+00000000000000000000-1+2+3.parquet",
            "t+0+00000000000000000000-1+0.parquet",
            "t+00+00000000000000000000-1.parquet",
            "t+0+00000000000000000000-01.parquet",
            "t.parquet",
            "_t+0+00000000000000000000-1.parquet",
        ] {
            assert!(!is_of_topic(name, "t"), "{name}");
        }
    }
}
