//! Stores that fail: what the program says, and that the next run loses and doubles nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;

use pipeline_testkit::s3::{Action, Fault, Refusal, Rule};

use crate::disk::{Disk, SEEN};
use crate::ranges::assert_tiled;
use crate::rows::{self, assert_exactly};
use crate::support::{Ended, Project, Started, becomes_true, wrapped};

const RECORDS: usize = 3000;

/// One file of each task, or more.
const SMALL_FILES: &str = "\
name: faults
sources:
  - type: csv
    tasks: 4
    config: { path: data }
topic: { name: numbers, partitions: 4, key: text, schema: { id: bigint, text: string } }
sinks:
  - name: json
    type: s3_json
    tasks: 4
    config: { url: out/json, compression: none, timeout: 1s }
    flush: { rows: 500 }
errors: { retry: { timeout: 1m, pause: 20ms, max_pause: 200ms } }
";

fn small_files() -> Project {
    let project = Project::new(SMALL_FILES);
    for part in 0..4 {
        project.write(&format!("data/{part}.csv"), csv((0..RECORDS).filter(|id| id % 4 == part), 10));
    }
    project
}

/// Records with texts of some length that no compression makes much shorter.
fn csv(ids: impl Iterator<Item = usize>, length: usize) -> String {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut text = String::from("id,text\n");
    for id in ids {
        text.push_str(&format!("{id},"));
        text.extend((0..length).map(|_| {
            // Xorshift (Marsaglia 2003).
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'a' + (state % 26) as u8)
        }));
        text.push('\n');
    }
    text
}

/// Asserts that every record of the CSV files is there once, in files that the committed offsets name, and nothing else.
#[track_caller]
fn assert_complete(project: &Project, what: &str) {
    assert_complete_at(project, "out/json", ".pipeline/faults", what);
}

/// The same where the files and the broker's store lie elsewhere.
#[track_caller]
fn assert_complete_at(project: &Project, out: &str, store: &str, what: &str) {
    let mut expected: Vec<rows::Row> =
        project.files("data").iter().flat_map(|file| rows::csv(&fs::read_to_string(file).unwrap())).collect();
    expected.sort_unstable();
    assert_exactly(&rows::json(project, out), &expected, what);
    assert_tiled(project, out, store, "faults.json", "numbers");
}

#[test]
fn what_passes_delays_a_run_and_changes_nothing() {
    let faults = [
        Fault::Refuse(Refusal::INTERNAL_ERROR),
        Fault::Refuse(Refusal::SLOW_DOWN),
        Fault::Refuse(Refusal::OPERATION_ABORTED),
        Fault::RefuseWhenDone(Refusal::INTERNAL_ERROR),
        Fault::LoseAnswer,
        Fault::Cut,
        Fault::Silence,
    ];
    thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || {
                let project = small_files().on_s3();
                // More often than the client tries by itself for each task, so that a flush is repeated as a whole.
                project.server().order(Rule::new(fault).on(Action::Put).after(1).times(12));
                project.run(&[]).with_code(0).saying("all delivered");
                let met = project.server().requests().iter().filter(|request| request.fault == Some(fault)).count();
                assert_eq!(met, 12, "{fault:?}");
                assert_complete(&project, &format!("{fault:?}"));
            });
        }
    });
}

#[test]
fn what_does_not_pass_stops_the_run_with_the_place_and_what_to_do_and_the_next_run_goes_on() {
    for (refusal, advice) in [
        (Refusal::ACCESS_DENIED, "permission denied; the credentials need s3:PutObject"),
        (Refusal::EXPIRED_TOKEN, "the session token has expired; get new credentials"),
        (Refusal::REQUEST_TIME_TOO_SKEWED, "set the clock"),
        (Refusal::NO_SUCH_BUCKET, "the bucket does not exist; create it"),
        (Refusal::PRECONDITION_FAILED, "status 412 (PreconditionFailed)"),
    ] {
        let project = small_files().on_s3();
        project.server().order(Rule::new(Fault::Refuse(refusal)).on(Action::Put).after(1));
        let place = "error: pipeline faults: s3://lake/out/json/numbers+";
        let failed = project.run(&[]).with_code(1).saying("faults: failed").complaining(place).complaining(advice);
        assert!(!failed.err.contains("panicked"), "{}", failed.err);
        assert_eq!(project.files("out/json").len(), 1);
        project.server().heal();
        project.run(&[]).with_code(0);
        assert_complete(&project, advice);
    }
}

