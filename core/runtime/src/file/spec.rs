//! A pipeline file as it is written. The doc comments are its reference.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;
use pipeline_api::{ByteSize, Delivery, HumanDuration};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::plan::KafkaSettings;

/// A pipeline: records go from sources through transforms into a topic, and from there through transforms into sinks.
///
/// ```yaml
/// name: stocks
/// sources:
///   - type: csv
///     config: { path: data/stocks.csv }
/// topic:
///   name: stocks
///   key: symbol
///   schema:
///     symbol: string not null
///     price: double
///     event_time: timestamp
/// sinks:
///   - type: s3_parquet
///     config: { url: out/stocks, partition_by: [symbol] }
///     flush: { rows: 100_000, every: 5m }
/// ```
///
/// Every value may hold `${env:NAME}` or `${env:NAME:-default}`; `$${` stands for `${` itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PipelineSpec {
    /// The name: letters, digits, `-` and `_`. Consumer groups and folders are named after it, so a pipeline that is
    /// renamed starts over.
    pub name: String,
    /// What is guaranteed of every record. The default is the strongest that the parts of the file give; a file that asks
    /// for more is refused.
    #[serde(default)]
    pub delivery: Option<Delivery>,
    /// Where records come from. Without sources somebody else fills the topic.
    #[serde(default)]
    pub sources: Vec<SourceSpec>,
    /// The topic in the middle.
    pub topic: TopicSpec,
    /// Where records go. Without sinks somebody else reads the topic.
    #[serde(default)]
    pub sinks: Vec<SinkSpec>,
    /// The memory that the records of all tasks may take together; the program itself takes some 80 MB besides. It is shared out
    /// evenly: a sink's task collects and flushes by its part, of which up to a quarter is for what is fetched from Kafka; a source's
    /// task on Kafka needs no more than 64MiB for what is being sent. `flush.memory` of a sink, and librdkafka's properties, win over
    /// it. The default is what these are without it.
    #[serde(default)]
    pub memory: Option<ByteSize>,
    /// What happens to records that nobody accepts, and to calls that fail.
    #[serde(default)]
    pub errors: ErrorsSpec,
    /// The broker in the process, which the topic lives on if there is no `kafka`.
    #[serde(default)]
    pub embedded: EmbeddedSpec,
    /// The Kafka cluster that the topic lives on. Without it that is the broker in the process.
    #[serde(default)]
    #[schemars(with = "KafkaSpec")]
    pub kafka: Option<KafkaSpec>,
    /// Queries over the tables that the sinks registered, whose answers are shown after a run.
    #[serde(default)]
    pub report: Vec<ReportSpec>,
}

/// A source.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// A name that no other source of the file has: letters, digits, `-` and `_`. The default is the type.
    #[serde(default)]
    pub name: Option<String>,
    /// Which source: `pipeline plugins` lists them.
    #[serde(rename = "type")]
    pub plugin: String,
    /// How many tasks share its work.
    #[serde(default = "one_task")]
    #[schemars(range(min = 1, max = 1024))]
    pub tasks: u32,
    /// The source's own settings.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// What happens to its records before the topic, in order.
    #[serde(default)]
    pub transforms: Vec<TransformSpec>,
}

/// A transform.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransformSpec {
    /// Which transform: `pipeline plugins` lists them.
    #[serde(rename = "type")]
    pub plugin: String,
    /// The transform's own settings.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// An SQL condition; the transform applies to the records for which it holds, and the others pass unchanged. The
    /// default is all records.
    #[serde(default)]
    pub when: Option<String>,
}

