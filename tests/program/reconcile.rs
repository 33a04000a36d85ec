//! `pipeline reconcile`: what it finds wrong with what the sinks have left, and what it leaves alone.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

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
fn range_of(file: &Path) -> (u64, u64) {
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
    let rows = end - start;
    assert!(
        told.starts_with(&format!("wrong: lake/2: {start}..{end} was flushed as {rows} rows, and only ")),
        "{told}"
    );
    assert!(told.contains(" are there, so that a file of it is missing: file://"), "{told}");
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
fn where_transforms_drop_records_one_missing_file_of_several_is_known_by_the_others() {
    let project = numbers();
    let few = "transforms: [{ type: sql, config: { query: 'SELECT n, half FROM input WHERE n > 99' } }]\nembedded";
    project.replace(
        "pipeline.yaml",
        "  - name: lines\n    type: s3_json\n    config: { url: out/lines, compression: gzip }\n",
        "",
    );
    project.replace("pipeline.yaml", "embedded", &format!("    {few}"));
    project.run(&[]).with_code(0);
    reconcile(&project, &[]).with_code(0).saying("have left no row (transforms may drop records)");
    let file = &files_of(&project, "lake", 1)[0];
    let twice = file.parent().unwrap().join("twice").join(file.file_name().unwrap());
    fs::create_dir(twice.parent().unwrap()).unwrap();
    fs::copy(file, &twice).unwrap();
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    assert!(told.starts_with("wrong: lake/1: ") && told.contains(", so that some are doubled: file://"), "{told}");
    fs::remove_file(&twice).unwrap();
    fs::remove_file(file).unwrap();
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    assert!(told.starts_with("wrong: lake/1: ") && told.contains(", so that a file of it is missing: "), "{told}");
}

/// What it says as JSON of the sink at this place, by the name of that sink.
fn as_json(ended: &Ended, sink: usize) -> Value {
    let said: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&said["pipeline"], &said["topic"]), (&json!("numbers"), &json!("numbers")));
    said["sinks"][sink].clone()
}

#[test]
fn programs_are_told_the_same_as_json() {
    let project = complete(numbers());
    let told = reconcile(&project, &["--format", "json"]).with_code(0);
    let (lake, lines) = (as_json(&told, 0), as_json(&told, 1));
    let files = project.files("out/lake").len();
    assert_eq!((&lake["name"], &lake["files"], &lake["rows"]), (&json!("lake"), &json!(files), &json!(1200)));
    assert_eq!((&lake["offsets"], &lake["lag"], &lake["errors"]), (&json!(1200), &json!(0), &json!(0)));
    assert_eq!((&lake["differences"], &lines["rows"]), (&json!([]), &Value::Null));
    let committed = |partition: usize| lake["partitions"][partition]["committed"].as_u64().unwrap();
    assert_eq!((0..3).map(committed).sum::<u64>(), 1200);
    assert_eq!(lake["partitions"][2]["partition"], 2);

    // A file less, one that is there twice, and one of somebody else.
    let [missing, _, twice, ..] = &files_of(&project, "lines", 1)[..] else { panic!("too few files") };
    let ((start, end), (from, to)) = (range_of(missing), range_of(twice));
    fs::remove_file(missing).unwrap();
    let copy = twice.with_file_name(format!("numbers+1+{from:020}-{}.json.gz", to - 1));
    fs::copy(twice, &copy).unwrap();
    project.write("out/lines/part-0.json", "{}");
    let told = reconcile(&project, &["--format", "json"]).with_code(1).complaining("3 things are wrong");
    let lines = as_json(&told, 1);
    assert_eq!((&as_json(&told, 0)["errors"], &lines["errors"]), (&json!(0), &json!(3)));
    let url = |path: &Path| format!("file://{}", path.canonicalize().unwrap().display());
    let of_kind = |kind: &str| {
        let differences = lines["differences"].as_array().unwrap();
        let found: Vec<&Value> = differences.iter().filter(|difference| difference["kind"] == kind).collect();
        let [found] = found[..] else { panic!("not one {kind} in {differences:?}") };
        assert_eq!(found["error"], true);
        (*found).clone()
    };
    let hole = of_kind("hole");
    assert_eq!((&hole["partition"], &hole["start"], &hole["end"]), (&json!(1), &json!(start), &json!(end)));
    assert_eq!(hole["files"], json!([]));
    assert!(hole["message"].as_str().unwrap().contains("no file names it: records are missing"), "{hole}");
    let overlap = of_kind("overlap");
    let shared = (&overlap["partition"], &overlap["start"], &overlap["end"]);
    assert_eq!(shared, (&json!(1), &json!(from), &json!(to - 1)));
    assert_eq!(overlap["files"], json!([url(&copy), url(twice)]));
    let foreign = of_kind("foreign");
    assert_eq!((&foreign["partition"], &foreign["start"]), (&Value::Null, &Value::Null));
    assert_eq!(foreign["files"], json!([url(&project.path("out/lines/part-0.json"))]));
}

