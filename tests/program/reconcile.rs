//! `pipeline reconcile`: what it finds wrong with what the sinks have left, and what it leaves alone.

use std::fs;
use std::path::PathBuf;

use crate::support::{Ended, Project, Started, TICKS_TOPIC, becomes_true};

/// Of each file that is read.
const RECORDS: usize = 400;

/// A file for each partition that was flushed, and for each half of it.
const NUMBERS: &str = "\
name: numbers
sources:
  - type: csv
    config: { path: data }
topic: { name: numbers, partitions: 3, key: n, schema: { n: bigint not null, half: string not null } }
sinks:
  - name: lake
    type: s3_parquet
    config: { url: out/lake, partition_by: [half] }
  - name: lines
    type: s3_json
    config: { url: out/lines, compression: gzip }
embedded: { path: store }
";

fn numbers() -> Project {
    let project = Project::new(NUMBERS);
    add_file(&project, 0);
    project
}

fn add_file(project: &Project, number: usize) {
    let half = |n| if n % 2 == 0 { "even" } else { "odd" };
    let numbers = number * RECORDS..(number + 1) * RECORDS;
    let rows: String = numbers.map(|n| format!("{n},{}\n", half(n))).collect();
    project.write(&format!("data/{number}.csv"), format!("n,half\n{rows}"));
}

/// The same after three runs, each of which has left at least one range of each partition.
fn complete(project: Project) -> Project {
    for number in 0..3 {
        add_file(&project, number);
        project.run(&[]).with_code(0);
    }
    project
}

fn reconcile(project: &Project, arguments: &[&str]) -> Ended {
    project.call(&[&["reconcile", "pipeline.yaml"], arguments].concat())
}

/// The only line that calls something wrong.
#[track_caller]
fn the_error(ended: &Ended) -> String {
    let wrong: Vec<&str> = ended.out.lines().filter(|line| line.starts_with("wrong: ")).collect();
    let [line] = wrong.as_slice() else { panic!("not one error in\n{}{}", ended.out, ended.err) };
    (*line).to_owned()
}

/// The files of a sink's partition, by their ranges.
fn files_of(project: &Project, sink: &str, partition: i32) -> Vec<PathBuf> {
    let name = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files = project.files(&format!("out/{sink}"));
    files.retain(|file| name(file).starts_with(&format!("numbers+{partition}+")));
    files.sort_by_key(name);
    files
}

/// Start and end in the name of a file.
fn range_of(file: &std::path::Path) -> (u64, u64) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let (start, rest) = name.rsplit_once('+').unwrap().1.split_once('-').unwrap();
    (start.parse().unwrap(), rest.split_once('.').unwrap().0.parse().unwrap())
}

#[test]
fn what_a_complete_run_has_left_is_complete() {
    for project in [complete(numbers()), complete(numbers().on_s3())] {
        let files = project.files("out").len();
        let [lake, lines] = ["lake", "lines"].map(|sink| project.files(&format!("out/{sink}")).len());
        assert!(lake >= 18 && lines >= 9, "{lake} and {lines} files");
        let told = reconcile(&project, &[]).with_code(0);
        let told = told.saying(&format!("lake: {lake} files, 1,200 records, 3 partitions up to 0:"));
        let told = told.saying(&format!("lines: {lines} files, 1,200 offsets, 3 partitions up to 0:"));
        assert_eq!(told.out.lines().filter(|line| line.ends_with(": complete")).count(), 2, "{}", told.out);
        assert_eq!((told.out.lines().count(), told.err.as_str()), (2, ""), "{}", told.out);
        let counted = reconcile(&project, &["--rows"]).with_code(0);
        counted.saying(&format!("lines: {lines} files, 1,200 records, 3 partitions up to 0:"));
        assert_eq!(project.files("out").len(), files);
        project.run(&[]).with_code(0).saying("Nothing new");
    }
}