/// The topic.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// The name: letters, digits, `.`, `_` and `-`, at most 249.
    pub name: String,
    /// How many partitions it gets if it does not exist yet. Records of one partition keep their order.
    #[serde(default = "one_partition")]
    #[schemars(range(min = 1, max = 10_000))]
    pub partitions: i32,
    /// The column whose text is the record's key: records of one key keep their order. Without it records have no key and
    /// are spread evenly.
    #[serde(default)]
    pub key: Option<String>,
    /// The column, of type timestamp, that is the record's timestamp. Without it that is the time at which the record was
    /// produced.
    #[serde(default)]
    pub timestamp: Option<String>,
    /// How many records a second are expected, by which `pipeline plan` and `pipeline validate` say what follows from the
    /// file: how large files get, how many there are. A run does not look at it.
    #[serde(default)]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub rate: Option<f64>,
    /// The form of the records on the topic.
    #[serde(default)]
    pub format: FormatSpec,
    /// The columns of the records on the topic, in order: a name, and a type with Athena's own name, such as `bigint` or
    /// `string not null`. Types: string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date,
    /// timestamp (milliseconds), timestamp(6) (microseconds), binary, array<…>, struct<name:type,…>. At most 4000.
    #[schemars(with = "BTreeMap<String, String>", extend("minProperties" = 1, "maxProperties" = 4000))]
    pub schema: IndexMap<String, String>,
    /// Creates the topic on the Kafka cluster if it is missing, with `partitions`. Without it a topic that is missing is a
    /// mistake. Only beside `kafka`: the broker in the process needs none.
    #[serde(default)]
    #[schemars(with = "CreateTopicSpec")]
    pub create: Option<CreateTopicSpec>,
}

/// How the topic is created on a Kafka cluster.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTopicSpec {
    /// On how many brokers each partition lies. The default is the cluster's.
    #[serde(default)]
    #[schemars(range(min = 1, max = 32_767))]
    pub replication_factor: Option<i32>,
    /// The topic's own settings, with Kafka's names, such as `retention.ms: 604800000`. The default is the cluster's.
    #[serde(default)]
    pub config: BTreeMap<String, PropertyValue>,
}

/// The form of the records on the topic.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum FormatSpec {
    /// A converter without settings, such as `json`.
    Name(String),
    /// A converter with settings.
    Plugin(PluginSpec),
}

/// A plugin with its settings.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PluginSpec {
    /// Which plugin: `pipeline plugins` lists them.
    #[serde(rename = "type")]
    pub plugin: String,
    /// The plugin's own settings.
    #[serde(default)]
    pub config: Map<String, Value>,
}

/// A sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkSpec {
    /// A name that no other sink of the file has: letters, digits, `-` and `_`. The default is the type. The sink reads as
    /// the consumer group `<pipeline>.<name>`, so a sink that is renamed starts over.
    #[serde(default)]
    pub name: Option<String>,
    /// Which sink: `pipeline plugins` lists them.
    #[serde(rename = "type")]
    pub plugin: String,
    /// How many tasks share the topic's partitions.
    #[serde(default = "one_task")]
    #[schemars(range(min = 1, max = 1024))]
    pub tasks: u32,
    /// The sink's own settings.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// What happens to the records between the topic and the sink, in order.
    #[serde(default)]
    pub transforms: Vec<TransformSpec>,
    /// When what the sink holds is made durable.
    #[serde(default)]
    pub flush: FlushSpec,
    /// What happens between a flush and its commit, in order.
    #[serde(default)]
    pub hooks: Vec<PluginSpec>,
    /// Whether the files that lie there are compared with what is committed, as `pipeline reconcile` does it: a check at the end of
    /// a run whose sources end, and with `every` also meanwhile. `{}` is the former alone. The default is neither.
    #[serde(default)]
    pub reconcile: Option<ReconcileSpec>,
}

/// When the files of a sink are compared with what is committed, and what follows. The rows of JSON files are not counted.
///
/// ```yaml
/// reconcile: { every: 15m, on_failure: warn }
/// ```
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReconcileSpec {
    /// How long after one comparison the next one begins, while the pipeline runs. All files are listed each time. Of several
    /// processes the one does it that has the topic's first partition.
    pub every: Option<HumanDuration>,
    /// What follows if something is missing, doubled, damaged or foreign.
    pub on_failure: OnFailureSpec,
}

/// What follows if a check does not hold.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailureSpec {
    /// The run fails.
    #[default]
    Fail,
    /// The run goes on, and says so.
    Warn,
}

/// When a sink makes durable what it holds: as soon as any of these holds, and at the end of a run.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FlushSpec {
    /// After so many records. The default is no limit.
    #[schemars(range(min = 1))]
    pub rows: Option<u64>,
    /// When so many bytes would be written. The default is 32MiB.
    pub bytes: Option<ByteSize>,
    /// When the oldest record was taken so long ago.
    pub every: HumanDuration,
    /// When no record came for so long. The default is no limit.
    pub idle: Option<HumanDuration>,
    /// The memory that each task may use for records that are not committed: half of it for those that it collects, half for
    /// those that are being made durable. Larger files take more. The default is 32MiB, or four times `bytes` where that is
    /// given and larger; where the file has `memory`, it is the task's part of that.
    pub memory: Option<ByteSize>,
}

