//! A real Kafka does what the engine relies on in a broker.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use pipeline_api::Delivery;
use pipeline_kafka::KafkaBroker;
use pipeline_runtime::KafkaSettings;
use pipeline_runtime::broker::Broker;
use pipeline_testkit::broker_conformance;
use pipeline_testkit::kafka::KafkaServer;

/// Most cases wait for a session to end.
const SIDE_BY_SIDE: usize = 8;

/// With time-outs that a test can wait for.
fn settings(server: &KafkaServer) -> KafkaSettings {
    let text = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let consumer = [("session.timeout.ms", "3000"), ("heartbeat.interval.ms", "300"), ("max.poll.interval.ms", "3000")];
    KafkaSettings {
        properties: BTreeMap::from([("bootstrap.servers".to_owned(), server.bootstrap())]),
        consumer: consumer.map(text).into(),
        ..KafkaSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_does_what_the_engine_relies_on() {
    // Some records of the suite are from 1970.
    let server = KafkaServer::start_with(&[("log.retention.ms", "-1")]);
    let broker = || -> Arc<dyn Broker> {
        KafkaBroker::open("conformance", &settings(&server), Delivery::ExactlyOnce).expect("the settings are right")
    };
    let cases = stream::iter(broker_conformance::cases()).map(|case| {
        let broker = broker();
        async move { case.run(broker).await.err() }
    });
    let faults: Vec<String> = cases.buffer_unordered(SIDE_BY_SIDE).filter_map(async |fault| fault).collect().await;
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
