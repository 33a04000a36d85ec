//! The way to the brokers of a cluster, as one client finds it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pipeline_api::{Error, ErrorKind};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::RDKafkaErrorCode as Code;

/// For so long a broker may look like one that is spoken to in the wrong way before it counts as one: as it starts and stops,
/// it hangs up too.
const DOUBT: Duration = Duration::from_secs(3);
/// Where the first thing that is said to a listener is what it does not understand. It hangs up, which librdkafka logs, and
/// which is an error to it or not.
const FIRST_WORDS: [&str; 2] = ["in state APIVERSION_QUERY", "in state SSL_HANDSHAKE"];

/// What librdkafka says where it gets no token.
const NO_TOKEN: &str = "Failed to acquire SASL OAUTHBEARER token";

/// What is in the way of a client, by what librdkafka reports and logs.
#[derive(Debug, Default)]
pub(crate) struct Way {
    obstacle: Mutex<Option<Obstacle>>,
    door: Door,
}

/// Whether a broker has ever answered to a client with these settings: then they are right, and what is in the way may pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct Door(Arc<AtomicBool>);

/// What was last in the way to a broker.
#[derive(Clone, Debug)]
pub(crate) struct Obstacle {
    /// In librdkafka's words, with the address.
    reason: String,
    advice: Advice,
    since: Instant,
}

/// What a person should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advice {
    Network,
    Protocol,
    Credentials,
    Token,
    Certificate,
}

impl Way {
    /// That of one more client with these settings.
    pub(crate) fn behind(door: &Door) -> Self {
        Self { door: door.clone(), ..Self::default() }
    }

    /// Has librdkafka log what a client is to hear of its way.
    pub(crate) fn reveal(config: &mut ClientConfig) {
        config.set("log.connection.close", "true");
        if (config.log_level as i32) < RDKafkaLogLevel::Info as i32 {
            config.set_log_level(RDKafkaLogLevel::Info);
        }
    }

    /// Notes an error with librdkafka's reason. False if it is not about the way.
    pub(crate) fn report(&self, code: Code, reason: &str) -> bool {
        self.note(code, reason);
        is_about_the_way(code)
    }

    /// What a log line says of the way that is reported as no error: its reason.
    pub(crate) fn reason_in<'a>(facility: &str, message: &'a str) -> Option<&'a str> {
        let reason = message.split_once("]: ").map_or(message, |(_thread, reason)| reason);
        let is_told = facility == "FAIL" && is_hang_up(message) || facility == "ERROR" && reason.starts_with(NO_TOKEN);
        is_told.then_some(reason)
    }

    /// What is in the way now.
    pub(crate) fn blocked_by(&self) -> Option<Obstacle> {
        self.obstacle().clone()
    }

    /// A broker has answered: what was in the way is not any more.
    pub(crate) fn answered(&self) {
        self.door.0.store(true, Ordering::Relaxed);
        *self.obstacle() = None;
    }

    /// Whether no broker can be reached as the settings are, so that waiting is no use.
    pub(crate) fn is_shut_out(&self) -> bool {
        let is_for_good = |obstacle: &Obstacle| obstacle.is_for_good(Instant::now());
        !self.door.0.load(Ordering::Relaxed) && self.obstacle().as_ref().is_some_and(is_for_good)
    }

    /// The error with what is in the way to the brokers, if something is: a better reason than the time-out that follows.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let is_for_good = error.kind() == ErrorKind::Retriable && self.is_shut_out();
        let kind = if is_for_good { ErrorKind::Config } else { error.kind() };
        let Some(Obstacle { reason, advice, .. }) = self.obstacle().clone() else { return error };
        Error::new(kind, format!("{error}: {reason}; {}", advice.text()))
    }

    fn obstacle(&self) -> MutexGuard<'_, Option<Obstacle>> {
        self.obstacle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is in the way, and since when it is of this sort. That all brokers are down only follows from it.
    fn note(&self, code: Code, reason: &str) {
        let Some(advice) = Advice::on(code, reason) else { return };
        let mut obstacle = self.obstacle();
        let known = obstacle.take().filter(|known| known.advice == advice);
        let since = known.map_or_else(Instant::now, |known| known.since);
        *obstacle = Some(Obstacle { reason: reason.to_owned(), advice, since });
    }
}

