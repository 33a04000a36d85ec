//! Plugins that do nothing but say what they want.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::Field;
use pipeline_api::{
    Artifact, BoxFuture, Buffered, ByteSize, Calls, CheckOutcome, Condition, Context, Converter, Dataset, Decoded,
    Delivery, Error, FileFormat, Findings, Hook, Often, Outlook, PartitionValue, Plugin, Ranges, RecordBatch,
    Registration, Registry, Result, Scans, Schema, SchemaRef, Secret, Sink, SinkBatch, Source, SourceBatch,
    TopicPartition, Transform, async_trait,
};
use pipeline_runtime::KafkaSettings;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) fn registry() -> Registry {
    static PLUGINS: [Registration; 8] = [
        Registration::source::<Csv>("fake-csv"),
        Registration::source::<Socket>("fake-socket"),
        Registration::transform::<Rename>("fake-transforms"),
        Registration::condition::<Sql>("fake-sql"),
        Registration::converter::<Json>("fake-json"),
        Registration::sink::<Lake>("fake-lake"),
        Registration::sink::<Console>("fake-console"),
        Registration::hook::<Table>("fake-table"),
    ];
    Registry::of(&PLUGINS).unwrap()
}

/// What is wrong with Kafka properties, for a client that knows a few.
pub(crate) fn check_kafka(settings: &KafkaSettings, findings: &mut Findings) {
    const KNOWN: [&str; 12] = [
        "bootstrap.servers",
        "fetch.min.bytes",
        "check.crcs",
        "linger.ms",
        "batch.size",
        "queue.buffering.max.kbytes",
        "socket.timeout.ms",
        "sasl.mechanism",
        "sasl.username",
        "sasl.password",
        "ssl.ca.location",
        "ssl.key.location",
    ];
    let clients = [("/consumer", &settings.consumer), ("/producer", &settings.producer), ("/admin", &settings.admin)];
    for (at, properties) in std::iter::once(("", &settings.properties)).chain(clients) {
        for (name, value) in properties.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str())) {
            findings.error(format!("{at}/{name}"), format!("unknown property, found `{value}`"));
        }
    }
    let has = |name: &str| settings.properties.contains_key(name);
    if has("sasl.username") && !has("sasl.password") {
        findings.error("/sasl.username", "has no use without `sasl.password`");
    }
    if has("sasl.mechanism") {
        findings.warning("/sasl.mechanism", "a mechanism that nobody likes");
    }
}

/// Reads files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvConfig {
    /// The file.
    path: String,
    /// The character between two fields.
    #[serde(default = "comma")]
    #[schemars(length(min = 1, max = 1))]
    #[allow(dead_code, reason = "only its shape matters")]
    delimiter: String,
    /// Whether the file is read to its end only.
    #[serde(default)]
    #[allow(dead_code, reason = "only its shape matters")]
    follow: bool,
}

fn comma() -> String {
    ",".into()
}

/// Takes whatever comes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SocketConfig {
    /// The port, which is how many records a second come through it.
    port: u16,
}

/// Gives columns new names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenameConfig {
    /// The new name of each column.
    fields: BTreeMap<String, String>,
}

/// An SQL condition.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlConfig {
    /// The condition.
    expression: String,
}

/// No settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoConfig {}

/// How files are made smaller.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Compression {
    /// Not at all.
    None,
    /// Well.
    Gzip,
    /// Well and fast.
    Zstd,
}

/// Writes files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LakeConfig {
    /// Where the files go.
    url: String,
    /// Columns that become folders.
    #[serde(default)]
    partition_by: Vec<String>,
    /// How files are made smaller.
    #[serde(default)]
    #[allow(dead_code, reason = "only its shape matters")]
    compression: Option<Compression>,
    /// The size of a part.
    #[serde(default)]
    #[allow(dead_code, reason = "only its shape matters")]
    part_size: Option<ByteSize>,
    /// The key.
    #[serde(default)]
    #[allow(dead_code, reason = "only its shape matters")]
    secret_key: Option<Secret>,
}

/// Makes a table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableConfig {
    /// Its name.
    #[allow(dead_code, reason = "only its shape matters")]
    table: String,
    /// What must hold.
    #[serde(default)]
    #[allow(dead_code, reason = "only its shape matters")]
    checks: Vec<Check>,
}

/// What must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[allow(dead_code, reason = "only its shape matters")]
pub(crate) enum Check {
    /// No null.
    NotNull {
        /// The columns.
        columns: Vec<String>,
    },
    /// No value outside.
    Between {
        /// The column.
        column: String,
        /// The least value.
        min: f64,
    },
}

