//! A producer of records and source offsets.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::Array;
use async_trait::async_trait;
use pipeline_api::{Error, Result, SourceOffsets, crash_at};
use pipeline_runtime::broker::{CommitError, Headers, ProducedRecords, Producer, ProducerId};
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use crate::blocking::blocking;
use crate::client::{ClientLog, Voice, acquaint};
use crate::error::{failed, produce_failed};
use crate::login::LetIn;
use crate::native;
use crate::places::Place;
use crate::source_offsets::{self, SourceOffsetsTopic};
use crate::way::{Door, Way};

/// How long the broker has to commit or abort a transaction, before its outcome counts as unknown.
const OUTCOME: Duration = Duration::from_secs(60);
/// How long it has to say that this producer is now the one of its id.
const INITIALISATION: Duration = Duration::from_secs(30);
/// How long it is waited for at once.
const LOOK_UP: Duration = Duration::from_secs(1);
/// How long between two looks at a full queue: at first, and at last.
const FULL: Duration = Duration::from_millis(1);
const STILL_FULL: Duration = Duration::from_millis(100);

/// librdkafka's producer: idempotent, and in transactions if it has a transactional id.
pub(crate) struct KafkaProducer {
    client: LetIn<ThreadedProducer<Voice<Deliveries>>>,
    id: ProducerId,
    mode: Mode,
    offsets: SourceOffsetsTopic,
    is_open: bool,
    /// Given back when this producer is gone.
    _place: Place,
}

/// How records become visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// With their offsets, both or neither.
    Transactions,
    /// As they come, and their offsets after them: after a crash some come again.
    AsTheyCome,
}

impl KafkaProducer {
    /// The producer of this id, which is let in by this door. Whoever had it before is fenced.
    pub(crate) async fn open(
        config: &ClientConfig,
        id: ProducerId,
        mode: Mode,
        offsets: SourceOffsetsTopic,
        place: Place,
        door: &Door,
    ) -> Result<Self> {
        let context = format!("`{id}` cannot take over from whoever produced as it before");
        let voice = Voice { log: ClientLog::behind(id.to_string(), door), own: Deliveries::default() };
        let client = LetIn::<ThreadedProducer<_>>::new(config, voice, ThreadedProducer::client)?;
        if mode == Mode::Transactions {
            let (initialised, topic) = (client.clone(), offsets.name().to_owned());
            blocking(move || {
                initialise(&initialised, &topic).map_err(|error| explained(&initialised, failed(context, &error)))
            })
            .await?;
        }
        Ok(Self { client, id, mode, offsets, is_open: false, _place: place })
    }

    /// Opens a transaction if there is none.
    fn begin(&mut self) -> Result<(), CommitError> {
        if !self.is_open && self.mode == Mode::Transactions {
            self.client.begin_transaction().map_err(|error| self.failed("no transaction can be begun", &error))?;
        }
        self.is_open = true;
        Ok(())
    }

    /// Hands one record to librdkafka. Looks again and again while it holds as many as it may: it reports failures alone, and a
    /// report of every record would cost more than these looks.
    async fn hand_over(&self, record: &Record<'_>) -> Result<(), CommitError> {
        let mut wait = FULL;
        loop {
            match self.client.send(record.to_librdkafka()) {
                Ok(()) => return Ok(()),
                Err((error, _)) if error.rdkafka_error_code() == Some(Code::QueueFull) => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(STILL_FULL);
                }
                Err((error, _)) => {
                    let context = format!("{}+{} takes no record of `{}`", record.topic, record.partition, self.id);
                    return Err(self.failed(context, &error));
                }
            }
        }
    }

    fn failed(&self, context: impl Into<String>, error: &KafkaError) -> CommitError {
        match error.rdkafka_error_code() {
            Some(code) => self.failed_with(context, code),
            None => CommitError::Failed(failed(context, error)),
        }
    }

    fn failed_with(&self, context: impl Into<String>, code: Code) -> CommitError {
        match produce_failed(context, self.root_of(code)) {
            CommitError::Failed(error) => CommitError::Failed(self.way().explain(error)),
            fenced => fenced,
        }
    }

    fn way(&self) -> &Way {
        self.client.client().context().log.way()
    }

    /// What made a call fail: librdkafka refuses everything after a fatal error or a record that was not taken.
    fn root_of(&self, code: Code) -> Code {
        let client = self.client.client();
        match client.fatal_error() {
            Some((fatal, _)) => fatal,
            None => client.context().own.first_failure().unwrap_or(code),
        }
    }

    /// Waits until all that was handed over is acknowledged.
    async fn flush(&self) -> Result<(), CommitError> {
        let client = self.client.clone();
        let context = || format!("records of `{}` were not acknowledged", self.id);
        let flushed = blocking(move || Ok(flush(&client))).await?;
        if let Some(code) = self.client.client().context().own.first_failure() {
            return Err(self.failed_with(context(), code));
        }
        flushed.map_err(|error| self.failed(context(), &error))
    }

    async fn commit_transaction(&self) -> Result<(), CommitError> {
        let client = self.client.clone();
        let committed = blocking(move || Ok(native::commit_transaction(client.client(), OUTCOME))).await?;
        committed.map_err(|error| {
            let context = format!("the transaction of `{}` is not committed: {}", self.id, error.reason);
            self.failed_with(context, error.code)
        })
    }
}

