//! The command line.

use serde_json::Value;

use crate::rows;
use crate::support::Project;

const COMMANDS: [&str; 11] =
    ["run", "validate", "plan", "doctor", "schema", "plugins", "query", "offsets", "reconcile", "reset", "completions"];

fn anywhere() -> Project {
    Project::new("name: unused\n")
}

#[test]
fn help_teaches_every_command_and_the_exit_codes() {
    let help =
        anywhere().call(&["--help"]).with_code(0).saying("Exit codes: 0 ok, 1 the run failed, 2").saying("Examples:");
    for command in COMMANDS {
        assert!(help.out.contains(&format!("\n  {command} ")), "no {command} in\n{}", help.out);
        anywhere().call(&[command, "--help"]).with_code(0).saying("Usage: pipeline ");
    }
    anywhere().call(&["--version"]).with_code(0).saying("pipeline ");
}

#[test]
fn a_wrong_command_line_is_told_apart_from_a_wrong_file_and_a_failed_run() {
    let project = Project::quickstart();
    project.call(&[]).with_code(2);
    project.call(&["rum", "quickstart.yaml"]).with_code(2).complaining("run");
    project.call(&["run"]).with_code(2).complaining("<FILE>");
    project.call(&["run", "quickstart.yaml", "--set", "topic"]).with_code(2).complaining("expected KEY=VALUE");
    project.call(&["run", "quickstart.yaml", "quickstart.yaml"]).with_code(2).complaining("called `quickstart`");
    project.call(&["plugins", "cvs"]).with_code(2).complaining("did you mean `csv`?");
    project.call(&["run", "missing.yaml"]).with_code(78).complaining("missing.yaml");
    project
        .call(&["run", "quickstart.yaml", "--set", "topic.partitions=0"])
        .with_code(78)
        .complaining("--set topic.partitions");
    let missing = ["run", "quickstart.yaml", "--set", "sources.0.config.path=missing.csv"];
    project.call(&missing).with_code(1).complaining("missing.csv");
    project.call(&["query", "quickstart.yaml", "SELECT * FROM nothing"]).with_code(1).complaining("nothing");
}

#[test]
fn every_plugin_is_listed_and_described_with_its_fields_and_an_example() {
    let list = anywhere().call(&["plugins"]).with_code(0);
    let names: Vec<&str> =
        list.out.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()).collect();
    for name in [
        "csv",
        "ticks",
        "console",
        "select",
        "sql",
        "json",
        "s3_parquet",
        "s3_json",
        "local_table",
        "sql_check",
        "athena_check",
    ] {
        assert!(names.contains(&name), "no {name} in\n{}", list.out);
    }
    for name in names {
        let described = anywhere().call(&["plugins", name]).with_code(0).saying(&format!(" {name} (crate pipeline-"));
        assert!(described.out.contains("config:") || described.out.contains("sql"), "{}", described.out);
    }
    anywhere()
        .call(&["plugins", "s3_parquet"])
        .with_code(0)
        .saying("partition_by")
        .saying("required")
        .saying("type: s3_parquet");
}

#[test]
fn the_schema_is_json_and_knows_the_fields_of_the_file_and_of_the_plugins() {
    let printed = anywhere().call(&["schema"]).with_code(0);
    let schema: Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(schema["required"].as_array().map(|fields| fields.contains(&Value::from("topic"))), Some(true));
    for field in ["name", "sources", "topic", "sinks", "errors", "embedded", "kafka", "report"] {
        assert!(schema["properties"][field].is_object(), "no {field}");
    }
    for plugin in ["s3_parquet", "ticks", "local_table", "row_group_rows"] {
        assert!(printed.out.contains(&format!("\"{plugin}\"")), "no {plugin}");
    }
}

#[test]
fn completions_name_every_command() {
    let script = anywhere().call(&["completions", "bash"]).with_code(0);
    for command in COMMANDS {
        assert!(script.out.contains(command), "no {command} in\n{}", script.out);
    }
}

fn numbers(name: &str) -> String {
    format!(
        "\
name: {name}
sources:
  - type: csv
    config: {{ path: numbers.csv }}
topic: {{ name: {name}, schema: {{ n: bigint }} }}
sinks:
  - type: s3_json
    config: {{ url: out/{name}, compression: none }}
embedded: {{ path: store }}
"
    )
}

#[test]
fn several_files_run_side_by_side_on_one_store() {
    let project = Project::new(&numbers("first"));
    project.write("second.yaml", numbers("second"));
    project.write("numbers.csv", "n\n1\n2\n3\n");
    let files = ["run", "pipeline.yaml", "second.yaml"];
    project.call(&files).with_code(0).saying("first: all delivered").saying("second: all delivered");
    for name in ["out/first", "out/second"] {
        assert_eq!(rows::json(&project, name), ["n=1|", "n=2|", "n=3|"]);
    }
}

#[test]
fn a_file_that_is_wrong_keeps_the_others_from_running_too() {
    let project = Project::new(&numbers("first"));
    project.write("second.yaml", numbers("second").replace("bigint", "long"));
    project.write("numbers.csv", "n\n1\n");
    project.call(&["run", "pipeline.yaml", "second.yaml"]).with_code(78).complaining("second.yaml:5:");
    assert!(project.files("out").is_empty() && project.files("store").is_empty());
}

#[test]
fn one_pipeline_that_fails_does_not_stop_the_other() {
    let project = Project::new(&numbers("first"));
    project.write("second.yaml", numbers("second").replace("numbers.csv", "wrong.csv"));
    project.write("numbers.csv", "n\n1\n");
    project.write("wrong.csv", "n\none\n");
    let failed = project.call(&["run", "pipeline.yaml", "second.yaml"]).with_code(1).saying("first: all delivered");
    failed.saying("second: failed").complaining("pipeline second: ");
    assert_eq!(rows::json(&project, "out/first"), ["n=1|"]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let project = anywhere();
    let mut command = project.program(["schema"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(crate::support::wait(&mut child).code(), Some(0));
}
