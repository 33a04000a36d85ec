//! Who is let in to a cluster, and what is said to the others.

mod support;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{LazyLock, Mutex, Once};
use std::time::{Duration, Instant};

use pipeline_api::{Delivery, Error, ErrorKind, Findings, Severity, SourceOffsets};
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::{Broker, CommitError, Committed};
use pipeline_testkit::kafka::KafkaServer;
use tracing_subscriber::filter::LevelFilter;

use support::{Outcome, Record, member, open, produced, producer, read, topic};

/// What a person waits for an answer that is no.
const SOON: Duration = Duration::from_secs(8);

const PASSWORD: &str = KafkaServer::PASSWORD;
const WRONG_PASSWORD: &str = "guessed-wrongly";

/// Besides its other mechanisms this server takes tokens that nobody has signed.
static SERVER: LazyLock<KafkaServer> = LazyLock::new(|| {
    KafkaServer::start_with(&[
        ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"),
        (
            "listener.name.sasl_ssl.oauthbearer.sasl.jaas.config",
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
        ),
    ])
});

/// It lets nobody do anything who is not told to, but for those that come without TLS.
static STRICT: LazyLock<KafkaServer> = LazyLock::new(|| {
    KafkaServer::start_with(&[
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        ("super.users", "User:ANONYMOUS"),
    ])
});

/// Its listener with TLS speaks no SASL, and wants a client's certificate.
static MUTUAL: LazyLock<KafkaServer> = LazyLock::new(|| {
    KafkaServer::start_with(&[
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SSL"),
        ("listener.name.sasl_ssl.ssl.client.auth", "required"),
    ])
});

/// The properties of a `kafka` block.
struct Door(Vec<(String, String)>);

impl Door {
    fn plain(server: &KafkaServer) -> Self {
        Self(vec![("bootstrap.servers".into(), server.bootstrap())])
    }

    fn tls(server: &KafkaServer, protocol: &str) -> Self {
        Self(vec![("bootstrap.servers".into(), server.tls_bootstrap())])
            .with("security.protocol", protocol)
            .with("ssl.ca.location", path(server.ca()))
    }

    fn password(mechanism: &str, password: &str) -> Self {
        Self::password_at(&SERVER, mechanism, password)
    }

    fn password_at(server: &KafkaServer, mechanism: &str, password: &str) -> Self {
        Self::tls(server, "sasl_ssl")
            .with("sasl.mechanism", mechanism)
            .with("sasl.username", KafkaServer::USER)
            .with("sasl.password", password)
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.into()));
        self
    }

    fn properties(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn settings(&self) -> KafkaSettings {
        support::settings(&self.properties())
    }

    /// Asserts that a pipeline that comes this way can do all that it has to.
    async fn leads_in(&self, name: &str) -> Outcome {
        let mut findings = Findings::default();
        pipeline_kafka::check(&self.settings(), &mut findings);
        assert!(findings.iter().all(|finding| finding.severity != Severity::Error), "{findings:?}");
        let broker = open(&self.properties())?;
        broker.ensure_topic(&topic(name, 1)).await?;
        let mut producer = producer(&broker, name).await?;
        let records = [Record::new(0, Some("k"), Some("one")), Record::new(0, None, Some("two"))];
        producer.send(name, produced(&records)).await?;
        let mut offsets = SourceOffsets::new();
        offsets.set("file", &7)?;
        producer.commit(&offsets).await?;
        let mut member = member(&broker, name, name).await?;
        assert_eq!(read(member.as_mut(), 2).await?, records);
        let committed = Committed { offset: 2, metadata: "note".to_owned() };
        member.commit(&BTreeMap::from([(0, committed.clone())])).await?;
        assert_eq!(broker.committed(name, name).await?, [Some(committed)]);
        // The record that ends the transaction has an offset too.
        assert_eq!(broker.bounds(name).await?[0].end, 3);
        assert_eq!(producer.source_offsets().await?.get::<i32>("file")?, Some(7));
        drop(producer);
        member.close().await?;
        broker.reset(name, name).await?;
        Ok(())
    }

    /// The error of a pipeline that comes this way and is not let in.
    async fn refusal(&self) -> Error {
        listen();
        let broker = match KafkaBroker::open("tests", &self.settings(), Delivery::ExactlyOnce) {
            Ok(broker) => broker,
            Err(error) => return error,
        };
        let asked = Instant::now();
        let error = broker.ensure_topic(&topic("nobody", 1)).await.expect_err("it was let in");
        assert!(asked.elapsed() < SOON, "after {:?}: {error:#}", asked.elapsed());
        let reset = broker.reset("nobody", "nobody").await.expect_err("it was let in");
        assert!(asked.elapsed() < SOON * 2, "after {:?}: {reset:#}", asked.elapsed());
        assert_eq!(reset.kind(), error.kind(), "{reset:#}");
        for shown in [format!("{error:#}{error:?}"), format!("{:?}", self.settings()), log()] {
            assert!(![PASSWORD, WRONG_PASSWORD].iter().any(|secret| shown.contains(secret)), "{shown}");
        }
        error
    }

    /// Asserts that the settings are said to be wrong, with the address and with each of these words.
    async fn is_refused_with(&self, words: &[&str]) {
        let error = self.refusal().await;
        let said = format!("{error:#}");
        assert_eq!(error.kind(), ErrorKind::Config, "{said}");
        let address = &self.0.iter().find(|(name, _)| name == "bootstrap.servers").expect("an address").1;
        for word in words.iter().chain([&address.as_str()]) {
            assert!(said.contains(word), "no `{word}` in: {said}");
        }
        assert!(log().contains("Kafka cannot be reached"), "{}", log());
    }
}

