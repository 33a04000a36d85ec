//! Places of the outside world that are not what the file takes them for.

use crate::support::Project;

const NUMBERS: &str = "\
name: numbers
sources:
  - type: csv
    config: { path: numbers.csv }
topic: { name: numbers, schema: { n: bigint } }
sinks:
  - type: s3_json
    config: { url: out, compression: none }
    hooks:
      - { type: local_table, config: { table: numbers, catalog: catalog } }
embedded: { path: store }
";

/// How a pipeline fails that would run if `change` were not.
#[track_caller]
fn failure(change: impl FnOnce(&Project)) -> String {
    let project = Project::new(NUMBERS);
    project.write("numbers.csv", "n\n1\n");
    change(&project);
    let ended = project.run(&[]).with_code(1);
    let last = ended.err.trim_end().lines().last().unwrap_or_default();
    last.replace(&project.path("").canonicalize().unwrap().display().to_string(), "FOLDER")
}

#[test]
fn a_file_in_the_place_of_a_folder_is_named() {
    let failures = ["out", "store", "catalog"].map(|name| failure(|project| project.write(name, "x")));
    let expected = [
        "error: pipeline numbers: sink `s3_json`: file://FOLDER/out/: a file is in the way of a folder; remove it, or choose another `url`: File exists (os error 17)",
        "error: a file is in the way of the embedded broker's folder `FOLDER/store`; remove it, or choose another `embedded.path`: File exists (os error 17)",
        "error: pipeline numbers: sink `s3_json`: a file is in the way of the catalog's folder FOLDER/catalog; remove it, or choose another `catalog`: File exists (os error 17)",
    ];
    assert_eq!(failures, expected);
}

#[test]
fn an_input_that_is_not_there_is_named() {
    let remove = |project: &Project| std::fs::remove_file(project.path("numbers.csv")).unwrap();
    let empty_folder = |project: &Project| {
        remove(project);
        std::fs::create_dir(project.path("numbers.csv")).unwrap();
    };
    let pipe = |project: &Project| {
        remove(project);
        assert!(std::process::Command::new("mkfifo").arg(project.path("numbers.csv")).status().unwrap().success());
    };
    let pattern = |project: &Project| project.replace("pipeline.yaml", "path: numbers.csv", "path: '*.tsv'");
    let expected = [
        "error: pipeline numbers: numbers.csv: there is no such file, expected one; relative paths start from the folder of the pipeline file",
        "error: pipeline numbers: path: there is no csv file at `numbers.csv`, expected one; relative paths start from the folder of the pipeline file",
        "error: pipeline numbers: path: `numbers.csv` is a pipe, a socket or a device, expected a file",
        "error: pipeline numbers: path: there is no csv file at `*.tsv`, expected one; relative paths start from the folder of the pipeline file",
    ];
    assert_eq!([failure(remove), failure(empty_folder), failure(pipe), failure(pattern)], expected);
}

#[test]
fn a_topic_whose_files_could_not_be_named_after_it_is_refused_before_anything_runs() {
    let validated = |topic: &str| {
        let project = Project::new(NUMBERS);
        project.replace("pipeline.yaml", "topic: { name: numbers", &format!("topic: {{ name: {topic}"));
        project.write("numbers.csv", "n\n1\n");
        (project.call(&["validate", "pipeline.yaml"]), project)
    };
    let skipped = "error: sinks[0].config: files are named after the topic, and readers skip names that begin with `_` or `.`: rename the topic `_x`\n --> pipeline.yaml:8:5\n";
    validated("_x").0.with_code(78).complaining(skipped);
    let long = "x".repeat(180);
    let too_long = format!(
        "error: sinks[0].config: files are named after the topic, and that has 180 characters, of at most 179 that leave a file name room for the rest: rename the topic `{long}`\n --> pipeline.yaml:8:5\n"
    );
    validated(&long).0.with_code(78).complaining(&too_long);
    // What is accepted can be written.
    let (accepted, project) = validated(&long[1..]);
    accepted.with_code(0);
    project.run(&[]).with_code(0);
    assert_eq!(project.files("out").len(), 1);
}

#[test]
fn a_column_that_the_input_or_the_topic_lacks_is_named() {
    let failures = ["m\n1\n", "n,m\n1,2\n", "N\n1\n"].map(|text| failure(|project| project.write("numbers.csv", text)));
    let expected = [
        "error: pipeline numbers: source `csv`: column `n` is missing (there is `m`: `rename` it?); `m` not in topic.schema: add it there, or leave it out with `drop` or `select`",
        "error: pipeline numbers: source `csv`: `m` not in topic.schema: add it there, or leave it out with `drop` or `select`",
        "error: pipeline numbers: source `csv`: column `n` is missing (there is `N`: `rename` it?); `N` not in topic.schema: add it there, or leave it out with `drop` or `select`",
    ];
    assert_eq!(failures, expected);
}

#[test]
fn an_environment_that_is_no_text_is_passed_over_and_a_wrong_one_is_told() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use crate::support::Started;

    let project = Project::new(NUMBERS);
    let call = |arguments: &[&str]| {
        let mut command = project.program(arguments.iter().copied());
        command.env("NO_TEXT", OsStr::from_bytes(b"hunter\xff"));
        Started::new(command).end()
    };
    call(&["validate", "pipeline.yaml"]).with_code(0);
    let missing = ["validate", "pipeline.yaml", "--env-file", "none.env"];
    call(&missing).with_code(2).complaining("error: none.env does not exist, expected the path of one");
    call(&["validate", "pipeline.yaml", "--env-file", "."])
        .with_code(2)
        .complaining("error: . is a folder, expected a file");
    project.write("wrong.env", "A=1\nhunter\n");
    let wrong = call(&["validate", "pipeline.yaml", "--env-file", "wrong.env"]).with_code(2);
    assert_eq!(wrong.err, "error: wrong.env:2: this is no variable, expected NAME=value\n");
    let set = call(&["validate", "pipeline.yaml", "--set", "name=a", "--set", "hunter"]).with_code(2);
    assert_eq!(set.err, "error: the 2nd --set names no value, expected KEY=VALUE, such as topic.name=demo\n");
}