#[test]
fn a_missing_file_is_named_by_what_it_held() {
    let project = complete(numbers());
    let files = files_of(&project, "lines", 1);
    for file in [&files[0], &files[1], &files[files.len() - 1]] {
        let bytes = fs::read(file).unwrap();
        fs::remove_file(file).unwrap();
        let (start, end) = range_of(file);
        let told = reconcile(&project, &[]).with_code(1).complaining("1 thing is wrong");
        let expected =
            format!("wrong: lines/1: {start}..{end} is committed, and no file names it: records are missing");
        assert!(the_error(&told).starts_with(&expected), "{}", told.out);
        fs::write(file, bytes).unwrap();
    }
    // One of two files of a range: its name is still there, but not its rows.
    let file = &files_of(&project, "lake", 2)[0];
    let (start, end) = range_of(file);
    fs::remove_file(file).unwrap();
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    assert!(
        told.starts_with(&format!("wrong: lake/2: {start}..{end} has {} offsets, and only ", end - start)),
        "{told}"
    );
    fs::remove_dir_all(project.path("out/lake")).unwrap();
    let told = reconcile(&project, &[]).with_code(1).complaining("3 things are wrong");
    told.saying("lake: 0 files, 0 records, 3 partitions up to 0:");
    assert!(!project.path("out/lake").exists());
}

#[test]
fn a_copy_under_another_name_is_named_with_what_it_doubles() {
    let project = complete(numbers());
    let file = &files_of(&project, "lines", 0)[1];
    let (start, end) = range_of(file);
    let copy = file.with_file_name(format!("numbers+0+{:020}-{}.json.gz", start, end - 1));
    fs::copy(file, &copy).unwrap();
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    assert!(told.starts_with(&format!("wrong: lines/0: {start}..{} is there twice: in file://", end - 1)), "{told}");
    for name in [&copy, file].map(|file| file.file_name().unwrap().to_str().unwrap()) {
        assert!(told.contains(name), "{told}");
    }
    // Its rows are more than the name says.
    let told = reconcile(&project, &["--rows"]).with_code(1).complaining("2 things are wrong");
    told.saying(&format!(
        "has {} offsets, and {} rows, so that some are doubled: file://",
        end - start - 1,
        end - start
    ));
    // Beyond what is committed.
    let beyond = file.with_file_name(format!("numbers+0+{:020}-{}.json.gz", 5000, 5000 + end - start));
    fs::rename(&copy, &beyond).unwrap();
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    assert!(told.contains(&format!("names 5000..{}, which is not planned", 5000 + end - start)), "{told}");
    let nowhere = file.with_file_name(format!("numbers+9+{:020}-{}.json.gz", start, end));
    fs::rename(&beyond, &nowhere).unwrap();
    assert!(the_error(&reconcile(&project, &[]).with_code(1)).contains("partition 9, which the topic does not have"));
}

#[test]
fn a_truncated_file_is_named() {
    for project in [complete(numbers()), complete(numbers().on_s3())] {
        for (sink, arguments) in [("lake", &[][..]), ("lines", &["--rows"])] {
            let file = &files_of(&project, sink, 0)[0];
            let name = file.file_name().unwrap().to_str().unwrap();
            let whole = fs::read(file).unwrap();
            for length in [whole.len() - 1, whole.len() / 2, 3, 0] {
                fs::write(file, &whole[..length]).unwrap();
                let told = the_error(&reconcile(&project, arguments).with_code(1));
                assert!(told.starts_with(&format!("wrong: {sink}: ")) && told.contains(name), "{length}: {told}");
            }
            fs::write(file, whole).unwrap();
        }
        reconcile(&project, &["--rows"]).with_code(0);
    }
}

#[test]
fn a_file_of_somebody_else_is_named_unless_readers_skip_it() {
    for project in [complete(numbers()), complete(numbers().on_s3())] {
        for skipped in ["_SUCCESS", ".hidden", "half=odd/_temporary/part-0.parquet", "empty.parquet"] {
            let text = if skipped.starts_with("empty") { "" } else { "x" };
            project.write(&format!("out/lake/{skipped}"), text);
        }
        let unfinished = files_of(&project, "lake", 0)[0].to_str().unwrap().to_owned() + "#1";
        if !project.path("out").is_symlink() {
            project.write(&unfinished, "PAR1");
        }
        reconcile(&project, &[]).with_code(0);
        for foreign in ["part-0.parquet", "half=odd/manifest.json", "other+0+00000000000000000000-9.parquet"] {
            let path = format!("out/lake/{foreign}");
            project.write(&path, "[]");
            let told = the_error(&reconcile(&project, &[]).with_code(1));
            assert!(
                told.starts_with("wrong: lake: ") && told.contains(&format!("/out/lake/{foreign} (2 bytes)")),
                "{told}"
            );
            assert!(told.ends_with("is no file of this sink, and readers take it for data"), "{told}");
            fs::remove_file(project.path(&path)).unwrap();
        }
    }
}

