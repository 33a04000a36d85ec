//! Files in S3 that are tables of Glue and are asked by Athena.

use std::fs;
use std::path::Path;
use std::process::Command;

use pipeline_testkit::aws::{AwsServer, MinistackServer, SeaweedServer};
use pipeline_testkit::kafka::KafkaServer;
use pipeline_testkit::python;

use crate::rows;
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
    let doctor = || there(project.program(["doctor", "pipeline.yaml", "--set", topic]));
    let before = doctor().saying("glue_table: look at the table market.stocks (glue:GetTable): there is none yet");
    let before = before.saying("athena_check: answer SELECT 1, and read the answer\n").saying("s3://lake/stocks");
    assert!(!before.out.contains("wrong"), "{}", before.out);
    let run = there(project.runner(&[at_end, topic]));
    let run = run.saying("12,154 records out").saying("12154 rows (expected at least the 12154 of this run)");
    assert_eq!(run.out.matches('✓').count(), 4, "{}", run.out);
    // The report is Athena's too.
    let run = run.saying("Volatility").saying("| FB     | 195  | 3.79 ");
    assert!(!run.out.contains('✗'), "{}", run.out);
    let count = "SELECT count(*) AS n, count(DISTINCT symbol) AS symbols FROM stocks";
    there(project.program(["query", "pipeline.yaml", count])).saying("| 12154 | 5 ");
    doctor().saying("it is as the sink writes it").saying("look at its partitions (glue:BatchGetPartition)");
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

