//! The hook `glue_table`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_glue::types::{Partition, PartitionInput};
use pipeline_api::{
    Artifact, Calls, CheckOutcome, Context, Error, Examined, Findings, Found, Hook, Often, Outlook, Plugin, Result,
    Schema, Unreached, async_trait, crash_at,
};
use tracing::{info, warn};

use crate::catalog::{BATCH, Catalog, Made, Outcome};
use crate::change::{change, read, with_slash};
use crate::config::{GlueTableConfig, OnFailure, Partitions};
use crate::ddl::ddl;
use crate::examine::examine;
use crate::layout::{Layout, OWNER};
use crate::projection::Projection;
use crate::reach::unreached;

/// So often a change is tried again that others overtake.
const ATTEMPTS: usize = 10;

/// The values of a partition.
type Values = Vec<Option<String>>;

/// Registers one sink's table and partitions.
#[derive(Debug)]
pub struct GlueTable {
    catalog: Catalog,
    wanted: Layout,
    create_database: bool,
    on_failure: OnFailure,
    projection: Option<Projection>,
    /// The partitions that are in the catalog.
    known: BTreeSet<Values>,
    /// Where those lie that are to be registered.
    pending: BTreeMap<Values, String>,
}

#[async_trait]
impl Plugin for GlueTable {
    const TYPE: &'static str = "glue_table";
    type Config = GlueTableConfig;

    fn validate(config: &Self::Config, _records: &Schema, findings: &mut Findings) {
        config.check(findings);
    }

    async fn open(config: Self::Config, context: Context) -> Result<Self> {
        let (wanted, projection) = wanted(&config, &context)?;
        let catalog = Catalog::new(&config, &config.aws.load("GLUE").await?);
        let GlueTableConfig { create_database, on_failure, .. } = config;
        let (known, pending) = (BTreeSet::new(), BTreeMap::new());
        let hook = Self { catalog, wanted, create_database, on_failure, projection, known, pending };
        hook.bring_table().await?;
        Ok(hook)
    }
}

#[async_trait]
impl Hook for GlueTable {
    fn outlook(config: &GlueTableConfig, context: &Context, artifacts: &[Artifact]) -> Result<Outlook> {
        let (wanted, projection) = wanted(config, context)?;
        let call = |what: &str, count: u64, often| Calls { what: what.to_owned(), count, often, scans: None };
        let mut calls = vec![call("GetTable, and CreateTable if there is none", 1, Often::Start)];
        let partitions: BTreeSet<_> = artifacts.iter().map(|artifact| &artifact.partition_values).collect();
        let partitions = partitions.iter().filter(|values| !values.is_empty()).count();
        if projection.is_none() && partitions > 0 {
            calls.push(call("BatchCreatePartition", partitions.div_ceil(BATCH) as u64, Often::NewPartitions));
        }
        Ok(Outlook { makes: vec![ddl(&config.database, &wanted.table_input()?)], calls })
    }

    async fn reset(config: GlueTableConfig, context: Context) -> Result<Option<String>> {
        let catalog = Catalog::new(&config, &config.aws.load("GLUE").await?);
        let Some(found) = catalog.table().await? else { return Ok(None) };
        let owner = found.parameters().and_then(|parameters| parameters.get(OWNER));
        if owner.is_none_or(|owner| **owner != *context.pipeline) || !catalog.delete_table().await? {
            return Ok(None);
        }
        Ok(Some(format!("Glue table {}", catalog.name())))
    }

    async fn examine(config: GlueTableConfig, context: Context) -> Vec<Examined> {
        examine(&config, &context).await
    }

    async fn unreached(config: GlueTableConfig, context: Context, found: &[Found]) -> Result<Vec<Unreached>> {
        if context.dataset.is_none() {
            return Ok(Vec::new());
        }
        let (wanted, projection) = wanted(&config, &context)?;
        let catalog = Catalog::new(&config, &config.aws.load("GLUE").await?);
        unreached(&catalog, &wanted, projection.as_ref(), found).await
    }

    async fn after_flush(&mut self, artifacts: &[Artifact]) -> Result<Vec<CheckOutcome>> {
        match self.register(artifacts).await {
            Ok(()) => {}
            Err(error) if self.on_failure == OnFailure::Warn => {
                warn!(table = self.catalog.name(), "cannot register what was written: {error:#}");
            }
            Err(error) => return Err(error),
        }
        Ok(Vec::new())
    }
}

/// The table that the file asks for.
pub(crate) fn wanted(config: &GlueTableConfig, context: &Context) -> Result<(Layout, Option<Projection>)> {
    let Some(dataset) = &context.dataset else {
        return Err(Error::config(format!(
            "sink `{}` leaves no files that could be read back, and a table is read from files; remove the hook glue_table, \
             or choose a sink that writes files",
            context.name
        )));
    };
    let mut wanted = Layout::of(&config.table, &context.pipeline, dataset)?;
    if config.partitions == Partitions::Registered {
        return Ok((wanted, None));
    }
    let projection = Projection::of(&config.projection, &dataset.partition_columns)?;
    wanted.parameters = projection.parameters();
    Ok((wanted, Some(projection)))
}