pub(crate) struct Csv;
pub(crate) struct Socket;
pub(crate) struct Rename(SchemaRef);
pub(crate) struct Sql;
pub(crate) struct Json;
pub(crate) struct Lake;
pub(crate) struct Console;
pub(crate) struct Table;

fn never<T>() -> Result<T> {
    Err(Error::fatal("a pipeline file is loaded without this being opened"))
}

macro_rules! plugin {
    ($plugin:ident, $type:literal, $config:ty $(, $method:item)*) => {
        #[async_trait]
        impl Plugin for $plugin {
            const TYPE: &'static str = $type;
            type Config = $config;
            $($method)*
            async fn open(_: $config, _: Context) -> Result<Self> {
                never()
            }
        }
    };
}

plugin!(Csv, "csv", CsvConfig);
plugin!(
    Socket,
    "socket",
    SocketConfig,
    fn delivery(_: &SocketConfig) -> Delivery {
        Delivery::AtMostOnce
    }
);
plugin!(Json, "json", NoConfig);
plugin!(
    Console,
    "console",
    NoConfig,
    fn delivery(_: &NoConfig) -> Delivery {
        Delivery::AtLeastOnce
    }
);
plugin!(
    Table,
    "table",
    TableConfig,
    fn validate(config: &TableConfig, records: &Schema, findings: &mut Findings) {
        if records.field_with_name("day").is_err() && config.table == "daily" {
            findings.warning("/table", "a daily table without a column `day`");
        }
    }
);
plugin!(
    Lake,
    "lake",
    LakeConfig,
    fn validate(config: &LakeConfig, records: &Schema, findings: &mut Findings) {
        if !config.url.starts_with("file://") && !config.url.starts_with("s3://") {
            findings.error("/url", format!("`{}` is no place for files, expected s3:// or file://", config.url));
        }
        for (index, column) in config.partition_by.iter().enumerate() {
            if records.field_with_name(column).is_err() {
                findings.error(format!("/partition_by/{index}"), format!("`{column}` is no column of the records"));
            }
        }
    }
);

#[async_trait]
impl Plugin for Rename {
    const TYPE: &'static str = "rename";
    type Config = RenameConfig;

    async fn open(config: RenameConfig, context: Context) -> Result<Self> {
        let renamed = context.schema.fields().iter().map(|field| match config.fields.get(field.name()) {
            Some(name) => Arc::new(Field::new(name, field.data_type().clone(), field.is_nullable())),
            None => field.clone(),
        });
        match config.fields.keys().find(|name| context.schema.field_with_name(name).is_err()) {
            Some(unknown) => Err(Error::config(format!("`{unknown}` is no column of the records"))),
            None => Ok(Self(Arc::new(Schema::new(renamed.collect::<Vec<_>>())))),
        }
    }
}

#[async_trait]
impl Plugin for Sql {
    const TYPE: &'static str = "sql";
    type Config = SqlConfig;

    fn validate(config: &SqlConfig, records: &Schema, findings: &mut Findings) {
        let column = config.expression.split_whitespace().next().unwrap_or_default();
        if records.field_with_name(column).is_err() {
            findings.error("/expression", format!("`{column}` is no column of the records"));
        }
    }

    async fn open(_: SqlConfig, _: Context) -> Result<Self> {
        Ok(Self)
    }
}

#[async_trait]
impl Source for Csv {
    /// `100/7`: a hundred records of seven symbols in turn.
    async fn sample(config: CsvConfig, context: Context, rows: usize) -> Result<Option<RecordBatch>> {
        let Some((all, symbols)) = config.path.split_once('/') else { return Ok(None) };
        let (all, symbols): (usize, usize) = (all.parse().unwrap(), symbols.parse().unwrap());
        let all = 0..all.min(rows);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(all.clone().map(|row| format!("S{}", row % symbols)))),
            Arc::new(Float64Array::from_iter_values(all.clone().map(|row| row as f64))),
            Arc::new(TimestampMillisecondArray::from_iter_values(all.map(|row| row as i64))),
        ];
        Ok(Some(RecordBatch::try_new(context.schema, columns).unwrap()))
    }

    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::empty())
    }
    async fn poll(&mut self) -> Result<Option<SourceBatch>> {
        never()
    }
}