/// The first sink has this check.
fn with_check(project: Project, said: &str) -> Project {
    let sink = "out/lake, partition_by: [half] }\n";
    project.replace("pipeline.yaml", sink, &format!("{sink}    reconcile: {said}\n"));
    project
}

#[test]
fn a_run_ends_with_the_check_and_fails_where_a_file_has_gone() {
    let project = complete(with_check(numbers(), "{}"));
    let files = project.files("out/lake").len();
    let passed = format!("✓ lake: reconcile   1200 rows in {files} files (expected what is committed, once)");
    // Also a run that finds nothing new.
    project.run(&[]).with_code(0).saying(&passed).saying("Nothing new");
    let file = &files_of(&project, "lake", 1)[0];
    let (start, end) = range_of(file);
    fs::remove_file(file).unwrap();
    let told = project.run(&[]).with_code(1).saying("✗ lake: reconcile   partition 1: ");
    let wrong = format!("a check failed: lake: reconcile: found partition 1: {start}..{end} was flushed as ");
    told.complaining(&wrong);
    project.run(&["sinks.0.reconcile.on_failure=warn"]).with_code(0).saying("! lake: reconcile   partition 1: ");
    // More than a person wants to read there.
    (0..5).for_each(|number| project.write(&format!("out/lake/part-{number}.parquet"), "x"));
    project.run(&[]).with_code(1).complaining("; 3 more, which `pipeline reconcile` tells, expected what is committed");
}

/// Goes on until somebody stops it.
fn endless(check: &str) -> String {
    format!(
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
{check}"
    )
}

#[test]
fn while_a_pipeline_runs_what_it_writes_is_right_and_what_somebody_else_does_is_found() {
    for on in [Project::on_s3, Project::on_kafka, |project| project] {
        let project = on(Project::new(&endless("    reconcile: { every: 50ms }\n")));
        let mut run = Started::new(project.runner(&[]));
        assert!(becomes_true(|| project.files("out").len() > 200 || run.has_ended()));
        assert!(!run.has_ended(), "{}", run.end().err);
        project.write("out/part-0.parquet", "[]");
        let told = run.end().with_code(1).saying("✗ lake: reconcile   ");
        told.complaining("/out/part-0.parquet (2 bytes) is no file of this sink, and readers take it for data");
    }
}

#[test]
fn a_pipeline_that_warns_goes_on_and_says_so_until_it_is_put_right() {
    let project = Project::new(&endless("    reconcile: { every: 50ms, on_failure: warn }\n"));
    project.write("out/part-0.parquet", "[]");
    let run = Started::new(project.runner(&[]));
    let warned = |run: &Started| run.complaints().matches("a check did not hold").count();
    assert!(becomes_true(|| warned(&run) > 3));
    let before = project.files("out").len();
    assert!(becomes_true(|| project.files("out").len() > before));
    run.signal("INT");
    run.end().with_code(0).saying("! lake: reconcile   file://");
}

#[test]
fn of_several_processes_on_kafka_one_compares_while_they_run() {
    let text = endless("    reconcile: { every: 50ms, on_failure: warn }\n").replace("partitions: 4", "partitions: 1");
    let project = Project::new(&text).on_kafka();
    project.write("out/part-0.parquet", "[]");
    // By their names, because the one partition goes to the member whose name is the first.
    let mut first = Started::new(project.runner(&["kafka.instance=a"]));
    let warned = |run: &Started| run.complaints().matches("a check did not hold").count();
    assert!(becomes_true(|| warned(&first) > 0));
    let second = Started::new(project.runner(&["kafka.instance=b", "sinks.0.tasks=1"]));
    // It takes over once the first one is gone, and has had the time to compare before.
    let later = warned(&first) + 20;
    assert!(becomes_true(|| warned(&first) >= later));
    assert_eq!(warned(&second), 0, "{}", second.complaints());
    first.kill();
    first.end().with_kill();
    assert!(becomes_true(|| warned(&second) > 0));
    second.signal("INT");
    second.end().with_code(0).saying("! lake: reconcile   file://");
}