fn path(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}

/// All that was logged so far, at every level.
fn log() -> String {
    String::from_utf8_lossy(&LOG.lock().expect("nobody panics with the log")).into_owned()
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn listen() {
    static LISTENS: Once = Once::new();
    struct Log;
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            LOG.lock().expect("nobody panics with the log").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    LISTENS.call_once(|| {
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false).with_writer(|| Log).init();
    });
}

/// A key and a certificate that nobody knows.
fn stranger() -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (path(folder.path().join("certificate.pem")), path(folder.path().join("key.pem")));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=stranger"]);
    let made = openssl.args(["-keyout", &key, "-out", &certificate]).output().expect("openssl");
    assert!(made.status.success(), "{made:?}");
    (folder, certificate, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scram_sha_256_lets_a_pipeline_in() -> Outcome {
    Door::password("SCRAM-SHA-256", PASSWORD).leads_in("scram-256").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scram_sha_512_lets_a_pipeline_in() -> Outcome {
    Door::password("SCRAM-SHA-512", PASSWORD).leads_in("scram-512").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_lets_a_pipeline_in() -> Outcome {
    Door::password("PLAIN", PASSWORD).leads_in("plain").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_lets_a_pipeline_in() -> Outcome {
    let door = Door::tls(&SERVER, "sasl_ssl").with("sasl.mechanism", "OAUTHBEARER");
    let door = door.with("enable.sasl.oauthbearer.unsecure.jwt", "true");
    door.with("sasl.oauthbearer.config", "principal=pipeline").leads_in("token").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clients_certificate_lets_a_pipeline_in() -> Outcome {
    let door = Door::tls(&MUTUAL, "ssl").with("ssl.certificate.location", path(MUTUAL.certificate()));
    door.with("ssl.key.location", path(MUTUAL.key())).leads_in("mutual").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_said_at_once_and_is_no_secret_that_gets_out() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let door = Door::password(mechanism, WRONG_PASSWORD).with("debug", "all");
        door.is_refused_with(&["Authentication failed", "check `sasl.mechanism`, `sasl.username` and `sasl.password`"])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_of_the_readers_or_the_writers_alone_is_said_at_once() -> Outcome {
    let right = Door::password("PLAIN", PASSWORD).settings();
    let wrong = || BTreeMap::from([("sasl.password".to_owned(), WRONG_PASSWORD.to_owned())]);
    let open = |settings| KafkaBroker::open("half", &settings, Delivery::ExactlyOnce);
    let readers = open(KafkaSettings { consumer: wrong(), ..right.clone() })?;
    assert_shut_out(readers.ensure_topic(&topic("half", 1))).await;
    let writers = open(KafkaSettings { producer: wrong(), ..right.clone() })?;
    assert_shut_out(writers.ensure_topic(&topic("half", 1))).await;
    // Where the topic is known, nothing is written before the first record.
    open(right.clone())?.ensure_topic(&topic("half", 1)).await?;
    writers.ensure_topic(&topic("half", 1)).await?;
    assert_shut_out(producer(&writers, "half")).await;
    let settings = KafkaSettings { producer: wrong(), ..right };
    let writers = KafkaBroker::open("half", &settings, Delivery::AtLeastOnce)?;
    let mut producer = producer(&writers, "half").await?;
    producer.send("half", produced(&[Record::new(0, None, Some("one"))])).await?;
    let written = async {
        match producer.commit(&SourceOffsets::new()).await {
            Err(CommitError::Failed(error)) => Err(error),
            other => panic!("{other:?}"),
        }
    };
    assert_shut_out::<()>(written).await;
    Ok(())
}

/// Asserts that a call says within seconds that the password is wrong.
async fn assert_shut_out<T>(call: impl Future<Output = Result<T, Error>>) {
    let asked = Instant::now();
    let error = call.await.err().expect("it is let in");
    assert!(asked.elapsed() < SOON, "after {:?}: {error:#}", asked.elapsed());
    assert_eq!(error.kind(), ErrorKind::Config, "{error:#}");
    assert!(error.to_string().contains("`sasl.password`"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_user_may_not_do_is_said_with_what_it_takes() -> Outcome {
    let allow = |kind: &str, name: &str| {
        let bootstrap = STRICT.bootstrap();
        let whom = ["--bootstrap-server", &bootstrap, "--add", "--force", "--allow-principal", "User:pipeline"];
        let what = ["--operation", "All", "--resource-pattern-type", "prefixed", kind, name];
        KafkaServer::output(KafkaServer::tool("kafka-acls", whom.iter().chain(&what)), "");
    };
    let door = Door::password_at(&STRICT, "SCRAM-SHA-512", PASSWORD);
    // The pipeline's own topic is forbidden as well.
    for name in ["forbidden", "tests.source-offsets"] {
        let error = open(&door.properties())?.ensure_topic(&topic("forbidden", 1)).await;
        let said = refused(error, "the user needs READ, WRITE and DESCRIBE on the topic");
        assert!(said.contains(&format!("topic `{name}`")), "{said}");
        allow("--topic", name);
    }
    let broker = open(&door.properties())?;
    broker.ensure_topic(&topic("forbidden", 1)).await?;
    refused(member(&broker, "forbidden", "forbidden").await, "the user needs READ on the consumer group");
    allow("--group", "forbidden");
    member(&broker, "forbidden", "forbidden").await?.close().await?;
    allow("--topic", "forbidden.source-offsets");
    refused(producer(&broker, "forbidden").await, "the user needs WRITE on the transactional id");
    allow("--transactional-id", "forbidden");
    producer(&broker, "forbidden").await?;
    Ok(())
}

/// Asserts that the settings are said to be wrong, and how.
fn refused<T>(outcome: Result<T, Error>, how: &str) -> String {
    let error = outcome.err().expect("it is allowed");
    let said = format!("{error:#}");
    assert_eq!(error.kind(), ErrorKind::Config, "{said}");
    assert!(said.contains(how), "no `{how}` in: {said}");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_the_broker_does_not_know_is_said_at_once() {
    let door = Door::password("SCRAM-SHA-512", PASSWORD).with("sasl.username", "stranger");
    door.is_refused_with(&["Authentication failed", "`sasl.username`"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_whose_certificate_is_of_another_authority_is_not_spoken_to() {
    let (_folder, certificate, _) = stranger();
    let door = Door::password("PLAIN", PASSWORD).with("ssl.ca.location", certificate);
    door.is_refused_with(&["certificate verify failed", "check `ssl.ca.location`"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_there_is_named_before_anything_connects() {
    let error = Door::password("PLAIN", PASSWORD).with("ssl.ca.location", "no/ca.pem").refusal().await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`ssl.ca.location`"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_tls_at_a_listener_with_tls_hears_of_the_protocol() {
    let door = Door::plain(&SERVER).with("bootstrap.servers", SERVER.tls_bootstrap());
    door.is_refused_with(&["check `security.protocol`"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_tls_at_a_listener_without_hears_of_the_protocol() {
    let door = Door::password("PLAIN", PASSWORD).with("bootstrap.servers", SERVER.bootstrap());
    door.is_refused_with(&["check `security.protocol`"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_a_certificate_at_a_listener_that_wants_one_hears_of_it() {
    Door::tls(&MUTUAL, "ssl").is_refused_with(&["certificate"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_a_stranger_is_refused() {
    let (_folder, certificate, key) = stranger();
    let door = Door::tls(&MUTUAL, "ssl").with("ssl.certificate.location", certificate).with("ssl.key.location", key);
    door.is_refused_with(&["`ssl.certificate.location`"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_not_there_is_named_and_may_come_later() {
    let door = Door(vec![("bootstrap.servers".into(), "127.0.0.1:1".into())]);
    listen();
    let broker = open(&door.properties()).expect("the settings are right");
    let error = broker.ensure_topic(&topic("nobody", 1)).await.expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::Retriable);
    let said = error.to_string();
    for word in ["127.0.0.1:1", "Connection refused", "check that it runs, `bootstrap.servers`"] {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
}
