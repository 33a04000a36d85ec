//! Pipeline files that are wrong, by the plugins that come along.

mod files;
mod hooks;
#[cfg(feature = "kafka")]
mod kafka;
mod lints;
mod places;
mod sources;
mod transforms;

use serde_json::Value;

use crate::support::Project;

/// A file in which nothing is wrong.
const GOOD: &str = "\
name: stocks
sources:
  - type: csv
    config: { path: stocks.csv }
topic:
  name: stocks
  schema:
    symbol: string not null
    price: double
    day: date
    at: timestamp
    tags: array<string>
    raw: binary
sinks:
  - type: s3_parquet
    config: { url: out }
";

/// What is replaced in the good file, what stands there instead, and all that is said of it, a line for each mistake.
type Row<'a> = (&'a str, &'a str, &'a str);

/// Asserts what `pipeline validate` says of the good file with a mistake in it: all rows in one call of the program, which
/// creates nothing.
#[track_caller]
fn assert_said(rows: &[Row<'_>]) {
    let project = Project::new(GOOD);
    let names: Vec<String> = (0..rows.len()).map(|row| format!("{row}.yaml")).collect();
    for ((what, with, _), name) in rows.iter().zip(&names) {
        assert!(GOOD.contains(what), "the good file has no {what}");
        project.write(name, GOOD.replacen(what, with, 1));
    }
    let files = names.iter().map(String::as_str);
    let arguments: Vec<&str> = ["validate", "--format", "json", "pipeline.yaml"].into_iter().chain(files).collect();
    let said: Vec<Value> = serde_json::from_str(&project.call(&arguments).out).unwrap();
    let folder = format!("{}/", project.path("").canonicalize().unwrap().display());
    let lines_of = |file: &str| -> Vec<String> {
        let of_file = said.iter().filter(|one| one["file"] == file);
        of_file
            .map(|one| {
                format!(
                    "{}:{} {}: {}",
                    one["line"],
                    one["column"],
                    text(&one["path"]),
                    text(&one["message"]).replace(&folder, "FOLDER/")
                )
            })
            .collect()
    };
    assert_eq!(lines_of("pipeline.yaml"), [""; 0], "of the good file");
    let found =
        rows.iter().zip(&names).map(|((_, with, expected), name)| (*with, *expected, lines_of(name).join("\n")));
    let wrong: Vec<String> = found
        .filter(|(_, expected, found)| expected != found)
        .map(|(with, expected, found)| format!("{with}\n  expected {expected:?}\n  found    {found:?}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(said.iter().all(|one| !one.to_string().contains("hidden")), "a secret is shown");
    assert!(project.files(".").iter().all(|file| file.extension().is_some_and(|kind| kind == "yaml")));
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

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
