//! Which files readers of a table find.

use std::collections::BTreeMap;

use aws_sdk_glue::types::Table;
use pipeline_api::{Found, Result, Unreached};

use crate::catalog::Catalog;
use crate::change::with_slash;
use crate::layout::{Layout, NULL};
use crate::projection::{ENABLED, Projection};

/// What is wrong with a folder whose name has a `%` in it: it stands for a character that Hive escapes, or for itself.
const ESCAPED: &str = "the name of its folder is escaped as Hive does it, and a projection looks for the value as it is; \
                       use `partitions: registered`";

/// The files that no reader of the table finds: one entry for each folder, and one for all where nothing is found.
pub(crate) async fn unreached(
    catalog: &Catalog,
    wanted: &Layout,
    projection: Option<&Projection>,
    found: &[Found],
) -> Result<Vec<Unreached>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let name = catalog.name();
    let Some(table) = catalog.table().await? else {
        return Ok(all(found, format!("there is no Glue table `{name}`")));
    };
    let by_table = projection.is_some() || wanted.partition_columns.is_empty();
    let location = location(&table);
    if by_table && location != wanted.location {
        return Ok(all(found, format!("Glue table `{name}` lies at {location}")));
    }
    let Some(projection) = projection else {
        return match by_table {
            true => Ok(Vec::new()),
            false => unregistered(catalog, found).await,
        };
    };
    if table.parameters().and_then(|parameters| parameters.get(ENABLED)).is_none_or(|enabled| enabled != "true") {
        return Ok(all(
            found,
            format!("Glue table `{name}` does not say `{ENABLED}: true`, and no partition is registered"),
        ));
    }
    let unseen = |(folder, urls): (&str, Vec<String>)| {
        let why = projection.unseen(folder, &values(folder, &wanted.location), &wanted.location);
        let why = why.or_else(|| below(folder, &wanted.location).contains('%').then(|| ESCAPED.to_owned()))?;
        Some(Unreached { urls, why })
    };
    Ok(by_folder(found).into_iter().filter_map(unseen).collect())
}

async fn unregistered(catalog: &Catalog, found: &[Found]) -> Result<Vec<Unreached>> {
    let registered = catalog.locations().await?;
    let mut folders = by_folder(found);
    let of_all = folders.len();
    folders.retain(|folder, _| !registered.contains(*folder));
    let why = |what: &str| format!("Glue table `{}` has no partition {what}", catalog.name());
    if folders.len() == of_all && of_all > 1 {
        return Ok(all(found, why(&format!("at any of their {of_all} folders"))));
    }
    Ok(folders.into_values().map(|urls| Unreached { urls, why: why("there") }).collect())
}

fn all(found: &[Found], why: String) -> Vec<Unreached> {
    vec![Unreached { urls: found.iter().map(|found| found.url.clone()).collect(), why }]
}

fn by_folder(found: &[Found]) -> BTreeMap<&str, Vec<String>> {
    let mut folders: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Found { url, .. } in found {
        let folder = url.rfind('/').map_or(url.as_str(), |slash| &url[..=slash]);
        folders.entry(folder).or_default().push(url.clone());
    }
    folders
}

/// What the name of a folder says of the partition columns, as it is written there.
fn values<'a>(folder: &'a str, location: &str) -> Vec<Option<&'a str>> {
    let parts = below(folder, location).split_terminator('/');
    let value = |part: &'a str| part.split_once('=').map_or(part, |(_, value)| value);
    parts.map(value).map(|value| (value != NULL).then_some(value)).collect()
}

fn below<'a>(folder: &'a str, location: &str) -> &'a str {
    folder.strip_prefix(location).unwrap_or_default()
}

fn location(table: &Table) -> String {
    with_slash(table.storage_descriptor().and_then(|storage| storage.location()).unwrap_or_default())
}
