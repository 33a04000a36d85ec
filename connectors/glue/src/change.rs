//! Whether a table of the catalog is the one that a sink writes, and what makes it so.

use std::collections::HashMap;

use aws_sdk_glue::types::{Column, Table, TableInput};
use pipeline_api::{Error, Result};

use crate::layout::{Layout, OWNER, TableColumn, glue_columns, unbuilt};

/// What begins the name of each property of projection.
const PROJECTION: &str = "projection.";

/// What makes the table `found` the one that is wanted: its new columns that may be null are appended, and what it says of
/// itself is brought up to date. `None` if it is that already.
///
/// Errors: [`Config`](pipeline_api::ErrorKind::Config) with each difference, if the two are not one table.
pub(crate) fn change(found: &Table, wanted: &Layout) -> Result<Option<TableInput>> {
    let differences = differences(found, wanted)?;
    if !differences.is_empty() {
        return Err(Error::config(format!(
            "table `{}` of the Glue database `{}` is another table than this sink writes: {}; give the table another name, or \
             drop it",
            found.name(),
            found.database_name().unwrap_or_default(),
            differences.join("; "),
        )));
    }
    let (columns, parameters) = (added(found, wanted), parameters(found, wanted));
    if columns.is_empty() && found.parameters() == Some(&parameters) {
        return Ok(None);
    }
    changed(found, wanted, &columns, parameters).map(Some)
}

fn differences(found: &Table, wanted: &Layout) -> Result<Vec<String>> {
    let owner = found.parameters().and_then(|parameters| parameters.get(OWNER));
    match owner {
        None => return Ok(vec!["it was not made by a pipeline".into()]),
        Some(owner) if *owner != wanted.pipeline => return Ok(vec![format!("it belongs to the pipeline `{owner}`")]),
        Some(_) => {}
    }
    let mut differences = Vec::new();
    let mut differ = |what: String, found: &str, wanted: &str| {
        if found != wanted {
            differences.push(format!("{what}: found {found}, wanted {wanted}"));
        }
    };
    let (storage, own) = (found.storage_descriptor(), wanted.storage(&wanted.location)?);
    let location = storage.and_then(|storage| storage.location()).unwrap_or_default();
    differ("location".into(), with_slash(location).as_str(), &wanted.location);
    let serde = |serde: Option<&str>| serde.unwrap_or("none").to_owned();
    let of = storage.and_then(|storage| storage.serde_info()).and_then(|info| info.serialization_library());
    let wanted_serde = own.serde_info().and_then(|info| info.serialization_library());
    differ("format".into(), &serde(of), &serde(wanted_serde));
    differ("partition columns".into(), &list(&read(found.partition_keys())), &list(&wanted.partition_columns));
    let is_projected = |parameters: Option<&HashMap<String, String>>| {
        parameters.is_some_and(|parameters| parameters.get("projection.enabled").is_some_and(|value| value == "true"))
    };
    if is_projected(found.parameters()) && !is_projected(Some(&wanted.parameters)) {
        let gone = "registered, without which what is already there would vanish";
        differ("partitions".into(), "projection", gone);
    }
    for column in file_columns(found) {
        let of = wanted.columns.iter().find(|other| other.name == column.name).map(|other| other.of.as_str());
        differ(format!("column `{}`", column.name), &column.of, of.unwrap_or("no such column"));
    }
    for column in added(found, wanted).iter().filter(|column| !column.nullable) {
        let wanted = format!("{} not null, which the records that are already there lack", column.of);
        differ(format!("column `{}`", column.name), "no such column", &wanted);
    }
    Ok(differences)
}

/// The columns of `wanted` that `found` lacks.
fn added(found: &Table, wanted: &Layout) -> Vec<TableColumn> {
    let there = file_columns(found);
    wanted.columns.iter().filter(|column| there.iter().all(|other| other.name != column.name)).cloned().collect()
}

/// What the table says of itself, with what others have said left as it is.
fn parameters(found: &Table, wanted: &Layout) -> HashMap<String, String> {
    let theirs = found.parameters().into_iter().flatten().filter(|(name, _)| !name.starts_with(PROJECTION));
    let mut parameters: HashMap<String, String> = theirs.map(|(name, value)| (name.clone(), value.clone())).collect();
    parameters.extend(wanted.table_parameters());
    parameters
}

fn changed(
    found: &Table,
    wanted: &Layout,
    added: &[TableColumn],
    parameters: HashMap<String, String>,
) -> Result<TableInput> {
    let mut storage = match found.storage_descriptor() {
        Some(storage) => storage.clone(),
        None => wanted.storage(&wanted.location)?,
    };
    storage.columns.get_or_insert_default().extend(glue_columns(added)?);
    TableInput::builder()
        .name(found.name())
        .set_description(found.description().map(Into::into))
        .set_owner(found.owner().map(Into::into))
        .retention(found.retention())
        .storage_descriptor(storage)
        .set_partition_keys(found.partition_keys.clone())
        .set_table_type(found.table_type().map(Into::into))
        .set_parameters(Some(parameters))
        .build()
        .map_err(unbuilt)
}

fn file_columns(found: &Table) -> Vec<TableColumn> {
    read(found.storage_descriptor().map(|storage| storage.columns()).unwrap_or_default())
}

/// Columns as a table of the catalog has them.
pub(crate) fn read(columns: &[Column]) -> Vec<TableColumn> {
    let column = |column: &Column| TableColumn {
        name: column.name().to_lowercase(),
        of: column.r#type().unwrap_or_default().to_lowercase(),
        nullable: true,
    };
    columns.iter().map(column).collect()
}

fn list(columns: &[TableColumn]) -> String {
    match columns {
        [] => "none".into(),
        _ => columns.iter().map(|column| format!("{} {}", column.name, column.of)).collect::<Vec<_>>().join(", "),
    }
}

pub(crate) fn with_slash(location: &str) -> String {
    format!("{}/", location.trim_end_matches('/'))
}