#[async_trait]
impl Producer for KafkaProducer {
    async fn source_offsets(&mut self) -> Result<SourceOffsets> {
        let (topic, source) = (self.offsets.clone(), self.id.source.clone());
        blocking(move || topic.read(&source)).await
    }

    async fn send(&mut self, topic: &str, records: ProducedRecords) -> Result<(), CommitError> {
        self.begin()?;
        records.check_shape()?;
        for row in 0..records.partitions.len() {
            self.hand_over(&Record {
                topic,
                partition: records.partitions[row],
                key: (!records.keys.is_null(row)).then(|| records.keys.value(row)),
                value: (!records.values.is_null(row)).then(|| records.values.value(row)),
                timestamp: Some(records.timestamps.value(row)),
                headers: records.headers.get(row),
            })
            .await?;
        }
        tokio::task::coop::consume_budget().await;
        Ok(())
    }

    async fn commit(&mut self, offsets: &SourceOffsets) -> Result<(), CommitError> {
        self.begin()?;
        if self.mode == Mode::AsTheyCome {
            self.flush().await?;
        }
        for (partition, position) in offsets.iter() {
            let (key, value) = source_offsets::to_record(&self.id.source, partition, position);
            self.hand_over(&Record {
                topic: self.offsets.name(),
                partition: source_offsets::PARTITION,
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                timestamp: None,
                headers: None,
            })
            .await?;
        }
        crash_at("kafka_before_produce_commit");
        match self.mode {
            Mode::Transactions => self.commit_transaction().await?,
            Mode::AsTheyCome => self.flush().await?,
        }
        self.is_open = false;
        self.way().answered();
        crash_at("kafka_after_produce_commit");
        Ok(())
    }

    async fn abort(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.is_open) || self.mode == Mode::AsTheyCome {
            return Ok(());
        }
        let (client, context) = (self.client.clone(), format!("the transaction of `{}` is not aborted", self.id));
        blocking(move || match client.abort_transaction(OUTCOME) {
            // Right after a commit Kafka may not have heard of this one yet: then there is nothing to abort.
            Err(error) if error.rdkafka_error_code() != Some(Code::InvalidTransactionalState) => {
                Err(failed(context, &error))
            }
            _ => Ok(()),
        })
        .await
    }
}

/// What is open is aborted, so that it does not hold up readers until it times out. Nobody waits for that.
impl Drop for KafkaProducer {
    fn drop(&mut self) {
        if self.is_open && self.mode == Mode::Transactions {
            let client = self.client.clone();
            let abort = move || client.abort_transaction(Duration::from_secs(5));
            _ = std::thread::Builder::new().name("kafka abort".into()).spawn(abort);
        }
    }
}

