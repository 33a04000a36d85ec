//! The properties of each kind of client: the defaults, what the file says, and what is the runtime's own.

use std::collections::BTreeMap;

use pipeline_api::ByteSize;
use pipeline_runtime::{AwsMskIam, KafkaSettings, Latency};
use rdkafka::ClientConfig;

use super::properties::{Scope, canonical, find};

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Consumer,
    Producer,
    Admin,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Consumer, Self::Producer, Self::Admin];

    /// The name of its part of the block.
    pub(super) fn block(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Producer => "producer",
            Self::Admin => "admin",
        }
    }

    /// What the file says of this kind alone.
    pub(super) fn own(self, settings: &KafkaSettings) -> &BTreeMap<String, String> {
        match self {
            Self::Consumer => &settings.consumer,
            Self::Producer => &settings.producer,
            Self::Admin => &settings.admin,
        }
    }

    /// Whether a property of this scope means something to it.
    pub(super) fn takes(self, scope: Scope) -> bool {
        match scope {
            Scope::All => true,
            Scope::Consumer => self == Self::Consumer,
            Scope::Producer => self == Self::Producer,
        }
    }
}

/// A member of the consumer group `group`; with `instance`, one that keeps its partitions over a restart.
pub(crate) fn consumer(settings: &KafkaSettings, group: &str, instance: Option<&str>) -> ClientConfig {
    let mut properties = Properties::of(settings, Kind::Consumer, instance.is_some());
    // A client without a group is a reader of its own.
    if !group.is_empty() {
        properties.set("group.id", group);
    }
    instance.into_iter().for_each(|instance| properties.set("group.instance.id", instance));
    properties.all(&[
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("isolation.level", "read_committed"),
        ("auto.offset.reset", "error"),
        ("enable.partition.eof", "true"),
        ("partition.assignment.strategy", "range"),
        ("allow.auto.create.topics", "false"),
    ]);
    properties.config()
}

/// A producer; with an id, one that writes in transactions and fences the one before it.
pub(crate) fn producer(settings: &KafkaSettings, transactional_id: Option<&str>) -> ClientConfig {
    let mut properties = Properties::of(settings, Kind::Producer, false);
    transactional_id.into_iter().for_each(|id| properties.set("transactional.id", id));
    properties.all(&[
        ("enable.idempotence", "true"),
        ("delivery.report.only.error", "true"),
        ("allow.auto.create.topics", "false"),
    ]);
    properties.config()
}

/// The client that creates and checks topics.
pub(crate) fn admin(settings: &KafkaSettings) -> ClientConfig {
    let mut properties = Properties::of(settings, Kind::Admin, false);
    properties.all(&[("allow.auto.create.topics", "false")]);
    properties.config()
}

/// The region of the tokens by which a client is let in, if that is how it is.
#[cfg(feature = "msk")]
pub(crate) fn msk_region(config: &ClientConfig) -> Option<&str> {
    config.get(TOKENS)?.strip_prefix(MSK)
}

/// What whoever gives a client its tokens is to know.
const TOKENS: &str = "sasl.oauthbearer.config";
/// Before a region.
const MSK: &str = "aws_msk_iam ";

/// Properties by their canonical names, each with the name that was used, so that no two names for one thing meet in one
/// client, which takes either.
pub(super) struct Properties(BTreeMap<String, (String, String)>);

impl Properties {
    /// The defaults, and what the file says of this kind of client. Members of a group are `named` if they keep their
    /// partitions over a restart.
    pub(super) fn of(settings: &KafkaSettings, kind: Kind, named: bool) -> Self {
        let mut properties = Self(BTreeMap::new());
        properties.all(&ALL);
        if let Some(AwsMskIam { region }) = &settings.aws_msk_iam {
            properties.all(&[("security.protocol", "sasl_ssl"), ("sasl.mechanism", "OAUTHBEARER")]);
            properties.set(TOKENS, &format!("{MSK}{region}"));
        }
        match (kind, settings.latency) {
            (Kind::Consumer, latency) => {
                properties.all(if latency == Latency::Low { &CONSUMER_OF_LOW_LATENCY } else { &CONSUMER });
                properties.set("queued.max.messages.kbytes", &kibibytes(settings.read_queue()));
            }
            (Kind::Producer, latency) => {
                properties.all(&PRODUCER);
                properties.set("queue.buffering.max.kbytes", &kibibytes(settings.write_queue()));
                properties.set("linger.ms", if latency == Latency::Low { "5" } else { "50" });
            }
            (Kind::Admin, _) => {}
        }
        let of_kind = |(name, _): &(&String, &String)| find(name).is_none_or(|property| kind.takes(property.scope));
        for (name, value) in settings.properties.iter().filter(of_kind).chain(kind.own(settings)) {
            properties.set(name, value);
        }
        if kind == Kind::Consumer {
            properties.fit_session(named);
            properties.fit_fetches();
        }
        properties
    }

