//! What a run does: a pipeline file in which every name is resolved.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pipeline_api::{ByteSize, Context, Dataset, Delivery, Registration, SchemaRef, SourceOffsets, Task, nearest};
use serde_json::Value;

use crate::Redactor;

/// A pipeline file in which every name is resolved, every default is filled in, and nothing is wrong that can be known
/// offline. Made by [`file::load`](crate::file::load).
#[derive(Clone, Debug)]
pub struct Plan {
    /// The pipeline's name.
    pub name: Arc<str>,
    /// The folder of the file, which relative paths start from.
    pub folder: PathBuf,
    /// The least of what the parts give, or less if the file asks for less.
    pub delivery: Delivery,
    /// Where records come from. May be empty: somebody else fills the topic.
    pub sources: Vec<SourcePlan>,
    /// The topic in the middle.
    pub topic: TopicPlan,
    /// Where records go. May be empty: somebody else reads the topic.
    pub sinks: Vec<SinkPlan>,
    /// What happens to records that nobody accepts, and to calls that fail.
    pub errors: ErrorPolicy,
    /// The broker that the topic lives on.
    pub broker: BrokerSettings,
    /// Queries whose answers are shown after a bounded run.
    pub report: Vec<ReportQuery>,
    /// Takes the file's secrets out of whatever is said of the run.
    pub secrets: Redactor,
}

impl Plan {
    /// What a source learns when it is opened to resume at `offsets`.
    pub(crate) fn source_context(&self, source: &SourcePlan, task: Task, offsets: SourceOffsets) -> Context {
        Context { offsets, ..self.context(&source.name, task, &self.topic.schema) }
    }

    /// What a sink and its hooks learn when they are opened.
    pub(crate) fn sink_context(&self, sink: &SinkPlan, task: Task) -> Context {
        Context { dataset: sink.dataset.clone(), ..self.context(&sink.name, task, &sink.schema) }
    }

    /// What the records of all its tasks may take.
    pub fn memory(&self) -> RecordMemory {
        let readers = self.sinks.iter().map(|sink| u64::from(sink.tasks)).sum();
        let writers = self.sources.iter().map(|source| u64::from(source.tasks)).sum();
        let flushes = self.sinks.iter().map(|sink| sink.flush.memory.times(sink.tasks.into()).bytes());
        let flushes = flushes.fold(0, u64::saturating_add);
        let (fetched, sent) = match &self.broker {
            BrokerSettings::Embedded(_) => (0, 0),
            BrokerSettings::Kafka(kafka) => {
                (kafka.read_queue().times(readers).bytes(), kafka.write_queue().times(writers).bytes())
            }
        };
        RecordMemory { flushes, fetched, sent }
    }

    fn context(&self, name: &Arc<str>, task: Task, schema: &SchemaRef) -> Context {
        Context {
            pipeline: self.name.clone(),
            topic: self.topic.name.clone(),
            name: name.clone(),
            task,
            schema: schema.clone(),
            offsets: SourceOffsets::new(),
            dataset: None,
            folder: self.folder.clone(),
        }
    }
}

/// A plugin and its config.
#[derive(Clone)]
pub struct PluginPlan {
    /// The plugin.
    pub registration: &'static Registration,
    /// Its config, with `${env:…}` filled in. Holds secrets: never shown.
    pub config: Value,
}

impl fmt::Debug for PluginPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.registration.fmt(f)
    }
}

/// One source.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// Its name, unique among the sources; the type's if the file gives none.
    pub name: Arc<str>,
    /// How many tasks share its work.
    pub tasks: u32,
    /// The source.
    pub plugin: PluginPlan,
    /// What happens to its records before the topic.
    pub transforms: Vec<TransformPlan>,
}

/// One transform, and the records that it applies to.
#[derive(Clone, Debug)]
pub struct TransformPlan {
    /// The transform.
    pub plugin: PluginPlan,
    /// The condition under which it applies; without one it always does.
    pub when: Option<PluginPlan>,
}