#[test]
fn a_bucket_that_was_never_there_stops_the_run_at_its_first_file() {
    let project = small_files().on_s3();
    project.replace("pipeline.yaml", "s3://lake/", "s3://lakes/");
    project
        .run(&[])
        .with_code(1)
        .complaining("s3://lakes/out/json/")
        .complaining("the bucket does not exist; create it");
    project.replace("pipeline.yaml", "s3://lakes/", "s3://lake/");
    project.run(&[]).with_code(0);
    assert_complete(&project, "with a bucket");
}

#[test]
fn a_store_that_stays_down_ends_the_run_when_the_budget_is_spent() {
    let project = small_files().on_s3();
    project.server().order(Rule::new(Fault::Refuse(Refusal::INTERNAL_ERROR)).on(Action::Put).after(1));
    let failed = project.run(&["errors.retry.timeout=1s"]).with_code(1);
    failed.complaining("errors.retry.timeout").complaining("s3://lake/out/json/numbers+");
    project.server().heal();
    project.run(&[]).with_code(0);
    assert_complete(&project, "after the budget was spent");
}

/// A debug build takes 150 MB for this also when the store is well. With the backlog of 40 MB in memory it would take more.
const MEMORY_BYTES: u64 = 180_000_000;

#[test]
fn a_store_that_is_slow_for_long_holds_records_back_on_disk_and_not_in_memory() {
    let project = small_files().on_s3();
    // 40 MB, and with what is under way 8 MiB of memory for them.
    fs::remove_dir_all(project.path("data")).unwrap();
    project.write("data/all.csv", csv(0..10_000, 4000));
    project.server().order(Rule::new(Fault::Refuse(Refusal::SLOW_DOWN)).on(Action::Put));
    let run = Started::new(project.runner(&[
        "sinks.0.flush.rows=500",
        "sinks.0.flush.memory=8MiB",
        "sources.0.tasks=1",
        "topic.partitions=1",
    ]));
    let topic = project.path(".pipeline/faults/broker.redb");
    assert!(becomes_true(|| fs::metadata(&topic).is_ok_and(|file| file.len() > 25_000_000)));
    assert!(becomes_true(|| project.server().count(Action::Put) > 30));
    assert_eq!(project.files("out/json"), [] as [std::path::PathBuf; 0]);
    let peak = run.peak_memory();
    project.server().heal();
    run.end().with_code(0);
    assert_complete(&project, "after a slow time");
    assert!(peak < MEMORY_BYTES, "{} MB", peak / 1_000_000);
}

/// Files of more than 5 MiB, which go up in parts.
const LARGE_FILES: [&str; 5] = [
    "sinks.0.config.multipart_above=5MiB",
    "sinks.0.config.timeout=30s",
    "sinks.0.flush.rows=1000000",
    "topic.partitions=1",
    "sources.0.tasks=1",
];

fn large_files() -> Project {
    let project = small_files();
    fs::remove_dir_all(project.path("data")).unwrap();
    project.write("data/all.csv", csv(0..1000, 6000));
    project
}

#[test]
fn an_upload_in_parts_that_a_failed_run_leaves_open_is_aborted_by_the_next() {
    let project = large_files().on_s3();
    let denied = Fault::Refuse(Refusal::ACCESS_DENIED);
    project.server().order(Rule::new(denied).on(Action::CompleteUpload));
    project.server().order(Rule::new(denied).on(Action::AbortUpload));
    let failed = project.run(&LARGE_FILES).with_code(1);
    failed.complaining("s3:AbortMultipartUpload").complaining("an incomplete upload stays behind");
    assert_eq!(project.server().open_uploads().unwrap().len(), 1);
    project.server().heal();
    project.run(&LARGE_FILES).with_code(0);
    assert_eq!(project.server().open_uploads().unwrap(), []);
    assert_complete(&project, "after an upload that stayed open");
}

/// The command in a process whose files cannot grow beyond so many bytes: a write that would gets an error, as on a full
/// disk, and no signal.
fn with_files_up_to(bytes: u64, command: &Command) -> Command {
    wrapped(&["prlimit", &format!("--fsize={bytes}"), "env", "--ignore-signal=XFSZ"], command)
}

/// The command in a process that may not write where permissions do not say so, also if the user is root.
pub(crate) fn without_privileges(command: &Command) -> Command {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let dropped = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"];
    if root { wrapped(&dropped, command) } else { wrapped(&["env"], command) }
}

