//! The ways by which a secret comes in.

use super::canary::{assert_hidden, canary};
use crate::support::Project;

const FILE: &str = "\
name: secrets
sources:
  - { type: csv, config: { path: 'SOURCE' } }
topic: { name: secrets, schema: { symbol: string } }
sinks:
  - { type: s3_json, config: { url: 'URL', endpoint: 'ENDPOINT', access_key_id: 'ID', secret_access_key: 'KEY' } }
errors: { retry: { timeout: 10ms, pause: 1ms, max_pause: 1ms } }
";

/// What stands in the file, and where; and what comes from elsewhere.
struct Way {
    name: &'static str,
    /// Another text for one of the file's words.
    replaced: (&'static str, String),
    variables: Vec<(&'static str, String)>,
    arguments: Vec<String>,
    /// The exit codes of `validate` and `run`.
    codes: (i32, i32),
}

fn ways() -> Vec<Way> {
    let canary = canary("way");
    let of = |name, replaced: (&'static str, String), codes| Way {
        name,
        replaced,
        variables: Vec::new(),
        arguments: Vec::new(),
        codes,
    };
    let with = |way: Way, variable: &'static str| Way { variables: vec![(variable, canary.clone())], ..way };
    let set = |way: Way, set: String| Way { arguments: vec!["--set".into(), set], ..way };
    vec![
        of("the file", ("KEY", canary.clone()), (0, 1)),
        with(of("the environment", ("KEY", "${env:X}".into()), (0, 1)), "X"),
        with(of("part of a secret", ("KEY", "a-${env:X}-b".into()), (0, 1)), "X"),
        with(of("part of a path", ("SOURCE", "data-${env:X}.csv".into()), (0, 1)), "X"),
        of("a default", ("KEY", format!("${{env:NONE:-{canary}}}")), (0, 1)),
        with(of("a default that is not needed", ("KEY", format!("${{env:X:-{canary}}}")), (0, 1)), "X"),
        of("a placeholder that is none", ("KEY", format!("${{X:-{canary}}}")), (78, 78)),
        Way {
            arguments: vec!["--env-file".into(), "secrets.env".into()],
            ..of("a file of variables", ("KEY", "${env:FROM_FILE}".into()), (0, 1))
        },
        set(of("the command line", ("KEY", "x".into()), (0, 1)), format!("sinks.0.config.secret_access_key={canary}")),
        set(of("a wrong path", ("KEY", "x".into()), (78, 78)), format!("sinks.1.config.secret_access_key={canary}")),
        set(
            of("no path", ("KEY", "x".into()), (2, 2)),
            format!("sinks.0.config.secret_access_key:{canary}").replace('=', ""),
        ),
        set(of("no path but a value", ("KEY", "x".into()), (2, 2)), format!("={canary}")),
        of("a bucket's url", ("URL", format!("s3://me:{canary}@lake/x")), (78, 78)),
        of("an endpoint's url", ("ENDPOINT", format!("https://me:{canary}@host")), (78, 78)),
        of("an endpoint that is no url", ("ENDPOINT", format!("https://me:{canary} @host:x")), (78, 78)),
        of("a local url", ("URL", format!("file://me:{canary}@/x")), (78, 78)),
        of("a url that is a path", ("SOURCE", format!("https://me:{canary}@host/x.csv")), (0, 1)),
    ]
}

#[test]
fn a_secret_is_shown_by_none_of_the_ways_by_which_it_may_come_in() {
    for Way { name, replaced: (word, with), variables, arguments, codes } in ways() {
        let text = FILE.replace(word, &with).replace("SOURCE", "stocks.csv").replace("URL", "s3://lake/x");
        let text = text.replace("ENDPOINT", "http://127.0.0.1:1");
        let project = Project::new(&text);
        project.write("stocks.csv", "symbol\nIBM\n");
        project.write("secrets.env", format!("FROM_FILE={}\n", canary("file")));
        let except = ["pipeline.yaml", "wrong.yaml", "secrets.env"];
        let called = |command: &[&str], code: i32| {
            let more = arguments.iter().map(String::as_str);
            let ended =
                assert_hidden(&project, &command.iter().copied().chain(more).collect::<Vec<_>>(), &variables, &except);
            assert_eq!(ended.status.code(), Some(code), "{name}: {command:?}\n{}", ended.err);
        };
        called(&["validate", "pipeline.yaml"], codes.0);
        called(&["run", "pipeline.yaml"], codes.1);
        // A mistake in the same line, which is quoted.
        project
            .write("wrong.yaml", text.replace("config: {", "config: { x: 1,").replace("type: s3_json", "type: s3_jsn"));
        let code = if codes.0 == 2 { 2 } else { 78 };
        called(&["validate", "wrong.yaml"], code);
        called(&["validate", "wrong.yaml", "--format", "json"], code);
    }
}

#[test]
fn a_variable_that_is_not_there_is_named_and_may_come_from_a_file() {
    let project = Project::new(
        &FILE.replace("KEY", "${env:LAKE_KEY}").replace("URL", "s3://lake/x").replace("ENDPOINT", "http://127.0.0.1:1"),
    );
    project.call(&["validate", "pipeline.yaml"]).with_code(78).complaining("LAKE_KEY");
    project.write("secrets.env", "LAKE_KEY=b\n");
    project.call(&["validate", "pipeline.yaml", "--env-file", "secrets.env"]).with_code(0);
}