/// The topic in the middle.
#[derive(Clone, Debug)]
pub struct TopicPlan {
    /// Its name.
    pub name: Arc<str>,
    /// How many partitions it has.
    pub partitions: i32,
    /// How the topic is made if it is missing. Without this a Kafka cluster must have it; the embedded broker makes it anyway.
    pub create: Option<CreateTopic>,
    /// The column whose text is the record's key. Without one records have no key and are spread evenly.
    pub key: Option<String>,
    /// The column that is the record's timestamp; without one it is the time at which the record was produced.
    pub timestamp: Option<String>,
    /// Between records and bytes.
    pub converter: PluginPlan,
    /// The records on the topic.
    pub schema: SchemaRef,
    /// How many records a second are expected. Only who looks ahead at a run asks for it.
    pub rate: Option<f64>,
}

/// How a topic is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopic {
    /// On how many brokers it lies; -1 is the cluster's default.
    pub replication_factor: i32,
    /// Kafka's own settings of a topic, such as `retention.ms`.
    pub config: BTreeMap<String, String>,
}

impl Default for CreateTopic {
    fn default() -> Self {
        Self { replication_factor: -1, config: BTreeMap::new() }
    }
}

/// One sink.
#[derive(Clone, Debug)]
pub struct SinkPlan {
    /// Its name, unique among the sinks; the type's if the file gives none.
    pub name: Arc<str>,
    /// The consumer group that it reads as: `pipeline.sink`. No name has a dot in it, so that no two groups are the same.
    pub group: String,
    /// How many tasks share the partitions.
    pub tasks: u32,
    /// The sink.
    pub plugin: PluginPlan,
    /// What happens to the records between the topic and the sink.
    pub transforms: Vec<TransformPlan>,
    /// The records that the sink gets: behind the transforms, without metadata columns.
    pub schema: SchemaRef,
    /// Where they will lie.
    pub dataset: Option<Dataset>,
    /// When to flush.
    pub flush: FlushPolicy,
    /// What happens between a flush and its commit, in order.
    pub hooks: Vec<PluginPlan>,
    /// Whether what lies there is compared with what is committed.
    pub reconcile: Option<ReconcilePolicy>,
    /// 16 hex digits that change with whatever shapes the sink's objects: its config without secrets, the transforms, the
    /// schema, the converter.
    pub fingerprint: String,
}

/// When what a sink has left is compared with what is committed: at the end of a bounded run, and as is said here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconcilePolicy {
    /// How long after one comparison the next one begins.
    pub every: Option<Duration>,
    /// What follows if something does not fit.
    pub on_failure: OnFailure,
}

/// What follows if a check does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The run fails.
    Fail,
    /// The run goes on, and says so.
    Warn,
}

/// When a sink flushes: as soon as any of these holds, and at the end of a bounded run or at shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushPolicy {
    /// So many records were put.
    pub rows: Option<u64>,
    /// So many bytes would be written.
    pub bytes: ByteSize,
    /// The oldest record was put so long ago.
    pub every: Duration,
    /// No record came for so long.
    pub idle: Option<Duration>,
    /// So much memory is in use.
    pub memory: ByteSize,
}

/// What happens to records that nobody accepts, and to calls that fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPolicy {
    /// What happens to a record that nobody accepts.
    pub tolerance: Tolerance,
    /// How a call is repeated that may work later.
    pub retry: RetryPolicy,
}

/// What happens to a record that nobody accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// The pipeline stops.
    None,
    /// It goes to this topic, and the pipeline goes on.
    DeadLetterTopic(String),
}

/// How a call is repeated that may work later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How long one call is repeated before the task stops.
    pub timeout: Duration,
    /// The first pause; it doubles, with jitter, up to `max_pause`.
    pub pause: Duration,
    /// The longest pause.
    pub max_pause: Duration,
}

/// The broker that a topic lives on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerSettings {
    /// The one in the process.
    Embedded(EmbeddedSettings),
    /// A Kafka cluster.
    Kafka(KafkaSettings),
}

/// The most that records take in the tasks of a pipeline, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordMemory {
    /// Those that sinks collect and make durable.
    pub flushes: u64,
    /// Those that were fetched from Kafka and that no sink has yet.
    pub fetched: u64,
    /// Those that are on their way to Kafka.
    pub sent: u64,
}