impl GlueTable {
    /// Makes the table, or what there is the table that is wanted.
    async fn bring_table(&self) -> Result<()> {
        crash_at("glue_before_table");
        for attempt in 0..ATTEMPTS {
            let outcome = match self.catalog.table().await? {
                None => {
                    if self.create_database && attempt == 0 {
                        self.catalog.create_database().await?;
                    }
                    self.catalog.create_table(self.wanted.table_input()?).await?
                }
                Some(found) => match change(&found, &self.wanted)? {
                    None => return Ok(()),
                    Some(input) => self.catalog.update_table(input, found.version_id()).await?,
                },
            };
            if outcome == Outcome::Done {
                crash_at("glue_after_table");
                info!(table = self.catalog.name(), location = self.wanted.location, "registered");
                return Ok(());
            }
        }
        Err(Error::retriable(format!(
            "Glue table `{}` is changed by others again and again, {ATTEMPTS} times in a row",
            self.catalog.name()
        )))
    }

    async fn register(&mut self, artifacts: &[Artifact]) -> Result<()> {
        for artifact in artifacts {
            match &self.projection {
                Some(projection) => projection.check(artifact, &self.wanted.location)?,
                None => self.expect(artifact)?,
            }
        }
        while let Some(batch) = self.next_batch() {
            crash_at("glue_before_partitions");
            if !self.bring_partitions(&batch).await? {
                // Somebody has dropped the table, with all its partitions.
                self.bring_table().await?;
                self.known.clear();
                continue;
            }
            crash_at("glue_after_partitions");
            info!(table = self.catalog.name(), partitions = batch.len(), "registered");
            for (values, _) in batch {
                self.pending.remove(&values);
                self.known.insert(values);
            }
        }
        Ok(())
    }

    /// Notes the partition of a file unless it is registered.
    fn expect(&mut self, artifact: &Artifact) -> Result<()> {
        let columns = artifact.partition_values.iter().map(|value| value.column.to_lowercase());
        if !columns.eq(self.wanted.partition_columns.iter().map(|column| column.name.clone())) {
            return Err(Error::fatal(format!(
                "{} is not in a partition of Glue table `{}`: its partition columns are others",
                artifact.url,
                self.catalog.name()
            )));
        }
        let values: Values = artifact.partition_values.iter().map(|value| value.value.clone()).collect();
        if !values.is_empty() && !self.known.contains(&values) {
            let folder = artifact.url.rfind('/').map_or(artifact.url.as_str(), |slash| &artifact.url[..=slash]);
            self.pending.insert(values, folder.to_owned());
        }
        Ok(())
    }

    /// What is registered next.
    fn next_batch(&self) -> Option<Vec<(Values, String)>> {
        let batch = self.pending.iter().take(BATCH).map(|(values, folder)| (values.clone(), folder.clone()));
        let batch: Vec<_> = batch.collect();
        (!batch.is_empty()).then_some(batch)
    }

    /// Brings partitions into the catalog; false if there is no such table.
    async fn bring_partitions(&self, batch: &[(Values, String)]) -> Result<bool> {
        let inputs = batch.iter().map(|(values, folder)| self.wanted.partition_input(values, folder));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let clashes = match self.catalog.create_partitions(inputs.clone()).await? {
            Made::NoTable => return Ok(false),
            Made::Except(clashes) if clashes.is_empty() => return Ok(true),
            Made::Except(clashes) => clashes,
        };
        let mut outdated = Vec::new();
        for found in self.catalog.partitions(&clashes).await? {
            let input = inputs.iter().find(|input| input.values() == found.values());
            if let Some(input) = input.filter(|input| differ(&found, input)) {
                self.check_location(&found, input)?;
                outdated.push(input.clone());
            }
        }
        if !outdated.is_empty() {
            self.catalog.update_partitions(outdated).await?;
        }
        Ok(true)
    }

    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if a partition that is there lies elsewhere: others made it.
    fn check_location(&self, found: &Partition, wanted: &PartitionInput) -> Result<()> {
        let of = |storage: Option<&aws_sdk_glue::types::StorageDescriptor>| {
            with_slash(storage.and_then(|storage| storage.location()).unwrap_or_default())
        };
        let (found_at, wanted_at) = (of(found.storage_descriptor()), of(wanted.storage_descriptor()));
        if found_at == wanted_at {
            return Ok(());
        }
        Err(Error::config(format!(
            "partition {:?} of Glue table `{}` lies at {found_at}, and this sink writes it to {wanted_at}; drop the \
             partition, or the table",
            found.values(),
            self.catalog.name()
        )))
    }
}

/// Whether a partition that is there must be brought up to date: it lies elsewhere, or lacks columns that the table has got
/// since. A reader takes those for null in all its files. One that has more columns was made by a newer file.
fn differ(found: &Partition, wanted: &PartitionInput) -> bool {
    let (Some(found), Some(wanted)) = (found.storage_descriptor(), wanted.storage_descriptor()) else { return true };
    let there = read(found.columns());
    with_slash(found.location().unwrap_or_default()) != with_slash(wanted.location().unwrap_or_default())
        || read(wanted.columns()).iter().any(|column| !there.contains(column))
}
