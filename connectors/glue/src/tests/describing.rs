//! What Glue is told of a table.

use pipeline_api::{Artifact, Context, Dataset, FileFormat, Hook, Often};
use pipeline_testkit::schema;
use serde_json::{Value, json};

use super::{artifact, dataset};
use crate::GlueTable;
use crate::ddl::ddl;
use crate::layout::Layout;

fn layout(dataset: &Dataset) -> Layout {
    Layout::of("stocks", "p", dataset).unwrap()
}

#[test]
fn types_have_no_blanks_and_names_are_in_small_letters() {
    let dataset = dataset(
        &[
            ("Symbol", "string not null"),
            ("price", "decimal(18,6)"),
            ("at", "timestamp"),
            ("finer", "timestamp(6)"),
            ("small", "tinyint"),
            ("nested", "struct<A:int,b:array<struct<c:timestamp(6),d:decimal(9,2)>>>"),
            ("raw", "binary"),
        ],
        &[("Day", "date")],
    );
    let input = layout(&dataset).table_input().unwrap();
    let columns = |columns: &[aws_sdk_glue::types::Column]| -> Vec<String> {
        columns.iter().map(|column| format!("{} {}", column.name(), column.r#type().unwrap())).collect()
    };
    assert_eq!(
        columns(input.storage_descriptor().unwrap().columns()),
        [
            "symbol string",
            "price decimal(18,6)",
            "at timestamp",
            "finer timestamp",
            "small tinyint",
            "nested struct<a:int,b:array<struct<c:timestamp,d:decimal(9,2)>>>",
            "raw binary",
        ]
    );
    assert_eq!(columns(input.partition_keys()), ["day date"]);
}

#[test]
fn a_table_and_its_partitions_say_how_to_read_them_and_who_made_them() {
    for (format, classification, serde) in [
        (FileFormat::Parquet, "parquet", "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"),
        (FileFormat::JsonLines, "json", "org.openx.data.jsonserde.JsonSerDe"),
    ] {
        let layout = layout(&Dataset { format, ..dataset(&[("price", "double")], &[("symbol", "string")]) });
        let table = layout.table_input().unwrap();
        let partition = layout.partition_input(&[None], "s3://lake/stocks/symbol=x/").unwrap();
        assert_eq!(table.table_type(), Some("EXTERNAL_TABLE"));
        assert_eq!(partition.values(), ["__HIVE_DEFAULT_PARTITION__"]);
        let locations = ["s3://lake/stocks/", "s3://lake/stocks/symbol=x/"];
        let storages = [table.storage_descriptor().unwrap(), partition.storage_descriptor().unwrap()];
        for (storage, location) in storages.into_iter().zip(locations) {
            assert_eq!(storage.location(), Some(location));
            assert_eq!(storage.serde_info().unwrap().serialization_library(), Some(serde));
            assert!(storage.input_format().is_some() && storage.output_format().is_some());
            assert_eq!(storage.columns()[0].name(), "price");
        }
        for parameters in [table.parameters().unwrap(), partition.parameters().unwrap()] {
            assert_eq!(parameters["classification"], classification);
            assert_eq!(parameters["pipeline.name"], "p");
        }
    }
}

#[test]
fn the_ddl_says_all_that_the_call_says() {
    let dataset = dataset(&[("Symbol's", "string"), ("legs", "array<struct<a:int>>")], &[("Day", "date")]);
    let mut layout = Layout::of("stocks", "p", &Dataset { format: FileFormat::JsonLines, ..dataset }).unwrap();
    layout.parameters.insert("projection.day.range".into(), "2024-01-01,it's".into());
    let input = layout.table_input().unwrap();
    let schema = &input.parameters().unwrap()["pipeline.schema"];
    let expected = format!(
        r"CREATE EXTERNAL TABLE `market`.`stocks` (
  `symbol's` string,
  `legs` array<struct<a:int>>
)
COMMENT 'Written by the pipeline p'
PARTITIONED BY (
  `day` date
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('serialization.format' = '1')
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://lake/stocks/'
TBLPROPERTIES (
  'classification' = 'json',
  'pipeline.name' = 'p',
  'pipeline.schema' = '{schema}',
  'projection.day.range' = '2024-01-01,it\'s'
)"
    );
    assert_eq!(ddl("market", &input), expected);
    let flat = ddl("market", &self::layout(&self::dataset(&[("n", "int")], &[])).table_input().unwrap());
    assert!(!flat.contains("PARTITIONED"), "{flat}");
}

#[test]
fn a_flush_is_said_to_register_its_new_partitions_by_the_hundred_and_projected_ones_by_none() {
    let dataset = dataset(&[("price", "double")], &[("symbol", "string")]);
    let context = Context { dataset: Some(dataset), ..Context::new("lake", schema(&[("price", "double")])) };
    let artifacts: Vec<_> =
        (0..202).map(|n| artifact("x/", &[("symbol", Some(["A", "B"].get(n).unwrap_or(&"C")))])).collect();
    let many: Vec<_> = (0..101).map(|n| artifact("x/", &[("symbol", Some(&format!("S{n}")))])).collect();
    let calls = |more: Value, artifacts: &[Artifact]| {
        let mut config = json!({ "database": "market", "table": "stocks" });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let outlook = GlueTable::outlook(&serde_json::from_value(config).unwrap(), &context, artifacts).unwrap();
        assert!(outlook.makes[0].starts_with("CREATE EXTERNAL TABLE `market`.`stocks`"), "{outlook:?}");
        let flushes = outlook.calls.iter().filter(|calls| calls.often == Often::NewPartitions);
        flushes.map(|calls| calls.count).sum::<u64>()
    };
    assert_eq!(calls(json!({}), &artifacts), 1);
    assert_eq!(calls(json!({}), &many), 2);
    assert_eq!(calls(json!({ "partitions": "projection" }), &many), 0);
    let nowhere = Context { dataset: None, ..context.clone() };
    let config = serde_json::from_value(json!({ "database": "market", "table": "stocks" })).unwrap();
    let error = GlueTable::outlook(&config, &nowhere, &many).unwrap_err().to_string();
    assert!(error.contains("leaves no files"), "{error}");
}

#[test]
fn what_no_table_can_be_is_refused_with_the_reason() {
    let local = Dataset { location: "file:///data/".into(), ..dataset(&[("price", "double")], &[]) };
    let error = Layout::of("stocks", "p", &local).unwrap_err().to_string();
    assert!(error.contains("read from S3; expected a sink whose url begins with s3://"), "{error}");

    let unsigned = arrow::datatypes::Field::new("volume", arrow::datatypes::DataType::UInt64, true);
    let columns = std::sync::Arc::new(pipeline_api::Schema::new(vec![unsigned]));
    let error = Layout::of("stocks", "p", &Dataset { columns, ..dataset(&[], &[]) }).unwrap_err();
    assert!(error.to_string().contains("column `volume` cannot be in a table"), "{error}");
}
