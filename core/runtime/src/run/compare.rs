//! The ranges of a partition that files name, against what is committed and planned.

use std::fmt;

use pipeline_api::{OffsetRange, Unreached};

use super::offsets::{PartitionOffsets, PlannedUnder};
use super::reconcile::length;

/// What one flush left of one partition, as its names say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FlushedRange {
    offsets: OffsetRange,
    revision: u32,
    /// Where its files are.
    urls: Vec<String>,
    /// The rows in them; `None` if they are not known of each.
    rows: Option<u64>,
    /// The rows that the flush left, as the files say, if they do.
    flushed: Option<u64>,
}

impl FlushedRange {
    pub(super) fn new(offsets: OffsetRange, revision: u32) -> Self {
        Self { offsets, revision, urls: Vec::new(), rows: Some(0), flushed: None }
    }

    /// One more file of it.
    pub(super) fn add(&mut self, url: String, rows: Option<u64>, flushed: Option<u64>) {
        self.urls.push(url);
        self.rows = self.rows.zip(rows).map(|(sum, rows)| sum + rows);
        self.flushed = self.flushed.max(flushed);
    }
}

/// Something that does not fit, or that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// No file names these offsets, and they are committed.
    Hole {
        /// The partition.
        partition: i32,
        /// The offsets.
        offsets: OffsetRange,
        /// Why that may be right.
        why_no_row: Option<String>,
    },
    /// Two flushes name the same offsets.
    Overlap {
        /// The partition.
        partition: i32,
        /// The offsets that both name.
        shared: OffsetRange,
        /// The files of each of them.
        files: [Vec<String>; 2],
    },
    /// Files name offsets that are neither committed nor planned.
    Beyond {
        /// The partition.
        partition: i32,
        /// The offsets that they name.
        offsets: OffsetRange,
        /// What is committed.
        committed: Option<i64>,
        /// The files.
        files: Vec<String>,
    },
    /// A flush was under way, or is.
    Planned {
        /// The partition.
        partition: i32,
        /// The planned offsets.
        offsets: OffsetRange,
        /// The files of it that are there.
        files: Vec<String>,
        /// Which file it was planned under.
        file: PlannedUnder,
    },
    /// Files of one flush hold more rows than it had offsets.
    MoreRows {
        /// The partition.
        partition: i32,
        /// The offsets.
        offsets: OffsetRange,
        /// The rows in them.
        rows: u64,
        /// The files.
        files: Vec<String>,
    },
    /// Files of one flush hold fewer rows than it had offsets, and none could be dropped.
    FewerRows {
        /// The partition.
        partition: i32,
        /// The offsets.
        offsets: OffsetRange,
        /// The rows in them.
        rows: u64,
        /// The files.
        files: Vec<String>,
    },
    /// Files of one flush hold another number of rows than it left: one of several is missing, or there twice.
    OtherRows {
        /// The partition.
        partition: i32,
        /// The offsets.
        offsets: OffsetRange,
        /// The rows in them.
        rows: u64,
        /// The rows that the flush left.
        flushed: u64,
        /// The files.
        files: Vec<String>,
    },
    /// Flushes hold fewer rows than they had offsets, which may be right.
    RowsLeftOut {
        /// The partition.
        partition: i32,
        /// How many flushes.
        ranges: usize,
        /// How many rows they hold fewer than they had offsets.
        rows: u64,
        /// Why that may be right.
        why_no_row: String,
    },
    /// A run would stop at this partition.
    Trouble {
        /// The partition.
        partition: i32,
        /// Why.
        why: String,
    },
    /// A file of somebody else.
    Foreign {
        /// Its address.
        url: String,
        /// Its size.
        bytes: u64,
    },
    /// A file cannot be read, or holds nothing.
    Unreadable {
        /// Its address.
        url: String,
        /// Why.
        why: String,
    },
    /// A file names a partition that is not there.
    NoPartition {
        /// Its address.
        url: String,
        /// The partition.
        partition: i32,
    },
    /// Readers of a table do not find these files.
    Unreached(Unreached),
}