/// A Kafka cluster and how to talk to it. Property names are librdkafka's own.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KafkaSettings {
    /// What all clients have.
    pub properties: BTreeMap<String, String>,
    /// What the members of consumer groups have besides.
    pub consumer: BTreeMap<String, String>,
    /// What producers have besides.
    pub producer: BTreeMap<String, String>,
    /// What the client has besides that creates and checks topics.
    pub admin: BTreeMap<String, String>,
    /// Who this process is among those that run the same file: it gets its partitions back after a restart.
    pub instance: Option<String>,
    /// What the defaults are made for.
    pub latency: Latency,
    /// Whether properties that fetch tokens over HTTP are allowed.
    pub allow_oidc: bool,
    /// How clients are let in to MSK, if it is by IAM.
    pub aws_msk_iam: Option<AwsMskIam>,
    /// The part of the file's memory that a member of a group has for what it has fetched.
    pub read_queue: Option<ByteSize>,
    /// The part of the file's memory that a producer has for what it is sending.
    pub write_queue: Option<ByteSize>,
}

/// IAM of AWS, with the credentials of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsMskIam {
    /// The region that the cluster is in.
    pub region: String,
}

impl KafkaSettings {
    /// The properties that hold secrets.
    pub const SECRETS: [&str; 10] = [
        "sasl.password",
        "ssl.key.password",
        "ssl.key.pem",
        "ssl.keystore.password",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.oauthbearer.assertion.private.key.pem",
        "sasl.oauthbearer.assertion.private.key.passphrase",
        // No property of librdkafka, but what a person brings along from a Java client; it has the password in it.
        "sasl.jaas.config",
    ];

    /// How much a member of a group holds at most of what it has fetched.
    pub fn read_queue(&self) -> ByteSize {
        let default = match self.latency {
            Latency::Normal => ByteSize::mib(16),
            Latency::Low => ByteSize::mib(8),
        };
        self.kibibytes("queued.max.messages.kbytes", &self.consumer).or(self.read_queue).unwrap_or(default)
    }

    /// How much a producer holds at most of what it is sending.
    pub fn write_queue(&self) -> ByteSize {
        let default = ByteSize::mib(64);
        self.kibibytes("queue.buffering.max.kbytes", &self.producer).or(self.write_queue).unwrap_or(default)
    }

    /// What the file says of a size, of all clients or of those of one kind.
    fn kibibytes(&self, property: &str, own: &BTreeMap<String, String>) -> Option<ByteSize> {
        let text = own.get(property).or_else(|| self.properties.get(property))?;
        format!("{}KiB", text.trim()).parse().ok()
    }

    /// Whether the value of a property may be a secret: those that hold one, and what sounds like it, also with a slip in its
    /// name. The name of a file with a secret in it is none.
    pub fn is_secret(property: &str) -> bool {
        let property = property.to_lowercase();
        let plain = [".location", ".file", ".keytab", ".url", ".id"].iter().any(|end| property.ends_with(end));
        let is_slip = |word: &str| word != "socket" && nearest(word, ["password", "passphrase", "secret"]).is_some();
        let sounds = |word: &str| SECRET_WORDS.iter().any(|sound| word.contains(sound)) || is_slip(word);
        Self::SECRETS.contains(&property.as_str()) || !plain && property.split(['.', '_', '-']).any(sounds)
    }
}

/// What is in the names of secrets.
const SECRET_WORDS: [&str; 7] = ["password", "passphrase", "secret", "token", "credential", "key", "jaas"];

/// What the defaults of Kafka clients are made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latency {
    /// Many records per second.
    #[default]
    Normal,
    /// Few milliseconds from record to record.
    Low,
}

/// Holds secrets: shows names only.
impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSettings").field("properties", &self.properties.keys()).finish_non_exhaustive()
    }
}

/// The embedded broker's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedSettings {
    /// The folder of its store; `None` keeps everything in memory, for one run.
    pub path: Option<PathBuf>,
    /// How much a topic may hold before its producers wait for the sinks, or, without sinks, the oldest is removed.
    pub retention: ByteSize,
}

/// A query whose answer is shown after a bounded run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportQuery {
    /// The heading.
    pub title: String,
    /// The query.
    pub sql: String,
}
