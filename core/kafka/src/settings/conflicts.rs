//! Properties that contradict each other.

use pipeline_api::{Severity, nearest};
use pipeline_runtime::KafkaSettings;
use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaResult;
use rdkafka::producer::BaseProducer;

use super::clients::{Kind, Properties, admin, consumer, producer};
use super::properties::{Form, canonical, find};
use super::{Found, quoted, refused};

/// Finds what contradicts itself among the properties of one kind of client, which are right one by one.
pub(super) fn check(settings: &KafkaSettings, kind: Kind, found: &mut Found) {
    let properties = Properties::of(settings, kind, settings.instance.is_some());
    let mut conflicts = Conflicts { settings, kind, properties, found, errors: 0 };
    conflicts.check_sasl();
    conflicts.check_tls();
    conflicts.check_heartbeat();
    conflicts.try_client();
}

struct Conflicts<'a> {
    settings: &'a KafkaSettings,
    kind: Kind,
    properties: Properties,
    found: &'a mut Found,
    errors: usize,
}

/// The mechanisms of this build.
const MECHANISMS: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

/// More conflicts than this at once are told in the next attempt.
const MOST: usize = 8;

impl Conflicts<'_> {
    fn check_sasl(&mut self) {
        let protocol = self.protocol();
        if self.settings.aws_msk_iam.is_some() {
            return self.check_msk(&protocol);
        }
        let given = ["sasl.mechanism", "sasl.username", "sasl.password"];
        let Some(first) = given.into_iter().find(|name| self.place(name).is_some()) else {
            if protocol.starts_with("sasl") {
                self.error(
                    "security.protocol",
                    format!("`{protocol}` needs `sasl.mechanism`, expected one of {}", MECHANISMS.join(", ")),
                );
            }
            return;
        };
        if !protocol.starts_with("sasl") {
            let expected = if protocol == "ssl" { "sasl_ssl" } else { "sasl_ssl or sasl_plaintext" };
            return self
                .error(first, format!("has no use while `security.protocol` is {protocol}, expected {expected}"));
        }
        let Some(mechanism) = self.properties.get("sasl.mechanism").map(str::to_owned) else {
            return self
                .error(first, format!("needs `sasl.mechanism` beside it, expected one of {}", MECHANISMS.join(", ")));
        };
        if !MECHANISMS.contains(&mechanism.as_str()) {
            let meant =
                nearest(&mechanism, MECHANISMS).map_or(",".to_owned(), |meant| format!(", did you mean `{meant}`?"));
            let expected = MECHANISMS.join(", ");
            return self.error("sasl.mechanism", format!("found `{mechanism}`{meant} expected one of {expected}"));
        }
        if mechanism == "OAUTHBEARER" {
            return;
        }
        for (name, other) in [("sasl.username", "sasl.password"), ("sasl.password", "sasl.username")] {
            if self.properties.get(name).is_none() {
                let at = if self.place(other).is_some() { other } else { "sasl.mechanism" };
                self.error(at, format!("needs `{name}` beside it"));
            }
        }
        if protocol == "sasl_plaintext" && mechanism == "PLAIN" {
            self.warning(
                "security.protocol",
                "the password is sent as it is, for anyone on the way to read; expected sasl_ssl".into(),
            );
        }
    }

    /// `aws_msk_iam` is all that it takes to be let in.
    fn check_msk(&mut self, protocol: &str) {
        let beside = "beside `aws_msk_iam`";
        if protocol != "sasl_ssl" {
            self.error(
                "security.protocol",
                format!("found `{protocol}` {beside}, expected sasl_ssl, or to leave it out"),
            );
        }
        if let Some(other) = self.properties.get("sasl.mechanism").filter(|mechanism| *mechanism != "OAUTHBEARER") {
            let message = format!("found `{other}` {beside}, expected OAUTHBEARER, or to leave it out");
            self.error("sasl.mechanism", message);
        }
        for name in
            ["sasl.username", "sasl.password", "sasl.oauthbearer.config", "enable.sasl.oauthbearer.unsecure.jwt"]
        {
            if self.place(name).is_some() {
                self.error(name, format!("has no use {beside}, which signs in by itself; leave it out"));
            }
        }
    }

    fn check_tls(&mut self) {
        let protocol = self.protocol();
        if !protocol.ends_with("ssl") {
            for name in self.given("ssl.") {
                self.warning(
                    &name,
                    format!("has no use while `security.protocol` is {protocol}, expected ssl or sasl_ssl"),
                );
            }
            return;
        }
        let has = |name: &str| {
            ["location", "pem"]
                .into_iter()
                .map(|form| format!("ssl.{name}.{form}"))
                .find(|name| self.properties.get(name).is_some())
        };
        let (key, certificate) = (has("key"), has("certificate"));
        match (key, certificate) {
            (Some(key), None) => {
                self.error(&key, "needs `ssl.certificate.location` or `ssl.certificate.pem` beside it".into())
            }
            (None, Some(certificate)) => {
                self.error(&certificate, "needs `ssl.key.location` or `ssl.key.pem` beside it".into())
            }
            _ => {}
        }
        if self.properties.get("ssl.keystore.location").is_some()
            && self.properties.get("ssl.keystore.password").is_none()
        {
            self.error("ssl.keystore.location", "needs `ssl.keystore.password` beside it".into());
        }
    }

    fn check_heartbeat(&mut self) {
        let number = |name: &str| self.properties.get(name).and_then(|value| value.parse::<i64>().ok());
        let (Some(heartbeat), Some(session)) = (number("heartbeat.interval.ms"), number("session.timeout.ms")) else {
            return;
        };
        if heartbeat >= session {
            self.error(
                "heartbeat.interval.ms",
                format!("{heartbeat} is not below `session.timeout.ms`, which is {session}; expected a third of it"),
            );
        }
    }

    /// Makes a client that has no server to talk to, and reads no file, and reports why it cannot be made.
    fn try_client(&mut self) {
        let mut config = self.config();
        OUTSIDE.iter().for_each(|name| _ = config.remove(name));
        if self.errors > 0 {
            config.remove("security.protocol");
        }
        for _ in 0..MOST {
            let Err(error) = self.create(&config) else { return };
            let words = refused::words(&error);
            let named = refused::named(&words);
            let given: Vec<&String> = named.iter().filter(|name| self.place(name).is_some()).collect();
            let message = self.in_the_words_of_the_file(&words, &named, &config);
            let Some(first) = given.first() else { return self.found.block(message) };
            self.error(first, message);
            for (_, name) in given.iter().filter_map(|name| self.place(name)) {
                config.remove(&name);
            }
        }
    }

    /// What the client says, with the names that the file uses, and what the numbers are that it compares.
    fn in_the_words_of_the_file(&self, words: &str, named: &[String], config: &ClientConfig) -> String {
        let renamed = named.iter().fold(words.to_owned(), |words, name| match self.place(name) {
            Some((_, used)) => words.replace(&format!("`{name}`"), &format!("`{used}`")),
            None => words,
        });
        let native = config.create_native_config().ok();
        let is_number = |name: &&String| {
            find(name).is_some_and(|property| matches!(property.form, Form::Whole { .. } | Form::Number { .. }))
        };
        let numbers = named.iter().filter(is_number).filter_map(|name| native.as_ref()?.get(name).ok());
        match numbers.collect::<Vec<_>>().join(" and ") {
            numbers if numbers.is_empty() => renamed,
            numbers => format!("{renamed}; found {numbers}"),
        }
    }

    fn config(&self) -> ClientConfig {
        match self.kind {
            Kind::Consumer => consumer(self.settings, "", self.settings.instance.as_deref()),
            Kind::Producer => producer(self.settings, Some("check")),
            Kind::Admin => admin(self.settings),
        }
    }

    fn create(&self, config: &ClientConfig) -> KafkaResult<()> {
        match self.kind {
            Kind::Consumer => config.create::<BaseConsumer>().map(|_| ()),
            Kind::Producer | Kind::Admin => config.create::<BaseProducer>().map(|_| ()),
        }
    }

    fn protocol(&self) -> String {
        self.properties.get("security.protocol").unwrap_or("plaintext").to_lowercase()
    }

    /// Where the file sets the property, and by which name.
    fn place(&self, name: &str) -> Option<(Option<Kind>, String)> {
        let is = |given: &&String| canonical(given) == canonical(name);
        let own = self.kind.own(self.settings).keys().find(is).map(|given| (Some(self.kind), given.clone()));
        own.or_else(|| self.settings.properties.keys().find(is).map(|given| (None, given.clone())))
    }

    /// The properties with this beginning that the file sets for this kind of client.
    fn given(&self, beginning: &str) -> Vec<String> {
        let all = self.settings.properties.keys().chain(self.kind.own(self.settings).keys());
        all.filter(|name| name.starts_with(beginning)).cloned().collect()
    }

    fn error(&mut self, name: &str, message: String) {
        self.errors += 1;
        self.tell(Severity::Error, name, message);
    }

    fn warning(&mut self, name: &str, message: String) {
        self.tell(Severity::Warning, name, message);
    }

    fn tell(&mut self, severity: Severity, name: &str, message: String) {
        // What only follows from a property that is wrong by itself would distract.
        if self.found.wrong.iter().any(|wrong| quoted(&message).any(|name| canonical(name) == wrong)) {
            return;
        }
        match self.place(name) {
            Some((kind, name)) => self.found.add(severity, kind, &name, message),
            None => self.found.block(format!("`{name}`: {message}")),
        }
    }
}

/// What would have a client connect, read a file or call somebody.
const OUTSIDE: [&str; 16] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "debug",
    "statistics.interval.ms",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.crl.location",
    "https.ca.location",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.oauthbearer.metadata.authentication.type",
    "group.instance.id",
];
