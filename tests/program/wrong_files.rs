//! Pipeline files that are wrong, and secrets in those that are right.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use serde_json::Value;

use crate::support::{Ended, Project, Started};

const TEN_MISTAKES: &str = "\
name: my stocks
delivry: exactly_once
sources:
  - type: cvs
    config: { path: stocks.csv }
  - type: ticks
    config: { symbols: many, rat: 5 }
topic:
  name: demo+testing
  partitions: 0
  key: symbl
  schema:
    symbol: string not null
    price: long
sinks:
  - type: s3_json
    config: { urll: out/json, compression: zst }
    flush: { every: 5 }
errors: { tolerance: all }
";

/// Each mistake: its place, the path of the value, and a part of what is said.
const PLACES: [(u64, u64, &str, &str); 13] = [
    (1, 7, "name", "`my stocks` has ` ` in it"),
    (2, 1, "delivry", "did you mean `delivery`?"),
    (4, 11, "sources[0].type", "unknown source `cvs`, did you mean `csv`?"),
    (7, 24, "sources[1].config.symbols", "found the text `many`"),
    (7, 30, "sources[1].config.rat", "did you mean `rate`?"),
    (9, 9, "topic.name", "`demo+testing` has `+` in it"),
    (10, 15, "topic.partitions", "found `0`"),
    (11, 8, "topic.key", "did you mean `symbol`?"),
    (14, 12, "topic.schema.price", "did you mean `bigint`?"),
    (17, 15, "sinks[0].config.urll", "did you mean `url`?"),
    (17, 44, "sinks[0].config.compression", "did you mean `zstd`?"),
    (18, 21, "sinks[0].flush.every", "expected a duration"),
    (19, 22, "errors.tolerance", "needs a `dead_letter_topic`"),
];

#[test]
fn a_file_with_ten_mistakes_names_them_all_with_their_places_and_nothing_is_created() {
    let project = Project::new(TEN_MISTAKES);
    for command in ["run", "validate", "reset"] {
        let ended = project.call(&[command, "pipeline.yaml"]).with_code(78);
        for (line, column, path, said) in PLACES {
            let place = format!("pipeline.yaml:{line}:{column}");
            assert!(ended.err.contains(&place), "{command}: no `{place}` in\n{}", ended.err);
            assert!(ended.err.contains(&format!("{path}: ")), "{command}: no `{path}` in\n{}", ended.err);
            assert!(ended.err.contains(said), "{command}: no `{said}` in\n{}", ended.err);
        }
        assert_eq!(ended.out, "");
    }
    assert_eq!(project.files("."), [project.path("pipeline.yaml")]);
}

#[test]
fn validate_lists_the_mistakes_as_json_too() {
    let project = Project::new(TEN_MISTAKES);
    let ended = project.call(&["validate", "pipeline.yaml", "--format", "json"]).with_code(78);
    let found: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    for (line, column, path, said) in PLACES {
        let is_it = |mistake: &&Value| mistake["line"] == line && mistake["column"] == column;
        let mistake = found.iter().find(is_it).unwrap_or_else(|| panic!("nothing at {line}:{column} in {:#?}", found));
        assert_eq!(mistake["path"], path);
        assert!(mistake["message"].as_str().unwrap().contains(said), "{mistake}");
    }
    assert_eq!(found.len(), PLACES.len(), "{}", ended.out);
}

#[test]
fn a_right_file_is_told_to_be_right_without_anything_being_created() {
    let project = Project::quickstart();
    let files = project.files(".");
    project.call(&["validate", "quickstart.yaml"]).with_code(0).saying("ok, pipeline quickstart delivers exactly_once");
    let json = project.call(&["validate", "quickstart.yaml", "--format", "json"]).with_code(0);
    assert_eq!(json.out.trim(), "[]");
    assert_eq!(project.files("."), files);
}

const WITH_SECRETS: &str = "\
name: secrets
sources:
  - type: ticks
    config: { rows: 10 }
    transforms:
      - { type: select, config: { fields: [symbol] } }
topic: { name: secrets, schema: { symbol: string } }
sinks:
  - type: s3_json
    config:
      url: s3://lake/out
      endpoint: http://127.0.0.1:1
      access_key_id: '${env:LAKE_KEY}'
      secret_access_key: '${env:LAKE_SECRET}'
      session_token: '${env:LAKE_TOKEN}'
errors: { retry: { timeout: 1s } }
";

const SECRETS: [(&str, &str); 3] =
    [("LAKE_KEY", "akia-hunter-one"), ("LAKE_SECRET", "hunter-two-secret"), ("LAKE_TOKEN", "hunter-three-token")];

/// A server that refuses every request. Ends with the test's process.
fn refusing_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = stream.read(&mut [0; 65_536]);
                let _ = stream.write_all(refusal);
            });
        }
    });
    address
}

#[track_caller]
fn assert_no_secret(project: &Project, arguments: &[&str], code: i32) -> Ended {
    let mut command = project.program(arguments.iter().copied());
    command.env("PIPELINE_LOG", "trace").envs(SECRETS);
    let ended = Started::new(command).end().with_code(code);
    for (_, secret) in SECRETS {
        for (stream, text) in [("stdout", &ended.out), ("stderr", &ended.err)] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} on {stream} of {arguments:?}");
        }
    }
    ended
}

#[test]
fn no_secret_is_ever_shown_not_even_in_the_most_detailed_log_of_a_run() {
    let project = Project::new(WITH_SECRETS);
    let endpoint = format!("http://{}", refusing_server());
    project.replace("pipeline.yaml", "http://127.0.0.1:1", &endpoint);
    assert_no_secret(&project, &["run", "pipeline.yaml"], 1).complaining("TRACE").complaining("403");
    assert_no_secret(&project, &["validate", "pipeline.yaml"], 0);
    project.replace("pipeline.yaml", "endpoint: http", "endpont: http");
    project.replace("pipeline.yaml", "timeout: 1s", "timeout: '${env:LAKE_SECRET}'");
    assert_no_secret(&project, &["run", "pipeline.yaml"], 78);
    assert_no_secret(&project, &["validate", "pipeline.yaml", "--format", "json"], 78);
}

#[test]
fn a_variable_that_is_not_there_is_named_and_may_come_from_a_file() {
    let project = Project::new(WITH_SECRETS);
    project.call(&["validate", "pipeline.yaml"]).with_code(78).complaining("LAKE_KEY");
    project.write("secrets.env", "LAKE_KEY=a\nLAKE_SECRET=b\nLAKE_TOKEN=c\n");
    project.call(&["validate", "pipeline.yaml", "--env-file", "secrets.env"]).with_code(0);
}
