//! What is right and will be regretted.

use serde_json::Value;

use super::{GOOD, assert_said, text};
use crate::support::Project;

#[test]
fn flushes_that_make_small_files_at_the_stated_rate_are_warned_of() {
    assert_said(&[
        (
            "  name: stocks\n  schema",
            "  name: stocks\n  rate: 10\n  schema",
            "16:5 sinks[0].flush: at 10 records/s of about 116 B a flush comes every 1m and leaves 1 file of about 70 kB; expected files of at least 1 MB: `flush: { every: 15m }`",
        ),
        ("  name: stocks\n  schema", "  name: stocks\n  rate: 10_000\n  schema", ""),
    ]);
}

#[test]
fn a_key_that_makes_the_folders_is_warned_of() {
    assert_said(&[(
        "{ url: out }",
        "{ url: out, partition_by: [symbol] }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      \
         - { type: sql_check, config: { table: t, checks: [{ unique: [symbol] }] } }\n",
        "19:59 sinks[0].hooks[1].config.checks[0].unique: `symbol` is unique and makes the sink's folders, so that each record is a file of its own; expected a partition_by whose values many records share",
    )]);
}

#[test]
fn a_table_that_nobody_could_read_is_a_mistake_before_a_run() {
    assert_said(&[
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: glue_table, config: { database: d, table: t } }\n",
            "18:29 sinks[0].hooks[0].config: the records lie at file://FOLDER/out/, and a table of Glue is read from S3; expected a sink whose url begins with s3://, or the hook local_table",
        ),
        (
            "{ url: out }",
            "{ url: s3://lake/t, partition_by: [day] }\n    hooks:\n      - { type: glue_table, config: { database: d, table: t, \
         partitions: projection } }\n",
            "18:29 sinks[0].hooks[0].config.projection.day: expected since when and until when, such as `range: [2024-01-01, NOW]`",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: athena_check, config: { database: d, table: t, checks: [{ row_count: {} }] } }\n",
            "18:31 sinks[0].hooks[0].config: sink `s3_parquet` writes to file://FOLDER/out/, which Athena cannot read; remove the hook athena_check, or choose a sink that writes files to S3",
        ),
    ]);
}

#[test]
fn partition_values_that_explode_in_the_data_are_warned_of_and_the_data_is_only_read() {
    let project = Project::new(
        &GOOD
            .replace("{ url: out }", "{ url: out, partition_by: [symbol] }")
            .replace("    tags: array<string>\n    raw: binary\n", ""),
    );
    let data = |symbols: usize| -> String {
        let lines = (0..400).map(|row| format!("S{},1.5,2026-01-02,2026-01-02T10:00:00\n", row % symbols));
        format!("symbol,price,day,at\n{}", lines.collect::<String>())
    };
    for (symbols, expected) in [
        (200, vec![]),
        (
            201,
            vec![
                "sinks[0].config: the first 400 records fall into 201 folders, and each flush writes a file for each of them; expected a \
                 `partition_by` whose values more records share, such as date(…) of a timestamp",
            ],
        ),
    ] {
        project.write("stocks.csv", data(symbols));
        let files = project.files(".");
        let said = project.call(&["validate", "pipeline.yaml", "--format", "json"]).with_code(0);
        let said: Vec<Value> = serde_json::from_str(&said.out).unwrap();
        let said: Vec<String> =
            said.iter().map(|one| format!("{}: {}", text(&one["path"]), text(&one["message"]))).collect();
        assert_eq!(said, expected);
        assert_eq!(project.files("."), files);
        // A run is no place for it.
        project.call(&["run", "pipeline.yaml", "--set", "embedded.in_memory=true"]).with_code(0);
        std::fs::remove_dir_all(project.path("out")).unwrap();
    }
}
