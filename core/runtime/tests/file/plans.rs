//! What a right file means.

use std::time::Duration;

use pipeline_api::{ByteSize, Delivery};
use pipeline_runtime::{
    AwsMskIam, BrokerSettings, CreateTopic, EmbeddedSettings, KafkaSettings, Latency, OnFailure, ReconcilePolicy,
    Tolerance,
};

use crate::{File, GOOD};

#[tokio::test]
async fn a_short_file_gets_every_default() {
    let file = File::new(GOOD);
    let loaded = file.loaded().await;
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let plan = loaded.plan;
    let folder = file.folder.path().canonicalize().unwrap();
    assert_eq!((plan.name.as_ref(), &plan.folder, plan.delivery), ("stocks", &folder, Delivery::ExactlyOnce));
    assert_eq!((plan.sources[0].name.as_ref(), plan.sources[0].tasks), ("csv", 1));
    assert_eq!(plan.topic.converter.registration.type_name(), "json");
    assert_eq!(plan.topic.partitions, 6);
    let embedded = EmbeddedSettings { path: Some(folder.join(".pipeline/stocks")), retention: ByteSize::mib(1024) };
    assert_eq!(plan.broker, BrokerSettings::Embedded(embedded));
    assert_eq!(plan.errors.tolerance, Tolerance::None);
    let retry = plan.errors.retry;
    let pauses = (retry.timeout, retry.pause, retry.max_pause);
    assert_eq!(pauses, (Duration::from_secs(600), Duration::from_millis(100), Duration::from_secs(10)));
    let sink = &plan.sinks[0];
    assert_eq!((sink.name.as_ref(), sink.group.as_str()), ("lake", "stocks.lake"));
    assert_eq!((sink.flush.rows, sink.flush.idle), (None, None));
    assert_eq!((sink.flush.bytes, sink.flush.memory), (ByteSize::mib(32), ByteSize::mib(32)));
    assert_eq!(sink.flush.every, Duration::from_secs(60));
    assert_eq!(sink.dataset.as_ref().unwrap().location, "file:///lake/stocks/");
    assert_eq!(sink.schema, plan.topic.schema);
}

#[tokio::test]
async fn a_sink_gets_what_its_transforms_leave_without_the_metadata_columns() {
    let transforms = "    transforms:\n      - { type: rename, config: { fields: { symbol: ticker, __offset: at } }, when: price > 0 }\n";
    // A transform with a condition may not take a column away, so this one has none.
    let text = format!("{GOOD}{transforms}").replace(", when: price > 0", "").replace("[symbol]", "[ticker]");
    let plan = File::new(text).loaded().await.plan;
    let names: Vec<&str> = plan.sinks[0].schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["ticker", "price", "event_time", "at"]);
}

#[tokio::test]
async fn numbers_may_be_grouped_and_formats_may_have_settings() {
    let text = GOOD.replace("  key:", "  format: { type: json, config: {} }\n  key:")
        + "    flush: { rows: 1_000_000, bytes: 64KiB, idle: 5s }\n";
    let flush = File::new(text).loaded().await.plan.sinks[0].flush;
    assert_eq!((flush.rows, flush.bytes.bytes(), flush.idle), (Some(1_000_000), 65_536, Some(Duration::from_secs(5))));
}

#[tokio::test]
async fn a_sink_is_reconciled_where_the_file_says_so() {
    for (said, every, on_failure) in [
        ("{}", None, OnFailure::Fail),
        ("{ every: 15m }", Some(Duration::from_secs(900)), OnFailure::Fail),
        ("{ every: 1h, on_failure: warn }", Some(Duration::from_secs(3600)), OnFailure::Warn),
    ] {
        let plan = File::new(format!("{GOOD}    reconcile: {said}\n")).loaded().await.plan;
        assert_eq!(plan.sinks[0].reconcile, Some(ReconcilePolicy { every, on_failure }), "{said}");
        let without = File::new(GOOD).loaded().await.plan.sinks.swap_remove(0);
        assert_eq!((without.reconcile, without.fingerprint), (None, plan.sinks[0].fingerprint.clone()));
    }
}

/// The sinks' `flush.memory`, and what is fetched and sent, in mebibytes.
async fn memory_of(text: String) -> (Vec<u64>, u64, u64) {
    let plan = File::new(text).loaded().await.plan;
    let mib = |bytes: u64| bytes / ByteSize::mib(1).bytes();
    let memory = plan.memory();
    (plan.sinks.iter().map(|sink| mib(sink.flush.memory.bytes())).collect(), mib(memory.fetched), mib(memory.sent))
}

