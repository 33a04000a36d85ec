//! What a run would find, before it runs.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use pipeline_testkit::aws::{AwsServer, Fault, Refusal, Rule};
use pipeline_testkit::s3;
use serde_json::Value;

use crate::store_faults::without_privileges;
use crate::support::{Ended, Project, Started, becomes_true};

const FILE: &str = "\
name: numbers
sources:
  - { type: csv, config: { path: numbers.csv } }
topic: { name: numbers, partitions: 2, schema: { n: bigint } }
sinks:
  - name: lake
    type: s3_json
    config: { url: out, compression: none }
    hooks:
      - { type: local_table, config: { table: numbers } }
embedded: { path: store }
";

fn numbers(text: &str) -> Project {
    let project = Project::new(text);
    project.write("numbers.csv", "n\n1\n2\n3\n");
    project
}

/// With its files in S3 and its table in Glue, both of their own.
fn in_the_cloud() -> Project {
    numbers(FILE).on_s3().on_glue()
}

fn doctor(project: &Project, more: &[&str]) -> Ended {
    project.call(&[&["doctor", "pipeline.yaml"], more].concat())
}

/// The lines that say what is wrong.
fn wrong(ended: &Ended) -> Vec<&str> {
    ended.out.lines().filter(|line| line.starts_with("wrong ")).collect()
}

