//! What Kafka and its client check, and what they do not: the facts that the engine is made for.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use pipeline_testkit::kafka::KafkaServer;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfig};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, Statistics, TopicPartitionList};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Nothing takes longer here.
const PATIENCE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(50);

fn config(properties: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", KafkaServer::shared().bootstrap());
    properties.iter().for_each(|(name, value)| _ = config.set(*name, *value));
    config
}

fn client<T: FromClientConfig>(properties: &[(&str, &str)]) -> Result<T, KafkaError> {
    config(properties).create()
}

fn make_topic(name: &str, partitions: u32) {
    let (server, partitions) = (KafkaServer::shared().bootstrap(), partitions.to_string());
    let arguments = ["--bootstrap-server", &server, "--create", "--topic", name, "--partitions", &partitions];
    KafkaServer::output(KafkaServer::tool("kafka-topics", arguments), "");
}

/// A consumer that says how far it is with joining.
type Member = BaseConsumer<Joining>;

#[derive(Default)]
struct Joining(Mutex<String>);

impl Joining {
    /// Whether it last said so, in librdkafka's words: `wait-join` while its request to join is not answered, `steady` when it
    /// has its partitions.
    fn is(&self, state: &str) -> bool {
        *self.0.lock().expect("nobody panics with it") == state
    }
}

impl ClientContext for Joining {
    fn stats(&self, statistics: Statistics) {
        *self.0.lock().expect("nobody panics with it") =
            statistics.cgrp.map(|group| group.join_state).unwrap_or_default();
    }
}

impl ConsumerContext for Joining {}

/// A client of the group that is no member yet.
fn stranger(group: &str) -> Result<Member, KafkaError> {
    let properties = [
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "100"),
        ("max.poll.interval.ms", "6000"),
        ("statistics.interval.ms", "50"),
    ];
    config(&properties).create_with_context(Joining::default())
}

fn member(group: &str, topic: &str) -> Result<Member, KafkaError> {
    let member = stranger(group)?;
    member.subscribe(&[topic])?;
    Ok(member)
}

/// The partitions that a member holds.
fn held(member: &Member) -> Vec<i32> {
    let mut held: Vec<i32> = member
        .assignment()
        .map(|list| list.elements().iter().map(|element| element.partition()).collect())
        .unwrap_or_default();
    held.sort_unstable();
    held
}

/// Polls these members until something holds.
fn poll_until(members: &[&Member], holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "the group does not get there");
        members.iter().for_each(|member| _ = member.poll(SOON));
    }
}

/// Commits an offset with a note for each of these partitions.
fn commit(client: &Member, topic: &str, offsets: &[(i32, i64, &str)]) -> Result<(), Option<Code>> {
    let mut list = TopicPartitionList::new();
    for (partition, offset, note) in offsets {
        let mut element = list.add_partition(topic, *partition);
        element.set_offset(Offset::Offset(*offset)).map_err(|error| error.rdkafka_error_code())?;
        element.set_metadata(*note);
    }
    client.commit(&list, CommitMode::Sync).map_err(|error| error.rdkafka_error_code())
}

/// What the group has committed for a partition.
fn committed(group: &str, topic: &str, partition: i32) -> Result<Option<i64>, KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    let found = stranger(group)?.committed_offsets(list, PATIENCE)?;
    Ok(found.elements().first().and_then(|element| element.offset().to_raw()).filter(|offset| *offset >= 0))
}

fn transactional(id: &str, timeout: &str) -> Result<BaseProducer, KafkaError> {
    let producer: BaseProducer = client(&[("transactional.id", id), ("transaction.timeout.ms", timeout)])?;
    producer.init_transactions(PATIENCE)?;
    Ok(producer)
}

/// Opens a transaction with one record.
fn open_transaction(producer: &BaseProducer, topic: &str, value: &str) -> Outcome {
    producer.begin_transaction()?;
    producer.send(BaseRecord::<(), str>::to(topic).partition(0).payload(value)).map_err(|(error, _)| error)?;
    producer.flush(PATIENCE)?;
    Ok(())
}

/// Up to where a reader of what is committed may read.
fn stable_end(topic: &str) -> Result<i64, KafkaError> {
    let reader: BaseConsumer = client(&[("isolation.level", "read_committed")])?;
    Ok(reader.fetch_watermarks(topic, 0, PATIENCE)?.1)
}

#[test]
fn a_commit_is_checked_for_membership_and_generation_and_not_for_ownership() -> Outcome {
    make_topic("owned", 2);
    let (first, second) = (member("owned", "owned")?, member("owned", "owned")?);
    poll_until(&[&first, &second], || held(&first).len() == 1 && held(&second).len() == 1);
    let foreign = held(&second)[0];
    commit(&second, "owned", &[(foreign, 5, "")]).map_err(|code| format!("{code:?}"))?;
    // The offset of somebody else goes back, and nobody minds.
    commit(&first, "owned", &[(foreign, 3, "")]).map_err(|code| format!("{code:?}"))?;
    assert_eq!(committed("owned", "owned", foreign)?, Some(3));

    // One that is silent for too long is no member any more.
    poll_until(&[&second], || held(&second).len() == 2);
    let refused = commit(&first, "owned", &[(foreign, 1, "")]).expect_err("it is taken");
    assert!(matches!(refused, Some(Code::UnknownMemberId | Code::IllegalGeneration)), "{refused:?}");
    assert_eq!(committed("owned", "owned", foreign)?, Some(3));
    Ok(())
}

