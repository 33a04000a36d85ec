//! The thread of a member: librdkafka's consumer, one thing after the other.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pipeline_api::{Error, ErrorKind, OffsetRange, Result, crash_at};
use pipeline_runtime::broker::{CommitError, Committed, Polled};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::outbox::Outbox;
use crate::client::{ANSWER, ClientLog, Voice};
use crate::error::{commit_failed, failed, failed_with, kind};
use crate::login::LetIn;
use crate::native::{self, Message, RecordQueue, c_string};
use crate::records::RecordsBuilder;
use crate::signal::Signal;

/// So many records are read at once,
const BATCH_ROWS: usize = 8192;
/// and so long is waited for them at most before a look at everything else. What comes ends the wait.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What the engine wants of a member.
#[derive(Debug)]
pub(super) enum Command {
    /// Something to give, as soon as there is one.
    Poll,
    /// To read on, if there is something: the engine has taken what there was.
    ReadOn,
    /// The engine has seen to the last change of its partitions.
    Answer,
    Bounds {
        partition: i32,
        reply: Reply<OffsetRange>,
    },
    Commit {
        offsets: BTreeMap<i32, Committed>,
        reply: oneshot::Sender<Result<(), CommitError>>,
    },
    Seek {
        partition: i32,
        offset: i64,
        reply: Reply<()>,
    },
    Resume {
        partition: i32,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

type Reply<T> = oneshot::Sender<Result<T>>;

/// A member of a group, on its thread.
pub(super) struct Member {
    // Before the consumer: it is dropped first.
    queue: RecordQueue,
    consumer: LetIn<BaseConsumer<Voice<Decisions>>>,
    group: String,
    topic: String,
    topic_name: CString,
    signal: Arc<Signal>,
    outbox: Arc<Outbox>,
    phase: Phase,
    held: BTreeMap<i32, Reading>,
    /// What a partition was last found to hold.
    bounds: BTreeMap<i32, OffsetRange>,
    /// Whether it has asked to be let into the group.
    has_joined: bool,
    /// Whether the engine waits for something.
    is_polled: bool,
}

/// What became of the group's last word to this member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It has no partitions.
    Idle,
    /// It got partitions. librdkafka reads them once the engine has said where from.
    Assigned,
    /// It reads them.
    Reading,
    /// They are being taken away. Until the engine answers, the group waits, and what is committed counts.
    Revoked,
    /// They were taken away.
    Lost,
}

/// A partition that this member holds.
#[derive(Debug, Default)]
struct Reading {
    /// What is read next. `None` before the first seek.
    position: Option<i64>,
    /// Whether librdkafka was told to leave it alone.
    is_parked: bool,
}

impl Member {
    /// Errors: no client can be made of these settings.
    pub(super) fn new(
        config: &ClientConfig,
        group: &str,
        topic: &str,
        signal: Arc<Signal>,
        outbox: Arc<Outbox>,
    ) -> Result<Self> {
        let voice = Voice { log: ClientLog::new(group), own: Decisions::default() };
        let mut consumer = LetIn::<BaseConsumer<_>>::new(config, voice, BaseConsumer::client)?;
        let waker = signal.clone();
        consumer.set_nonempty_callback(move || waker.set());
        let queue = RecordQueue::new(consumer.client(), signal.clone());
        Ok(Self {
            queue,
            consumer,
            group: group.to_owned(),
            topic: topic.to_owned(),
            topic_name: c_string(topic).map_err(|code| failed_with(format!("`{topic}` is no topic's name"), code))?,
            signal,
            outbox,
            phase: Phase::Idle,
            held: BTreeMap::new(),
            bounds: BTreeMap::new(),
            has_joined: false,
            is_polled: false,
        })
    }