/// What happens to records that nobody accepts, and to calls that fail.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorsSpec {
    /// What happens to a record that nobody accepts.
    pub tolerance: ToleranceSpec,
    /// The topic that takes the records that nobody accepts. Needed for `tolerance: all`, and only there.
    pub dead_letter_topic: Option<String>,
    /// How a call is repeated that may work later.
    pub retry: RetrySpec,
}

/// What happens to a record that nobody accepts.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToleranceSpec {
    /// The pipeline stops.
    #[default]
    None,
    /// It goes to the dead letter topic, and the pipeline goes on.
    All,
}

/// How a call is repeated that may work later.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySpec {
    /// How long one call is repeated before the pipeline stops.
    pub timeout: HumanDuration,
    /// The first pause; it doubles from time to time, with some chance in it.
    pub pause: HumanDuration,
    /// The longest pause.
    pub max_pause: HumanDuration,
}

/// The broker in the process.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddedSpec {
    /// The folder of its store, relative to the file's. The default is `.pipeline/` and the pipeline's name.
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// Whether it keeps everything in memory, for one run only.
    pub in_memory: bool,
    /// How much a topic may hold. Beyond it sources wait for the sinks; without sinks the oldest records are removed.
    pub retention: ByteSize,
}

/// A Kafka cluster and how to talk to it.
///
/// ```yaml
/// kafka:
///   bootstrap.servers: "${env:KAFKA}"
///   security.protocol: sasl_ssl
///   sasl.mechanism: SCRAM-SHA-512
///   sasl.username: stocks
///   sasl.password: "${env:PASSWORD}"
///   consumer: { fetch.min.bytes: 1000 }
/// ```
///
/// Properties have librdkafka's own names; each is held against its list before anything connects. Paths of files are
/// relative to the pipeline file's folder.
///
/// Those that a guarantee rests on are the runtime's own, and refused here: `group.id`, `group.instance.id` (see
/// `instance`), `transactional.id`, `enable.auto.commit`, `enable.auto.offset.store`, `auto.offset.reset`,
/// `isolation.level`, `enable.partition.eof`, `group.protocol`, `partition.assignment.strategy`, `enable.idempotence`, `acks`,
/// `queuing.strategy` and `allow.auto.create.topics`. So is what loads code into the process or runs a command:
/// `plugin.library.paths`, `ssl.engine.location`, `ssl.providers` and `sasl.kerberos.kinit.cmd`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["bootstrap.servers"]), transform = add_secrets)]
pub struct KafkaSpec {
    /// Brokers to begin with: `host:port`, with commas between.
    #[serde(rename = "bootstrap.servers", default)]
    #[schemars(with = "String")]
    pub bootstrap_servers: Option<PropertyValue>,
    /// What the members of consumer groups have besides: they read the topic for the sinks.
    #[serde(default)]
    pub consumer: PropertiesSpec,
    /// What producers have besides: they write to the topic for the sources, and dead letters.
    #[serde(default)]
    pub producer: PropertiesSpec,
    /// What the client has besides that creates and checks topics.
    #[serde(default)]
    pub admin: PropertiesSpec,
    /// Who this process is among those that run the same file: letters, digits, `-`, `_` and `.`; no two processes may have
    /// the same. A process with a name gets its partitions back after a restart as long as its session lasts, which
    /// then is 30 s. Without one its partitions go to the others after 6 s. `session.timeout.ms` changes either.
    #[serde(default)]
    pub instance: Option<String>,
    /// What the defaults are made for; a property that the file sets wins over them. All have `client.id: pipeline`,
    /// `socket.keepalive.enable: true` and `log.connection.close: false`. Consumers have `check.crcs: true`,
    /// `fetch.message.max.bytes: 262144`, `fetch.max.bytes: 16777216`, `queued.min.messages: 10000`, and with `normal` (with
    /// `low`) `fetch.min.bytes: 65536` (1), `fetch.wait.max.ms: 100` (50), `fetch.queue.backoff.ms: 5` (1),
    /// `queued.max.messages.kbytes: 16384` (8192). Producers have `compression.type: lz4`, `partitioner: murmur2_random`,
    /// `queue.buffering.max.kbytes: 65536`, `queue.buffering.max.messages: 500000`, `transaction.timeout.ms: 30000`, and
    /// `linger.ms: 50` (5).
    #[serde(default)]
    pub latency: LatencySpec,
    /// Whether clients may fetch tokens over HTTP: allows `sasl.oauthbearer.method: oidc` and the URLs that belong to it. It takes
    /// a librdkafka with libcurl, which the program is built without unless rdkafka's feature `curl` is on.
    #[serde(default)]
    pub allow_oidc: bool,
    /// Lets clients in to Amazon MSK by IAM, with the credentials that this process has by AWS's usual chain: `security.protocol`
    /// and `sasl.mechanism` follow from it. It takes a program that is built with the feature `msk`.
    #[serde(default)]
    pub aws_msk_iam: Option<AwsMskIamSpec>,
    /// What all clients have.
    #[serde(flatten)]
    pub properties: BTreeMap<String, PropertyValue>,
}

