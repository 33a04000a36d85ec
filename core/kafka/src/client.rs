//! What every client of a cluster does with librdkafka's words: its log lines and its errors.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::{debug, info, warn};

use crate::way::{Door, Obstacle, Way};

/// How long a cluster has for an answer.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// The first pause between two warnings of one client that it reaches no broker, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How long a client is given to learn who leads a topic's partitions.
const ACQUAINTANCE: Duration = Duration::from_millis(200);

/// Lets a new client find the brokers and who leads the topic's partitions before it is asked for more: what librdkafka cannot
/// send at once it tries again after half a second. The first answer may come from an address of `bootstrap.servers`, which
/// librdkafka then leaves for the brokers that it was told of; the second comes from one of these. Blocks. Whether it was of use
/// shows itself.
pub(crate) fn acquaint<C: ClientContext>(client: &Client<C>, topic: &str) {
    for _ in 0..2 {
        if let Err(error) = client.fetch_metadata(Some(topic), ACQUAINTANCE) {
            debug!(topic, %error, "the leaders are not known yet");
        }
    }
}

/// Brings what librdkafka says of a client into the log, under the client's name.
#[derive(Debug)]
pub(crate) struct ClientLog {
    client: String,
    complaints: Mutex<Complaints>,
    way: Way,
}

/// When it was last said that no broker can be reached, and how long to keep quiet now.
#[derive(Debug, Default)]
struct Complaints {
    last: Option<Instant>,
    pause: Duration,
}

impl ClientLog {
    /// For the client of this name: `stocks.lake`, `stocks.csv.0`.
    pub(crate) fn new(client: impl Into<String>) -> Self {
        Self::behind(client, &Door::default())
    }

    /// For one more client with settings that are known to be right, or not.
    pub(crate) fn behind(client: impl Into<String>, door: &Door) -> Self {
        Self { client: client.into(), complaints: Mutex::default(), way: Way::behind(door) }
    }

    /// How the client gets to the brokers.
    pub(crate) fn way(&self) -> &Way {
        &self.way
    }
}

impl Complaints {
    /// Whether it is time to say it again: at once, then ever more rarely as long as it goes on.
    fn is_due(&mut self, now: Instant) -> bool {
        match self.last {
            Some(last) if now < last + self.pause => return false,
            Some(last) if now < last + self.pause * 3 => self.pause = (self.pause * 2).min(LONGEST_PAUSE),
            _ => self.pause = FIRST_PAUSE,
        }
        self.last = Some(now);
        true
    }
}

impl ClientContext for ClientLog {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let client = &self.client;
        if let Some(reason) = Way::reason_in(facility, message) {
            self.error(KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), reason);
        }
        match level {
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                debug!(target: "librdkafka", client, facility, "{message}");
            }
            // What is wrong comes as an error too, and who gets that knows whether it matters: to be fenced does not.
            _ => info!(target: "librdkafka", client, facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let client = &self.client;
        if !error.rdkafka_error_code().is_some_and(|code| self.way.report(code, reason)) {
            return info!(target: "librdkafka", client, %error, reason, "the Kafka client reports an error");
        }
        if self.complaints.lock().unwrap_or_else(PoisonError::into_inner).is_due(Instant::now()) {
            // That all brokers are down says less than why.
            let obstacle = self.way.blocked_by();
            let reason = obstacle.as_ref().map_or(reason, Obstacle::reason);
            let advice = obstacle.as_ref().map_or("check that it runs", Obstacle::advice);
            warn!(client, reason, "Kafka cannot be reached; {advice}");
        }
    }
}

impl ConsumerContext for ClientLog {}

/// What a client says goes to the log, and what only its kind has to say to `own`.
#[derive(Debug)]
pub(crate) struct Voice<T> {
    pub(crate) log: ClientLog,
    pub(crate) own: T,
}

impl<T: Send + Sync> ClientContext for Voice<T> {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.log.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(error, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_stays_away_is_complained_of_ever_more_rarely() {
        let (mut complaints, start) = (Complaints::default(), Instant::now());
        let said: Vec<u64> =
            (0..700).filter(|second| complaints.is_due(start + Duration::from_secs(*second))).collect();
        assert_eq!(said, [0, 5, 15, 35, 75, 155, 315, 615]);
        assert!(complaints.is_due(start + Duration::from_secs(5000)));
        assert!(!complaints.is_due(start + Duration::from_secs(5004)));
        assert!(complaints.is_due(start + Duration::from_secs(5005)));
    }
}