/// Compares the files of a partition, in the order of their ranges, with what was committed before they were listed and is
/// committed and planned after.
pub(super) fn compare(
    partition: i32,
    before: &PartitionOffsets,
    after: &PartitionOffsets,
    flushed: &[FlushedRange],
    why_no_row: Option<&str>,
) -> Vec<Difference> {
    let trouble = after.trouble.clone().map(|why| Difference::Trouble { partition, why });
    let mut differences: Vec<Difference> = trouble.into_iter().collect();
    let planned = after.planned.as_ref().map(|planned| (planned.range.offsets, planned.range.revision));
    let is_planned = |range: &&FlushedRange| Some((range.offsets, range.revision)) == planned;
    let committed = after.committed.unwrap_or(i64::MIN);
    // Somebody has removed it meanwhile, because the file was changed since it was planned.
    let removed = before.planned.filter(|planned| planned.file == PlannedUnder::AnotherFile);
    let removed = removed.map(|removed| (removed.range.offsets, removed.range.revision)).filter(|_| after != before);
    let flushed =
        || flushed.iter().filter(|range| Some((range.offsets, range.revision)) != removed || is_planned(range));
    for range in flushed().filter(|range| range.offsets.end > committed && !is_planned(range)) {
        let (offsets, files) = (range.offsets, range.urls.clone());
        differences.push(Difference::Beyond { partition, offsets, committed: after.committed, files });
    }
    let reaching: Vec<&FlushedRange> = flushed().filter(|range| range.offsets.start < committed).collect();
    differences.extend(overlaps(partition, &reaching));
    differences.extend(holes(before, &reaching).into_iter().map(|offsets| {
        let why_no_row = why_no_row.map(str::to_owned);
        Difference::Hole { partition, offsets, why_no_row }
    }));
    // Of what was committed meanwhile some files may have been written behind the listing.
    let whole = before.committed.unwrap_or(i64::MIN);
    differences.extend(rows(partition, reaching.into_iter().filter(|range| range.offsets.end <= whole), why_no_row));
    if let Some(planned) = &after.planned {
        let files = flushed().filter(is_planned).flat_map(|range| range.urls.clone()).collect();
        let (offsets, file) = (planned.range.offsets, planned.file);
        differences.push(Difference::Planned { partition, offsets, files, file });
    }
    differences
}

fn overlaps(partition: i32, flushed: &[&FlushedRange]) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut furthest: Option<&FlushedRange> = None;
    for range in flushed {
        if let Some(earlier) = furthest.filter(|earlier| range.offsets.start < earlier.offsets.end) {
            let shared = OffsetRange::new(range.offsets.start, range.offsets.end.min(earlier.offsets.end));
            found.push(Difference::Overlap { partition, shared, files: [earlier.urls.clone(), range.urls.clone()] });
        }
        if furthest.is_none_or(|earlier| range.offsets.end > earlier.offsets.end) {
            furthest = Some(range);
        }
    }
    found
}

/// The committed offsets that no range covers. A sink starts at the oldest record that the topic holds then, so none is
/// missing before the first range and before what the topic holds today.
fn holes(known: &PartitionOffsets, flushed: &[&FlushedRange]) -> Vec<OffsetRange> {
    let Some(committed) = known.committed else { return Vec::new() };
    let mut next = flushed.first().map_or(known.holds.start, |first| first.offsets.start.min(known.holds.start));
    let mut holes = Vec::new();
    let end = OffsetRange::new(committed, committed);
    for range in flushed.iter().map(|range| range.offsets).chain([end]) {
        let hole = OffsetRange::new(next, range.start.min(committed));
        if !hole.is_empty() {
            holes.push(hole);
        }
        next = next.max(range.end);
    }
    holes
}

