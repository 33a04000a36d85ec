//! What a run leaves: its summary, the broker's store, tables, dead letters.

use super::canary::{assert_hidden, canary, find};
use crate::letters;
use crate::support::Project;

const LOCAL: &str = "\
name: secrets
sources:
  - type: csv
    config: { path: prices.csv }
topic: { name: prices, schema: { symbol: string, price: double } }
sinks:
  - type: s3_json
    config: { url: out, compression: none, access_key_id: '${env:LAKE_ID}', secret_access_key: '${env:LAKE_KEY}' }
    hooks:
      - { type: local_table, config: { table: prices, catalog: catalog } }
      - { type: sql_check, config: { table: prices, catalog: catalog, checks: [{ row_count: {} }, { not_null: [symbol] }] } }
errors: { tolerance: all, dead_letter_topic: dead_letters }
embedded: { path: store }
report:
  - { title: all, sql: SELECT count(*) FROM prices }
";

#[test]
fn what_a_run_leaves_holds_no_secret() {
    let project = Project::new(LOCAL);
    project.write("prices.csv", "symbol,price\nIBM,1.5\nIBM,cheap\n");
    let secrets = [("LAKE_ID", canary("id")), ("LAKE_KEY", canary("key"))];
    assert_hidden(&project, &["run", "pipeline.yaml"], &secrets, &[]).with_code(0).saying("Nothing new");
    let query = ["query", "pipeline.yaml", "SELECT * FROM prices"];
    assert_hidden(&project, &query, &secrets, &[]).with_code(0).saying("IBM");
    for file in ["out", "store", "catalog"] {
        assert!(!project.files(file).is_empty(), "nothing was searched in {file}");
    }
    let letters = letters::read(&project, "store", "dead_letters");
    assert_eq!(letters.len(), 1);
    assert_eq!(find(format!("{letters:?}").as_bytes()), None);
    assert_hidden(&project, &["reset", "pipeline.yaml", "--yes"], &secrets, &[]).with_code(0);
}

/// A text in a record is data, also if it is somebody's secret: it is delivered, and what refuses it does not repeat it.
#[test]
fn a_record_with_the_text_of_a_secret_is_delivered_and_no_header_repeats_it() {
    let project = Project::new(LOCAL);
    let secrets = [("LAKE_ID", canary("id")), ("LAKE_KEY", canary("key"))];
    project.write("prices.csv", format!("symbol,price\n{},1.5\nIBM,{}\n", secrets[0].1, secrets[1].1));
    let data = |project: &Project| {
        project.files("out").iter().map(|file| std::fs::read_to_string(file).unwrap()).collect::<String>()
    };
    let mut command = project.program(["run", "pipeline.yaml"]);
    command.envs(secrets.iter().map(|(name, value)| (*name, value.as_str()))).env("PIPELINE_LOG", "trace");
    let ended = crate::support::Started::new(command).end().with_code(0);
    for text in [&ended.out, &ended.err] {
        assert_eq!(find(text.as_bytes()), None);
    }
    assert!(data(&project).contains(&secrets[0].1), "{}", data(&project));
    let letters = letters::read(&project, "store", "dead_letters");
    assert_eq!(letters[0].record.as_deref(), Some(format!("IBM,{}", secrets[1].1).as_bytes()));
    assert_eq!(find(format!("{:?}", letters[0].headers).as_bytes()), None);
    assert_eq!(letters[0].header("exception.message"), "`${env:LAKE_KEY}` is not a double, expected a number");
}