/// Says that this producer, which will write to that topic, is now the one of its id. Blocks until Kafka knows, or will not as the
/// settings are.
fn initialise(client: &ThreadedProducer<Voice<Deliveries>>, topic: &str) -> Result<(), KafkaError> {
    let (started, way) = (Instant::now(), client.context().log.way());
    acquaint(client.client(), topic);
    loop {
        match client.init_transactions(LOOK_UP) {
            Ok(()) => {
                way.answered();
                return Ok(());
            }
            // It goes on where it was.
            Err(KafkaError::Transaction(error))
                if error.is_retriable() && started.elapsed() < INITIALISATION && !way.is_shut_out() => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until all is acknowledged, or will not be as the settings are. Blocks.
fn flush(client: &ThreadedProducer<Voice<Deliveries>>) -> Result<(), KafkaError> {
    let started = Instant::now();
    loop {
        match client.flush(LOOK_UP) {
            Err(_) if started.elapsed() < OUTCOME && !client.context().log.way().is_shut_out() => {}
            flushed => return flushed,
        }
    }
}

fn explained(client: &ThreadedProducer<Voice<Deliveries>>, error: Error) -> Error {
    client.context().log.way().explain(error)
}

/// A record on its way to librdkafka.
struct Record<'a> {
    topic: &'a str,
    partition: i32,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    /// In milliseconds since 1970 UTC; without one it is now.
    timestamp: Option<i64>,
    headers: Option<&'a Headers>,
}

impl Record<'_> {
    fn to_librdkafka(&self) -> BaseRecord<'_, [u8], [u8]> {
        let record = BaseRecord::to(self.topic).partition(self.partition);
        let record = self.key.iter().fold(record, |record, key| record.key(*key));
        let record = self.value.iter().fold(record, |record, value| record.payload(*value));
        let record = self.timestamp.iter().fold(record, |record, timestamp| record.timestamp(*timestamp));
        match self.headers.filter(|headers| !headers.is_empty()) {
            Some(headers) => record.headers(to_headers(headers)),
            None => record,
        }
    }
}

fn to_headers(headers: &Headers) -> OwnedHeaders {
    let new = OwnedHeaders::new_with_capacity(headers.len());
    headers.iter().fold(new, |all, (key, value)| all.insert(Header { key, value: Some(value.as_ref()) }))
}

/// What became of the records that were not taken.
#[derive(Default)]
struct Deliveries {
    failure: Mutex<Option<Code>>,
}

impl Deliveries {
    /// Why the first record was refused: a better reason than that of the transaction that fails with it.
    fn first_failure(&self) -> Option<Code> {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProducerContext for Voice<Deliveries> {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let code = error.rdkafka_error_code();
            let mut failure = self.own.failure.lock().unwrap_or_else(PoisonError::into_inner);
            // What was purged was purged because of something else.
            if failure.is_none() && !matches!(code, Some(Code::PurgeQueue | Code::PurgeInflight)) {
                *failure = code;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use arrow::array::{BinaryArray, TimestampMillisecondArray};
    use pipeline_api::ErrorKind;
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;
    use crate::places::Places;

    fn one_record() -> ProducedRecords {
        ProducedRecords {
            partitions: vec![0],
            keys: BinaryArray::new_null(1),
            values: BinaryArray::from_iter_values(["value"]),
            timestamps: TimestampMillisecondArray::from(vec![1_700_000_000_000]),
            headers: Vec::new(),
        }
    }

    /// A broker says so when its disk is full.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn records_that_brokers_cannot_store_for_a_while_arrive_and_else_are_an_error_that_says_where_to_look() {
        let cluster = MockCluster::new(1).unwrap();
        for topic in ["full", "p.source-offsets"] {
            cluster.create_topic(topic, 1, 1).unwrap();
        }
        let servers = cluster.bootstrap_servers();
        let properties = [
            ("bootstrap.servers", servers.as_str()),
            ("transactional.id", "p.s.0"),
            ("enable.idempotence", "true"),
            ("transaction.timeout.ms", "4000"),
            ("delivery.timeout.ms", "3000"),
        ];
        let config: ClientConfig =
            properties.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let id = ProducerId { pipeline: "p".into(), source: "s".into(), task: 0 };
        let (offsets, place) =
            (SourceOffsetsTopic::new("p", config.clone(), Door::default()), Places::default().take("p"));
        let mut producer =
            KafkaProducer::open(&config, id, Mode::Transactions, offsets, place, &Door::default()).await.unwrap();
        let refuse = |times| {
            let full = RDKafkaRespErr::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR;
            cluster.request_errors(RDKafkaApiKey::Produce, &vec![full; times]);
        };
        refuse(3);
        producer.send("full", one_record()).await.unwrap();
        producer.commit(&SourceOffsets::new()).await.unwrap();
        refuse(1000);
        producer.send("full", one_record()).await.unwrap();
        let failed = producer.commit(&SourceOffsets::new()).await;
        let Err(CommitError::Failed(error)) = failed else { panic!("{failed:?}") };
        assert_eq!(error.kind(), ErrorKind::Retriable);
        assert!(format!("{error:#}").contains("have room on their disks"), "{error:#}");
    }
}
