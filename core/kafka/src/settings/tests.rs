//! What is said of a wrong `kafka` block, and what clients get of a right one.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Instant;

use pipeline_api::{ByteSize, Findings, Severity};
use pipeline_runtime::{AwsMskIam, KafkaSettings, Latency};
use rdkafka::ClientConfig;

use super::clients::Kind;
use super::{admin, check, consumer, producer};

/// Settings from `name=value` and `consumer/name=value`, with semicolons between.
fn settings(text: &str) -> KafkaSettings {
    let mut settings = KafkaSettings::default();
    for entry in text.split("; ").filter(|entry| !entry.is_empty()) {
        let (name, value) = entry.split_once('=').unwrap();
        match name.split_once('/') {
            Some(("consumer", name)) => settings.consumer.insert(name.into(), value.into()),
            Some(("producer", name)) => settings.producer.insert(name.into(), value.into()),
            Some(("admin", name)) => settings.admin.insert(name.into(), value.into()),
            _ => settings.properties.insert(name.into(), value.into()),
        };
    }
    settings
}

fn said_of(settings: &KafkaSettings) -> Vec<String> {
    let mut findings = Findings::default();
    check(settings, &mut findings);
    let line = |finding: &pipeline_api::Finding| {
        let warning = if finding.severity == Severity::Warning { "warning: " } else { "" };
        format!("{warning}{} {}", finding.pointer, finding.message)
    };
    findings.iter().map(line).collect()
}