#[test]
fn whoever_is_no_member_may_commit_while_a_group_is_empty() -> Outcome {
    make_topic("empty", 1);
    let stranger = stranger("empty")?;
    commit(&stranger, "empty", &[(0, 4, "")]).map_err(|code| format!("{code:?}"))?;
    assert_eq!(committed("empty", "empty", 0)?, Some(4));
    let member = member("empty", "empty")?;
    poll_until(&[&member], || held(&member).len() == 1);
    assert_eq!(commit(&stranger, "empty", &[(0, 2, "")]), Err(Some(Code::UnknownMemberId)));
    assert_eq!(committed("empty", "empty", 0)?, Some(4));
    Ok(())
}

#[test]
fn a_note_that_is_too_long_is_refused_and_the_partitions_beside_it_are_committed() -> Outcome {
    make_topic("notes", 2);
    let stranger = stranger("notes")?;
    let long = "x".repeat(4097);
    commit(&stranger, "notes", &[(0, 1, &long[1..]), (1, 1, "")]).map_err(|code| format!("{code:?}"))?;
    let refused = commit(&stranger, "notes", &[(0, 2, &long), (1, 2, "")]);
    assert_eq!(refused, Err(Some(Code::OffsetMetadataTooLarge)));
    assert_eq!((committed("notes", "notes", 0)?, committed("notes", "notes", 1)?), (Some(1), Some(2)));
    Ok(())
}

/// Who commits from a thread beside the one that polls would wait.
#[test]
fn a_commit_while_the_own_request_to_join_is_pending_waits_for_seconds_and_is_refused() -> Outcome {
    make_topic("pending", 3);
    let (first, silent) = (member("pending", "pending")?, member("pending", "pending")?);
    poll_until(&[&first, &silent], || held(&first).len() + held(&silent).len() == 3 && first.context().is("steady"));
    let (mine, third) = (held(&first)[0], member("pending", "pending")?);
    // The third one comes, the first one gives way and asks to join again. The silent one keeps both waiting.
    poll_until(&[&first, &third], || first.context().is("wait-join"));
    let asked = Instant::now();
    let refused = commit(&first, "pending", &[(mine, 1, "")]).expect_err("it is taken");
    let waited = asked.elapsed();
    assert!(waited > Duration::from_secs(1), "after {waited:?}: {refused:?}");
    assert!(
        matches!(refused, Some(Code::IllegalGeneration | Code::RebalanceInProgress | Code::UnknownMemberId)),
        "{refused:?}"
    );
    assert_eq!(committed("pending", "pending", mine)?, None);
    Ok(())
}

#[test]
fn the_open_transaction_of_a_producer_that_is_gone_holds_readers_back_until_its_id_is_taken_over() -> Outcome {
    make_topic("held", 1);
    let gone = transactional("held.gone", "60000")?;
    open_transaction(&gone, "held", "never committed")?;
    drop(gone);
    let other = transactional("held.other", "60000")?;
    open_transaction(&other, "held", "committed")?;
    other.commit_transaction(PATIENCE)?;
    assert_eq!(stable_end("held")?, 0);
    let reader: BaseConsumer = client(&[("group.id", "held"), ("isolation.level", "read_committed")])?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("held", 0, Offset::Beginning)?;
    reader.assign(&list)?;
    assert!(reader.poll(Duration::from_secs(1)).is_none(), "it is read past an open transaction");

    transactional("held.gone", "60000")?;
    let read = reader.poll(PATIENCE).ok_or("nothing is read")??;
    assert_eq!(read.payload(), Some(&b"committed"[..]));
    Ok(())
}

#[test]
fn a_transaction_that_took_too_long_and_one_whose_id_was_taken_over_end_alike() -> Outcome {
    make_topic("late", 1);
    let late = transactional("late.late", "1000")?;
    open_transaction(&late, "late", "late")?;
    // Kafka has aborted it when it may be read past.
    let start = Instant::now();
    while stable_end("late")? == 0 {
        assert!(start.elapsed() < PATIENCE, "it is not aborted");
        std::thread::sleep(SOON);
    }
    let replaced = transactional("late.replaced", "60000")?;
    open_transaction(&replaced, "late", "replaced")?;
    let _newer = transactional("late.replaced", "60000")?;
    let code = |producer: &BaseProducer| match producer.commit_transaction(PATIENCE) {
        Ok(()) => Err("it is committed"),
        Err(error) => Ok(error.rdkafka_error_code()),
    };
    assert_eq!((code(&late)?, code(&replaced)?), (Some(Code::Fenced), Some(Code::Fenced)));
    Ok(())
}
