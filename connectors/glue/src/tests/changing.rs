//! What becomes of a table that is there already.

use aws_sdk_glue::types::Table;

use super::dataset;
use crate::change::change;
use crate::layout::Layout;

fn layout(columns: &[(&str, &str)]) -> Layout {
    Layout::of("stocks", "p", &dataset(columns, &[("symbol", "string")])).unwrap()
}

/// The table as Glue has it after it was made from `layout`.
fn made(layout: &Layout) -> Table {
    let input = layout.table_input().unwrap();
    Table::builder()
        .name(input.name())
        .database_name("market")
        .set_storage_descriptor(input.storage_descriptor.clone())
        .set_partition_keys(input.partition_keys.clone())
        .set_parameters(input.parameters.clone())
        .build()
        .unwrap()
}

#[test]
fn the_same_table_is_left_alone_also_if_its_columns_stand_in_another_order() {
    let found = made(&layout(&[("a", "int"), ("b", "string")]));
    assert!(change(&found, &layout(&[("a", "int"), ("b", "string")])).unwrap().is_none());
    let reordered = change(&found, &layout(&[("b", "string"), ("a", "int")])).unwrap().unwrap();
    assert_eq!(reordered.storage_descriptor().unwrap().columns()[0].name(), "a");
}

#[test]
fn a_new_nullable_column_is_appended_and_what_others_said_of_the_table_stays() {
    let mut found = made(&layout(&[("a", "int")]));
    found.parameters.get_or_insert_default().insert("comment".into(), "by hand".into());
    found.storage_descriptor.as_mut().unwrap().columns.as_mut().unwrap()[0].comment = Some("the a".into());
    let input = change(&found, &layout(&[("c", "double"), ("a", "int")])).unwrap().unwrap();
    let columns = input.storage_descriptor().unwrap().columns();
    assert_eq!(columns.iter().map(|column| column.name()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(columns[0].comment(), Some("the a"));
    assert_eq!(input.parameters().unwrap()["comment"], "by hand");
}

#[test]
fn every_difference_is_named_with_what_was_found_and_what_was_wanted() {
    let mut found = made(&layout(&[("a", "int"), ("gone", "string")]));
    let storage = found.storage_descriptor.as_mut().unwrap();
    storage.location = Some("s3://other/".into());
    storage.serde_info = None;
    found.partition_keys = None;
    found.parameters.get_or_insert_default().insert("projection.enabled".into(), "true".into());
    let error = change(&found, &layout(&[("a", "bigint"), ("must", "int not null")])).unwrap_err();
    assert_eq!(error.kind(), pipeline_api::ErrorKind::Config);
    for part in [
        "table `stocks` of the Glue database `market` is another table",
        "location: found s3://other/, wanted s3://lake/stocks/",
        "format: found none, wanted org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "partition columns: found none, wanted symbol string",
        "partitions: found projection, wanted registered",
        "column `a`: found int, wanted bigint",
        "column `gone`: found string, wanted no such column",
        "column `must`: found no such column, wanted int not null",
    ] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

#[test]
fn a_table_that_somebody_else_made_is_refused() {
    let wanted = layout(&[("a", "int")]);
    for (owner, expected) in [(None, "it was not made by a pipeline"), (Some("q"), "it belongs to the pipeline `q`")] {
        let mut found = made(&wanted);
        let parameters = found.parameters.get_or_insert_default();
        parameters.remove("pipeline.name");
        parameters.extend(owner.map(|owner: &str| ("pipeline.name".to_owned(), owner.to_owned())));
        let error = change(&found, &wanted).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_projection_may_be_changed_and_what_is_not_projected_any_more_is_removed() {
    let projected = |properties: &[(&str, &str)]| {
        let mut layout = layout(&[("a", "int")]);
        layout.parameters.extend(properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        layout
    };
    let (enabled, injected) = (("projection.enabled", "true"), ("projection.symbol.type", "injected"));
    let before = projected(&[enabled, ("projection.symbol.type", "enum"), ("projection.symbol.values", "A,B")]);
    let after = projected(&[enabled, injected]);
    let input = change(&made(&before), &after).unwrap().unwrap();
    let parameters = input.parameters().unwrap();
    assert_eq!(parameters["projection.symbol.type"], "injected");
    assert!(!parameters.contains_key("projection.symbol.values"));
    assert!(change(&made(&after), &after).unwrap().is_none());
}