/// Everything in a project's folder and its bucket.
fn everything(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = [project.files(""), project.files("out")].concat();
    files.into_iter().filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn before_the_first_run_all_is_fine_and_nothing_is_made() {
    let project = in_the_cloud();
    let before = everything(&project);
    let ended = doctor(&project, &[]).with_code(0);
    assert_eq!(
        ended.out.lines().collect::<Vec<_>>(),
        [
            format!(
                "ok    embedded broker: open the store in {}: there is none yet, the next run makes it",
                project.path("store").display()
            )
            .as_str(),
            "ok    source csv: the files at `numbers.csv`: 1 file",
            "ok    sink lake: s3://lake/out: reach it: the clocks agree",
            "ok    sink lake: s3://lake/out: write an object",
            "ok    sink lake: s3://lake/out: read it",
            "ok    sink lake: s3://lake/out: remove it",
            "ok    sink lake: s3://lake/out: list what is there",
            "ok    sink lake, hook glue_table: look at the database market (glue:GetDatabase): there is none yet, the next run \
             makes it; not tried: glue:CreateDatabase",
            "ok    sink lake, hook glue_table: look at the table market.numbers (glue:GetTable): there is none yet, the next \
             run makes it; not tried: glue:CreateTable, glue:BatchCreatePartition",
        ]
    );
    assert_eq!(ended.err, "");
    assert_eq!(everything(&project), before);
    assert!(!project.path("store").exists());
}

#[test]
fn after_a_run_all_is_fine_and_the_same_lies_there() {
    let project = in_the_cloud();
    project.run(&[]).with_code(0);
    let left = |project: &Project| {
        project.files("out").into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect::<Vec<_>>()
    };
    let before = left(&project);
    let ended = doctor(&project, &[]).with_code(0);
    for line in [
        "ok    source csv: read where it goes on: it goes on where it was",
        "ok    topic numbers: is as the file says: 2 partitions",
        "ok    sink lake: read the consumer group numbers.lake: 0 offsets are to come",
        "ok    sink lake, hook glue_table: look at the table market.numbers (glue:GetTable): it is as the sink writes it",
    ] {
        assert!(ended.out.lines().any(|found| found == line), "no `{line}` in\n{}", ended.out);
    }
    assert_eq!(left(&project), before);
    project.run(&[]).with_code(0).saying("Nothing new");
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_what_to_do() {
    let project = in_the_cloud();
    project.replace("pipeline.yaml", "s3://lake/", "s3://nobodys/");
    project.replace("pipeline.yaml", "path: numbers.csv", "path: number.csv");
    project.write("store", "a file");
    project.glue().order(Rule::new(Fault::Refuse(Refusal::ACCESS_DENIED)).on("GetTable"));
    let ended = doctor(&project, &[]).with_code(1).complaining("error: 5 of 7 things are wrong");
    let wrong = wrong(&ended);
    for (line, parts) in wrong.iter().zip([
        ["embedded broker: open the store", "a file is in the way of the embedded broker's folder"],
        ["source csv: ", "number.csv: there is no such file, expected one"],
        ["sink lake: s3://nobodys/out: write an object: ", "the bucket does not exist; create it"],
        ["sink lake: s3://nobodys/out: list what is there: ", "the bucket does not exist; create it"],
        [
            "sink lake, hook glue_table: look at the table market.numbers (glue:GetTable): ",
            "the policy of the caller lacks",
        ],
    ]) {
        assert!(line.starts_with(&format!("wrong {}", parts[0])) && line.contains(parts[1]), "{line}");
    }
    assert_eq!(wrong.len(), 5, "{}", ended.out);
}

#[test]
fn a_wrong_key_is_found_by_the_store_and_not_shown() {
    let project = in_the_cloud();
    let mut command = project.program(["doctor", "pipeline.yaml"]);
    command.env("AWS_SECRET_ACCESS_KEY", "hunter-three");
    let ended = Started::new(command).end().with_code(1).complaining("2 of 7 things are wrong");
    for line in wrong(&ended) {
        assert!(line.contains("the store does not know these credentials; check access_key_id"), "{line}");
    }
    project.server().order(s3::Rule::new(s3::Fault::Refuse(s3::Refusal::ACCESS_DENIED)).on(s3::Action::Put));
    let refused = doctor(
        &project,
        &["--set", "sinks.0.config.access_key_id=AK", "--set", "sinks.0.config.secret_access_key=hunter-four"],
    );
    let refused = refused.with_code(1).saying("permission denied; the credentials need s3:PutObject");
    assert!(!format!("{ended:?}{refused:?}").contains("hunter"), "{ended:?}{refused:?}");
    assert!(project.files("out").is_empty());
}

#[test]
fn who_calls_as_nobody_is_told_what_nobody_may() {
    let project = in_the_cloud();
    let mut command = project.program(["doctor", "pipeline.yaml"]);
    command.env("AWS_SKIP_SIGNATURE", "true");
    let ended = Started::new(command).end().with_code(1).saying("ok    sink lake: s3://lake/out: reach it");
    for line in wrong(&ended) {
        assert!(line.contains("permission denied; the credentials need s3:"), "{line}");
    }
    assert_eq!(wrong(&ended).len(), 2, "{}", ended.out);
}

#[test]
fn who_has_no_credentials_is_told_once_by_each_part_in_one_line() {
    let project = in_the_cloud();
    let mut command = project.program(["doctor", "pipeline.yaml"]);
    for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"] {
        command.env_remove(variable);
    }
    let nowhere = project.path("nowhere");
    command.env("AWS_CONFIG_FILE", &nowhere).env("AWS_SHARED_CREDENTIALS_FILE", &nowhere);
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    let ended = Started::new(command).end().with_code(1);
    let wrong = wrong(&ended);
    assert_eq!((wrong.len(), ended.out.lines().count()), (2, 4), "{}", ended.out);
    for (line, part) in wrong.iter().zip(["sink lake: s3://lake/out: reach it: ", "sink lake, hook glue_table: "]) {
        assert!(line.starts_with(&format!("wrong {part}")) && line.contains("no credentials ("), "{line}");
        assert!(line.contains("): set AWS_PROFILE, or AWS_ACCESS_KEY_ID"), "{line}");
    }
    assert!(project.glue().operations().is_empty());
}

#[test]
fn folders_that_cannot_be_written_are_told() {
    let project = numbers(FILE);
    project.write("out", "a file");
    project.write("blocked", "a file");
    let ended = doctor(&project, &["--set", "embedded.path=blocked/store"]).with_code(1);
    ended
        .saying("wrong embedded broker: ")
        .saying("a file is in the way of the embedded broker's folder")
        .saying("wrong sink lake: out: write an object: ")
        .saying("a file is in the way of a folder; remove it, or choose another `url`");
}

#[test]
fn folders_that_this_user_may_not_write_are_told_though_a_run_would_make_them() {
    let project = numbers(FILE);
    let allow = |mode| fs::set_permissions(project.path(""), Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    let ended = Started::new(without_privileges(&project.program(["doctor", "pipeline.yaml"]))).end().with_code(1);
    allow(0o755);
    let wrong = wrong(&ended);
    for (line, parts) in wrong.iter().zip([
        [
            "embedded broker: open the store in ",
            "may not be written by this user; let it write there, or choose another embedded.path",
        ],
        ["sink lake: out: write an object: ", "permission denied; let this user write there, or choose another `url`"],
        ["sink lake, hook local_table: ", "permission denied; let this user write there, or choose another `catalog`"],
    ]) {
        assert!(line.starts_with(&format!("wrong {}", parts[0])) && line.contains(parts[1]), "{line}");
    }
    assert_eq!(wrong.len(), 3, "{}", ended.out);
}

#[test]
fn a_topic_that_does_not_fit_is_told_and_left_as_it_is() {
    let project = numbers(FILE);
    project.run(&[]).with_code(0);
    let ended = doctor(&project, &["--set", "topic.partitions=3"]).with_code(1);
    ended.saying("wrong topic numbers: is as the file says: topic `numbers` has 2 partitions, the file says 3: say 2");
    doctor(&project, &[]).with_code(0);
}

#[test]
fn a_store_that_a_run_holds_is_told_with_who_holds_it() {
    let project = numbers(FILE);
    project.replace("pipeline.yaml", "path: numbers.csv", "path: numbers.csv, follow: true");
    let mut run = Started::new(project.runner(&[]));
    assert!(becomes_true(|| project.path("store/owner").exists()));
    let held = format!("is held by process {} (since ", run.id());
    doctor(&project, &[]).with_code(1).saying("wrong embedded broker: open the store").saying(&held);
    assert!(!run.has_ended());
    run.signal("INT");
    run.end().with_code(0);
}

#[test]
fn json_says_the_same_and_a_file_that_is_wrong_is_told_as_validate_does() {
    let project = numbers(FILE);
    let ended = doctor(&project, &["--format", "json"]).with_code(0);
    let all: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(all[1]["part"], "source csv");
    assert_eq!(all[1]["fact"], "1 file");
    assert!(all.iter().all(|one| one["ok"] == true && one["tried"].is_string()), "{}", ended.out);
    fs::remove_file(project.path("numbers.csv")).unwrap();
    let ended = doctor(&project, &["--format", "json"]).with_code(1).complaining("1 of ");
    let all: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(all[1]["ok"], false);
    assert!(all[1]["error"].as_str().unwrap().contains("there is no such file"), "{}", ended.out);

    project.replace("pipeline.yaml", "bigint", "long");
    doctor(&project, &[]).with_code(78).complaining("pipeline.yaml:4:");
    let told = doctor(&project, &["--format", "json"]).with_code(78);
    assert_eq!(told.out, project.call(&["validate", "pipeline.yaml", "--format", "json"]).with_code(78).out);
}

#[test]
fn a_kafka_that_cannot_be_reached_does_not_keep_the_rest_from_being_tried() {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let servers = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    let project = numbers(FILE);
    project.replace(
        "pipeline.yaml",
        "embedded: { path: store }",
        &format!("kafka: {{ bootstrap.servers: \"{servers}\" }}"),
    );
    let ended = doctor(&project, &[]).with_code(1).complaining("error: 1 of 8 things is wrong");
    let wrong = wrong(&ended);
    assert!(
        wrong[0].starts_with(&format!("wrong kafka: reach it: Kafka cannot be reached at `{servers}`")),
        "{wrong:?}"
    );
    assert!(wrong[0].contains("check that it runs"), "{wrong:?}");
    ended.saying("ok    sink lake: out: write an object");
}

#[test]
fn on_kafka_the_pipeline_may_run_meanwhile_and_what_would_be_made_is_not() {
    const TEXT: &str = "\
name: numbers
sources:
  - { type: csv, config: { path: numbers.csv, follow: true } }
topic:
  name: numbers
  partitions: 2
  schema: { n: bigint }
sinks:
  - name: lake
    type: s3_json
    config: { url: out, compression: none }
    flush: { every: 200ms }
";
    let project = numbers(TEXT).on_kafka();
    let topic = project.topic().name.clone();
    for _ in 0..2 {
        let ended = doctor(&project, &[]).with_code(0);
        ended
            .saying("ok    kafka: reach it\n")
            .saying(&format!("ok    topic {topic}: is as the file says: there is none yet, the next run makes it"));
    }
    // It is asked whether it would make it.
    let refused = doctor(&project, &["--set", "topic.create.replication_factor=7"]).with_code(1);
    refused.saying(&format!("wrong topic {topic}: is as the file says: topic `{topic}` cannot be created: "));
    let run = Started::new(project.runner(&[]));
    assert!(becomes_true(|| project.files("out").iter().any(|file| !file.to_string_lossy().contains('#'))));
    let running = doctor(&project, &[]).with_code(0);
    for line in [
        "source csv: read where it goes on: it goes on where it was".to_owned(),
        format!("topic {topic}: is as the file says: 2 partitions"),
        format!("sink lake: read the consumer group {topic}.lake: "),
    ] {
        assert!(running.out.contains(&format!("ok    {line}")), "no `{line}` in\n{}", running.out);
    }
    let other = doctor(&project, &["--set", "topic.partitions=3"]).with_code(1);
    other.saying(&format!("topic `{topic}` has 2 partitions, the file says 3, expected `topic.partitions: 2`"));
    project.write("numbers.csv", "n\n1\n2\n3\n4\n5\n");
    assert!(becomes_true(|| crate::rows::json(&project, "out").len() == 5));
    run.signal("INT");
    run.end().with_code(0);
}

#[test]
fn what_lies_in_a_catalog_of_another_pipeline_is_told_before_a_run() {
    let project = in_the_cloud();
    project.run(&[]).with_code(0);
    let tables = |server: &AwsServer| server.calls("CreateTable");
    assert_eq!(tables(project.glue()), 1);
    let ended = doctor(&project, &["--set", "name=another"]).with_code(1);
    ended.saying("is another table than this sink writes: it belongs to the pipeline `numbers`");
    assert_eq!(tables(project.glue()), 1);
}