#[async_trait]
impl Source for Socket {
    fn rate(config: &SocketConfig) -> Option<f64> {
        Some(config.port.into())
    }

    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::empty())
    }
    async fn poll(&mut self) -> Result<Option<SourceBatch>> {
        never()
    }
}

impl Transform for Rename {
    fn schema(&self) -> SchemaRef {
        self.0.clone()
    }
    fn apply(&self, _: RecordBatch) -> Result<RecordBatch> {
        never()
    }
}

impl Condition for Sql {
    fn holds(&self, _: &RecordBatch) -> Result<BooleanArray> {
        never()
    }
}

impl Converter for Json {
    fn encode(&self, _: &RecordBatch) -> Result<BinaryArray> {
        never()
    }
    fn decode(&self, _: &BinaryArray) -> Result<Decoded> {
        never()
    }
}

macro_rules! sink {
    ($sink:ident $(, $method:item)*) => {
        #[async_trait]
        impl Sink for $sink {
            $($method)*
            async fn put(&mut self, _: SinkBatch) -> Result<()> {
                never()
            }
            fn buffered(&self) -> Buffered {
                Buffered::default()
            }
            fn flush(&mut self, _: Ranges) -> BoxFuture<'static, Result<Vec<Artifact>>> {
                Box::pin(async { never() })
            }
            async fn revoke(&mut self, _: &[TopicPartition]) -> Result<()> {
                never()
            }
            async fn discard(&mut self, _: &Ranges) -> Result<()> {
                never()
            }
        }
    };
}

sink!(Console);
sink!(
    Lake,
    fn dataset(config: &LakeConfig, context: &Context) -> Result<Option<Dataset>> {
        Ok(Some(Dataset {
            location: format!("{}/", config.url.trim_end_matches('/')),
            format: FileFormat::Parquet,
            columns: context.schema.clone(),
            partition_columns: Arc::new(context.schema.project(&partition_columns(config, context)).unwrap()),
        }))
    },
    fn outlook(config: &LakeConfig, context: &Context, batch: &SinkBatch) -> Result<Vec<Artifact>> {
        let mut folders: BTreeMap<Vec<PartitionValue>, u64> = BTreeMap::new();
        for row in 0..batch.records.num_rows() {
            let value = |column: &usize| PartitionValue {
                column: context.schema.field(*column).name().clone(),
                value: Some(batch.records.column(*column).as_string::<i32>().value(row).to_owned()),
            };
            *folders.entry(partition_columns(config, context).iter().map(value).collect()).or_default() += 1;
        }
        let artifact = |(partition_values, rows): (Vec<PartitionValue>, u64)| {
            let folder: Vec<&str> = partition_values.iter().filter_map(|value| value.value.as_deref()).collect();
            Artifact {
                url: format!("{}/{}/{}", config.url, folder.join("/"), batch.partition),
                rows,
                bytes: 0,
                partition_values,
                partition: batch.partition.clone(),
                offsets: batch.offsets,
            }
        };
        Ok(folders.into_iter().map(artifact).collect())
    },
    fn requests(_: &LakeConfig, bytes: u64) -> Vec<(&'static str, u64)> {
        vec![("PUT", 1 + bytes / 10_000_000)]
    }
);

fn partition_columns(config: &LakeConfig, context: &Context) -> Vec<usize> {
    config.partition_by.iter().map(|column| context.schema.index_of(column).unwrap()).collect()
}

#[async_trait]
impl Hook for Table {
    fn validate_dataset(config: &TableConfig, dataset: &Dataset, findings: &mut Findings) {
        if dataset.partition_columns.fields().is_empty() && config.table == "partitioned" {
            findings.error("/table", "a partitioned table without partitions");
        }
    }

    fn outlook(config: &TableConfig, _: &Context, artifacts: &[Artifact]) -> Result<Outlook> {
        if config.table == "elsewhere" {
            return Err(Error::config("no table reads what lies there"));
        }
        let calls = |what: &str, often, scans| Calls { what: what.into(), count: artifacts.len() as u64, often, scans };
        let pause = std::time::Duration::from_secs(900);
        Ok(Outlook {
            makes: vec![format!("TABLE {}", config.table)],
            calls: vec![
                calls("register", Often::NewPartitions, None),
                calls("count", Often::Every(pause), Some(Scans::Files)),
                calls("check", Often::End, Some(Scans::Columns(vec!["price".into()]))),
            ],
        })
    }

    async fn after_flush(&mut self, _: &[Artifact]) -> Result<Vec<CheckOutcome>> {
        never()
    }
}