#[test]
fn a_flush_that_was_killed_is_told_as_planned_and_is_left_alone() {
    for project in [numbers(), numbers().on_s3()] {
        let project = complete(project);
        add_file(&project, 3);
        project.run_until("s3_after_first_put", &[]).with_kill();
        let left = project.files("out");
        assert!(!left.is_empty());
        let told = reconcile(&project, &["--rows"]).with_code(0);
        let planned = told.out.lines().filter(|line| line.starts_with("note: l") && line.contains(" is planned, and "));
        assert!(planned.clone().any(|line| !line.contains("and 0 files")), "{}", told.out);
        assert!(planned.clone().all(|line| line.ends_with("or the next run, finishes it")), "{}", told.out);
        assert!(told.out.contains("still to come"), "{}", told.out);
        assert_eq!(project.files("out"), left);
        project.run(&[]).with_code(0);
        let told = reconcile(&project, &["--rows"]).with_code(0);
        assert_eq!(told.out.lines().filter(|line| line.ends_with(": complete")).count(), 2, "{}", told.out);
    }
}

#[test]
fn where_transforms_drop_records_a_hole_is_a_note() {
    let project = numbers();
    let few = "transforms: [{ type: sql, config: { query: 'SELECT n, half FROM input WHERE n = 7' } }]\nembedded";
    project.replace("pipeline.yaml", "embedded", &format!("    {few}"));
    project.run(&[]).with_code(0);
    let told = reconcile(&project, &["--rows"]).with_code(0).saying("lines: 1 file, 1 records, 3 partitions up to 0:");
    let told =
        told.saying("is committed, and no file names it: right only if it holds no row (transforms may drop records)");
    told.saying("have left no row (transforms may drop records)");
}

#[test]
fn a_look_before_the_first_run_says_so_and_makes_nothing() {
    let project = numbers();
    reconcile(&project, &[]).with_code(1).complaining("there is no topic `numbers`");
    assert!(!project.path("store").exists() && !project.path("out").exists());
    let (above, rest) = NUMBERS.split_once("sinks:").unwrap();
    let (_, below) = rest.split_once("embedded").unwrap();
    project.write("other.yaml", format!("{above}sinks: [{{ type: console }}]\nembedded{below}"));
    project.call(&["run", "other.yaml"]).with_code(0);
    project.call(&["reconcile", "other.yaml"]).with_code(0).saying("console: leaves nothing that could be listed");
    let told = reconcile(&project, &[]).with_code(0).saying("lake: 0 files, 0 records, 3 partitions up to 0:nothing");
    assert!(told.out.contains("complete, and 400 offsets of the topic are still to come"), "{}", told.out);
    assert!(!project.path("out").exists());
}

#[test]
fn what_a_sink_on_kafka_writes_meanwhile_is_right_and_a_missing_file_is_told() {
    let project = Project::new(&format!(
        "\
name: ticks
sources:
  - {{ type: ticks, config: {{ rate: 2000, symbols: 8 }} }}
{TICKS_TOPIC}sinks:
  - name: lake
    type: s3_parquet
    tasks: 2
    config: {{ url: out, partition_by: [symbol] }}
    flush: {{ rows: 200, every: 200ms }}
"
    ))
    .on_kafka();
    let run = Started::new(project.runner(&[]));
    assert!(becomes_true(|| !project.files("out").is_empty()));
    let before = project.files("out").len();
    for _ in 0..5 {
        reconcile(&project, &[]).with_code(0).saying(" partitions up to 0:").saying(": complete");
    }
    assert!(project.files("out").len() > before, "nothing was written meanwhile");
    run.signal("INT");
    run.end().with_code(0);
    // What is left of a transaction's marker is no hole.
    let told = reconcile(&project, &[]).with_code(0);
    assert!(!told.out.contains("no file names it"), "{}", told.out);
    let file = project.files("out").swap_remove(0);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[1..]).unwrap();
    let told = reconcile(&project, &[]).with_code(1).complaining("1 thing is wrong");
    assert!(the_error(&told).contains(file.file_name().unwrap().to_str().unwrap()), "{}", told.out);
    let ((start, end), name) = (range_of(&file), file.file_name().unwrap());
    for file in project.files("out").iter().filter(|file| file.file_name() == Some(name)) {
        fs::remove_file(file).unwrap();
    }
    // The hole holds the markers beside it too.
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    let (hole, _) = told.split_once(" is committed, and no file names it: records are missing").unwrap();
    let (from, to) = hole.rsplit_once(' ').unwrap().1.split_once("..").unwrap();
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    assert!(from <= start && end <= to, "{start}..{end}: {told}");
}