fn rows<'a>(
    partition: i32,
    flushed: impl Iterator<Item = &'a FlushedRange>,
    why_no_row: Option<&str>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let (mut ranges, mut left_out) = (0, 0);
    for range in flushed {
        let Some(rows) = range.rows else { continue };
        let (offsets, files) = (range.offsets, range.urls.clone());
        if let Some(flushed) = range.flushed.filter(|flushed| *flushed != rows) {
            found.push(Difference::OtherRows { partition, offsets, rows, flushed, files });
            continue;
        }
        match (rows.cmp(&length(offsets)), why_no_row) {
            (std::cmp::Ordering::Equal, _) => {}
            (std::cmp::Ordering::Greater, _) => {
                found.push(Difference::MoreRows { partition, offsets, rows, files });
            }
            (std::cmp::Ordering::Less, None) => {
                found.push(Difference::FewerRows { partition, offsets, rows, files });
            }
            (std::cmp::Ordering::Less, Some(_)) => {
                ranges += 1;
                left_out += length(offsets) - rows;
            }
        }
    }
    if let (Some(why), 1..) = (why_no_row, ranges) {
        let why_no_row = why.to_owned();
        found.push(Difference::RowsLeftOut { partition, ranges, rows: left_out, why_no_row });
    }
    found
}

impl Difference {
    /// Whether something is wrong.
    pub fn is_error(&self) -> bool {
        match self {
            Self::Planned { .. } | Self::RowsLeftOut { .. } => false,
            Self::Hole { why_no_row, .. } => why_no_row.is_none(),
            _ => true,
        }
    }

    /// Which kind of difference it is, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Hole { .. } => "hole",
            Self::Overlap { .. } => "overlap",
            Self::Beyond { .. } => "beyond",
            Self::Planned { .. } => "planned",
            Self::MoreRows { .. } => "more_rows",
            Self::FewerRows { .. } => "fewer_rows",
            Self::OtherRows { .. } => "other_rows",
            Self::RowsLeftOut { .. } => "rows_left_out",
            Self::Trouble { .. } => "trouble",
            Self::Foreign { .. } => "foreign",
            Self::Unreadable { .. } => "unreadable",
            Self::NoPartition { .. } => "no_partition",
            Self::Unreached(_) => "unreached",
        }
    }

    /// The files that it is about, all of them.
    pub fn files(&self) -> Vec<&str> {
        let urls: Vec<&String> = match self {
            Self::Hole { .. } | Self::RowsLeftOut { .. } | Self::Trouble { .. } => Vec::new(),
            Self::Overlap { files, .. } => files.iter().flatten().collect(),
            Self::Beyond { files, .. }
            | Self::Planned { files, .. }
            | Self::MoreRows { files, .. }
            | Self::FewerRows { files, .. }
            | Self::OtherRows { files, .. }
            | Self::Unreached(Unreached { urls: files, .. }) => files.iter().collect(),
            Self::Foreign { url, .. } | Self::Unreadable { url, .. } | Self::NoPartition { url, .. } => vec![url],
        };
        urls.into_iter().map(String::as_str).collect()
    }

    /// The offsets that it is about, if it is about some.
    pub fn offsets(&self) -> Option<OffsetRange> {
        match self {
            Self::Hole { offsets, .. }
            | Self::Overlap { shared: offsets, .. }
            | Self::Beyond { offsets, .. }
            | Self::Planned { offsets, .. }
            | Self::MoreRows { offsets, .. }
            | Self::FewerRows { offsets, .. }
            | Self::OtherRows { offsets, .. } => Some(*offsets),
            Self::RowsLeftOut { .. }
            | Self::Trouble { .. }
            | Self::Foreign { .. }
            | Self::Unreadable { .. }
            | Self::NoPartition { .. }
            | Self::Unreached(_) => None,
        }
    }

    /// The partition that it is about, if it is about one.
    pub fn partition(&self) -> Option<i32> {
        match self {
            Self::Hole { partition, .. }
            | Self::Overlap { partition, .. }
            | Self::Beyond { partition, .. }
            | Self::Planned { partition, .. }
            | Self::MoreRows { partition, .. }
            | Self::FewerRows { partition, .. }
            | Self::OtherRows { partition, .. }
            | Self::RowsLeftOut { partition, .. }
            | Self::Trouble { partition, .. } => Some(*partition),
            Self::Foreign { .. } | Self::Unreadable { .. } | Self::NoPartition { .. } | Self::Unreached(_) => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hole { offsets, why_no_row: None, .. } => {
                write!(f, "{offsets} is committed, and no file names it: records are missing")
            }
            Self::Hole { offsets, why_no_row: Some(why), .. } => {
                write!(f, "{offsets} is committed, and no file names it: right only if it holds no row ({why})")
            }
            Self::Overlap { shared, files: [one, other], .. } => {
                write!(f, "{shared} is there twice: in {} and in {}", Place(one), Place(other))
            }
            Self::Beyond { offsets, committed: Some(committed), files, .. } => write!(
                f,
                "{} names {offsets}, which is not planned, and only what is below {committed} is committed",
                Place(files)
            ),
            Self::Beyond { offsets, committed: None, files, .. } => {
                write!(f, "{} names {offsets}, which is not planned, and nothing is committed", Place(files))
            }
            Self::Planned { offsets, files, file, .. } => {
                let then = match file {
                    PlannedUnder::ThisFile => "finishes it",
                    PlannedUnder::AnotherFile => "removes them and begins anew, because the pipeline file was changed",
                };
                let there = if files.len() == 1 {
                    "1 file of it is there".to_owned()
                } else {
                    format!("{} files of it are there", files.len())
                };
                write!(f, "{offsets} is planned, and {there}: whoever runs now, or the next run, {then}")
            }
            Self::MoreRows { offsets, rows, files, .. } => {
                write!(
                    f,
                    "{offsets} has {} offsets, and {rows} rows, so that some are doubled: {}",
                    length(*offsets),
                    Place(files)
                )
            }
            Self::FewerRows { offsets, rows, files, .. } => {
                write!(f, "{offsets} has {} offsets, and only {rows} rows: {}", length(*offsets), Place(files))
            }
            Self::OtherRows { offsets, rows, flushed, files, .. } => {
                let (only, what) = match rows < flushed {
                    true => ("only ", "a file of it is missing"),
                    false => ("", "some are doubled"),
                };
                write!(
                    f,
                    "{offsets} was flushed as {flushed} rows, and {only}{rows} are there, so that {what}: {}",
                    Place(files)
                )
            }
            Self::RowsLeftOut { ranges, rows, why_no_row, .. } => {
                write!(f, "{rows} offsets of {ranges} flushes have left no row ({why_no_row})")
            }
            Self::Trouble { why, .. } => write!(f, "a run stops here: {why}"),
            Self::Foreign { url, bytes } => {
                write!(f, "{url} ({bytes} bytes) is no file of this sink, and readers take it for data")
            }
            Self::Unreadable { url, why } => write!(f, "{url}: {why}"),
            Self::NoPartition { url, partition } => {
                write!(f, "{url}: its name says partition {partition}, which the topic does not have")
            }
            Self::Unreached(Unreached { urls, why }) => write!(f, "{} is found by no reader: {why}", Place(urls)),
        }
    }
}

