//! What Glue is told of a table.

use pipeline_api::{Dataset, FileFormat};

use super::dataset;
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
fn what_no_table_can_be_is_refused_with_the_reason() {
    let local = Dataset { location: "file:///data/".into(), ..dataset(&[("price", "double")], &[]) };
    let error = Layout::of("stocks", "p", &local).unwrap_err().to_string();
    assert!(error.contains("read from S3; expected a sink whose url begins with s3://"), "{error}");

    let unsigned = arrow::datatypes::Field::new("volume", arrow::datatypes::DataType::UInt64, true);
    let columns = std::sync::Arc::new(pipeline_api::Schema::new(vec![unsigned]));
    let error = Layout::of("stocks", "p", &Dataset { columns, ..dataset(&[], &[]) }).unwrap_err();
    assert!(error.to_string().contains("column `volume` cannot be in a table"), "{error}");
}
