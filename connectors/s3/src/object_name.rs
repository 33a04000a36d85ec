//! The names of files.

use pipeline_api::{Error, OffsetRange, Result, TopicPartition};

/// The endings that our files have had under any config.
const EXTENSIONS: [&str; 4] = [".parquet", ".json", ".json.gz", ".json.zst"];

/// `<topic>+<partition>+<start, 20 digits>-<end><extension>`: it follows from the range alone, so that the same flush
/// again replaces the file, and names sort by offset.
pub(crate) fn object_name(partition: &TopicPartition, offsets: OffsetRange, extension: &str) -> String {
    format!("{}{extension}", stem(partition, offsets))
}

fn stem(partition: &TopicPartition, offsets: OffsetRange) -> String {
    format!("{partition}+{:020}-{}", offsets.start, offsets.end)
}

/// The length of the longest name that a topic's files can have.
pub(crate) fn longest_name(topic: &str) -> usize {
    let last = OffsetRange::new(i64::MAX, i64::MAX);
    object_name(&TopicPartition::new(topic, i32::MAX), last, ".json.zst").len()
}

/// Whether a file of this name is ours, for exactly this range, under any config.
pub(crate) fn is_of_range(name: &str, partition: &TopicPartition, offsets: OffsetRange) -> bool {
    name.strip_prefix(&stem(partition, offsets)).is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// Whether a file of this name is ours, for this topic, under any config.
pub(crate) fn is_of_topic(name: &str, topic: &str) -> bool {
    let Some(rest) = name.strip_prefix(topic).and_then(|rest| rest.strip_prefix('+')) else { return false };
    let Some((partition, rest)) = rest.split_once('+') else { return false };
    let Some((start, rest)) = rest.split_once('-') else { return false };
    let end = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(partition) && start.len() == 20 && digits(start) && end.len() < rest.len() && EXTENSIONS.contains(&end)
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
        let offsets = OffsetRange::new(42, 1000);
        let name = object_name(&partition, offsets, ".json.gz");
        assert_eq!(name, "stocks.daily+3+00000000000000000042-1000.json.gz");
        assert!(is_of_range(&name, &partition, offsets) && is_of_topic(&name, "stocks.daily"));
        assert!(!is_of_range(&name, &partition, OffsetRange::new(42, 100)));
        assert!(!is_of_range(&name, &TopicPartition::new("stocks.daily", 30), offsets));
        assert!(!is_of_topic(&name, "stocks"));
    }

    #[test]
    fn what_others_put_there_is_not_ours() {
        for name in [
            "t+0+0-1.parquet",
            "t+0+00000000000000000000-.parquet",
            "t+0+00000000000000000000-1.csv",
            "t+0+00000000000000000000-1.parquet.crc",
            "t+x+00000000000000000000-1.parquet",
            "t.parquet",
            "_t+0+00000000000000000000-1.parquet",
        ] {
            assert!(!is_of_topic(name, "t"), "{name}");
        }
    }
}