/// The first of some files, and how many there are besides.
struct Place<'a>(&'a [String]);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("no file"),
            [url] => f.write_str(url),
            [url, more @ ..] => write!(f, "{url} and {} more", more.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Committed;

    const HOLDS: OffsetRange = OffsetRange { start: 0, end: 100 };

    fn known(committed: i64, note: &str) -> PartitionOffsets {
        let committed = Committed { offset: committed, metadata: format!("v1;topic=a{note}") };
        PartitionOffsets::new(HOLDS, Some(&committed), "a", "c")
    }

    /// Ranges with as many rows as offsets, each in a file of its own.
    fn files(ranges: &[(i64, i64)]) -> Vec<FlushedRange> {
        let file = |(start, end): &(i64, i64)| with_rows(*start, *end, Some((end - start) as u64));
        ranges.iter().map(file).collect()
    }

    fn with_rows(start: i64, end: i64, rows: Option<u64>) -> FlushedRange {
        let mut range = FlushedRange::new(OffsetRange::new(start, end), 0);
        range.add(format!("f{start}-{end}"), rows, None);
        range
    }

    fn told(now: &PartitionOffsets, files: &[FlushedRange], why_no_row: Option<&str>) -> Vec<String> {
        let line =
            |difference: Difference| format!("{}{difference}", if difference.is_error() { "" } else { "note: " });
        compare(0, now, now, files, why_no_row).into_iter().map(line).collect()
    }

    #[test]
    fn ranges_that_tile_what_is_committed_are_right() {
        assert_eq!(told(&known(20, ""), &files(&[(0, 5), (5, 20)]), None), [""; 0]);
        assert_eq!(told(&known(0, ""), &[], None), [""; 0]);
        let never = PartitionOffsets::new(HOLDS, None, "a", "c");
        assert_eq!(told(&never, &[], None), [""; 0]);
    }

    #[test]
    fn a_hole_is_found_wherever_it_is() {
        for (ranges, hole) in [
            (&[(5, 20)][..], "0..5"),
            (&[(0, 5), (9, 20)], "5..9"),
            (&[(0, 9), (2, 4), (11, 20)], "9..11"),
            (&[(0, 19)], "19..20"),
            (&[], "0..20"),
        ] {
            let told = told(&known(20, ""), &files(ranges), None);
            let expected = format!("{hole} is committed, and no file names it: ");
            assert!(told.iter().any(|line| line.starts_with(&expected)), "{told:?}");
        }
    }

    #[test]
    fn a_hole_may_be_right_where_an_offset_may_leave_no_row() {
        let told = told(&known(20, ""), &files(&[(0, 5), (9, 20)]), Some("it drops"));
        assert_eq!(told, ["note: 5..9 is committed, and no file names it: right only if it holds no row (it drops)"]);
    }

    #[test]
    fn what_the_topic_has_forgotten_is_missed_only_behind_the_first_file() {
        let mut known = known(20, "");
        known.holds.start = 15;
        assert_eq!(told(&known, &files(&[(10, 20)]), None), [""; 0]);
        assert_eq!(told(&known, &files(&[(10, 12), (13, 20)]), None).len(), 1);
        assert_eq!(told(&known, &files(&[(16, 20)]), None).len(), 1);
        known.holds.start = 20;
        assert_eq!(told(&known, &[], None), [""; 0]);
    }

    #[test]
    fn ranges_that_share_offsets_are_named_both() {
        let twice = |ranges: &[(i64, i64)]| told(&known(20, ""), &files(ranges), None);
        assert_eq!(twice(&[(0, 12), (10, 20)]), ["10..12 is there twice: in f0-12 and in f10-20"]);
        assert_eq!(twice(&[(0, 20), (3, 5)]), ["3..5 is there twice: in f0-20 and in f3-5"]);
        assert_eq!(twice(&[(0, 5), (0, 20)]), ["0..5 is there twice: in f0-5 and in f0-20"]);
        let mut again = files(&[(0, 20), (0, 20)]);
        again[1].revision = 1;
        assert_eq!(told(&known(20, ""), &again, None), ["0..20 is there twice: in f0-20 and in f0-20"]);
    }

    #[test]
    fn a_range_beyond_what_is_committed_is_wrong_unless_it_is_planned() {
        let beyond = |now: &PartitionOffsets| told(now, &files(&[(0, 20), (20, 30)]), None);
        let expected = "f20-30 names 20..30, which is not planned, and only what is below 20 is committed";
        assert_eq!(beyond(&known(20, "")), [expected]);
        let planned = beyond(&known(20, ";end=30;at=1;cfg=c"));
        assert_eq!(
            planned,
            ["note: 20..30 is planned, and 1 file of it is there: whoever runs now, or the next run, finishes it"]
        );
        for other in [";end=31;at=1;cfg=c", ";end=30;at=1;cfg=c;rev=1"] {
            let told = beyond(&known(20, other));
            assert_eq!(told[0], expected, "{other}");
            assert!(told[1].contains("0 files of it are there"), "{told:?}");
        }
        assert!(beyond(&known(20, ";end=30;at=1;cfg=d"))[0].contains("removes them and begins anew"));
        let never = PartitionOffsets::new(HOLDS, None, "a", "c");
        assert!(told(&never, &files(&[(0, 20)]), None)[0].ends_with("nothing is committed"));
        let across = told(&known(20, ""), &files(&[(0, 25)]), None);
        assert_eq!(across, ["f0-25 names 0..25, which is not planned, and only what is below 20 is committed"]);
    }

    #[test]
    fn what_a_running_sink_does_meanwhile_is_right() {
        let (before, after) = (known(20, ";end=30;at=1;cfg=c"), known(30, ";end=40;at=1;cfg=c"));
        for found in [&[(0, 20)][..], &[(0, 20), (20, 30)], &[(0, 20), (20, 30), (30, 40)]] {
            let told = compare(0, &before, &after, &files(found), None);
            assert!(told.iter().all(|difference| !difference.is_error()), "{found:?}: {told:?}");
        }
    }

    #[test]
    fn rows_that_do_not_add_up_are_told_with_the_numbers() {
        let told = |rows, why| told(&known(20, ""), &[with_rows(0, 20, rows)], why);
        assert_eq!(told(Some(21), None), ["0..20 has 20 offsets, and 21 rows, so that some are doubled: f0-20"]);
        assert_eq!(told(Some(21), Some("it drops")).len(), 1);
        assert_eq!(told(Some(19), None), ["0..20 has 20 offsets, and only 19 rows: f0-20"]);
        assert_eq!(told(Some(19), Some("it drops")), ["note: 1 offsets of 1 flushes have left no row (it drops)"]);
        assert_eq!(told(None, None), [""; 0]);
    }

    #[test]
    fn rows_of_a_range_that_is_being_written_are_not_held_against_it() {
        let now = known(20, ";end=30;at=1;cfg=c");
        let told = told(&now, &[with_rows(0, 20, Some(20)), with_rows(20, 30, Some(4))], None);
        assert!(told.len() == 1 && told[0].starts_with("note: 20..30 is planned"), "{told:?}");
    }

    #[test]
    fn what_a_run_of_a_changed_file_has_removed_since_it_was_listed_is_right() {
        let before = known(20, ";end=30;at=1;cfg=old");
        let found = files(&[(0, 20), (20, 30)]);
        for after in [known(20, ""), known(20, ";end=28;at=2;cfg=c;rev=1"), known(28, "")] {
            let told = compare(0, &before, &after, &found, None);
            assert!(told.iter().all(|difference| !difference.is_error()), "{told:?}");
        }
        assert!(compare(0, &known(20, ""), &known(20, ""), &found, None)[0].is_error());
    }

    #[test]
    fn rows_of_a_range_that_was_committed_behind_the_listing_are_not_held_against_it() {
        let (before, after) = (known(20, ";end=30;at=1;cfg=c"), known(30, ""));
        let files = [with_rows(0, 20, Some(20)), with_rows(20, 30, Some(4))];
        assert_eq!(compare(0, &before, &after, &files, None), []);
        assert_eq!(compare(0, &after, &after, &files, None).len(), 1);
    }

    #[test]
    fn what_a_flush_has_left_is_held_against_what_its_files_say_of_it() {
        let told = |rows, flushed, why| {
            let mut range = with_rows(0, 20, Some(rows));
            range.add("g".to_owned(), Some(0), Some(flushed));
            told(&known(20, ""), &[range], why)
        };
        for why in [None, Some("it drops")] {
            let missing =
                "0..20 was flushed as 18 rows, and only 8 are there, so that a file of it is missing: f0-20 and 1 more";
            assert_eq!(told(8, 18, why), [missing]);
            let doubled = "0..20 was flushed as 18 rows, and 19 are there, so that some are doubled: f0-20 and 1 more";
            assert_eq!(told(19, 18, why), [doubled]);
        }
        assert_eq!(told(18, 18, None), ["0..20 has 20 offsets, and only 18 rows: f0-20 and 1 more"]);
        assert_eq!(told(18, 18, Some("it drops")), ["note: 2 offsets of 1 flushes have left no row (it drops)"]);
        assert_eq!(told(20, 20, None), [""; 0]);
    }

    #[test]
    fn what_a_run_would_stop_at_is_an_error() {
        let mut gone = known(4, "");
        gone.holds.start = 6;
        let gone = PartitionOffsets { trouble: Some("records 4..6 are gone".to_owned()), ..gone };
        assert_eq!(told(&gone, &files(&[(0, 4)]), None), ["a run stops here: records 4..6 are gone"]);
    }
}
