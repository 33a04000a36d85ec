//! `pipeline plan`.

use serde_json::{Value, json};

use crate::support::Project;

/// The file of the repository that goes to AWS, with its data, and nothing that it could reach.
fn on_aws() -> Project {
    let project = Project::quickstart();
    let pipelines = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    project.write("athena.yaml", std::fs::read_to_string(pipelines.join("stocks_to_athena.yaml")).unwrap());
    project
}

const AT_A_RATE: &str = "\
stocks_to_athena: delivers exactly_once
  memory: at most 33.6 MB of records in flushes, 16.8 MB fetched, 67.1 MB being sent,
    besides about 80 MB for the program
  source csv: exactly_once
    tasks       1, group stocks_to_athena.source.tasks
  topic demo_testing2: json, Kafka at 127.0.0.1:9092
    partitions  3, key symbol, created if it is missing
    columns     symbol string not null, date date not null, open double, high double, low double,
                close double, volume bigint, adj_close double
    rate        5,000 records/s, as --rate says
  sink lake (s3_parquet): exactly_once
    tasks       1, group stocks_to_athena.lake
    flush       every 1m, 300,000 records of about 52 B, 15.6 MB, due by flush.every, 1,440 a day
    files       at least 44 a flush, at most 354.5 kB each, at least 63,360 a day
      s3://lake/stocks/symbol=AAPL/year=2000/demo_testing2+0+00000000000000000000-7220.parquet
      s3://lake/stocks/symbol=MSFT/year=2000/demo_testing2+0+00000000000000000000-7220.parquet
      s3://lake/stocks/symbol=AAPL/year=2001/demo_testing2+0+00000000000000000000-7220.parquet
    PUT         at least 44 a flush, 63,360 a day
    folders     44 for the first 10,000 records of the data that lies here
    hook glue_table: exactly_once
      GetTable, and CreateTable if there is none: 1 at the start
      BatchCreatePartition: 1 a flush with new partitions, at most 1,440 a day
      CREATE EXTERNAL TABLE `market`.`stocks` (
        `date` date,
        `open` double,
        `high` double,
        `low` double,
        `close` double,
        `volume` bigint,
        `adj_close` double
      )
      COMMENT 'Written by the pipeline stocks_to_athena'
      PARTITIONED BY (
        `symbol` string,
        `year` int
      )
      ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
      WITH SERDEPROPERTIES ('serialization.format' = '1')
      STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
      OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
      LOCATION 's3://lake/stocks/'
      TBLPROPERTIES (
        'classification' = 'parquet',
        'pipeline.name' = 'stocks_to_athena',
        'pipeline.schema' = 'a47dc47633d5af72'
      )
    hook athena_check: exactly_once
      query: row_count of the files: 1 every 15m, at most 96 a day,
        scans the files since then, at most 234.0 MB
      query: not_null, unique, between: 1 every 15m, at most 96 a day,
        scans the columns date, close, date, 6.9 GB more each day
      query: row_count, not_null, unique, between: 1 at the end of a run that ends,
        scans the columns date, close, date, 6.9 GB more each day
";

#[test]
fn a_plan_says_what_a_run_would_do_and_reaches_and_makes_nothing() {
    let project = on_aws();
    let files = project.files(".");
    let said = project.call(&["plan", "athena.yaml", "--rate", "5_000"]).with_code(0);
    assert_eq!(said.out, AT_A_RATE, "\n{}", said.out);
    assert_eq!(said.err, "");
    let widest = said.out.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?} columns");
    assert_eq!(project.files("."), files);
}

#[test]
fn without_a_rate_a_plan_says_what_one_flush_is_and_how_to_get_the_rest() {
    let project = on_aws();
    let said = project
        .call(&["plan", "athena.yaml"])
        .with_code(0)
        .saying("rate        unknown: --rate N or topic.rate gives the figures a day")
        .saying("at most 322,639 records of about 52 B, 16.8 MB, due by flush.memory,")
        .saying("or what comes in 1m, by flush.every");
    // In the line that says how to get them.
    assert_eq!(said.out.matches(" a day").count(), 1, "{}", said.out);
    let rated = ["plan", "athena.yaml", "--set", "topic.rate=50"];
    project.call(&rated).with_code(0).saying("50 records/s, as topic.rate says").complaining("sinks[0].flush: at 50");
    let bytes = ["plan", "athena.yaml", "--record-bytes", "1000"];
    project.call(&bytes).with_code(0).saying("at most 16,777 records of about 1,000 B");
    let ticks = Project::new(
        "name: t\nsources: [{ type: ticks, config: { rate: 2.5 } }]\ntopic: { name: t, schema: { close: double } }\n",
    );
    ticks.call(&["plan", "pipeline.yaml"]).with_code(0).saying("2.5 records/s, as the source says");
}

#[test]
fn a_plan_is_json_for_a_program() {
    let project = on_aws();
    let said = project.call(&["plan", "athena.yaml", "--rate", "100", "--format", "json"]).with_code(0);
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(plan["delivery"], "exactly_once");
    assert_eq!(plan["sources"], json!([{ "name": "csv", "type": "csv", "delivery": "exactly_once", "tasks": 1 }]));
    assert_eq!(plan["topic"]["columns"][0], json!({ "name": "symbol", "type": "string not null" }));
    assert_eq!(plan["rate"], json!({ "records": 100.0, "said_by": "--rate" }));
    assert_eq!(plan["sampled"], 10_000);
    let sink = &plan["sinks"][0];
    assert_eq!(sink["group"], "stocks_to_athena.lake");
    assert_eq!(
        sink["flush"],
        json!({ "due": "every", "rows": 6000.0, "bytes": 312_000.0, "seconds": 60.0, "a_day": 1440.0 })
    );
    let files = &sink["files"];
    let a_flush = files["a_flush"].as_f64().unwrap();
    assert_eq!(files["requests"], json!([{ "name": "PUT", "a_flush": a_flush, "a_day": a_flush * 1440.0 }]));
    assert!(files["examples"][0].as_str().unwrap().starts_with("s3://lake/stocks/symbol="), "{files}");
    assert!(sink["hooks"][0]["makes"][0].as_str().unwrap().starts_with("CREATE EXTERNAL TABLE `market`.`stocks`"));
    let query = &sink["hooks"][1]["calls"][0];
    assert_eq!(query["scanned_bytes"], 100.0 * 900.0 * 52.0);
    assert_eq!((query["count"].as_u64(), query["a_day"].as_f64()), (Some(1), Some(96.0)));
}

#[test]
fn a_plan_of_a_wrong_file_or_with_a_wrong_rate_is_refused_and_shows_no_secret() {
    let project = on_aws();
    project.call(&["plan", "athena.yaml", "--set", "topic.partitions=0"]).with_code(78).complaining("topic.partitions");
    for rate in ["0", "-5", "fast", "inf"] {
        project.call(&["plan", "athena.yaml", &format!("--rate={rate}")]).with_code(2).complaining("a number above 0");
    }
    let hidden = ["plan", "athena.yaml", "--set", "sinks.0.config.url=s3://lake/${env:HIDDEN}", "--env-file", "env"];
    project.write("env", "HIDDEN=sesame-street\n");
    let said = project.call(&hidden).with_code(0).saying("s3://lake/${env:HIDDEN}/");
    assert!(!said.out.contains("sesame-street"), "{}", said.out);
}
