//! The calls of Glue.

use std::collections::BTreeSet;

use aws_sdk_glue::Client;
use aws_sdk_glue::types::{
    BatchUpdatePartitionRequestEntry, DatabaseInput, Partition, PartitionInput, PartitionValueList, Table, TableInput,
};
use pipeline_api::{Error, ErrorKind, Result};
use pipeline_aws::{Failure, SdkConfig};

use crate::change::with_slash;
use crate::config::GlueTableConfig;
use crate::layout::unbuilt;

/// The most partitions of one call.
pub(crate) const BATCH: usize = 100;

const MISSING: &str = "EntityNotFoundException";
const EXISTS: &str = "AlreadyExistsException";
const OVERTAKEN: [&str; 2] = ["ConcurrentModificationException", "VersionMismatchException"];

/// One table's place in the catalog.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    client: Client,
    id: Option<String>,
    database: String,
    table: String,
    /// Where the catalog is, for errors: nothing if it is AWS'.
    at: String,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Somebody else was faster: look again.
    Overtaken,
}

/// What became of partitions that were to be made.
pub(crate) enum Made {
    /// These were there already.
    Except(Vec<Vec<String>>),
    /// There is no such table.
    NoTable,
}

impl Catalog {
    pub(crate) fn new(config: &GlueTableConfig, aws: &SdkConfig) -> Self {
        Self {
            client: Client::new(aws),
            id: config.catalog_id.clone(),
            database: config.database.clone(),
            table: config.table.clone(),
            at: aws.endpoint_url().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default(),
        }
    }