#[test]
fn a_folder_without_room_stops_the_run_and_the_next_one_goes_on() {
    for sets in [&LARGE_FILES[1..], &LARGE_FILES[..]] {
        let project = large_files();
        let in_memory = [sets, &["embedded.in_memory=true"]].concat();
        let failed = Started::new(with_files_up_to(1 << 20, &project.runner(&in_memory))).end().with_code(1);
        failed.complaining("/out/json/numbers+0+").complaining("larger than the file system or `ulimit -f` allows");
        assert_eq!(project.files("out/json"), [] as [std::path::PathBuf; 0]);
        project.run(sets).with_code(0);
        assert_complete(&project, "with room");
    }
}

#[test]
fn a_broker_without_room_stops_the_run_and_the_next_one_goes_on() {
    let project = small_files();
    fs::remove_dir_all(project.path("data")).unwrap();
    project.write("data/all.csv", csv(0..10_000, 1000));
    let failed = Started::new(with_files_up_to(6 << 20, &project.runner(&[]))).end().with_code(1);
    let failed = failed.complaining("the embedded broker's store would become larger than the file system");
    assert!(!failed.err.contains("panicked"), "{}", failed.err);
    project.run(&[]).with_code(0);
    assert_complete(&project, "with room");
}

#[test]
fn a_folder_that_may_not_be_written_stops_the_run_and_the_next_one_goes_on() {
    let project = small_files();
    fs::create_dir_all(project.path("out/json")).unwrap();
    fs::set_permissions(project.path("out/json"), Permissions::from_mode(0o555)).unwrap();
    let failed = Started::new(without_privileges(&project.runner(&[]))).end().with_code(1);
    failed.complaining("/out/json/numbers+").complaining("permission denied; let this user write there");
    assert_eq!(project.files("out/json"), [] as [std::path::PathBuf; 0]);
    fs::set_permissions(project.path("out/json"), Permissions::from_mode(0o755)).unwrap();
    project.run(&[]).with_code(0);
    assert_complete(&project, "with permission");
}

#[test]
fn a_broker_whose_file_may_not_be_written_stops_the_run_at_once() {
    let project = small_files();
    project.run(&[]).with_code(0);
    project.write("data/more.csv", csv(RECORDS..RECORDS + 10, 10));
    let store = project.path(".pipeline/faults/broker.redb");
    fs::set_permissions(&store, Permissions::from_mode(0o444)).unwrap();
    let failed = Started::new(without_privileges(&project.runner(&[]))).end().with_code(1);
    failed.complaining(
        "broker.redb` may not be written by this user; let it write there, or choose another embedded.path",
    );
    fs::set_permissions(&store, Permissions::from_mode(0o644)).unwrap();
    project.run(&[]).with_code(0);
    assert_complete(&project, "with permission");
}

/// A run that sees the disk, with these values set.
fn run_on(disk: &Disk, project: &Project, sets: &[&str]) -> Ended {
    Started::new(disk.entering(&project.runner(sets))).end()
}

/// 10 MB.
fn many_files() -> Project {
    let project = small_files();
    fs::remove_dir_all(project.path("data")).unwrap();
    project.write("data/all.csv", csv(0..10_000, 1000));
    project
}

const OUT_ON_DISK: &str = "sinks.0.config.url=disk/out";
const STORE_ON_DISK: &str = "embedded.path=disk/store";

#[test]
fn a_disk_that_is_full_stops_a_sink_and_the_next_run_goes_on() {
    // Some files land before it is full; one file that does not fit; and one that goes there in parts.
    for (project, sets, free) in [
        (many_files(), &[][..], 4 << 20),
        (large_files(), &LARGE_FILES[1..], 1 << 20),
        (large_files(), &LARGE_FILES[..], 1 << 20),
    ] {
        let Some(disk) = Disk::below(&project) else { return };
        let sets = [sets, &[OUT_ON_DISK]].concat();
        disk.fill_but(free);
        let failed = run_on(&disk, &project, &sets).with_code(1).complaining("/disk/out/numbers+");
        let failed = failed.complaining("the disk is full; free some space and run again");
        assert!(!failed.err.contains("panicked"), "{}", failed.err);
        assert_eq!(project.files("seen/out").is_empty(), sets.len() > 1, "{sets:?}");
        disk.empty();
        run_on(&disk, &project, &sets).with_code(0);
        assert_complete_at(&project, "seen/out", ".pipeline/faults", "with room");
    }
}

