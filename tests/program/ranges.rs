//! The offsets that the names of files claim, against what is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::EmbeddedSettings;
use pipeline_runtime::broker::Broker;

use crate::support::Project;

/// Start and end of ranges, by partition.
pub(crate) type Ranges = BTreeMap<i32, BTreeSet<(i64, i64)>>;

/// The range of each file's name. A name that holds none is no file of a sink.
pub(crate) fn of_files(project: &Project, folder: &str) -> Ranges {
    let mut ranges = Ranges::new();
    for file in project.files(folder) {
        let (partition, range) = parse(&file).unwrap_or_else(|| panic!("no offset names {}", file.display()));
        ranges.entry(partition).or_default().insert(range);
    }
    ranges
}

/// `<topic>+<partition>+<start>-<end>.<extension>`, with `+<revision>` behind the end where the file was changed meanwhile.
fn parse(file: &Path) -> Option<(i32, (i64, i64))> {
    let name = file.file_name()?.to_str()?;
    let (stem, extension) = name.split_once('.')?;
    let mut parts = stem.split('+').skip(1);
    let partition = parts.next()?.parse().ok()?;
    let (start, end) = parts.next()?.split_once('-')?;
    let known = ["parquet", "json", "json.gz", "json.zst"].contains(&extension);
    known.then_some((partition, (start.parse().ok()?, end.parse().ok()?)))
}

/// Asserts that the files below a folder are those of ranges that tile each partition, from its first offset to the one
/// that the sink has committed, and that this is the end of the topic.
#[track_caller]
pub(crate) fn assert_tiled(project: &Project, folder: &str, store: &str, group: &str, topic: &str) {
    if let Some(fault) = fault(of_files(project, folder), &committed(project, store, group, topic)) {
        panic!("{folder}: {fault}");
    }
}

/// Where ranges do not tile their partitions up to these offsets.
fn fault(mut ranges: Ranges, committed: &[i64]) -> Option<String> {
    for (partition, committed) in (0..).zip(committed) {
        let mut next = 0;
        for (start, end) in ranges.remove(&partition).unwrap_or_default() {
            if start != next {
                return Some(format!("partition {partition} has files up to {next}, and then from {start}"));
            }
            next = end;
        }
        if next != *committed {
            return Some(format!("partition {partition} has files up to {next}, and {committed} is committed"));
        }
    }
    (!ranges.is_empty()).then(|| format!("files of partitions that are not there: {ranges:?}"))
}

/// What a group has committed as the next offset to read, by partition.
fn committed(project: &Project, store: &str, group: &str, topic: &str) -> Vec<i64> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let settings = EmbeddedSettings { path: Some(project.path(store)), retention: "1GiB".parse().unwrap() };
        let broker = EmbeddedBroker::open(&settings).unwrap();
        let ends = broker.bounds(topic).await.unwrap().into_iter().map(|bounds| bounds.end);
        let committed = broker.committed(group, topic).await.unwrap().into_iter();
        let committed: Vec<i64> =
            committed.map(|committed| committed.map_or(0, |committed| committed.offset)).collect();
        assert_eq!(committed, ends.collect::<Vec<_>>(), "{group}");
        committed
    })
}

#[test]
fn gaps_overlaps_and_ends_that_nobody_committed_are_found() {
    let of = |ranges: &[(i64, i64)]| Ranges::from([(0, ranges.iter().copied().collect())]);
    assert_eq!(fault(of(&[(0, 5), (5, 7)]), &[7]), None);
    assert_eq!(fault(Ranges::new(), &[0, 0]), None);
    for (ranges, committed) in [
        (of(&[(0, 5), (6, 7)]), &[7][..]),
        (of(&[(0, 5), (4, 7)]), &[7]),
        (of(&[(0, 5), (0, 7)]), &[7]),
        (of(&[(1, 7)]), &[7]),
        (of(&[(0, 5)]), &[7]),
        (of(&[(0, 9)]), &[7]),
        (of(&[(0, 7)]), &[]),
    ] {
        assert!(fault(ranges.clone(), committed).is_some(), "{ranges:?}");
    }
}

#[test]
fn a_name_says_its_range_or_is_none_of_a_sink() {
    let name = |name: &str| parse(Path::new(name));
    assert_eq!(name("out/k=a/t.x+3+00000000000000000005-7.json.gz"), None);
    assert_eq!(name("out/k=a/t+3+00000000000000000005-7.json.gz"), Some((3, (5, 7))));
    for wrong in ["t+0+00000000000000000000-5.json#1", "t+0+00000000000000000000-5.csv", "readme.json", ".json"] {
        assert_eq!(name(wrong), None, "{wrong}");
    }
}