/// Amazon MSK, by IAM.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsMskIamSpec {
    /// The region that the cluster is in, such as `eu-central-1`.
    pub region: String,
}

/// Properties of one kind of client, with librdkafka's own names.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[schemars(transform = add_secrets)]
pub struct PropertiesSpec(pub BTreeMap<String, PropertyValue>);

/// What the defaults of Kafka clients are made for.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LatencySpec {
    /// Many records per second.
    #[default]
    Normal,
    /// Few milliseconds from record to record.
    Low,
}

/// A text, a number or a truth value. It may be a secret.
#[derive(Deserialize, Serialize)]
pub struct PropertyValue(Value);

impl PropertyValue {
    /// As Kafka takes it: `1e3` is 1000, and so is `1_000`, which YAML takes for a text.
    pub(super) fn text(&self) -> String {
        match &self.0 {
            Value::String(text) if is_grouped(text) => text.replace('_', ""),
            Value::String(text) => text.clone(),
            number => match number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0) {
                Some(whole) => format!("{whole:.0}"),
                None => number.to_string(),
            },
        }
    }
}

/// A number with `_` before each three digits.
fn is_grouped(text: &str) -> bool {
    let mut groups = text.split('_');
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    groups.next().is_some_and(|first| (1..=3).contains(&first.len()) && digits(first))
        && text.contains('_')
        && groups.all(|group| group.len() == 3 && digits(group))
}

impl fmt::Debug for PropertyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PropertyValue")
    }
}

impl JsonSchema for PropertyValue {
    fn schema_name() -> Cow<'static, str> {
        "PropertyValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// Names the properties that hold secrets, and marks them as such.
fn add_secrets(schema: &mut Schema) {
    let fields = schema.ensure_object().entry("properties").or_insert_with(|| Value::Object(Map::new()));
    for name in KafkaSettings::SECRETS {
        fields[name] = json!({ "description": "A secret: it is never shown.", "type": "string", "writeOnly": true });
    }
}

/// A query whose answer is shown after a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportSpec {
    /// The heading.
    #[schemars(length(min = 1))]
    pub title: String,
    /// The query.
    #[schemars(length(min = 1))]
    pub sql: String,
}

impl Default for FormatSpec {
    fn default() -> Self {
        Self::Name("json".into())
    }
}

impl Default for FlushSpec {
    fn default() -> Self {
        Self { rows: None, bytes: None, every: HumanDuration::seconds(60), idle: None, memory: None }
    }
}

impl Default for RetrySpec {
    fn default() -> Self {
        Self { timeout: HumanDuration::seconds(600), pause: first_pause(), max_pause: HumanDuration::seconds(10) }
    }
}

impl Default for EmbeddedSpec {
    fn default() -> Self {
        Self { path: None, in_memory: false, retention: ByteSize::mib(1024) }
    }
}

fn one_task() -> u32 {
    1
}

fn one_partition() -> i32 {
    1
}

fn first_pause() -> HumanDuration {
    HumanDuration::millis(100)
}