/// A file whose records have these columns too, and one that only puts such records on the topic.
fn evolving(columns: &str) -> (String, String) {
    let topic = format!(
        "\
name: evolving
sources:
  - type: console
topic:
  name: evolving
  schema: {{ id: bigint not null, kind: string not null, {columns} }}
"
    );
    let file = format!(
        "\
{topic}\
sinks:
  - name: lake
    type: s3_parquet
    config: {{ url: s3://evolving/out, partition_by: [kind] }}
    hooks:
      - type: glue_table
        config: {{ database: evolving, table: readings, create_database: true }}
      - type: athena_check
        config:
          database: evolving
          table: readings
          output_location: s3://evolving/athena/
          when: end
          checks:
            - unique: [id]
"
    );
    (file, format!("{topic}sinks: []\n"))
}

/// The rows that Athena sees, as `id kind text price`.
fn readings(project: &Project, aws: &AwsServer) -> Vec<String> {
    let all = "SELECT id, kind, text, price FROM readings ORDER BY id";
    let mut command = project.program(["query", "v2.yaml", all, "--format", "json"]);
    command.envs(aws.environment());
    let answer = Started::new(command).end().with_code(0).out;
    rows::json_lines(&answer)
}

#[test]
fn a_column_that_is_added_between_records_of_both_versions_is_null_in_all_that_is_older() {
    let aws = AwsServer::ministack().unwrap();
    MinistackServer::shared().bucket("evolving");
    let project = Project::new("");
    for (version, columns) in [("1", "text: string"), ("2", "text: string, price: double")] {
        let (file, writer) = evolving(columns);
        project.write(&format!("v{version}.yaml"), file);
        project.write(&format!("writer{version}.yaml"), writer);
    }
    let with = |file: &str, lines: &str, crash: &str| {
        project.write("lines", lines);
        let mut command = project.program(["run", file]);
        command.envs(aws.environment()).stdin(fs::File::open(project.path("lines")).unwrap());
        command.env("PIPELINE_CRASH", crash);
        Started::new(command).end()
    };
    let run = |file: &str, lines: &str| drop(with(file, lines, "").with_code(0));
    let old = |id: i32, kind: &str| format!("{{\"id\":{id},\"kind\":\"{kind}\",\"text\":\"t{id}\"}}\n");
    let new = |id: i32, kind: &str| old(id, kind).replace('}', &format!(",\"price\":{id}.5}}"));

    run("v1.yaml", &(old(0, "a") + &old(1, "b")));
    // Both versions of a writer, one after the other and back, before anybody reads.
    run("writer1.yaml", &old(2, "a"));
    run("writer2.yaml", &(new(3, "a") + &new(4, "c")));
    run("writer1.yaml", &old(5, "c"));
    // The old file is in the middle of a flush of them, whose range the new one plans anew.
    with("v1.yaml", &old(6, "b"), "s3_after_first_put").with_kill();
    let columns = |aws: &AwsServer| {
        let table = aws.ask("AWSGlue.GetTable", &serde_json::json!({ "DatabaseName": "evolving", "Name": "readings" }));
        let columns = table["Table"]["StorageDescriptor"]["Columns"].as_array().unwrap().clone();
        columns.iter().map(|column| format!("{} {}", column["Name"], column["Type"])).collect::<Vec<_>>()
    };
    assert_eq!(columns(&aws), ["\"id\" \"bigint\"", "\"text\" \"string\""]);
    run("v2.yaml", &new(7, "b"));
    assert_eq!(columns(&aws), ["\"id\" \"bigint\"", "\"text\" \"string\"", "\"price\" \"double\""]);
    // A writer of the old version goes on for a while.
    run("writer1.yaml", &old(8, "d"));
    run("writer2.yaml", &new(9, "d"));
    run("v2.yaml", "");

    let kinds = ["a", "b", "a", "a", "c", "c", "b", "b", "d", "d"];
    let price = |id: usize| if [3, 4, 7, 9].contains(&id) { format!("price={id}.5|") } else { String::new() };
    let expected: Vec<String> =
        kinds.iter().enumerate().map(|(id, kind)| format!("id={id}|kind={kind}|{}text=t{id}|", price(id))).collect();
    assert_eq!(readings(&project, &aws), expected);
    // Readers take the columns of a partition, so each that has files with the new one must say it.
    for kind in ["a", "b", "c", "d"] {
        let asked =
            serde_json::json!({ "DatabaseName": "evolving", "TableName": "readings", "PartitionValues": [kind] });
        let partition = aws.ask("AWSGlue.GetPartition", &asked);
        let columns = partition["Partition"]["StorageDescriptor"]["Columns"].as_array().unwrap();
        assert_eq!(columns.len(), 3, "{kind}");
    }
}

const ENGINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/read_back.py");

#[test]
fn duckdb_reads_each_type_in_each_compression_and_form_of_partitions_from_s3_as_it_was_written() {
    let python = python::environment("engine", include_str!("../engine/requirements.txt")).join("bin/python");
    let script = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.arg(ENGINE).args(arguments).envs(SeaweedServer::shared().environment());
        Started::new(command).end()
    };
    SeaweedServer::shared().bucket("types");
    let project = Project::new(&script(&["pipeline"]).with_code(0).out);
    project.write("records", script(&["records"]).with_code(0).out);
    let mut command = project.runner(&[]);
    command.envs(SeaweedServer::shared().environment()).stdin(fs::File::open(project.path("records")).unwrap());
    Started::new(command).end().with_code(0);
    for key in SeaweedServer::shared().objects("types").keys() {
        let (folder, name) = key.rsplit_once('/').unwrap();
        let ending = &name[name.find('.').unwrap()..];
        let data = [".parquet", ".json", ".json.gz", ".json.zst"].contains(&ending) && name.starts_with("types+0+");
        assert!(data && !folder.split('/').any(|part| part.starts_with(['_', '.'])), "{key} is no file of records");
    }
    script(&["read"]).with_code(0).saying("78 tables, 20328 values");
    // One other value is seen in every table of both formats, whether it is in the files or in the path.
    let seen = script(&["read", "another"]).with_code(1);
    for column in ["text", "yes", "tiny", "whole", "large", "single", "day", "at", "exact", "raw", "prices", "nested"] {
        let times = seen.out.matches(&format!(": {column} of record 1 is ")).count();
        assert_eq!(times, 78, "{column}: {}\n{}", seen.out, seen.err);
    }
}