#[tokio::test]
async fn the_memory_of_a_file_is_shared_out_over_its_tasks() {
    let kafka = GOOD.to_owned() + "kafka: { bootstrap.servers: k }\n";
    assert_eq!(memory_of(kafka.clone()).await, (vec![32], 16, 64), "without a word");
    let two = "  - { type: lake, name: other, tasks: 2, config: { url: file:///other }, flush: {} }\n";
    for (text, expected) in [
        (GOOD.to_owned() + "memory: 256MiB\n", (vec![256], 0, 0)),
        (kafka.clone() + "memory: 256MiB\n", (vec![176], 16, 64)),
        (kafka.clone() + "memory: 100MiB\n", (vec![38], 12, 50)),
        (kafka.clone() + "memory: 1GiB\n", (vec![944], 16, 64)),
        // Three sink tasks and one of the source.
        (GOOD.to_owned() + two + "kafka: { bootstrap.servers: k }\nmemory: 256MiB\n", (vec![48, 48], 48, 64)),
        (
            GOOD.to_owned()
                + &two.replace("{}", "{ memory: 20MiB }")
                + "kafka: { bootstrap.servers: k }\nmemory: 256MiB\n",
            (vec![123, 20], 39, 54),
        ),
        // What librdkafka's own properties say wins.
        (
            GOOD.to_owned()
                + "kafka: { bootstrap.servers: k, producer: { queue.buffering.max.kbytes: 2048 } }\nmemory: 66MiB\n",
            (vec![48], 16, 2),
        ),
    ] {
        assert_eq!(memory_of(text.clone()).await, expected, "{text}");
    }
}

#[tokio::test]
async fn memory_has_no_part_for_queues_that_nobody_has_and_no_end() {
    let kafka = "kafka: { bootstrap.servers: k }\n";
    let sources = GOOD.split_once("sinks:").unwrap().0.to_owned() + kafka + "memory: 8MiB\n";
    let BrokerSettings::Kafka(settings) = File::new(sources).loaded().await.plan.broker else { panic!("no cluster") };
    assert_eq!((settings.read_queue(), settings.write_queue()), (ByteSize::mib(16), ByteSize::mib(8)));
    let most = "    flush: { memory: 16777215TiB }\n";
    let other = "  - { type: lake, name: other, config: { url: file:///other }, flush: { memory: 16777215TiB } }\n";
    let plan = File::new(GOOD.to_owned() + most + other).loaded().await.plan;
    assert_eq!(plan.memory().flushes, u64::MAX);
    let lines = File::new(GOOD.to_owned() + most + other + "memory: 1GiB\n").lines().await;
    assert!(lines[0].contains("memory: `1GiB` is too little for what shares it"), "{lines:?}");
}

#[tokio::test]
async fn sizes_durations_and_numbers_may_be_written_in_every_form_that_says_the_same() {
    let text = GOOD.replace("partitions: 6", "partitions: 6.0")
        + "    flush: { rows: 1e3, bytes: 1e6, every: 1h 30m, memory: 2TiB }\n";
    let plan = File::new(text).loaded().await.plan;
    let flush = plan.sinks[0].flush;
    assert_eq!((plan.topic.partitions, flush.rows, flush.bytes.bytes()), (6, Some(1000), 1_000_000));
    assert_eq!((flush.every, flush.memory.bytes()), (Duration::from_secs(5400), 2 << 40));
}

#[tokio::test]
async fn a_value_of_the_environment_takes_the_type_that_its_field_wants() {
    let text = GOOD.replace("partitions: 6", "partitions: ${env:PARTITIONS}").replace("stocks.csv", "\"${env:FILE}\"")
        + "    tasks: '${env:TASKS:-2}'\n";
    let plan = File::new(text).env("PARTITIONS", "12").env("FILE", "0017").loaded().await.plan;
    assert_eq!(plan.topic.partitions, 12);
    assert_eq!(plan.sources[0].plugin.config["path"], "0017");
    assert_eq!(plan.sinks[0].tasks, 2);
}

#[tokio::test]
async fn the_command_line_replaces_values_of_the_file() {
    let file = File::new(GOOD.replace("stocks.csv", "\"${env:NOT_SET}\""));
    let file = file.set("sinks.0.flush.rows", "10").set("sources.0.config.path", "7").set("topic.name", "other");
    let plan = file.loaded().await.plan;
    assert_eq!(plan.sinks[0].flush.rows, Some(10));
    assert_eq!(plan.sources[0].plugin.config["path"], "7");
    assert_eq!(plan.topic.name.as_ref(), "other");
}

#[tokio::test]
async fn delivery_is_the_least_of_the_parts_and_a_file_may_ask_for_less() {
    let console = GOOD.to_owned() + "  - type: console\n";
    assert_eq!(File::new(&console).loaded().await.plan.delivery, Delivery::AtLeastOnce);
    let less = console.clone() + "delivery: at_most_once\n";
    assert_eq!(File::new(less).loaded().await.plan.delivery, Delivery::AtMostOnce);
    let more = console + "delivery: exactly_once\n";
    let expected = "p.yaml:18:11: error: delivery: `exactly_once` is more than sinks[1] (`console`) gives, expected `at_least_once` or less";
    assert_eq!(File::new(more).lines().await, [expected]);
}

