//! Files in S3 that are tables of Glue and are asked by Athena.

use std::fs;
use std::path::Path;
use std::process::Command;

use pipeline_testkit::aws::{AwsServer, MinistackServer, SeaweedServer};
use pipeline_testkit::kafka::KafkaServer;

use crate::support::{Project, Started, TICKS_TOPIC};

const CSV: &str = "data/stocks_daily.csv";

/// The pipeline that comes along, with its data.
fn stocks_to_athena() -> Project {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    let project = Project::new(&fs::read_to_string(folder.join("stocks_to_athena.yaml")).unwrap());
    project.write(CSV, fs::read(folder.join(CSV)).unwrap());
    project
}

#[test]
fn stocks_go_through_kafka_into_a_table_that_athena_has_proven_and_answers_from() {
    let aws = MinistackServer::shared();
    aws.bucket("lake");
    let project = stocks_to_athena();
    let there = |mut command: Command| {
        command.envs(aws.environment()).env("KAFKA", KafkaServer::shared().bootstrap());
        Started::new(command).end().with_code(0)
    };
    // MiniStack knows no "$path", by which files are counted before the end.
    let at_end = "sinks.0.hooks.1.config.when=end";
    let topic = "topic.name=stocks_to_athena";
    let run = there(project.runner(&[at_end, topic]));
    let run = run.saying("12,154 records out").saying("12154 rows (expected at least the 12154 of this run)");
    assert_eq!(run.out.matches('✓').count(), 4, "{}", run.out);
    // The report is Athena's too.
    let run = run.saying("Volatility").saying("| FB     | 195  | 3.79 ");
    assert!(!run.out.contains('✗'), "{}", run.out);
    let count = "SELECT count(*) AS n, count(DISTINCT symbol) AS symbols FROM stocks";
    there(project.program(["query", "pipeline.yaml", count])).saying("| 12154 | 5 ");
    // Nothing new: nothing is registered and nothing doubled.
    there(project.runner(&[at_end, topic])).saying("Nothing new");
    there(project.program(["query", "pipeline.yaml", count])).saying("| 12154 | 5 ");
}

const TICKS_SOURCE: &str = "\
name: ticks
sources:
  - type: ticks
    config: { rows: 2000, seed: 7 }
";

const TICKS_SINK: &str = "\
sinks:
  - type: s3_parquet
    config: { url: s3://ticks/out, partition_by: [symbol], profile: lake, endpoint: ENDPOINT }
    hooks:
      - type: glue_table
        config: { database: market, table: ticks, create_database: true, aws: { profile: lake } }
";

#[test]
fn a_profile_says_who_calls_s3_and_glue_and_a_wrong_one_is_told_before_the_first_record() {
    let (s3, glue) = (SeaweedServer::shared(), AwsServer::moto().unwrap());
    s3.bucket("ticks");
    let sink = TICKS_SINK.replace("ENDPOINT", &s3.endpoint());
    let project = Project::new(&format!("{TICKS_SOURCE}{TICKS_TOPIC}{sink}"));
    let variables = s3.environment();
    let value = |name: &str| variables.iter().find(|(variable, _)| *variable == name).unwrap().1.clone();
    let (id, secret) = (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"));
    project.write("config", "[profile lake]\nregion = us-east-1\n");
    project.write("credentials", format!("[lake]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
    let run = |sets: &[&str]| {
        let mut command = project.runner(sets);
        command.env("AWS_CONFIG_FILE", project.path("config"));
        command.env("AWS_SHARED_CREDENTIALS_FILE", project.path("credentials"));
        command.env("AWS_ENDPOINT_URL_GLUE", glue.endpoint()).env("AWS_EC2_METADATA_DISABLED", "true");
        // Of somebody else, and elsewhere: what the file names wins.
        command.env("AWS_PROFILE", "other").env("AWS_REGION", "eu-west-3");
        command.env("AWS_ACCESS_KEY_ID", "other").env("AWS_SECRET_ACCESS_KEY", "other").env_remove("AWS_ENDPOINT_URL");
        Started::new(command).end()
    };
    let refused = run(&["sinks.0.config.profile=nobody"]).with_code(1);
    refused.complaining("no credentials").saying("0 records in");
    run(&[]).with_code(0).saying("2,000 records out");
    let table = glue.ask("AWSGlue.GetTable", &serde_json::json!({ "DatabaseName": "market", "Name": "ticks" }));
    assert_eq!(table["Table"]["StorageDescriptor"]["Location"], "s3://ticks/out/");
}
