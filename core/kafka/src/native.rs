//! What rdkafka does not wrap, straight from librdkafka: a queue that gives records in batches, topic ids, waits that end
//! when there is something, and what a client has to say that nobody polls. All unsafe code of the house is here.
#![allow(unsafe_code, reason = "librdkafka is a C library")]

use std::ffi::{CStr, CString, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::bindings::*;
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;

use crate::signal::Signal;

/// The records of several partitions of one consumer, in one queue of their own. They are read by the hundred, which costs
/// half of what the consumer's own queue does. Dropped before its client.
pub(crate) struct RecordQueue {
    queue: NonNull<rd_kafka_queue_t>,
    signal: Arc<Signal>,
}

// SAFETY: librdkafka's queues may be used from any thread.
unsafe impl Send for RecordQueue {}

impl RecordQueue {
    /// A queue that nothing flows into yet. `signal` is set whenever it stops being empty.
    pub(crate) fn new<C: ClientContext>(client: &Client<C>, signal: Arc<Signal>) -> Self {
        // SAFETY: the client outlives the queue. librdkafka never returns null here.
        let queue = unsafe { NonNull::new_unchecked(rd_kafka_queue_new(client.native_ptr())) };
        let new = Self { queue, signal };
        // SAFETY: the signal lives as long as `new`, whose drop takes the callback away first.
        unsafe {
            let signal: *const Signal = &*new.signal;
            rd_kafka_queue_cb_event_enable(queue.as_ptr(), Some(set_signal), signal.cast_mut().cast());
        }
        new
    }

    /// From now on what is fetched of this partition comes here. Ends when the client gets another assignment.
    pub(crate) fn take<C: ClientContext>(&self, client: &Client<C>, topic: &CStr, partition: i32) {
        // SAFETY: the client is alive; a null queue means that it does not know the partition.
        unsafe {
            let Some(own) = NonNull::new(rd_kafka_queue_get_partition(client.native_ptr(), topic.as_ptr(), partition))
            else {
                return;
            };
            rd_kafka_queue_forward(own.as_ptr(), self.queue.as_ptr());
            rd_kafka_queue_destroy(own.as_ptr());
        }
    }

    /// Adds what there is, without waiting, up to the vector's capacity.
    pub(crate) fn read(&self, messages: &mut Vec<Message>) {
        let room = messages.capacity() - messages.len();
        let mut batch: Vec<*mut rd_kafka_message_t> = vec![ptr::null_mut(); room];
        // SAFETY: the batch has room for so many pointers, and each that is returned is ours to destroy.
        let count = unsafe { rd_kafka_consume_batch_queue(self.queue.as_ptr(), 0, batch.as_mut_ptr(), room) };
        let count = usize::try_from(count).unwrap_or(0);
        messages.extend(batch.into_iter().take(count).filter_map(NonNull::new).map(Message));
    }
}

impl Drop for RecordQueue {
    fn drop(&mut self) {
        let mut rest = Vec::with_capacity(1024);
        loop {
            self.read(&mut rest);
            if rest.is_empty() {
                break;
            }
            rest.clear();
        }
        // SAFETY: nobody else has this queue.
        unsafe {
            rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, ptr::null_mut());
            rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

unsafe extern "C" fn set_signal(_: *mut rd_kafka_t, signal: *mut c_void) {
    // SAFETY: this is the pointer that `RecordQueue::new` gave, to a signal that lives as long as the callback.
    unsafe { &*signal.cast::<Signal>() }.set();
}

/// A record, or an error in place of one, as it lies in the fetch buffer.
pub(crate) struct Message(NonNull<rd_kafka_message_t>);

impl Message {
    pub(crate) fn partition(&self) -> i32 {
        self.get().partition
    }

    /// Of the report of a partition's end: where that is. Of another error it says nothing.
    pub(crate) fn offset(&self) -> i64 {
        self.get().offset
    }

    pub(crate) fn error(&self) -> Option<RDKafkaErrorCode> {
        match self.get().err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => None,
            error => Some(error.into()),
        }
    }

    /// Of an error: what librdkafka says of it.
    pub(crate) fn reason(&self) -> String {
        String::from_utf8_lossy(self.value().unwrap_or_default()).into_owned()
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        // SAFETY: librdkafka gives a key and its length.
        unsafe { bytes(self.get().key, self.get().key_len) }
    }

    pub(crate) fn value(&self) -> Option<&[u8]> {
        // SAFETY: librdkafka gives a payload and its length.
        unsafe { bytes(self.get().payload, self.get().len) }
    }

    /// In milliseconds since 1970 UTC, or -1.
    pub(crate) fn timestamp(&self) -> i64 {
        let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        unsafe { rd_kafka_message_timestamp(self.0.as_ptr(), &mut kind) }
    }

    /// Calls `each` with every header in order. A header without a value has an empty one.
    pub(crate) fn headers(&self, mut each: impl FnMut(String, &[u8])) {
        let mut headers = ptr::null_mut();
        // SAFETY: the headers belong to the message, which is alive; each name is a C string, each value has its size.
        unsafe {
            if rd_kafka_message_headers(self.0.as_ptr(), &mut headers) != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                return;
            }
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            for index in 0..rd_kafka_header_cnt(headers) {
                rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut size);
                each(CStr::from_ptr(name).to_string_lossy().into_owned(), bytes(value, size).unwrap_or_default());
            }
        }
    }

    fn get(&self) -> &rd_kafka_message_t {
        // SAFETY: the message is ours and alive.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: the message is ours.
        unsafe { rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

unsafe fn bytes<'a>(start: *const c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller says.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast(), length) })
}

/// How many events wait in a consumer's own queue.
pub(crate) fn waiting<C: ClientContext>(client: &Client<C>) -> usize {
    // SAFETY: the client is alive. A null queue means that it has none.
    unsafe {
        let Some(queue) = NonNull::new(rd_kafka_queue_get_consumer(client.native_ptr())) else { return 0 };
        let length = rd_kafka_queue_length(queue.as_ptr());
        rd_kafka_queue_destroy(queue.as_ptr());
        length
    }
}

/// Hears a client that nobody polls, on a thread of its own: what it logs and complains of reaches its context. Dropped before
/// its client.
pub(crate) struct Attendant {
    events: Arc<Events>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Attendant {
    /// Errors: no thread can be started.
    pub(crate) fn new<C: ClientContext + 'static>(client: &Client<C>) -> std::io::Result<Self> {
        let (events, is_over) = (Arc::new(Events::of(client)), Arc::new(AtomicBool::new(false)));
        let (heard, ended, context) = (events.clone(), is_over.clone(), client.context().clone());
        let hear = move || {
            while !ended.load(Ordering::Relaxed) {
                heard.hear(&*context);
            }
        };
        let thread = Some(std::thread::Builder::new().name("kafka events".into()).spawn(hear)?);
        Ok(Self { events, is_over, thread })
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // SAFETY: the queue is alive.
        unsafe { rd_kafka_queue_yield(self.events.0.as_ptr()) };
        // A thread that panicked has nothing more to say.
        _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The queue that a client's events come to.
struct Events(NonNull<rd_kafka_queue_t>);

// SAFETY: librdkafka's queues may be used from any thread, and from several.
unsafe impl Send for Events {}
// SAFETY: as above.
unsafe impl Sync for Events {}

impl Events {
    fn of<C: ClientContext>(client: &Client<C>) -> Self {
        // SAFETY: the client outlives the queue. A member of a group has a queue of its own, all others have the main one.
        unsafe {
            let own = NonNull::new(rd_kafka_queue_get_consumer(client.native_ptr()));
            Self(own.unwrap_or_else(|| NonNull::new_unchecked(rd_kafka_queue_get_main(client.native_ptr()))))
        }
    }

    /// Waits for an event, and tells the context. Ends early when it is yielded.
    fn hear<C: ClientContext>(&self, context: &C) {
        // SAFETY: the event is ours to destroy, and its texts live as long as it does.
        unsafe {
            let Some(event) = NonNull::new(rd_kafka_queue_poll(self.0.as_ptr(), 10_000)) else { return };
            match rd_kafka_event_type(event.as_ptr()) {
                RD_KAFKA_EVENT_ERROR => {
                    let code = rd_kafka_event_error(event.as_ptr()).into();
                    let reason = CStr::from_ptr(rd_kafka_event_error_string(event.as_ptr()));
                    context.error(KafkaError::Global(code), reason.to_string_lossy().trim());
                }
                RD_KAFKA_EVENT_LOG => {
                    let (mut facility, mut text, mut level) = (ptr::null(), ptr::null(), 0);
                    if rd_kafka_event_log(event.as_ptr(), &mut facility, &mut text, &mut level) == 0 {
                        let (facility, text) = (CStr::from_ptr(facility), CStr::from_ptr(text));
                        let (facility, text) = (facility.to_string_lossy(), text.to_string_lossy());
                        context.log(log_level(level), &facility, text.trim());
                    }
                }
                _ => {}
            }
            rd_kafka_event_destroy(event.as_ptr());
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // SAFETY: this reference to the queue is ours.
        unsafe { rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

/// Of a level as in syslog.
fn log_level(level: i32) -> RDKafkaLogLevel {
    match level {
        ..=2 => RDKafkaLogLevel::Critical,
        3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 => RDKafkaLogLevel::Notice,
        6 => RDKafkaLogLevel::Info,
        _ => RDKafkaLogLevel::Debug,
    }
}

/// After so many milliseconds without an answer it is asked whether to wait on.
const LOOK_UP: i32 = 200;

/// What a cluster says of a topic.
pub(crate) struct TopicDescription {
    /// 22 characters of base64, the URL-safe one, as Kafka's own tools show it.
    pub(crate) id: String,
    pub(crate) partitions: i32,
    /// Whether each partition has a leader.
    pub(crate) is_led: bool,
}

/// Asks for a topic's id and partitions (`DescribeTopics`). Blocks for as long as `timeout`.
pub(crate) fn describe_topic<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<TopicDescription, RDKafkaErrorCode> {
    describe_topic_unless(client, topic, timeout, || false)
}

/// The same, until waiting is no use, which then is a time-out.
pub(crate) fn describe_topic_unless<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
    is_no_use: impl Fn() -> bool,
) -> Result<TopicDescription, RDKafkaErrorCode> {
    let deadline = Instant::now() + timeout;
    let topic = c_string(topic)?;
    let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: every object is destroyed once, after the last use of what lies within it.
    unsafe {
        let queue = rd_kafka_queue_new(client.native_ptr());
        let mut names = [topic.as_ptr()];
        let topics = rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1);
        let options =
            rd_kafka_AdminOptions_new(client.native_ptr(), rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
        rd_kafka_AdminOptions_set_request_timeout(options, timeout, ptr::null_mut(), 0);
        rd_kafka_DescribeTopics(client.native_ptr(), topics, options, queue);
        let mut event: *mut rd_kafka_event_t = ptr::null_mut();
        while event.is_null() && Instant::now() < deadline && !is_no_use() {
            event = rd_kafka_queue_poll(queue, LOOK_UP);
        }
        let described = described_topic(event);
        if !event.is_null() {
            rd_kafka_event_destroy(event);
        }
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_TopicCollection_destroy(topics);
        rd_kafka_queue_destroy(queue);
        described
    }
}

unsafe fn described_topic(event: *mut rd_kafka_event_t) -> Result<TopicDescription, RDKafkaErrorCode> {
    if event.is_null() {
        return Err(RDKafkaErrorCode::OperationTimedOut);
    }
    // SAFETY: the event is alive, and so is all that lies within it.
    unsafe {
        check(rd_kafka_event_error(event))?;
        let result = rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err(RDKafkaErrorCode::OperationTimedOut);
        }
        let mut count = 0;
        let topics = rd_kafka_DescribeTopics_result_topics(result, &mut count);
        if count == 0 {
            return Err(RDKafkaErrorCode::UnknownTopicOrPartition);
        }
        let topic = *topics;
        check(rd_kafka_error_code(rd_kafka_TopicDescription_error(topic)))?;
        let partitions = rd_kafka_TopicDescription_partitions(topic, &mut count);
        let is_led = |index| {
            let leader = rd_kafka_TopicPartitionInfo_leader(*partitions.add(index));
            !leader.is_null() && rd_kafka_Node_id(leader) >= 0
        };
        let id = rd_kafka_Uuid_base64str(rd_kafka_TopicDescription_topic_id(topic));
        Ok(TopicDescription {
            id: CStr::from_ptr(id).to_string_lossy().replace('+', "-").replace('/', "_"),
            partitions: i32::try_from(count).unwrap_or(i32::MAX),
            is_led: (0..count).all(is_led),
        })
    }
}

/// Asks any broker for the host and port of each broker of the cluster, and for no topic. Blocks for as long as `timeout`.
pub(crate) fn brokers<C: ClientContext>(
    client: &Client<C>,
    timeout: Duration,
) -> Result<Vec<(String, u16)>, RDKafkaErrorCode> {
    let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let mut metadata: *const rd_kafka_metadata = ptr::null();
    // SAFETY: the client is alive. The answer is ours, and read before it is destroyed.
    unsafe {
        check(rd_kafka_metadata(client.native_ptr(), 0, ptr::null_mut(), &mut metadata, timeout))?;
        let count = usize::try_from((*metadata).broker_cnt).unwrap_or(0);
        let named = |index| {
            let broker = &*(*metadata).brokers.add(index);
            let host = CStr::from_ptr(broker.host).to_string_lossy().into_owned();
            (host, u16::try_from(broker.port).unwrap_or(0))
        };
        let brokers = (0..count).map(named).collect();
        rd_kafka_metadata_destroy(metadata);
        Ok(brokers)
    }
}

/// Commits the open transaction (`rd_kafka_commit_transaction`), and waits for no longer than it takes. What rdkafka wraps
/// it in waits in steps of 100 ms.
pub(crate) fn commit_transaction<C: ClientContext>(
    client: &Client<C>,
    timeout: Duration,
) -> Result<(), TransactionError> {
    let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client is alive.
    unsafe { TransactionError::check(rd_kafka_commit_transaction(client.native_ptr(), timeout)) }
}

/// Why a transaction was not committed, or may not have been.
pub(crate) struct TransactionError {
    pub(crate) code: RDKafkaErrorCode,
    pub(crate) reason: String,
}

impl TransactionError {
    unsafe fn check(error: *mut rd_kafka_error_t) -> Result<(), Self> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: the error is ours.
        unsafe {
            let code = rd_kafka_error_code(error).into();
            let reason = CStr::from_ptr(rd_kafka_error_string(error)).to_string_lossy().into_owned();
            rd_kafka_error_destroy(error);
            Err(Self { code, reason })
        }
    }
}

fn check(error: RDKafkaRespErr) -> Result<(), RDKafkaErrorCode> {
    match error {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        error => Err(error.into()),
    }
}

/// A name for librdkafka. No topic's name has a NUL in it.
pub(crate) fn c_string(name: &str) -> Result<CString, RDKafkaErrorCode> {
    CString::new(name).map_err(|_| RDKafkaErrorCode::InvalidTopic)
}

/// A client that is given tokens. It outlives this.
#[cfg(feature = "msk")]
pub(crate) struct Bearer(NonNull<rd_kafka_t>);

// SAFETY: librdkafka's clients may be used from any thread.
#[cfg(feature = "msk")]
unsafe impl Send for Bearer {}

#[cfg(feature = "msk")]
impl Bearer {
    pub(crate) fn of<C: ClientContext>(client: &Client<C>) -> Self {
        // SAFETY: a client is never null.
        Self(unsafe { NonNull::new_unchecked(client.native_ptr()) })
    }

    /// A token that is valid until then, in milliseconds since 1970 UTC. One that librdkafka does not take is none.
    pub(crate) fn give(&self, token: &str, valid_until: i64) {
        let Ok(token) = CString::new(token) else { return self.refuse("the token has a zero character in it") };
        let mut why = [0; 512];
        // SAFETY: the client is alive, the texts end with a zero, and the last one has room for so much.
        let code = unsafe {
            rd_kafka_oauthbearer_set_token(
                self.0.as_ptr(),
                token.as_ptr(),
                valid_until,
                c"".as_ptr(),
                ptr::null_mut(),
                0,
                why.as_mut_ptr(),
                why.len(),
            )
        };
        if check(code).is_err() {
            // SAFETY: librdkafka has written a text into it that ends with a zero.
            self.refuse(&unsafe { CStr::from_ptr(why.as_ptr()) }.to_string_lossy());
        }
    }

    /// There is no token, and why. The client hears of it as of an error.
    pub(crate) fn refuse(&self, reason: &str) {
        let reason = CString::new(reason.replace('\0', " ")).unwrap_or_default();
        // SAFETY: the client is alive, and the text ends with a zero.
        unsafe { rd_kafka_oauthbearer_set_token_failure(self.0.as_ptr(), reason.as_ptr()) };
    }
}