#[tokio::test]
async fn the_fingerprint_follows_what_shapes_the_objects_and_nothing_else() {
    let fingerprint = |text: String| async move { File::new(text).loaded().await.plan.sinks[0].fingerprint.clone() };
    let base = fingerprint(GOOD.into()).await;
    assert_eq!(base.len(), 16);
    let same = [
        GOOD.replace("partition_by: [symbol]", "secret_key: hunter2, partition_by: [symbol]"),
        GOOD.replace(
            "{ url: file:///lake/stocks, partition_by: [symbol] }",
            "{ partition_by: [symbol], url: file:///lake/stocks }",
        ),
        GOOD.to_owned() + "    flush: { rows: 5 }\n",
        GOOD.replace("  key:", "  rate: 5000\n  key:"),
    ];
    let other = [
        GOOD.replace("[symbol]", "[]"),
        GOOD.replace("price: double", "price: float"),
        GOOD.to_owned() + "    transforms: [{ type: rename, config: { fields: { price: close } } }]\n",
    ];
    // The secret itself takes no part; that there is one does, for it is a field of the config.
    let with_secret = fingerprint(same[0].clone()).await;
    assert_eq!(with_secret, fingerprint(same[0].replace("hunter2", "other")).await);
    for text in same.into_iter().skip(1) {
        assert_eq!(fingerprint(text.clone()).await, base, "{text}");
    }
    for text in other {
        assert_ne!(fingerprint(text.clone()).await, base, "{text}");
    }
}

#[tokio::test]
async fn a_kafka_block_is_the_broker_with_its_properties_as_kafka_writes_them() {
    let create = "  create: { replication_factor: 3, config: { retention.ms: 604_800_000, cleanup.policy: delete } }\n";
    let block = "\
kafka:
  bootstrap.servers: \"${env:KAFKA}\"
  ssl.ca.location: certs/ca.pem
  ssl.key.location: /etc/key.pem
  consumer: { fetch.min.bytes: 1e3, check.crcs: false, ssl.ca.location: probe }
  producer: { linger.ms: 0.5, batch.size: 1_000_000 }
  admin: { socket.timeout.ms: 5000 }
  instance: a.1
  latency: low
  allow_oidc: true
  aws_msk_iam: { region: eu-central-1 }
";
    let text = GOOD.replace("  key:", &format!("{create}  key:")) + block;
    let file = File::new(text).env("KAFKA", "k1:9092,k2:9092");
    let plan = file.loaded().await.plan;
    let folder = file.folder.path().canonicalize().unwrap();
    let map =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let ca = folder.join("certs/ca.pem");
    let settings = KafkaSettings {
        properties: map(&[
            ("bootstrap.servers", "k1:9092,k2:9092"),
            ("ssl.ca.location", &ca.to_string_lossy()),
            ("ssl.key.location", "/etc/key.pem"),
        ]),
        consumer: map(&[("fetch.min.bytes", "1000"), ("check.crcs", "false"), ("ssl.ca.location", "probe")]),
        producer: map(&[("linger.ms", "0.5"), ("batch.size", "1000000")]),
        admin: map(&[("socket.timeout.ms", "5000")]),
        instance: Some("a.1".into()),
        latency: Latency::Low,
        allow_oidc: true,
        aws_msk_iam: Some(AwsMskIam { region: "eu-central-1".into() }),
        read_queue: None,
        write_queue: None,
    };
    let BrokerSettings::Kafka(found) = &plan.broker else { panic!("{:?}", plan.broker) };
    assert_eq!(found.properties, settings.properties);
    assert_eq!(found, &settings);
    assert_eq!(plan.delivery, Delivery::ExactlyOnce);
    let config = map(&[("retention.ms", "604800000"), ("cleanup.policy", "delete")]);
    assert_eq!(plan.topic.create, Some(CreateTopic { replication_factor: 3, config }));
}

#[tokio::test]
async fn where_a_topic_lives_and_how_it_is_created_shapes_no_object() {
    let embedded = File::new(GOOD).loaded().await.plan;
    let text = GOOD.replace("  key:", "  create: {}\n  key:") + "kafka: { bootstrap.servers: k }\n";
    let kafka = File::new(text).loaded().await.plan;
    assert_eq!(embedded.sinks[0].fingerprint, kafka.sinks[0].fingerprint);
    assert_eq!(kafka.topic.create, Some(CreateTopic::default()));
}

#[tokio::test]
async fn a_property_may_be_set_by_its_dotted_name() {
    let file = File::new(GOOD).set("kafka.bootstrap.servers", "k:1").set("kafka.consumer.fetch.min.bytes", "5");
    let BrokerSettings::Kafka(found) = file.loaded().await.plan.broker else { panic!("no cluster") };
    assert_eq!(
        (found.properties["bootstrap.servers"].as_str(), found.consumer["fetch.min.bytes"].as_str()),
        ("k:1", "5")
    );
}

#[tokio::test]
async fn how_many_partitions_a_topic_of_others_has_is_not_guessed() {
    let text = GOOD.replace("  partitions: 6\n", "") + "    tasks: 7\n";
    assert_eq!(File::new(&text).loaded().await.warnings.to_string().lines().count(), 1);
    let kafka = File::new(text + "kafka: { bootstrap.servers: k }\n");
    assert!(kafka.loaded().await.warnings.is_empty());
}
