//! Whether a table of the catalog is the one that a sink writes.

use std::collections::BTreeSet;

use pipeline_api::{Error, Result};

use super::{Column, Partition, Table};

/// The table `found`, or `wanted` if there is none, with `partitions` added that it lacks. Columns of `wanted` that
/// `found` lacks and that may be null are appended: files without them read as null.
///
/// Errors: [`Config`](pipeline_api::ErrorKind::Config) with each difference, if the two are not one table.
pub(crate) fn merged(found: Option<Table>, wanted: &Table, partitions: &[Partition]) -> Result<Table> {
    let mut table = match found {
        Some(found) => extended(found, wanted)?,
        None => Table { partitions: Vec::new(), ..wanted.clone() },
    };
    let mut known: BTreeSet<Vec<Option<String>>> = table.partitions.iter().map(|known| known.values.clone()).collect();
    for partition in partitions {
        if known.insert(partition.values.clone()) {
            table.partitions.push(partition.clone());
        }
    }
    Ok(table)
}

fn extended(mut found: Table, wanted: &Table) -> Result<Table> {
    let mut differences = Vec::new();
    let mut differ = |what: String, found: &str, wanted: &str| {
        differences.push(format!("{what}: found {found}, wanted {wanted}"));
    };
    if found.location != wanted.location {
        differ("location".into(), &found.location, &wanted.location);
    }
    if found.format != wanted.format {
        differ("format".into(), &format!("{:?}", found.format), &format!("{:?}", wanted.format));
    }
    if found.partition_columns != wanted.partition_columns {
        differ("partition columns".into(), &list(&found.partition_columns), &list(&wanted.partition_columns));
    }
    for column in &found.columns {
        match wanted.columns.iter().find(|other| other.name == column.name) {
            Some(other) if other == column => {}
            Some(other) => differ(format!("column `{}`", column.name), &column.column_type, &other.column_type),
            None => differ(format!("column `{}`", column.name), &column.column_type, "no such column"),
        }
    }
    for column in &wanted.columns {
        if found.columns.iter().any(|other| other.name == column.name) {
            continue;
        }
        if column.column_type.ends_with("not null") {
            let wanted = format!("{}, which the records that are already there lack", column.column_type);
            differ(format!("column `{}`", column.name), "no such column", &wanted);
        }
    }
    if !differences.is_empty() {
        return Err(Error::config(format!(
            "table `{}` of pipeline `{}` is another table than this sink writes: {}; give the table another name, or \
             drop it: remove {}.json from the folder of the catalog",
            found.name,
            found.pipeline,
            differences.join("; "),
            found.name
        )));
    }
    for column in &wanted.columns {
        if !found.columns.contains(column) {
            found.columns.push(column.clone());
        }
    }
    Ok(found)
}

fn list(columns: &[Column]) -> String {
    match columns {
        [] => "none".into(),
        _ => columns.iter().map(|c| format!("{} {}", c.name, c.column_type)).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::TableFormat;

    fn table(columns: &[(&str, &str)]) -> Table {
        Table {
            name: "stocks".into(),
            pipeline: "p".into(),
            location: "file:///data/".into(),
            format: TableFormat::Parquet,
            columns: columns
                .iter()
                .map(|(name, of)| Column { name: (*name).into(), column_type: (*of).into() })
                .collect(),
            partition_columns: Vec::new(),
            partitions: Vec::new(),
        }
    }

    #[test]
    fn a_new_nullable_column_is_appended_and_the_order_of_columns_does_not_matter() {
        let found = table(&[("a", "int"), ("b", "string not null")]);
        let wanted = table(&[("c", "double"), ("b", "string not null"), ("a", "int")]);
        let merged = merged(Some(found), &wanted, &[]).unwrap();
        assert_eq!(merged.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn every_difference_is_named_with_what_was_found_and_what_was_wanted() {
        let found = table(&[("a", "int"), ("gone", "string")]);
        let wanted = Table {
            location: "file:///other/".into(),
            format: TableFormat::JsonLines,
            ..table(&[("a", "bigint"), ("must", "int not null")])
        };
        let error = merged(Some(found), &wanted, &[]).unwrap_err().to_string();
        for part in [
            "location: found file:///data/, wanted file:///other/",
            "format: found Parquet, wanted JsonLines",
            "column `a`: found int, wanted bigint",
            "column `gone`: found string, wanted no such column",
            "column `must`: found no such column, wanted int not null",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_partition_that_comes_again_is_there_once() {
        let partition = Partition { values: vec![Some("IBM".into()), None], location: "file:///data/x/".into() };
        let once = merged(None, &table(&[("a", "int")]), &[partition.clone(), partition.clone()]).unwrap();
        let twice = merged(Some(once), &table(&[("a", "int")]), std::slice::from_ref(&partition)).unwrap();
        assert_eq!(twice.partitions, [partition]);
    }
}
