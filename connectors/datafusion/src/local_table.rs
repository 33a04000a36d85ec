//! The hook `local_table`.

use std::collections::HashSet;

use pipeline_api::{
    Artifact, CheckOutcome, Context, Error, Examined, Findings, Hook, Plugin, Result, Schema, async_trait, crash_at,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tracing::info;

use crate::catalog::{Stamp, merged, parent};
use crate::{DEFAULT_CATALOG, LocalCatalog, Partition, Table};

/// Makes what a sink writes a table of the local catalog, as part of each flush: `pipeline query` finds the records as
/// soon as they are committed.
///
/// The catalog is a folder with one JSON file for each table; it is to local files what Glue is to S3. A table is made
/// at the first start. Later a new column is appended to it if it may be null; any other change is refused, with what
/// differs. The sink has to write local files.
///
/// ```yaml
/// type: local_table
/// config: { table: stocks }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalTableConfig {
    /// The table's name in queries: small letters, digits and `_`.
    pub table: String,
    /// The folder of the catalog, relative to the folder of the pipeline file.
    #[serde(default = "default_catalog")]
    pub catalog: String,
}

pub(crate) fn default_catalog() -> String {
    DEFAULT_CATALOG.into()
}

/// Registers one sink's table and partitions.
#[derive(Debug)]
pub struct LocalTable {
    catalog: LocalCatalog,
    wanted: Table,
    /// The partitions that are in the catalog as long as its file has this stamp.
    known: HashSet<Vec<Option<String>>>,
    stamp: Option<Stamp>,
}

#[async_trait]
impl Plugin for LocalTable {
    const TYPE: &'static str = "local_table";
    type Config = LocalTableConfig;

    fn validate(config: &Self::Config, _records: &Schema, findings: &mut Findings) {
        if let Err(message) = pipeline_checks::check_name("table", &config.table) {
            findings.error("/table", message);
        }
        if config.catalog.trim().is_empty() {
            findings.error("/catalog", format!("expected a folder, such as {DEFAULT_CATALOG}"));
        }
    }

    async fn open(config: Self::Config, context: Context) -> Result<Self> {
        let (catalog, wanted) = wanted(&config, &context)?;
        let mut hook = Self { catalog, wanted, known: HashSet::new(), stamp: None };
        hook.register(&[])?;
        Ok(hook)
    }
}

#[async_trait]
impl Hook for LocalTable {
    async fn reset(config: LocalTableConfig, context: Context) -> Result<Option<String>> {
        let catalog = LocalCatalog::open(context.resolve(&config.catalog));
        let removed = catalog.remove_if(&config.table, |table| table.pipeline == *context.pipeline)?;
        Ok(removed.then(|| format!("table {}", config.table)))
    }

    async fn examine(config: LocalTableConfig, context: Context) -> Vec<Examined> {
        let trial = async {
            let (catalog, wanted) = wanted(&config, &context)?;
            let found = catalog.table(&wanted.name)?;
            let table = merged(found.clone(), &wanted, &[])?;
            catalog.examine_folder()?;
            Ok(Some(match found {
                None => "there is none yet, the next run makes it".to_owned(),
                Some(found) if found == table => "it is as the sink writes it".to_owned(),
                Some(_) => "the next run brings it up to date".to_owned(),
            }))
        };
        vec![Examined::of(format!("look at the table {}, and write beside it", config.table), trial).await]
    }

    async fn after_flush(&mut self, artifacts: &[Artifact]) -> Result<Vec<CheckOutcome>> {
        let mut partitions = Vec::new();
        if self.stamp.is_none() || self.catalog.stamp(&self.wanted.name) != self.stamp {
            // Another task or a person has changed the table.
            self.known.clear();
        }
        for artifact in artifacts {
            let partition = self.partition_of(artifact)?;
            if !partition.values.is_empty() && self.known.insert(partition.values.clone()) {
                partitions.push(partition);
            }
        }
        if self.stamp.is_none() || !partitions.is_empty() || self.catalog.stamp(&self.wanted.name).is_none() {
            self.register(&partitions)?;
        }
        Ok(Vec::new())
    }
}

/// The catalog, and the table that the file asks for.
fn wanted(config: &LocalTableConfig, context: &Context) -> Result<(LocalCatalog, Table)> {
    let Some(dataset) = &context.dataset else {
        return Err(Error::config(format!(
            "sink `{}` leaves no files that could be read back, and a table is read from files; remove the hook local_table, or \
             choose a sink that writes files",
            context.name
        )));
    };
    let wanted = Table::of(&config.table, &context.pipeline, dataset)?;
    Ok((LocalCatalog::open(context.resolve(&config.catalog)), wanted))
}