/// The same with its files in S3, and the first sink's a table of Glue.
fn on_glue() -> Project {
    let project = numbers();
    let sink = "    config: { url: out/lake, partition_by: [half] }\n";
    let hooks = "    hooks: [{ type: local_table, config: { table: numbers } }]\n";
    project.replace("pipeline.yaml", sink, &format!("{sink}{hooks}"));
    let project = project.on_s3().on_glue();
    project.run(&[]).with_code(0);
    project
}

#[test]
fn files_that_no_partition_of_the_table_reaches_are_told_by_their_folder_or_all_at_once() {
    let project = on_glue();
    reconcile(&project, &[]).with_code(0);
    let (even, odd) = (project.files("out/lake/half=even").len(), project.files("out/lake/half=odd").len());
    let ask = |operation: &str, mut input: Value| {
        input["DatabaseName"] = json!("market");
        project.glue().ask(&format!("AWSGlue.{operation}"), &input)
    };
    ask("DeletePartition", json!({ "TableName": "numbers", "PartitionValues": ["odd"] }));
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    assert!(told.starts_with("wrong: lake: s3://lake/out/lake/half=odd/numbers+0+"), "{told}");
    let why = "is found by no reader: Glue table `market.numbers` has no partition there";
    assert!(told.ends_with(&format!(".parquet and {} more {why}", odd - 1)), "{told}");
    let told = as_json(&reconcile(&project, &["--format", "json"]).with_code(1), 0);
    let difference = &told["differences"][0];
    assert_eq!((&difference["kind"], &difference["partition"]), (&json!("unreached"), &Value::Null));
    let files = difference["files"].as_array().unwrap();
    assert!(files.iter().all(|url| url.as_str().unwrap().starts_with("s3://lake/out/lake/half=odd/")), "{files:?}");
    assert_eq!(files.len(), odd);

    ask("DeleteTable", json!({ "Name": "numbers" }));
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    let missing = format!("{} more is found by no reader: there is no Glue table `market.numbers`", even + odd - 1);
    assert!(told.ends_with(&missing), "{told}");
    // A run makes the table anew, and knows nothing of what was registered: its check says so.
    let project = with_check(project, "{}");
    let told = project.run(&[]).with_code(1).complaining("a check failed: lake: reconcile: found s3://");
    told.complaining("has no partition at any of their 2 folders");
}

#[test]
fn files_that_a_projection_leaves_out_are_told_with_what_it_says() {
    let project = numbers();
    let sink = "    config: { url: out/lake, partition_by: [half] }\n";
    let table = "database: market, table: numbers, create_database: true, partitions: projection, projection: { half: { values: [even, odd] } }";
    let hooks = format!("    hooks: [{{ type: glue_table, config: {{ {table} }} }}]\n");
    project.replace("pipeline.yaml", sink, &format!("{sink}{hooks}"));
    let project = project.on_s3().on_glue();
    project.run(&[]).with_code(0);
    reconcile(&project, &[]).with_code(0);
    project.replace("pipeline.yaml", "values: [even, odd]", "values: [even]");
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    assert!(told.starts_with("wrong: lake: s3://lake/out/lake/half=odd/"), "{told}");
    assert!(told.ends_with("is found by no reader: `half` is odd, outside of what `projection` says: even"), "{told}");
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
    let project = Project::new(&endless("")).on_kafka();
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
    // Several files have the range: the others know of it.
    let of_range = |other: &PathBuf| other.file_name() == file.file_name();
    assert!(project.files("out").iter().filter(|other| of_range(other)).count() > 1);
    fs::remove_file(&file).unwrap();
    let told = the_error(&reconcile(&project, &[]).with_code(1));
    assert!(told.contains(" are there, so that a file of it is missing: "), "{told}");
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