    /// Until the engine closes it, or has forgotten it.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        let reply = loop {
            let command = match self.is_polled {
                true => commands.try_recv(),
                false => commands.recv().map_err(|_| TryRecvError::Disconnected),
            };
            match command {
                Ok(Command::Close { reply }) => break Some(reply),
                Ok(command) => self.obey(command),
                Err(TryRecvError::Empty) => self.advance(),
                Err(TryRecvError::Disconnected) => break None,
            }
        };
        self.leave();
        if let Some(reply) = reply {
            let _ = reply.send(());
        }
    }

    /// A reply that nobody waits for any more is no loss: the call was dropped.
    fn obey(&mut self, command: Command) {
        match command {
            Command::Poll => self.polled(),
            Command::ReadOn => _ = !self.outbox.is_filled() && self.read(),
            Command::Answer => self.answer(),
            Command::Bounds { partition, reply } => _ = reply.send(self.ask_bounds(partition)),
            Command::Commit { offsets, reply } => _ = reply.send(self.commit(&offsets)),
            Command::Seek { partition, offset, reply } => _ = reply.send(self.seek(partition, offset)),
            Command::Resume { partition } => self.unpark(partition),
            Command::Close { reply } => _ = reply.send(()),
        }
    }

    /// With the first poll it joins the group: before, nobody would answer when the group is divided anew, and all would wait.
    fn polled(&mut self) {
        if !self.has_joined {
            match self.consumer.subscribe(&[&self.topic]) {
                Ok(()) => self.has_joined = true,
                Err(error) => {
                    let context = format!("group `{}` cannot subscribe to topic `{}`", self.group, self.topic);
                    self.outbox.put(Err(failed(context, &error)));
                }
            }
        }
        self.is_polled = !self.outbox.is_filled();
    }

    /// One step towards something that the engine can be given.
    fn advance(&mut self) {
        self.serve();
        if !self.outbox.is_filled() && !self.read() {
            self.signal.wait(LONGEST_WAIT);
        }
        self.is_polled = !self.outbox.is_filled();
    }

    /// Lets librdkafka say what it has to say: that is also what tells it that this member is alive.
    fn serve(&mut self) {
        let (mut changes, mut is_late) = (Vec::new(), false);
        loop {
            match self.consumer.poll(Duration::ZERO) {
                None => {}
                Some(Err(error)) if error.rdkafka_error_code() == Some(Code::PollExceeded) => is_late = true,
                Some(Err(error)) => self.fault(&error),
                // It was fetched before the record queue took its partition over, and comes again.
                Some(Ok(message)) => {
                    let partition = rdkafka::Message::partition(&message);
                    drop(message);
                    self.queue.take(self.consumer.client(), &self.topic_name, partition);
                    self.reread(partition);
                }
            }
            changes.append(&mut self.consumer.context().own.take());
            if native::waiting(self.consumer.client()) == 0 {
                break;
            }
        }
        if is_late {
            warn!(
                group = self.group,
                "no poll for longer than `max.poll.interval.ms`: the group gives the partitions to others"
            );
        }
        for change in changes {
            // What was asked for while nobody polled is gone by now.
            self.changed(if is_late && change == Change::Revoked { Change::Lost } else { change });
        }
    }

    fn changed(&mut self, change: Change) {
        debug!(group = self.group, ?change, "the group changes");
        let knows = !self.outbox.take_back_changes();
        match change {
            Change::Assigned(partitions) => {
                self.held = partitions.iter().map(|partition| (*partition, Reading::default())).collect();
                self.phase = Phase::Assigned;
                match partitions.is_empty() {
                    true => self.answer(),
                    false => self.outbox.put(Ok(Polled::Assigned(partitions))),
                }
            }
            Change::Revoked | Change::Lost => {
                self.outbox.take_back_all();
                let partitions: Vec<i32> = self.held.keys().copied().collect();
                let is_lost = change == Change::Lost;
                self.phase = if is_lost { Phase::Lost } else { Phase::Revoked };
                match (partitions.is_empty() || !knows, is_lost) {
                    (true, _) => self.answer(),
                    (false, true) => self.outbox.put(Ok(Polled::Lost(partitions))),
                    (false, false) => self.outbox.put(Ok(Polled::Revoked(partitions))),
                }
            }
        }
    }

    /// The engine has seen to the change of its partitions: librdkafka may go on.
    fn answer(&mut self) {
        let answered = match self.phase {
            Phase::Assigned => self.start(),
            Phase::Revoked | Phase::Lost => {
                self.held.clear();
                self.phase = Phase::Idle;
                self.consumer.unassign()
            }
            Phase::Idle | Phase::Reading => Ok(()),
        };
        if let Err(error) = answered {
            self.outbox.put(Err(failed(format!("group `{}` cannot go on with its partitions", self.group), &error)));
        }
    }

    /// Begins to read where the engine said. What it said nothing of waits for a seek.
    fn start(&mut self) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        let mut parked = TopicPartitionList::new();
        for (partition, reading) in &mut self.held {
            self.queue.take(self.consumer.client(), &self.topic_name, *partition);
            let offset = reading.position.map_or(Offset::End, Offset::Offset);
            list.add_partition_offset(&self.topic, *partition, offset)?;
            reading.is_parked = reading.position.is_none();
            if reading.is_parked {
                parked.add_partition(&self.topic, *partition);
            }
        }
        self.phase = Phase::Reading;
        self.consumer.assign(&list)?;
        // What was paused when it went away still is.
        self.consumer.resume(&list)?;
        match parked.count() {
            0 => Ok(()),
            _ => self.consumer.pause(&parked),
        }
    }

    /// Reads what there is; false if there is nothing.
    fn read(&mut self) -> bool {
        let is_wanted =
            |(partition, reading): (&i32, &Reading)| reading.position.is_some() && !self.outbox.is_paused(*partition);
        if self.phase != Phase::Reading || !self.held.iter().any(is_wanted) {
            // librdkafka reads ahead up to its own limits, and nothing is fetched twice.
            return false;
        }
        self.park_what_is_paused();
        let mut messages = Vec::with_capacity(BATCH_ROWS);
        self.queue.read(&mut messages);
        // What is fetched of a partition comes in one piece.
        let mut pieces: BTreeMap<i32, Vec<&[Message]>> = BTreeMap::new();
        for piece in messages.chunk_by(|one, next| one.partition() == next.partition()) {
            pieces.entry(piece[0].partition()).or_default().push(piece);
        }
        let mut faults = Vec::new();
        for (partition, pieces) in pieces {
            let Some(reading) = self.held.get_mut(&partition) else { continue };
            let Some(position) = reading.position else { continue };
            let mut records = RecordsBuilder::new(partition, position, pieces.iter().copied().flatten());
            for message in pieces.into_iter().flatten() {
                match message.error() {
                    None => records.push(message),
                    Some(Code::PartitionEOF) => records.skip_to(message.offset()),
                    Some(code) => faults.push((partition, code, message.reason())),
                }
            }
            reading.position = Some(records.end());
            if let Some(records) = records.finish() {
                self.outbox.put(Ok(Polled::Records(Box::new(records))));
            }
        }
        for (partition, code, reason) in faults {
            self.fault_of(partition, code, &reason);
        }
        !messages.is_empty()
    }

    /// Tells librdkafka to leave alone what the engine does not want, while there is something that it wants.
    fn park_what_is_paused(&mut self) {
        let is_unwanted =
            |(partition, reading): &(&i32, &Reading)| !reading.is_parked && self.outbox.is_paused(**partition);
        let unwanted: Vec<i32> = self.held.iter().filter(is_unwanted).map(|(partition, _)| *partition).collect();
        for partition in unwanted {
            self.park(partition);
        }
    }

    /// Pauses a partition at its position. By itself librdkafka keeps another one: it takes the report of a partition's end for
    /// a record (`rd_kafka_q_serve_rkmessages`), and would skip one, or find the partition too short when its broker comes back.
    fn park(&mut self, partition: i32) {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition);
        if self.consumer.pause(&list).is_ok() {
            self.reread(partition);
            if let Some(reading) = self.held.get_mut(&partition) {
                reading.is_parked = true;
            }
        }
    }

    /// Lets librdkafka read a partition again, from its position.
    fn unpark(&mut self, partition: i32) {
        let Some(reading) = self.held.get_mut(&partition).filter(|reading| reading.is_parked) else { return };
        reading.is_parked = false;
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition);
        if let Err(error) = self.consumer.resume(&list) {
            let context = format!("{}+{partition} cannot be read on", self.topic);
            self.outbox.put(Err(failed(context, &error)));
        }
        self.reread(partition);
    }

    /// Fetches a partition anew from its position.
    fn reread(&mut self, partition: i32) {
        let Some(position) = self.held.get(&partition).and_then(|reading| reading.position) else { return };
        if let Err(error) = self.fetch_from(partition, position) {
            self.outbox.put(Err(error));
        }
    }

    fn fetch_from(&self, partition: i32, offset: i64) -> Result<()> {
        self.consumer
            .seek(&self.topic, partition, Offset::Offset(offset), ANSWER)
            .map_err(|error| failed(format!("{}+{partition} cannot be read from offset {offset}", self.topic), &error))
    }

    fn seek(&mut self, partition: i32, offset: i64) -> Result<()> {
        if !self.held.contains_key(&partition) {
            let Self { topic, group, .. } = self;
            return Err(Error::fatal(format!("{topic}+{partition} is not assigned to this member of group `{group}`")));
        }
        if !self.bounds.get(&partition).is_some_and(|bounds| holds(*bounds, offset)) {
            let bounds = self.ask_bounds(partition)?;
            if !holds(bounds, offset) {
                return Err(not_held(&self.topic, partition, offset, bounds));
            }
        }
        self.outbox.take_back(partition);
        let is_reading = self.phase == Phase::Reading;
        let Some(reading) = self.held.get_mut(&partition) else { return Ok(()) };
        reading.position = Some(offset);
        match (is_reading, reading.is_parked && !self.outbox.is_paused(partition)) {
            (false, _) => Ok(()),
            (true, true) => {
                self.unpark(partition);
                Ok(())
            }
            (true, false) => self.fetch_from(partition, offset),
        }
    }

    fn ask_bounds(&mut self, partition: i32) -> Result<OffsetRange> {
        let (start, end) = self
            .consumer
            .fetch_watermarks(&self.topic, partition, ANSWER)
            .map_err(|error| failed(format!("Kafka does not say what {}+{partition} holds", self.topic), &error))?;
        let bounds = OffsetRange::new(start, end);
        self.bounds.insert(partition, bounds);
        Ok(bounds)
    }

    /// Kafka itself asks only whether this member is one, and if the group is empty not even that.
    fn commit(&mut self, offsets: &BTreeMap<i32, Committed>) -> Result<(), CommitError> {
        if matches!(self.phase, Phase::Idle | Phase::Lost) || self.consumer.assignment_lost() {
            return Err(CommitError::Fenced("this member holds no partitions".to_owned()));
        }
        let context = || format!("group `{}` cannot commit", self.group);
        let mut list = TopicPartitionList::new();
        for (partition, committed) in offsets {
            if !self.held.contains_key(partition) {
                return Err(CommitError::Fenced(format!("this member does not hold {}+{partition}", self.topic)));
            }
            committed.check_metadata()?;
            let mut element = list.add_partition(&self.topic, *partition);
            element.set_offset(Offset::Offset(committed.offset)).map_err(|error| failed(context(), &error))?;
            element.set_metadata(&committed.metadata);
        }
        crash_at("kafka_before_group_commit");
        self.consumer.commit(&list, CommitMode::Sync).map_err(|error| commit_failed(context(), &error))?;
        crash_at("kafka_after_group_commit");
        Ok(())
    }

    /// An error that concerns a partition.
    fn fault_of(&mut self, partition: i32, code: Code, reason: &str) {
        let seen_to = match code {
            Code::AutoOffsetReset | Code::OffsetOutOfRange => self.astray(partition, reason),
            code if kind(code) == ErrorKind::Retriable => Ok(()),
            code => Err(failed_with(format!("{}+{partition} cannot be read", self.topic), code)),
        };
        if let Err(error) = seen_to {
            self.outbox.put(Err(error));
        }
    }

    /// librdkafka does not know where to read a partition on, and refuses to. Or so it was before the group's last change, by a
    /// position of its own: then it reads on.
    fn astray(&mut self, partition: i32, reason: &str) -> Result<()> {
        let Some(position) = self.held.get(&partition).and_then(|reading| reading.position) else { return Ok(()) };
        let Err(refused) = self.fetch_from(partition, position) else { return Ok(()) };
        match self.ask_bounds(partition)? {
            bounds if holds(bounds, position) => Err(Error::fatal(reason).with_source(refused)),
            bounds => Err(not_held(&self.topic, partition, position, bounds)),
        }
    }

    /// An error that concerns the whole client. What may pass is librdkafka's to repeat, and is in the log.
    fn fault(&mut self, error: &KafkaError) {
        let Some(code) = error.rdkafka_error_code() else { return };
        let is_fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
        match code {
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => self.look_for_the_topic(),
            code if is_fatal || kind(code) == ErrorKind::Config => {
                let context = format!("group `{}` cannot read topic `{}`", self.group, self.topic);
                self.outbox.put(Err(failed_with(context, code)));
            }
            _ => {}
        }
    }

    /// A broker may not know yet of a topic that was just created.
    fn look_for_the_topic(&mut self) {
        if let Err(Code::UnknownTopicOrPartition) = native::describe_topic(self.consumer.client(), &self.topic, ANSWER)
        {
            self.outbox.put(Err(Error::fatal(format!("topic `{}` was deleted while it was read", self.topic))));
        }
    }

    /// Leaves the group, or, with an instance, keeps its partitions for its return.
    fn leave(self) {
        let Self { queue, consumer, .. } = self;
        consumer.context().own.is_leaving.store(true, Ordering::Relaxed);
        drop(queue);
        if let Err(error) = consumer.unassign() {
            debug!(%error, "partitions are not given back");
        }
        drop(consumer);
    }
}