    /// `market.stocks`.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.database, self.table)
    }

    /// The table as it is; `None` if there is none, or no such database.
    pub(crate) async fn table(&self) -> Result<Option<Table>> {
        let call =
            self.client.get_table().set_catalog_id(self.id.clone()).database_name(&self.database).name(&self.table);
        match call.send().await {
            Ok(found) => Ok(found.table),
            Err(error) => match Failure::of(&error) {
                failure if failure.code.as_deref() == Some(MISSING) => Ok(None),
                failure => Err(self.failed("looked up", failure)),
            },
        }
    }

    /// Whether the database is there.
    pub(crate) async fn has_database(&self) -> Result<bool> {
        match self.client.get_database().set_catalog_id(self.id.clone()).name(&self.database).send().await {
            Ok(_) => Ok(true),
            Err(error) => match Failure::of(&error) {
                failure if failure.code.as_deref() == Some(MISSING) => Ok(false),
                failure => {
                    let context = format!("Glue database `{}`{} cannot be looked up", self.database, self.at);
                    Err(Error::new(failure.kind, context).with_source(failure.to_string()))
                }
            },
        }
    }

    pub(crate) async fn create_table(&self, input: TableInput) -> Result<Outcome> {
        let call =
            self.client.create_table().set_catalog_id(self.id.clone()).database_name(&self.database).table_input(input);
        match call.send().await {
            Ok(_) => Ok(Outcome::Done),
            Err(error) => match Failure::of(&error) {
                failure if failure.code.as_deref() == Some(EXISTS) => Ok(Outcome::Overtaken),
                failure if failure.code.as_deref() == Some(MISSING) => Err(self.no_database()),
                failure => Err(self.failed("made", failure)),
            },
        }
    }

    /// Makes the database unless there is one.
    pub(crate) async fn create_database(&self) -> Result<()> {
        let input = DatabaseInput::builder().name(&self.database).build().map_err(unbuilt)?;
        match self.client.create_database().set_catalog_id(self.id.clone()).database_input(input).send().await {
            Ok(_) => Ok(()),
            Err(error) => match Failure::of(&error) {
                failure if failure.code.as_deref() == Some(EXISTS) => Ok(()),
                failure => {
                    let context = format!("Glue database `{}` cannot be made", self.database);
                    Err(Error::new(failure.kind, context).with_source(failure.to_string()))
                }
            },
        }
    }

    /// Replaces the table, if its version is still the given one.
    pub(crate) async fn update_table(&self, input: TableInput, version: Option<&str>) -> Result<Outcome> {
        let call = self.client.update_table().set_catalog_id(self.id.clone()).database_name(&self.database);
        match call.table_input(input).set_version_id(version.map(Into::into)).send().await {
            Ok(_) => Ok(Outcome::Done),
            Err(error) => match Failure::of(&error) {
                failure if failure.code.as_deref().is_some_and(|code| OVERTAKEN.contains(&code) || code == MISSING) => {
                    Ok(Outcome::Overtaken)
                }
                failure => Err(self.failed("changed", failure)),
            },
        }
    }

    /// Removes the table with its partitions; false if there was none.
    pub(crate) async fn delete_table(&self) -> Result<bool> {
        let call =
            self.client.delete_table().set_catalog_id(self.id.clone()).database_name(&self.database).name(&self.table);
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) => match Failure::of(&error) {
                failure if failure.code.as_deref() == Some(MISSING) => Ok(false),
                failure => Err(self.failed("removed", failure)),
            },
        }
    }

    /// Makes at most [`BATCH`] partitions.
    pub(crate) async fn create_partitions(&self, inputs: Vec<PartitionInput>) -> Result<Made> {
        let call = self.client.batch_create_partition().set_catalog_id(self.id.clone());
        let call = call.database_name(&self.database).table_name(&self.table).set_partition_input_list(Some(inputs));
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) => match Failure::of(&error) {
                failure if failure.code.as_deref() == Some(MISSING) => return Ok(Made::NoTable),
                failure => return Err(self.failed("given partitions", failure)),
            },
        };
        let mut clashes = Vec::new();
        for refused in answer.errors() {
            let detail = refused.error_detail();
            match detail.and_then(|detail| detail.error_code()) {
                Some(EXISTS) => clashes.push(refused.partition_values().to_vec()),
                code => {
                    return Err(self.refused(
                        refused.partition_values(),
                        code,
                        detail.and_then(|of| of.error_message()),
                    ));
                }
            }
        }
        Ok(Made::Except(clashes))
    }

    /// These partitions, at most [`BATCH`] of them, as they are. What is gone by now may be left out.
    ///
    /// Errors: [`Retriable`](ErrorKind::Retriable) if Glue keeps some to itself, which may be gone as well.
    pub(crate) async fn partitions(&self, values: &[Vec<String>]) -> Result<Vec<Partition>> {
        let (mut found, mut wanted) = self.look_up(values_lists(values)?).await?;
        while !wanted.is_empty() {
            let (more, left) = self.look_up(wanted).await?;
            if more.is_empty() {
                let values: Vec<_> = left.iter().map(PartitionValueList::values).collect();
                let message = format!("Glue says nothing of the partitions {values:?} of table `{}`", self.name());
                return Err(Error::retriable(message));
            }
            found.extend(more);
            wanted = left;
        }
        Ok(found)
    }

    /// Errors: the caller may not look up partitions. There need be none with these values.
    pub(crate) async fn examine_partitions(&self, values: Vec<String>) -> Result<()> {
        self.look_up(values_lists(&[values])?).await.map(drop)
    }

    /// Some of these partitions, and those that Glue did not look up, or did not find.
    async fn look_up(&self, wanted: Vec<PartitionValueList>) -> Result<(Vec<Partition>, Vec<PartitionValueList>)> {
        let call = self.client.batch_get_partition().set_catalog_id(self.id.clone()).database_name(&self.database);
        let call = call.table_name(&self.table).set_partitions_to_get(Some(wanted));
        let answer = call.send().await.map_err(|error| self.failed("asked for partitions", Failure::of(&error)))?;
        Ok((answer.partitions.unwrap_or_default(), answer.unprocessed_keys.unwrap_or_default()))
    }

    /// Where all partitions lie, with a slash at the end.
    pub(crate) async fn locations(&self) -> Result<BTreeSet<String>> {
        let call = self.client.get_partitions().set_catalog_id(self.id.clone()).database_name(&self.database);
        let mut pages = call.table_name(&self.table).exclude_column_schema(true).into_paginator().send();
        let mut locations = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("asked for partitions", Failure::of(&error)))?;
            let stored = page.partitions().iter().filter_map(|partition| partition.storage_descriptor());
            locations.extend(stored.filter_map(|storage| storage.location()).map(with_slash));
        }
        Ok(locations)
    }

    /// Replaces at most [`BATCH`] partitions that are there.
    pub(crate) async fn update_partitions(&self, inputs: Vec<PartitionInput>) -> Result<()> {
        let entry = |input: PartitionInput| {
            BatchUpdatePartitionRequestEntry::builder()
                .set_partition_value_list(input.values.clone())
                .partition_input(input)
                .build()
                .map_err(unbuilt)
        };
        let entries = inputs.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
        let call = self.client.batch_update_partition().set_catalog_id(self.id.clone()).database_name(&self.database);
        let answer = call.table_name(&self.table).set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| self.failed("given partitions", Failure::of(&error)))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(refused) => {
                let detail = refused.error_detail();
                let (code, message) = (detail.and_then(|of| of.error_code()), detail.and_then(|of| of.error_message()));
                Err(self.refused(refused.partition_value_list(), code, message))
            }
        }
    }

    pub(crate) fn no_database(&self) -> Error {
        Error::config(format!("there is no Glue database `{}`: make it, or set create_database: true", self.database))
    }

    fn failed(&self, done: &str, failure: Failure) -> Error {
        let context = format!("Glue table `{}`{} cannot be {done}", self.name(), self.at);
        Error::new(failure.kind, context).with_source(failure.to_string())
    }

    /// One partition of several was refused.
    fn refused(&self, values: &[String], code: Option<&str>, message: Option<&str>) -> Error {
        let code = code.unwrap_or("no reason");
        let kind = if code.starts_with("Internal") { ErrorKind::Retriable } else { ErrorKind::Fatal };
        let context = format!("Glue refuses the partition {values:?} of table `{}`", self.name());
        Error::new(kind, context).with_source(format!("{code}: {}", message.unwrap_or_default()))
    }
}

fn values_lists(values: &[Vec<String>]) -> Result<Vec<PartitionValueList>> {
    let list =
        |values: &Vec<String>| PartitionValueList::builder().set_values(Some(values.clone())).build().map_err(unbuilt);
    values.iter().map(list).collect()
}
