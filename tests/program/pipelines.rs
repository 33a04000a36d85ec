//! The pipelines that come along.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::support::Project;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines")
}

fn shipped(name: &str) -> Project {
    Project::new(&fs::read_to_string(folder().join(name)).unwrap())
}

#[test]
fn every_one_of_them_is_valid() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = files.filter(|name| name.ends_with(".yaml")).collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        shipped(&name).call(&["validate", "pipeline.yaml"]).with_code(0).saying("ok, pipeline");
    }
}

#[test]
fn ticks_are_changed_on_their_way_and_checked() {
    let project = shipped("ticks.yaml");
    let run = project.run(&["sources.0.config.rows=20000", "sinks.0.flush.rows=6000"]).with_code(0);
    let run = run.saying("20,000 records out").saying("20000 rows (expected at least the 20000 of this run)");
    assert_eq!(run.out.matches('✓').count(), 3, "{}", run.out);
    let masked = "SELECT count(*) AS n FROM ticks WHERE symbol = 'SYM001' AND volume = 0";
    project.call(&["query", "pipeline.yaml", masked]).with_code(0).saying("| 1000 |");
}

#[test]
fn lines_go_in_at_the_console_and_come_out_again() {
    let project = shipped("console.yaml");
    project.write("lines", "{\"symbol\": \"IBM\", \"price\": 102.5}\n\n{\"symbol\": \"A\"}\n");
    let mut command = project.runner(&[]);
    let output = command.stdin(File::open(project.path("lines")).unwrap()).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}");
    for line in ["\"__key\":\"IBM\",\"symbol\":\"IBM\",\"price\":102.5}", "\"__key\":\"A\",\"symbol\":\"A\"}"] {
        assert!(out.contains(line), "no {line} in\n{out}");
    }
}