/// Whether a partition can be read from the offset on: its end is one that can.
fn holds(bounds: OffsetRange, offset: i64) -> bool {
    (bounds.start..=bounds.end).contains(&offset)
}

/// The offset is not, or not any more, on the topic.
fn not_held(topic: &str, partition: i32, offset: i64, bounds: OffsetRange) -> Error {
    if offset < bounds.start {
        let gone = OffsetRange::new(offset, bounds.start);
        return Error::fatal(format!(
            "records {gone} of {topic}+{partition} are gone: the topic holds {bounds}; its retention is too short for what reads it; `pipeline reset` starts over"
        ));
    }
    Error::fatal(format!(
        "{topic}+{partition} ends at {}, before offset {offset}: the topic is shorter than what was committed for it; `pipeline reset` starts over",
        bounds.end
    ))
}

/// A change of what this member holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Assigned(Vec<i32>),
    /// The group asks for them, and waits.
    Revoked,
    /// The group has given them to others.
    Lost,
}

/// Notes what the group decides, for the thread that polls to see to.
#[derive(Default)]
struct Decisions {
    changes: Mutex<Vec<Change>>,
    is_leaving: AtomicBool,
}

impl Decisions {
    fn take(&self) -> Vec<Change> {
        std::mem::take(&mut self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ConsumerContext for Voice<Decisions> {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if self.own.is_leaving.load(Ordering::Relaxed) {
            if let Err(error) = consumer.unassign() {
                debug!(%error, "partitions are not given back");
            }
            return;
        }
        let change = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                Change::Assigned(list.elements().iter().map(|element| element.partition()).collect())
            }
            _ if consumer.assignment_lost() => Change::Lost,
            _ => Change::Revoked,
        };
        self.own.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }
}