/// Asserts all that is said of each block, a line for each finding. Shows every row that differs.
#[track_caller]
fn assert_said(rows: &[(&str, &str)]) {
    let found = rows.iter().map(|(text, said)| (text, *said, said_of(&settings(text)).join("\n")));
    let wrong: Vec<String> = found
        .filter(|(_, expected, found)| expected != found)
        .map(|(text, expected, found)| {
            format!("{}\n  expected {expected:?}\n  found    {found:?}", text.replace("\0", "\\0"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_people_write_is_taken() {
    assert_said(&[
        ("", ""),
        ("bootstrap.servers=k1:9092, k2:9093,[::1]:9092,::1,host", ""),
        (
            "security.protocol=SASL_SSL; sasl.mechanisms=SCRAM-SHA-512; sasl.username=u; sasl.password=p; ssl.ca.location=/none",
            "",
        ),
        ("security.protocol=ssl; ssl.key.location=/none; ssl.certificate.location=/none; ssl.key.password=x", ""),
        ("security.protocol=ssl; ssl.keystore.location=/none; ssl.keystore.password=x", ""),
        ("security.protocol=sasl_ssl; sasl.mechanism=OAUTHBEARER", ""),
        ("fetch.min.bytes=1; linger.ms=0.5; debug=broker,topic; client.id=a; compression.codec=zstd", ""),
        (
            "consumer/session.timeout.ms=10000; producer/batch.size=1000; admin/socket.timeout.ms=5000; statistics.interval.ms=1000",
            "",
        ),
        ("message.max.bytes=20000000; topic.partitioner=random", ""),
        ("receive.message.max.bytes=5000000", ""),
    ]);
}

#[test]
fn an_unknown_property_is_told_with_what_was_meant() {
    assert_said(&[
        ("fetch.min.byte=1", "/fetch.min.byte unknown property, did you mean `fetch.min.bytes`?"),
        ("consumer/fetch.min.byte=1", "/consumer/fetch.min.byte unknown property, did you mean `fetch.min.bytes`?"),
        ("bootstrap.server=k", "/bootstrap.server unknown property, did you mean `bootstrap.servers`?"),
        ("instanc=a", "/instanc unknown property, did you mean `instance`?"),
        ("consumer/instanc=a", "/consumer/instanc unknown property, expected one that librdkafka has"),
        ("key.serializer=x", "/key.serializer unknown property, expected one that librdkafka has"),
        ("a~b/c=x", "/a~0b~1c unknown property, expected one that librdkafka has"),
        ("sasl.pasword=hunter2", "/sasl.pasword unknown property, did you mean `sasl.password`?"),
        (
            "sasl.jaas.config=hunter2",
            "/sasl.jaas.config Java JAAS configuration is not supported, see https://github.com/confluentinc/librdkafka/wiki/Using-SASL-with-librdkafka for more information",
        ),
        (
            "ssl.truststore.location=x",
            "/ssl.truststore.location Java TrustStores are not supported, use `ssl.ca.location` and a certificate file instead. See https://github.com/confluentinc/librdkafka/wiki/Using-SSL-with-librdkafka for more information",
        ),
        ("test.mock.num.brokers=1", "/test.mock.num.brokers is set by programs, not by files; leave it out"),
    ]);
}

#[test]
fn a_wrong_value_is_told_with_what_would_be_right() {
    assert_said(&[
        ("fetch.min.bytes=0", "/fetch.min.bytes found `0`, expected a whole number from 1 to 100000000"),
        ("fetch.min.bytes=5s", "/fetch.min.bytes found `5s`, expected a whole number from 1 to 100000000"),
        ("fetch.min.bytes=010", "/fetch.min.bytes found `010`, expected a whole number from 1 to 100000000"),
        ("fetch.min.bytes=1_0", "/fetch.min.bytes found `1_0`, expected a whole number from 1 to 100000000"),
        (
            "fetch.min.bytes=4294967297",
            "/fetch.min.bytes found `4294967297`, expected a whole number from 1 to 100000000",
        ),
        ("fetch.min.bytes=many", "/fetch.min.bytes found `many`, expected a whole number from 1 to 100000000"),
        ("fetch.min.bytes=", "/fetch.min.bytes found an empty text, expected a whole number from 1 to 100000000"),
        ("linger.ms=5ms", "/linger.ms found `5ms`, expected a number from 0 to 900000"),
        ("linger.ms=-1", "/linger.ms found `-1`, expected a number from 0 to 900000"),
        ("check.crcs=yes", "/check.crcs found `yes`, expected true or false"),
        (
            "security.protocol=tls",
            "/security.protocol found `tls`, expected one of plaintext, ssl, sasl_plaintext, sasl_ssl",
        ),
        (
            "security.protocol=sasl_sl",
            "/security.protocol found `sasl_sl`, did you mean `sasl_ssl`? expected one of plaintext, ssl, sasl_plaintext, sasl_ssl",
        ),
        (
            "compression.type=zst",
            "/compression.type found `zst`, did you mean `zstd`? expected one of none, gzip, snappy, lz4, zstd",
        ),
        (
            "partitioner=mine",
            "/partitioner found `mine`, expected one of random, consistent, consistent_random, murmur2, murmur2_random, fnv1a, fnv1a_random",
        ),
        (
            "debug=brokr",
            "/debug found `brokr`, expected some of these with commas between: generic, broker, topic, metadata, feature, queue, msg, protocol, cgrp, security, fetch, interceptor, plugin, consumer, admin, eos, mock, assignor, conf, telemetry, all",
        ),
        (
            "ssl.endpoint.identification.algorithm=http",
            "/ssl.endpoint.identification.algorithm found `http`, did you mean `https`? expected one of none, https",
        ),
        (
            "partitioner=murmur",
            "/partitioner found `murmur`, did you mean `murmur2`? expected one of random, consistent, consistent_random, murmur2, murmur2_random, fnv1a, fnv1a_random",
        ),
        ("ssl.ca.pem=a\0b", "/ssl.ca.pem has a zero character in it"),
    ]);
}

#[test]
fn servers_are_hosts_and_ports() {
    assert_said(&[
        (
            "bootstrap.servers=",
            "/bootstrap.servers found an empty text, expected `host:port`, with commas between several",
        ),
        (
            "bootstrap.servers=,",
            "/bootstrap.servers found an empty text, expected `host:port`, with commas between several",
        ),
        (
            "bootstrap.servers=k:abc",
            "/bootstrap.servers `k:abc` is no server, expected `host:port` with a port from 1 to 65535",
        ),
        (
            "bootstrap.servers=k:0",
            "/bootstrap.servers `k:0` is no server, expected `host:port` with a port from 1 to 65535",
        ),
        (
            "bootstrap.servers=k:70000",
            "/bootstrap.servers `k:70000` is no server, expected `host:port` with a port from 1 to 65535",
        ),
        (
            "bootstrap.servers=:9092",
            "/bootstrap.servers `:9092` is no server, expected `host:port` with a port from 1 to 65535",
        ),
        (
            "bootstrap.servers=k:9092 k2:9092",
            "/bootstrap.servers `k:9092 k2:9092` has a blank in it, expected `host:port`, with commas between several",
        ),
        (
            "bootstrap.servers=SASL_SSL://k:9092",
            "/bootstrap.servers begins with `SASL_SSL://`, expected `host:port`; the protocol is `security.protocol`",
        ),
        (
            "bootstrap.servers=me:hunter2@k:9092",
            "/bootstrap.servers has an `@` in it, expected `host:port`; who connects is `sasl.username`",
        ),
    ]);
}

#[test]
fn what_is_the_runtimes_own_is_refused_with_the_reason() {
    assert_said(&[
        (
            "enable.auto.commit=true",
            "/enable.auto.commit is the runtime's own: an offset is committed when all below it is durable; leave it out",
        ),
        (
            "consumer/enable.auto.commit=false",
            "/consumer/enable.auto.commit is the runtime's own: an offset is committed when all below it is durable; leave it out",
        ),
        (
            "topic.auto.commit.enable=true",
            "/topic.auto.commit.enable is the runtime's own: an offset is committed when all below it is durable; leave it out",
        ),
        (
            "auto.commit.interval.ms=1",
            "/auto.commit.interval.ms is the runtime's own: an offset is committed when all below it is durable; leave it out",
        ),
        (
            "enable.auto.offset.store=true",
            "/enable.auto.offset.store is the runtime's own: an offset is committed when all below it is durable; leave it out",
        ),
        (
            "offset.store.method=file",
            "/offset.store.method is the runtime's own: offsets are stored by the group's coordinator; leave it out",
        ),
        (
            "isolation.level=read_uncommitted",
            "/isolation.level is the runtime's own: sinks read what was committed, and nothing else; leave it out",
        ),
        (
            "auto.offset.reset=earliest",
            "/auto.offset.reset is the runtime's own: records that are gone stop a pipeline, which skips none; leave it out",
        ),
        (
            "topic.auto.offset.reset=earliest",
            "/topic.auto.offset.reset is the runtime's own: records that are gone stop a pipeline, which skips none; leave it out",
        ),
        (
            "enable.partition.eof=false",
            "/enable.partition.eof is the runtime's own: it has to see where a partition ends; leave it out",
        ),
        ("group.id=g", "/group.id is the runtime's own: a sink reads as the group `<pipeline>.<sink>`; leave it out"),
        (
            "group.instance.id=g",
            "/group.instance.id is the runtime's own, one for each task: set `instance` in `kafka`, which they begin with; leave it out",
        ),
        (
            "group.protocol=consumer",
            "/group.protocol is the runtime's own: its promises are proved for the classic protocol with ranges; leave it out",
        ),
        (
            "partition.assignment.strategy=roundrobin",
            "/partition.assignment.strategy is the runtime's own: its promises are proved for the classic protocol with ranges; leave it out",
        ),
        (
            "transactional.id=t",
            "/transactional.id is the runtime's own: it says which task a producer is, and fences its last one; leave it out",
        ),
        (
            "enable.idempotence=false",
            "/enable.idempotence is the runtime's own: without it records are doubled or lost; leave it out",
        ),
        ("acks=1", "/acks is the runtime's own: a record counts when all replicas in sync have it; leave it out"),
        (
            "topic.acks=1",
            "/topic.acks is the runtime's own: a record counts when all replicas in sync have it; leave it out",
        ),
        (
            "topic.request.required.acks=1",
            "/topic.request.required.acks is the runtime's own: a record counts when all replicas in sync have it; leave it out",
        ),
        (
            "queuing.strategy=lifo",
            "/queuing.strategy is the runtime's own: records are sent in their order; leave it out",
        ),
        (
            "delivery.report.only.error=true",
            "/delivery.report.only.error is the runtime's own: it asks for failures alone; leave it out",
        ),
        (
            "allow.auto.create.topics=true",
            "/allow.auto.create.topics is the runtime's own: `topic.create` says how a topic is created; leave it out",
        ),
        ("log_level=7", "/log_level is the runtime's own: RUST_LOG says what is logged; leave it out"),
        ("error_cb=x", "/error_cb is set by programs, not by files; leave it out"),
        ("opaque=x", "/opaque is set by programs, not by files; leave it out"),
        ("interceptors=x", "/interceptors is set by programs, not by files; leave it out"),
        (
            "enable.sparse.connections=true",
            "/enable.sparse.connections unknown property, expected one that librdkafka has",
        ),
    ]);
}

#[test]
fn what_runs_other_code_is_refused() {
    assert_said(&[
        (
            "plugin.library.paths=/none/plugin.so",
            "/plugin.library.paths loads code into the process, which a file may not; leave it out",
        ),
        (
            "consumer/plugin.library.paths=/none/plugin.so",
            "/consumer/plugin.library.paths loads code into the process, which a file may not; leave it out",
        ),
        (
            "ssl.engine.location=/none/engine.so",
            "/ssl.engine.location loads code into the process, which a file may not; leave it out",
        ),
        ("ssl.engine.id=x", "/ssl.engine.id loads code into the process, which a file may not; leave it out"),
        ("ssl.providers=legacy", "/ssl.providers loads code into the process, which a file may not; leave it out"),
        ("sasl.kerberos.kinit.cmd=rm", "/sasl.kerberos.kinit.cmd runs a command, which a file may not; leave it out"),
    ]);
}

/// `allow_oidc` changes nothing: librdkafka has no libcurl.
#[test]
fn tokens_over_http_are_said_to_be_no_part_of_this_build() {
    let said = "lets clients fetch tokens over HTTP (OIDC), which this program is built without: it takes a librdkafka with libcurl (rdkafka's feature `curl`), expected that or another `sasl.mechanism`";
    for property in [
        "sasl.oauthbearer.token.endpoint.url=http://h/",
        "sasl.oauthbearer.method=OIDC",
        "sasl.oauthbearer.metadata.authentication.type=azure_imds",
    ] {
        let name = property.split_once('=').unwrap().0;
        assert_said(&[(property, format!("/{name} {said}").as_str())]);
        let allowed = KafkaSettings { allow_oidc: true, ..settings(property) };
        assert_eq!(said_of(&allowed), [format!("/{name} {said}")]);
    }
    assert_said(&[(
        "sasl.oauthbearer.method=default",
        "/sasl.oauthbearer.method Configuration property \"sasl.oauthbearer.method\" not supported in this build: OAuth/OIDC depends on libcurl and OpenSSL which were not available at build time",
    )]);
}

#[test]
fn iam_of_aws_stands_alone_and_takes_a_program_that_can() {
    let said = |region: &str, text: &str| {
        let iam = AwsMskIam { region: region.to_owned() };
        said_of(&KafkaSettings { aws_msk_iam: Some(iam), ..settings(text) }).join("\n")
    };
    if !cfg!(feature = "msk") {
        let expected = "/aws_msk_iam this program is built without it, expected one with the feature `msk`";
        return assert_eq!(said("eu-central-1", "sasl.mechanism=PLAIN"), expected);
    }
    for (region, text, expected) in [
        ("eu-central-1", "", ""),
        ("eu-central-1", "security.protocol=SASL_SSL; sasl.mechanism=OAUTHBEARER; ssl.ca.location=probe", ""),
        ("Frankfurt", "", "/aws_msk_iam `region: Frankfurt` is no region of AWS, expected one such as `eu-central-1`"),
        (
            "eu-central-1",
            "security.protocol=ssl",
            "/security.protocol found `ssl` beside `aws_msk_iam`, expected sasl_ssl, or to leave it out",
        ),
        (
            "eu-central-1",
            "sasl.mechanism=PLAIN",
            "/sasl.mechanism found `PLAIN` beside `aws_msk_iam`, expected OAUTHBEARER, or to leave it out",
        ),
        (
            "eu-central-1",
            "sasl.username=u",
            "/sasl.username has no use beside `aws_msk_iam`, which signs in by itself; leave it out",
        ),
    ] {
        assert_eq!(said(region, text), expected);
    }
}

#[test]
fn a_property_of_another_client_is_told_where_it_belongs() {
    assert_said(&[
        (
            "producer/fetch.min.bytes=1",
            "/producer/fetch.min.bytes is a property of consumers, expected it in `consumer`",
        ),
        ("consumer/linger.ms=1", "/consumer/linger.ms is a property of producers, expected it in `producer`"),
        ("admin/linger.ms=1", "/admin/linger.ms is a property of producers, expected it in `producer`"),
        ("admin/fetch.min.bytes=1", "/admin/fetch.min.bytes is a property of consumers, expected it in `consumer`"),
        (
            "admin/request.timeout.ms=5000",
            "/admin/request.timeout.ms is a property of producers, expected it in `producer`; how long an admin request may take is `socket.timeout.ms`",
        ),
        (
            "producer/bootstrap.servers=k",
            "/producer/bootstrap.servers all clients talk to one cluster, expected it in `kafka` itself",
        ),
        (
            "consumer/metadata.broker.list=k",
            "/consumer/metadata.broker.list all clients talk to one cluster, expected it in `kafka` itself",
        ),
    ]);
}

#[test]
fn two_names_for_one_property_are_one_too_many() {
    assert_said(&[
        (
            "linger.ms=1; queue.buffering.max.ms=2",
            "/queue.buffering.max.ms is the same as `linger.ms`, expected one of the two",
        ),
        (
            "partitioner=random; topic.partitioner=random",
            "/topic.partitioner is the same as `partitioner`, expected one of the two",
        ),
        (
            "producer/acks=1; producer/request.required.acks=1",
            "/producer/acks is the runtime's own: a record counts when all replicas in sync have it; leave it out\n/producer/request.required.acks is the runtime's own: a record counts when all replicas in sync have it; leave it out",
        ),
        (
            "bootstrap.servers=k; metadata.broker.list=l",
            "/metadata.broker.list is the same as `bootstrap.servers`, expected one of the two",
        ),
        ("linger.ms=1; producer/queue.buffering.max.ms=2", ""),
    ]);
}

#[test]
fn what_contradicts_itself_is_told_with_the_setting() {
    assert_said(&[
        (
            "security.protocol=sasl_ssl",
            "/security.protocol `sasl_ssl` needs `sasl.mechanism`, expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
        ),
        (
            "sasl.mechanism=PLAIN",
            "/sasl.mechanism has no use while `security.protocol` is plaintext, expected sasl_ssl or sasl_plaintext",
        ),
        (
            "security.protocol=ssl; sasl.username=u; sasl.password=p",
            "/sasl.username has no use while `security.protocol` is ssl, expected sasl_ssl",
        ),
        (
            "security.protocol=sasl_ssl; sasl.username=u; sasl.password=p",
            "/sasl.username needs `sasl.mechanism` beside it, expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
        ),
        (
            "security.protocol=sasl_ssl; sasl.mechanism=plain; sasl.username=u; sasl.password=p",
            "/sasl.mechanism found `plain`, did you mean `PLAIN`? expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
        ),
        (
            "security.protocol=sasl_ssl; sasl.mechanism=GSSAPI",
            "/sasl.mechanism found `GSSAPI`, expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
        ),
        (
            "security.protocol=sasl_ssl; sasl.mechanism=PLAIN; sasl.username=u",
            "/sasl.username needs `sasl.password` beside it",
        ),
        (
            "security.protocol=sasl_ssl; sasl.mechanism=PLAIN; sasl.password=p",
            "/sasl.password needs `sasl.username` beside it",
        ),
        (
            "security.protocol=sasl_ssl; sasl.mechanism=SCRAM-SHA-256",
            "/sasl.mechanism needs `sasl.username` beside it\n/sasl.mechanism needs `sasl.password` beside it",
        ),
        (
            "security.protocol=sasl_ssl; sasl.mechanism=SCRAM-SHA-256; sasl.username=; sasl.password=p",
            "/sasl.password needs `sasl.username` beside it",
        ),
        (
            "consumer/security.protocol=sasl_ssl; sasl.mechanism=PLAIN; sasl.username=u; sasl.password=p",
            "/sasl.mechanism has no use while `security.protocol` is plaintext, expected sasl_ssl or sasl_plaintext",
        ),
        (
            "security.protocol=ssl; ssl.key.location=/k",
            "/ssl.key.location needs `ssl.certificate.location` or `ssl.certificate.pem` beside it",
        ),
        (
            "security.protocol=ssl; ssl.certificate.pem=c",
            "/ssl.certificate.pem needs `ssl.key.location` or `ssl.key.pem` beside it",
        ),
        (
            "security.protocol=ssl; ssl.keystore.location=/k",
            "/ssl.keystore.location needs `ssl.keystore.password` beside it",
        ),
        (
            "security.protocol=ssl; ssl.ca.pem=no pem",
            "/ssl.ca.pem failed to read certificate #0 from ssl.ca.pem: not in PEM format?: error:0480006C:PEM routines::no start line: Expecting: CERTIFICATE",
        ),
        (
            "security.protocol=ssl; ssl.cipher.suites=none such",
            "/ssl.cipher.suites ssl.cipher.suites failed: error:0A0000B9:SSL routines::no cipher match",
        ),
        (
            "session.timeout.ms=400000",
            "/session.timeout.ms `max.poll.interval.ms` must be >= `session.timeout.ms`; found 300000 and 400000",
        ),
        (
            "max.poll.interval.ms=5000",
            "/max.poll.interval.ms `max.poll.interval.ms` must be >= `session.timeout.ms`; found 5000 and 6000",
        ),
        (
            "consumer/session.timeout.ms=3000; consumer/heartbeat.interval.ms=3000",
            "/consumer/heartbeat.interval.ms 3000 is not below `session.timeout.ms`, which is 3000; expected a third of it",
        ),
        (
            "message.max.bytes=2000000; consumer/fetch.max.bytes=1000000",
            "/consumer/fetch.max.bytes `fetch.max.bytes` must be >= `message.max.bytes`; found 1000000 and 2000000",
        ),
        (
            "fetch.max.bytes=2000000; receive.message.max.bytes=1000000",
            "/receive.message.max.bytes `receive.message.max.bytes` must be >= `fetch.max.bytes` + 512; found 1000000 and 2000000",
        ),
        (
            "delivery.timeout.ms=60000",
            "/delivery.timeout.ms `delivery.timeout.ms` must be set <= `transaction.timeout.ms`; found 60000 and 30000",
        ),
        (
            "message.timeout.ms=5; linger.ms=50; socket.timeout.ms=10000",
            "/message.timeout.ms `message.timeout.ms` must be greater than `linger.ms`; found 5 and 50",
        ),
        (
            "max.in.flight.requests.per.connection=6",
            "/max.in.flight.requests.per.connection `max.in.flight.requests.per.connection` must be set <= 5 when `enable.idempotence` is true; found 6",
        ),
        ("retries=0", "/retries `retries` must be set >= 1 when `enable.idempotence` is true; found 0"),
        (
            "retries=0; max.in.flight=6; reconnect.backoff.ms=20000",
            "/reconnect.backoff.ms `reconnect.backoff.max.ms` must be >= `reconnect.backoff.ms`; found 10000 and 20000\n/max.in.flight `max.in.flight` must be set <= 5 when `enable.idempotence` is true; found 6\n/retries `retries` must be set >= 1 when `enable.idempotence` is true; found 0",
        ),
        (
            "socket.timeout.ms=60000",
            "/socket.timeout.ms `socket.timeout.ms` must be set <= `transaction.timeout.ms` + 100; found 60000 and 30000",
        ),
        ("transaction.timeout.ms=60000; socket.timeout.ms=60000", ""),
        (
            "reconnect.backoff.ms=20000",
            "/reconnect.backoff.ms `reconnect.backoff.max.ms` must be >= `reconnect.backoff.ms`; found 10000 and 20000",
        ),
    ]);
}

#[test]
fn what_is_doubtful_but_works_is_a_warning() {
    assert_said(&[
        (
            "security.protocol=sasl_plaintext; sasl.mechanism=PLAIN; sasl.username=u; sasl.password=p",
            "warning: /security.protocol the password is sent as it is, for anyone on the way to read; expected sasl_ssl",
        ),
        ("security.protocol=sasl_plaintext; sasl.mechanism=SCRAM-SHA-256; sasl.username=u; sasl.password=p", ""),
        (
            "ssl.ca.location=/ca.pem; consumer/ssl.key.password=x",
            "warning: /ssl.ca.location has no use while `security.protocol` is plaintext, expected ssl or sasl_ssl\nwarning: /consumer/ssl.key.password has no use while `security.protocol` is plaintext, expected ssl or sasl_ssl",
        ),
        (
            "security.protocol=ssl; enable.ssl.certificate.verification=false",
            "warning: /enable.ssl.certificate.verification whoever is between this program and the brokers can read and change everything, expected true, and `ssl.ca.location` for an authority of your own",
        ),
        (
            "security.protocol=ssl; ssl.endpoint.identification.algorithm=none",
            "warning: /ssl.endpoint.identification.algorithm any server with a certificate of the authority is taken for a broker, expected `https`",
        ),
        (
            "security.protocol=sasl_ssl; sasl.mechanism=OAUTHBEARER; enable.sasl.oauthbearer.unsecure.jwt=true",
            "warning: /enable.sasl.oauthbearer.unsecure.jwt the tokens are not signed, expected brokers in nothing but a trial to take them",
        ),
    ]);
}

#[test]
fn every_mistake_is_told_at_once_and_none_that_only_follows_from_another() {
    assert_said(&[
        (
            "fetch.min.byte=1; enable.auto.commit=true; producer/linger.ms=x; session.timeout.ms=400000; retries=0",
            "/enable.auto.commit is the runtime's own: an offset is committed when all below it is durable; leave it out\n/fetch.min.byte unknown property, did you mean `fetch.min.bytes`?\n/producer/linger.ms found `x`, expected a number from 0 to 900000\n/session.timeout.ms `max.poll.interval.ms` must be >= `session.timeout.ms`; found 300000 and 400000\n/retries `retries` must be set >= 1 when `enable.idempotence` is true; found 0",
        ),
        (
            "security.protocol=sasl_sll; sasl.mechanism=PLAIN; sasl.username=u; sasl.password=p",
            "/security.protocol found `sasl_sll`, did you mean `sasl_ssl`? expected one of plaintext, ssl, sasl_plaintext, sasl_ssl",
        ),
        (
            "security.protocol=sasl_ssl; sasl.mechanism=PLAIN; sasl.username=u; sasl.pasword=p",
            "/sasl.pasword unknown property, did you mean `sasl.password`?",
        ),
        (
            "security.protocol=ssl; sasl.username=u; ssl.key.location=/k",
            "/sasl.username has no use while `security.protocol` is ssl, expected sasl_ssl\n/ssl.key.location needs `ssl.certificate.location` or `ssl.certificate.pem` beside it",
        ),
    ]);
}

#[test]
fn no_secret_is_shown_wherever_it_is_wrong() {
    const CANARY: &str = "hunter2-canary";
    let slips = ["sasl.pasword", "ssl.keystore.pasword", "my.secret"];
    for name in KafkaSettings::SECRETS.into_iter().chain(slips) {
        for text in [
            format!("{name}={CANARY}"),
            format!("security.protocol=ssl; {name}={CANARY}; fetch.min.bytes={CANARY}"),
            format!("security.protocol=sasl_ssl; sasl.mechanism={CANARY}; consumer/{name}={CANARY}"),
            format!("security.protocol={CANARY}; admin/{name}={CANARY}; bootstrap.servers={CANARY} x"),
            format!("security.protocol=ssl; ssl.certificate.pem=x; {name}={CANARY}"),
            format!("allow={CANARY}; {name}={CANARY}\0"),
        ] {
            let settings = KafkaSettings { allow_oidc: true, ..settings(&text) };
            let said = said_of(&settings).join("\n");
            assert!(!said.contains(CANARY), "{text}: {said}");
            assert!(!format!("{settings:?}").contains(CANARY), "{settings:?}");
        }
    }
}

#[test]
fn a_check_makes_no_connection_and_takes_no_time() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let text = format!(
        "bootstrap.servers={}; security.protocol=sasl_plaintext; sasl.mechanism=SCRAM-SHA-256; sasl.username=u; sasl.password=p",
        server.local_addr().unwrap()
    );
    let started = Instant::now();
    assert_eq!(said_of(&settings(&text)), Vec::<String>::new());
    let took = started.elapsed();
    assert!(took.as_millis() < 1000, "{took:?}");
    assert_eq!(server.accept().map(|_| ()).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

fn client(kind: Kind, settings: &KafkaSettings) -> ClientConfig {
    match kind {
        Kind::Consumer => consumer(settings, "p.s", None),
        Kind::Producer => producer(settings, Some("p.s.0")),
        Kind::Admin => admin(settings),
    }
}

/// All properties of a client, a line for each.
fn lines(config: &ClientConfig) -> Vec<String> {
    config.config_map().iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[test]
fn a_consumer_gets_these_defaults() {
    let settings = settings("bootstrap.servers=k:9092");
    let expected = [
        "allow.auto.create.topics=false",
        "auto.offset.reset=error",
        "bootstrap.servers=k:9092",
        "check.crcs=true",
        "client.id=pipeline",
        "enable.auto.commit=false",
        "enable.auto.offset.store=false",
        "enable.partition.eof=true",
        "fetch.max.bytes=16777216",
        "fetch.message.max.bytes=262144",
        "fetch.min.bytes=65536",
        "fetch.queue.backoff.ms=5",
        "fetch.wait.max.ms=100",
        "group.id=p.s",
        "heartbeat.interval.ms=2000",
        "isolation.level=read_committed",
        "log.connection.close=false",
        "partition.assignment.strategy=range",
        "queued.max.messages.kbytes=16384",
        "queued.min.messages=10000",
        "reconnect.backoff.ms=20",
        "session.timeout.ms=6000",
        "socket.keepalive.enable=true",
        "topic.metadata.refresh.interval.ms=30000",
    ];
    assert_eq!(lines(&client(Kind::Consumer, &settings)), expected);
}

#[test]
fn a_producer_gets_these_defaults() {
    let settings = settings("bootstrap.servers=k:9092");
    let expected = [
        "allow.auto.create.topics=false",
        "bootstrap.servers=k:9092",
        "client.id=pipeline",
        "compression.type=lz4",
        "delivery.report.only.error=true",
        "enable.idempotence=true",
        "linger.ms=50",
        "log.connection.close=false",
        "partitioner=murmur2_random",
        "queue.buffering.max.kbytes=65536",
        "queue.buffering.max.messages=500000",
        "reconnect.backoff.ms=20",
        "socket.keepalive.enable=true",
        "topic.metadata.refresh.interval.ms=30000",
        "transaction.timeout.ms=30000",
        "transactional.id=p.s.0",
    ];
    assert_eq!(lines(&client(Kind::Producer, &settings)), expected);
}

#[test]
fn the_admin_client_gets_these_defaults() {
    let settings = settings("bootstrap.servers=k:9092; fetch.min.bytes=5; linger.ms=5; admin/socket.timeout.ms=5000");
    let expected = [
        "allow.auto.create.topics=false",
        "bootstrap.servers=k:9092",
        "client.id=pipeline",
        "log.connection.close=false",
        "reconnect.backoff.ms=20",
        "socket.keepalive.enable=true",
        "socket.timeout.ms=5000",
        "topic.metadata.refresh.interval.ms=30000",
    ];
    assert_eq!(lines(&client(Kind::Admin, &settings)), expected);
}

#[test]
fn low_latency_changes_the_defaults() {
    let normal = settings("bootstrap.servers=k:9092");
    let low = KafkaSettings { latency: Latency::Low, ..normal.clone() };
    let changed = |kind| {
        let before = lines(&client(kind, &normal));
        lines(&client(kind, &low)).into_iter().filter(|line| !before.contains(line)).collect::<Vec<_>>()
    };
    let expected =
        ["fetch.min.bytes=1", "fetch.queue.backoff.ms=1", "fetch.wait.max.ms=50", "queued.max.messages.kbytes=8192"];
    assert_eq!(changed(Kind::Consumer), expected);
    assert_eq!(changed(Kind::Producer), ["linger.ms=5"]);
    assert_eq!(changed(Kind::Admin), Vec::<String>::new());
}

#[test]
fn the_part_of_the_files_memory_is_a_default_too() {
    let mut settings = settings("bootstrap.servers=k:9092");
    (settings.read_queue, settings.write_queue) = (Some(ByteSize::mib(3)), Some(ByteSize::mib(5)));
    let of = |settings: &_| {
        let (consumer, producer) = (client(Kind::Consumer, settings), client(Kind::Producer, settings));
        [consumer.get("queued.max.messages.kbytes"), producer.get("queue.buffering.max.kbytes")]
            .map(|found| found.map(str::to_owned))
    };
    assert_eq!(of(&settings), [Some("3072".into()), Some("5120".into())]);
    settings.consumer.insert("queued.max.messages.kbytes".into(), "7".into());
    settings.properties.insert("queue.buffering.max.kbytes".into(), "8".into());
    assert_eq!(of(&settings), [Some("7".into()), Some("8".into())]);
}

#[test]
fn the_files_properties_win_over_the_defaults_and_the_clients_own_over_those_of_all() {
    let settings = settings(
        "client.id=a; fetch.min.bytes=1; consumer/fetch.min.bytes=2; queue.buffering.max.ms=7; compression.type=gzip; \
         producer/compression.codec=zstd; consumer/session.timeout.ms=9000",
    );
    let (consumer, producer) = (client(Kind::Consumer, &settings), client(Kind::Producer, &settings));
    assert_eq!([consumer.get("client.id"), consumer.get("fetch.min.bytes")], [Some("a"), Some("2")]);
    assert_eq!(
        [consumer.get("session.timeout.ms"), consumer.get("heartbeat.interval.ms")],
        [Some("9000"), Some("3000")]
    );
    // One name for one thing: a client takes whichever of two it is told last, and nobody says which that is.
    assert_eq!([producer.get("queue.buffering.max.ms"), producer.get("linger.ms")], [Some("7"), None]);
    assert_eq!([producer.get("compression.codec"), producer.get("compression.type")], [Some("zstd"), None]);
    assert_eq!([producer.get("fetch.min.bytes"), consumer.get("compression.type")], [None, None]);
    let native = producer.create_native_config().unwrap();
    assert_eq!(["linger.ms", "compression.type"].map(|name| native.get(name).unwrap()), ["7", "zstd"]);
}

#[test]
fn what_is_the_runtimes_own_wins_over_whatever_a_file_says() {
    let settings = settings(
        "enable.auto.commit=true; enable.auto.offset.store=true; isolation.level=read_uncommitted; auto.offset.reset=earliest; \
         topic.auto.offset.reset=earliest; enable.partition.eof=false; partition.assignment.strategy=roundrobin; \
         allow.auto.create.topics=true; group.id=x; enable.idempotence=false; producer/transactional.id=x",
    );
    let native = client(Kind::Consumer, &settings).create_native_config().unwrap();
    for (name, value) in [
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("isolation.level", "read_committed"),
        ("auto.offset.reset", "error"),
        ("enable.partition.eof", "true"),
        ("partition.assignment.strategy", "range"),
        ("allow.auto.create.topics", "false"),
        ("group.id", "p.s"),
    ] {
        assert_eq!(native.get(name).unwrap(), value, "{name}");
    }
    let native = client(Kind::Producer, &settings).create_native_config().unwrap();
    assert_eq!(native.get("enable.idempotence").unwrap(), "true");
    assert_eq!(native.get("transactional.id").unwrap(), "p.s.0");
    assert_eq!(native.get("allow.auto.create.topics").unwrap(), "false");
    assert_eq!(producer(&settings, None).get("transactional.id"), Some("x"));
}

#[test]
fn a_member_with_a_name_has_time_to_come_back() {
    let settings = settings("");
    let timeouts = |config: ClientConfig| {
        ["session.timeout.ms", "heartbeat.interval.ms"].map(|name| config.get(name).unwrap().to_owned())
    };
    assert_eq!(timeouts(consumer(&settings, "g", None)), ["6000", "2000"]);
    let named = consumer(&settings, "g", Some("a.0"));
    assert_eq!(named.get("group.instance.id"), Some("a.0"));
    assert_eq!(timeouts(named), ["30000", "3000"]);
    assert_eq!(consumer(&settings, "", None).get("group.id"), None);
}

#[test]
fn the_fetch_limit_fits_the_limits_that_a_file_sets() {
    let limit = |text: &str| consumer(&settings(text), "g", None).get("fetch.max.bytes").unwrap().to_owned();
    assert_eq!(limit(""), "16777216");
    assert_eq!(limit("message.max.bytes=20000000"), "20000000");
    assert_eq!(limit("receive.message.max.bytes=5000000"), "4999488");
    assert_eq!(limit("fetch.max.bytes=3000000"), "3000000");
}

#[test]
fn only_what_may_hold_a_secret_is_taken_for_one() {
    let taken = super::properties::all().keys().filter(|name| KafkaSettings::is_secret(name));
    let expected = [
        "oauthbearer_token_refresh_cb",
        "sasl.oauthbearer.assertion.private.key.passphrase",
        "sasl.oauthbearer.assertion.private.key.pem",
        "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
        "sasl.password",
        "ssl.key.password",
        "ssl.key.pem",
        "ssl.keystore.password",
        "ssl_key",
    ];
    assert_eq!(taken.collect::<Vec<_>>(), expected);
}