impl Obstacle {
    /// In librdkafka's words, with the address.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// What to check.
    pub(crate) fn advice(&self) -> &'static str {
        self.advice.text()
    }

    /// Whether it stays until the settings are others.
    fn is_for_good(&self, now: Instant) -> bool {
        match self.advice {
            Advice::Credentials | Advice::Certificate => true,
            Advice::Protocol | Advice::Token => now >= self.since + DOUBT,
            Advice::Network => false,
        }
    }
}

impl Advice {
    fn on(code: Code, reason: &str) -> Option<Self> {
        match code {
            _ if reason.starts_with(NO_TOKEN) => Some(Self::Token),
            Code::Authentication => Some(Self::Credentials),
            Code::SSL | Code::BrokerTransportFailure if reason.contains("certificate") => Some(Self::Certificate),
            Code::SSL => Some(Self::Protocol),
            Code::BrokerTransportFailure if is_hang_up(reason) => Some(Self::Protocol),
            Code::BrokerTransportFailure | Code::Resolve => Some(Self::Network),
            _ => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Network => {
                "check that it runs, `bootstrap.servers`, its `advertised.listeners`, and `security.protocol`"
            }
            Self::Protocol => {
                "check `security.protocol`: the listener takes TLS or does not, or wants a client's certificate"
            }
            Self::Credentials => "check `sasl.mechanism`, `sasl.username` and `sasl.password`",
            Self::Token => "check the AWS credentials of this process, and `aws_msk_iam`",
            Self::Certificate => {
                "check `ssl.ca.location`, and that the certificate is for this address; if it is the client's that is \
                 refused, `ssl.certificate.location`"
            }
        }
    }
}

/// Silence is something else: a broker that is busy or paused.
fn is_hang_up(text: &str) -> bool {
    FIRST_WORDS.iter().any(|state| text.contains(state)) && !text.to_lowercase().contains("timed out")
}

/// Whether an error is about how to get to a broker, not about what it said.
fn is_about_the_way(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure | Code::AllBrokersDown | Code::Resolve | Code::Authentication | Code::SSL
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_client_that_was_never_let_in_is_shut_out() {
        let (way, later) = (Way::default(), Instant::now() + DOUBT * 2);
        let hang_up = "127.0.0.1:9094: Disconnected: closed by peer (after 1ms in state APIVERSION_QUERY)";
        way.note(Code::BrokerTransportFailure, hang_up);
        assert!(!way.is_shut_out(), "a broker that starts or stops hangs up too");
        assert!(way.obstacle().as_ref().is_some_and(|obstacle| obstacle.is_for_good(later)));
        way.note(Code::AllBrokersDown, "1/1 brokers are down");
        assert!(way.obstacle().as_ref().is_some_and(|obstacle| obstacle.is_for_good(later)), "it only follows");
        way.note(Code::BrokerTransportFailure, "127.0.0.1:9094: Connect failed: Connection refused");
        assert!(way.obstacle().as_ref().is_some_and(|obstacle| !obstacle.is_for_good(later)));
        let silence =
            "127.0.0.1:9094: ApiVersionRequest failed: Local: Timed out (after 9ms in state APIVERSION_QUERY)";
        way.note(Code::BrokerTransportFailure, silence);
        assert!(way.obstacle().as_ref().is_some_and(|obstacle| !obstacle.is_for_good(later)));
        way.note(Code::Authentication, "127.0.0.1:9094: SASL authentication error");
        assert!(way.is_shut_out());
        let error = way.explain(Error::retriable("no answer"));
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "no answer: 127.0.0.1:9094: SASL authentication error; check `sasl.mechanism`, `sasl.username` and `sasl.password`"
        );
        way.answered();
        assert_eq!(way.explain(Error::retriable("no answer")).to_string(), "no answer");
        way.note(Code::Authentication, "127.0.0.1:9094: SASL authentication error");
        assert!(!way.is_shut_out());
        assert_eq!(way.explain(Error::retriable("no answer")).kind(), ErrorKind::Retriable);
    }
}