    /// The value of a property, by any of its names; `None` where librdkafka's own default holds.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(canonical(name)).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn config(&self) -> ClientConfig {
        self.0.values().cloned().collect()
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.insert(canonical(name).to_owned(), (name.to_owned(), value.to_owned()));
    }

    fn all(&mut self, properties: &[(&str, &str)]) {
        properties.iter().for_each(|(name, value)| self.set(name, value));
    }

    fn default(&mut self, name: &str, value: i64) {
        if self.get(name).is_none() {
            self.set(name, &value.to_string());
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// Without a name a member that is gone shall be missed soon; with one it shall have time to come back. A heartbeat
    /// also brings the news that the group is being divided anew, so it stays short.
    fn fit_session(&mut self, named: bool) {
        self.default("session.timeout.ms", if named { 30_000 } else { 6_000 });
        let session = self.number("session.timeout.ms").unwrap_or(6_000);
        self.default("heartbeat.interval.ms", (session / 3).clamp(1, 3_000));
    }

    /// An answer has room for the largest record, and fits what the client takes.
    fn fit_fetches(&mut self) {
        let most = self.number("receive.message.max.bytes").map_or(MOST_FETCHED, |most| most - 512);
        let least = self.number("message.max.bytes").unwrap_or(0);
        self.default("fetch.max.bytes", MOST_FETCHED.min(most).max(least).max(1));
    }
}

fn kibibytes(size: ByteSize) -> String {
    (size.bytes() / 1024).max(1).to_string()
}

/// How much one answer of a broker may hold.
const MOST_FETCHED: i64 = 16 * 1024 * 1024;

/// A partition that is added is found within half a minute. A new client connects to its first brokers one by one, with pauses of
/// half of librdkafka's back-off, which at its default are most of what a start takes; where brokers are down it doubles each time.
const ALL: [(&str, &str); 5] = [
    ("client.id", "pipeline"),
    ("socket.keepalive.enable", "true"),
    ("log.connection.close", "false"),
    ("reconnect.backoff.ms", "20"),
    ("topic.metadata.refresh.interval.ms", "30000"),
];

/// Answers and a queue that fit the processor's caches: with those of a mebibyte a record costs a quarter more CPU time. With librdkafka's own `fetch.queue.backoff.ms` of a second a reader that is fast waits most of the time.
const CONSUMER: [(&str, &str); 6] = [
    ("fetch.min.bytes", "65536"),
    ("fetch.wait.max.ms", "100"),
    ("fetch.message.max.bytes", "262144"),
    ("fetch.queue.backoff.ms", "5"),
    ("queued.min.messages", "10000"),
    ("check.crcs", "true"),
];

/// Answers as soon as there is a record, and a short queue.
const CONSUMER_OF_LOW_LATENCY: [(&str, &str); 6] = [
    ("fetch.min.bytes", "1"),
    ("fetch.wait.max.ms", "50"),
    ("fetch.message.max.bytes", "262144"),
    ("fetch.queue.backoff.ms", "1"),
    ("queued.min.messages", "10000"),
    ("check.crcs", "true"),
];

/// Large batches in bounded memory, spread over partitions as Kafka's own client spreads them. A transaction that its
/// producer leaves open holds every reader back until it times out.
const PRODUCER: [(&str, &str); 4] = [
    ("compression.type", "lz4"),
    ("queue.buffering.max.messages", "500000"),
    ("partitioner", "murmur2_random"),
    ("transaction.timeout.ms", "30000"),
];