impl LocalTable {
    /// Brings the table and `partitions` into the catalog.
    fn register(&mut self, partitions: &[Partition]) -> Result<()> {
        // Should this fail halfway, the next call starts from what the catalog says.
        self.stamp = None;
        let name = &self.wanted.name;
        crash_at("local_table_before_write");
        let mut known = HashSet::new();
        self.catalog.update(name, |found| {
            let table = merged(found, &self.wanted, partitions)?;
            known.extend(table.partitions.iter().map(|partition| partition.values.clone()));
            Ok(table)
        })?;
        crash_at("local_table_after_write");
        if !partitions.is_empty() {
            info!(table = %name, partitions = partitions.len(), "registered");
        }
        self.known = known;
        self.stamp = self.catalog.stamp(name);
        Ok(())
    }

    fn partition_of(&self, artifact: &Artifact) -> Result<Partition> {
        let columns = artifact.partition_values.iter().map(|value| value.column.as_str());
        if !columns.eq(self.wanted.partition_columns.iter().map(|column| column.name.as_str())) {
            return Err(Error::fatal(format!(
                "{} is not in a partition of table `{}`: its partition columns are others",
                artifact.url, self.wanted.name
            )));
        }
        let values = artifact.partition_values.iter().map(|value| value.value.clone()).collect();
        Ok(Partition { values, location: parent(&artifact.url).to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::Float64Array;
    use arrow::datatypes::{DataType, Field};
    use pipeline_api::{Dataset, ErrorKind, PartitionValue};

    use super::*;
    use crate::testing::{batch, dataset, write_parquet};

    fn config() -> LocalTableConfig {
        LocalTableConfig { table: "stocks".into(), catalog: default_catalog() }
    }

    fn context(folder: &Path, dataset: Option<Dataset>) -> Context {
        let schema = Arc::new(Schema::empty());
        Context { dataset, folder: folder.to_owned(), ..Context::new("lake", schema) }
    }

    fn by_symbol(folder: &Path) -> Dataset {
        let columns = Schema::new(vec![Field::new("close", DataType::Float64, true)]);
        dataset(&folder.join("out"), columns, Schema::new(vec![Field::new("symbol", DataType::Utf8, false)]))
    }

    fn written(folder: &Path, symbol: &str) -> Artifact {
        let records = batch(vec![("close", Arc::new(Float64Array::from(vec![1.0])))]);
        let mut artifact = write_parquet(folder, &format!("out/symbol={symbol}/f.parquet"), &records);
        artifact.partition_values = vec![PartitionValue { column: "symbol".into(), value: Some(symbol.into()) }];
        artifact
    }

    /// The symbols that the catalog's file names, read as plain JSON.
    fn registered(folder: &Path) -> Vec<String> {
        let text = fs::read_to_string(folder.join(".pipeline/catalog/stocks.json")).unwrap();
        let table: serde_json::Value = serde_json::from_str(&text).unwrap();
        let partitions = table["partitions"].as_array().unwrap().iter();
        partitions.map(|partition| partition["values"][0].as_str().unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn a_flush_registers_its_partitions_once_and_writes_nothing_when_nothing_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path(), Some(by_symbol(folder.path())));
        let mut hook = LocalTable::open(config(), context.clone()).await.unwrap();
        assert!(registered(folder.path()).is_empty());
        let artifacts = [written(folder.path(), "IBM"), written(folder.path(), "A:B")];
        hook.after_flush(&artifacts).await.unwrap();
        let stamp = hook.catalog.stamp("stocks");
        hook.after_flush(&artifacts).await.unwrap();
        assert_eq!(hook.catalog.stamp("stocks"), stamp);
        assert_eq!(registered(folder.path()), ["IBM", "A:B"]);
        // After a crash the same artifacts come again to a hook that knows nothing.
        let mut hook = LocalTable::open(config(), context).await.unwrap();
        hook.after_flush(&artifacts).await.unwrap();
        assert_eq!(hook.catalog.stamp("stocks"), stamp);
    }

    #[tokio::test]
    async fn a_table_is_compared_and_its_folder_tried_before_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path(), Some(by_symbol(folder.path())));
        let examined = async || LocalTable::examine(config(), context.clone()).await.remove(0).outcome;
        assert_eq!(examined().await.unwrap().as_deref(), Some("there is none yet, the next run makes it"));
        assert!(!folder.path().join(".pipeline").exists() && fs::read_dir(folder.path()).unwrap().count() == 0);
        LocalTable::open(config(), context.clone()).await.unwrap();
        let made = || fs::read_dir(folder.path().join(".pipeline/catalog")).unwrap().count();
        let before = made();
        assert_eq!(examined().await.unwrap().as_deref(), Some("it is as the sink writes it"));
        assert_eq!(made(), before);
        fs::remove_dir_all(folder.path().join(".pipeline")).unwrap();
        fs::write(folder.path().join(".pipeline"), "a file").unwrap();
        assert!(examined().await.unwrap_err().to_string().contains("a file is in the way"));
    }

    #[tokio::test]
    async fn two_tasks_share_a_table_and_a_table_that_somebody_dropped_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path(), Some(by_symbol(folder.path())));
        let mut one = LocalTable::open(config(), context.clone()).await.unwrap();
        let mut other = LocalTable::open(config(), context.clone()).await.unwrap();
        one.after_flush(&[written(folder.path(), "IBM")]).await.unwrap();
        other.after_flush(&[written(folder.path(), "IBM"), written(folder.path(), "MSFT")]).await.unwrap();
        assert_eq!(registered(folder.path()), ["IBM", "MSFT"]);
        assert_eq!(LocalTable::reset(config(), context.clone()).await.unwrap().as_deref(), Some("table stocks"));
        assert_eq!(LocalTable::reset(config(), context).await.unwrap(), None);
        other.after_flush(&[written(folder.path(), "MSFT")]).await.unwrap();
        assert_eq!(registered(folder.path()), ["MSFT"]);
    }

    #[tokio::test]
    async fn a_sink_that_writes_no_local_files_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let error = LocalTable::open(config(), context(folder.path(), None)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("leaves no files that could be read back"), "{error}");
        let bucket = Dataset { location: "s3://lake/stocks/".into(), ..by_symbol(folder.path()) };
        let error = LocalTable::open(config(), context(folder.path(), Some(bucket))).await.unwrap_err();
        assert!(error.to_string().contains("read from local files"), "{error}");
    }

    const FOLDER: &str = "LOCAL_TABLE_TEST_FOLDER";
    const SYMBOLS: &str = "LOCAL_TABLE_TEST_SYMBOLS";

    /// What another process does: the tests below start it. Flushes one partition after the other.
    #[tokio::test]
    async fn another_process() {
        let (Ok(folder), Ok(symbols)) = (std::env::var(FOLDER), std::env::var(SYMBOLS)) else { return };
        let folder = Path::new(&folder);
        let mut hook = LocalTable::open(config(), context(folder, Some(by_symbol(folder)))).await.unwrap();
        for symbol in symbols.split(',') {
            hook.after_flush(&[written(folder, symbol)]).await.unwrap();
        }
    }

    fn start(folder: &Path, symbols: &str, crash: &str) -> std::process::Child {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["local_table::tests::another_process", "--exact"])
            .env(FOLDER, folder)
            .env(SYMBOLS, symbols)
            .env(pipeline_api::CRASH_POINT_VARIABLE, crash)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn processes_that_register_at_once_lose_no_partition() {
        let folder = tempfile::tempdir().unwrap();
        let symbols = |process: &str| (0..20).map(|n| format!("{process}{n}")).collect::<Vec<_>>();
        let (mut a, mut b) = (symbols("A"), symbols("B"));
        let children = [start(folder.path(), &a.join(","), ""), start(folder.path(), &b.join(","), "")];
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        a.append(&mut b);
        a.sort();
        let mut found = registered(folder.path());
        found.sort();
        assert_eq!(found, a);
    }

    #[test]
    fn a_kill_around_the_write_leaves_a_whole_table_that_the_next_start_completes() {
        // The first time the point is reached is at open.
        for (point, left) in [("local_table_before_write:3", 1), ("local_table_after_write:3", 2)] {
            let folder = tempfile::tempdir().unwrap();
            assert!(!start(folder.path(), "A,B,C", point).wait().unwrap().success(), "{point} was not reached");
            assert_eq!(registered(folder.path()).len(), left, "{point}");
            assert!(start(folder.path(), "A,B,C", "").wait().unwrap().success());
            assert_eq!(registered(folder.path()), ["A", "B", "C"]);
        }
    }

    #[test]
    fn a_name_that_is_none_is_found_before_anything_runs() {
        let mut findings = Findings::default();
        let config = LocalTableConfig { table: "Stocks-1".into(), catalog: " ".into() };
        LocalTable::validate(&config, &Schema::empty(), &mut findings);
        assert_eq!(findings.iter().map(|finding| finding.pointer.as_str()).collect::<Vec<_>>(), ["/table", "/catalog"]);
    }
}