#[test]
fn a_disk_that_is_full_stops_the_broker_and_the_next_run_goes_on() {
    for free in [0, 5 << 20] {
        let project = many_files();
        let Some(disk) = Disk::below(&project) else { return };
        disk.fill_but(free);
        let failed = run_on(&disk, &project, &[STORE_ON_DISK]).with_code(1);
        let failed = failed.complaining("the disk full; free some space and run again");
        assert!(!failed.err.contains("panicked"), "{}", failed.err);
        disk.empty();
        run_on(&disk, &project, &[STORE_ON_DISK]).with_code(0);
        assert_complete_at(&project, "out/json", &format!("{SEEN}/store"), "with room");
    }
}

/// Makes a table of what the sink writes, in a catalog on the disk.
fn with_a_table(project: &Project) {
    let hook = "    hooks:\n      - { type: local_table, config: { table: numbers, catalog: disk/catalog } }\nerrors:";
    project.replace("pipeline.yaml", "errors:", hook);
}

#[test]
fn a_disk_that_is_full_stops_a_table_and_the_next_run_goes_on() {
    // Not even the table; and the table, but not its partitions.
    for (free, before) in [(0, 0), (4096, 1)] {
        let project = small_files();
        with_a_table(&project);
        project.replace("pipeline.yaml", "compression: none,", "compression: none, partition_by: [text],");
        fs::remove_dir_all(project.path("data")).unwrap();
        project.write("data/all.csv", csv(0..RECORDS, 1));
        let Some(disk) = Disk::below(&project) else { return };
        disk.fill_but(free);
        let failed = run_on(&disk, &project, &[]).with_code(1);
        let failed =
            failed.complaining("/disk/catalog/_numbers.json of the catalog: the disk is full; free some space");
        assert!(!failed.err.contains("panicked"), "{}", failed.err);
        let tables = project.files("seen/catalog").iter().filter(|file| file.ends_with("numbers.json")).count();
        assert_eq!(tables, before, "{free} bytes");
        disk.empty();
        run_on(&disk, &project, &[]).with_code(0);
        // The text is in the path.
        let mut expected: Vec<rows::Row> = (0..RECORDS).map(|id| format!("id={id}|")).collect();
        expected.sort_unstable();
        assert_exactly(&rows::json(&project, "out/json"), &expected, "with room");
        assert_tiled(&project, "out/json", ".pipeline/faults", "faults.json", "numbers");
        let table: serde_json::Value = serde_json::from_str(&project.read("seen/catalog/numbers.json")).unwrap();
        assert_eq!(table["partitions"].as_array().unwrap().len(), 26);
    }
}

#[test]
fn a_disk_that_is_read_only_stops_whoever_writes_there_and_the_next_run_goes_on() {
    for (set, folder, advice) in [
        (OUT_ON_DISK, "", "/disk/out/: the file system is read-only; choose a `url` that can be written"),
        (OUT_ON_DISK, "out", "the file system is read-only; choose a `url` that can be written"),
        (STORE_ON_DISK, "", "disk/store` lies on a read-only file system; choose an embedded.path that can be written"),
        (STORE_ON_DISK, "store", "disk/store/broker.redb` lies on a read-only file system; choose an embedded.path"),
        (
            "sinks.0.hooks.0.config.catalog=disk/catalog",
            "",
            "disk/catalog of the catalog: the file system is read-only",
        ),
    ] {
        let project = small_files();
        let catalog = set.contains("catalog");
        if catalog {
            with_a_table(&project);
        }
        let Some(mut disk) = Disk::below(&project) else { return };
        if !folder.is_empty() {
            fs::create_dir(project.path(SEEN).join(folder)).unwrap();
        }
        disk.make_read_only();
        let failed = run_on(&disk, &project, &[set]).with_code(1).complaining(advice);
        assert!(!failed.err.contains("panicked"), "{}", failed.err);
        disk.make_writable();
        run_on(&disk, &project, &[set]).with_code(0);
        let out = if set == OUT_ON_DISK { "seen/out" } else { "out/json" };
        let store = if set == STORE_ON_DISK { "seen/store" } else { ".pipeline/faults" };
        assert_complete_at(&project, out, store, set);
    }
}

#[test]
fn a_disk_that_is_read_only_can_be_read_from() {
    let project = small_files();
    let Some(mut disk) = Disk::below(&project) else { return };
    let copied = Command::new("cp").arg("-r").arg(project.path("data")).arg(project.path(SEEN)).status().unwrap();
    assert!(copied.success());
    disk.make_read_only();
    run_on(&disk, &project, &["sources.0.config.path=disk/data"]).with_code(0);
    assert_complete(&project, "from a read-only disk");
}
