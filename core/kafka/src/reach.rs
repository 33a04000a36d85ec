//! Whether a cluster can be reached.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline_api::{Error, HumanDuration, Result};
use pipeline_runtime::KafkaSettings;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use tracing::debug;

use crate::blocking::blocking;
use crate::login::LetIn;
use crate::native;
use crate::settings;
use crate::way::{self, Way};

/// How long one attempt waits for an answer,
const ATTEMPT: Duration = Duration::from_millis(300);
/// and for a broker to take a connection.
const CONNECTION: Duration = Duration::from_secs(2);
/// After so long it is worth a word that somebody is waited for.
const MOMENT: Duration = Duration::from_secs(1);
/// How much longer than asked for somebody is waited for who says nothing at all, so that there is a reason to tell.
const SILENCE: Duration = Duration::from_secs(3);

/// Waits until a broker of the cluster answers, and one of those that the cluster names takes connections. Says once, by
/// `say`, that it waits.
///
/// Errors: neither within `wait`, and why, as far as that is known; or, without waiting so long, that the settings are wrong.
pub(crate) async fn reach(settings: &KafkaSettings, wait: Duration, say: impl FnOnce(&str) + Send) -> Result<()> {
    let mut config = settings::admin(settings);
    // Whoever comes up is seen soon.
    config.set("reconnect.backoff.ms", "100").set("reconnect.backoff.max.ms", "500");
    Way::reveal(&mut config);
    let servers = servers(&config);
    let client = Arc::new(LetIn::<BaseConsumer<_>>::new(&config, Reasons::default(), BaseConsumer::client)?);
    let (started, mut say) = (Instant::now(), Some(say));
    loop {
        let asked = client.clone();
        let Some(obstacle) = blocking(move || Ok(attempt(&asked).err())).await? else { return Ok(()) };
        let waited = started.elapsed();
        if client.context().0.is_shut_out() {
            return Err(Error::config(obstacle.describe(&servers, Duration::ZERO)));
        }
        if waited >= wait && (obstacle.is_known() || waited >= wait + SILENCE) {
            return Err(Error::fatal(obstacle.describe(&servers, wait)));
        }
        if waited >= MOMENT
            && let Some(say) = say.take()
        {
            say(&format!("waiting for Kafka at {servers}, for {} at most: {obstacle}", HumanText(wait)));
        }
    }
}

/// What the file calls the cluster.
fn servers(config: &ClientConfig) -> String {
    let named = config.get("bootstrap.servers").or_else(|| config.get("metadata.broker.list"));
    named.unwrap_or("no address").to_owned()
}

/// Why a cluster is not reached.
enum Obstacle {
    /// Nobody has said anything yet.
    Silence,
    /// No broker answers: librdkafka's last reason.
    Unreached(way::Obstacle),
    /// A broker answers, but those that it names do not, and why.
    Elsewhere(String),
}

impl Obstacle {
    fn is_known(&self) -> bool {
        !matches!(self, Self::Silence)
    }

    fn describe(&self, servers: &str, waited: Duration) -> String {
        let within = if waited.is_zero() { String::new() } else { format!(" within {}", HumanText(waited)) };
        match self {
            Self::Silence => format!("Kafka cannot be reached at `{servers}`{within}: {self}; check that it runs"),
            Self::Unreached(obstacle) => {
                format!("Kafka cannot be reached at `{servers}`{within}: {self}; {}", obstacle.advice())
            }
            Self::Elsewhere(_) => format!(
                "Kafka answers at `{servers}`, but the brokers that it names cannot be reached{within}: {self}; check its `advertised.listeners`, which must lead there from here"
            ),
        }
    }
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silence => f.write_str("nobody answers"),
            Self::Unreached(obstacle) => f.write_str(obstacle.reason()),
            Self::Elsewhere(reason) => f.write_str(reason),
        }
    }
}

/// A duration as people write it.
struct HumanText(Duration);

impl std::fmt::Display for HumanText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        HumanDuration::millis(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)).fmt(f)
    }
}

fn attempt(client: &BaseConsumer<Reasons>) -> Result<(), Obstacle> {
    let brokers = native::brokers(client.client(), ATTEMPT);
    // Serves what librdkafka has to say.
    while client.poll(Duration::ZERO).is_some() {}
    let brokers = brokers.map_err(|_| obstacle(client))?;
    let mut last = None;
    for (host, port) in &brokers {
        match connect(host, *port) {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(format!("{host}:{port}: {error}")),
        }
    }
    Err(last.map_or(Obstacle::Silence, Obstacle::Elsewhere))
}

/// Why a question got no answer. Once librdkafka has heard of a cluster, it asks the brokers that the cluster names.
fn obstacle(client: &BaseConsumer<Reasons>) -> Obstacle {
    match (client.context().0.blocked_by(), client.client().fetch_cluster_id(Duration::ZERO)) {
        (None, _) => Obstacle::Silence,
        (Some(obstacle), None) => Obstacle::Unreached(obstacle),
        (Some(obstacle), Some(_)) => Obstacle::Elsewhere(obstacle.reason().to_owned()),
    }
}

/// Whether somebody listens there. The connection is closed at once.
fn connect(host: &str, port: u16) -> io::Result<()> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECTION) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Remembers why no broker is reached.
#[derive(Default)]
struct Reasons(Way);

impl ClientContext for Reasons {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        if let Some(reason) = Way::reason_in(facility, message) {
            self.0.report(Code::BrokerTransportFailure, reason);
        }
        debug!(target: "librdkafka", client = "reach", facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(code) = error.rdkafka_error_code() {
            self.0.report(code, reason);
        }
    }
}

impl ConsumerContext for Reasons {}
