//! What the plugins and the broker of one test have done, and what they are told to do next.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use pipeline_api::{Error, ErrorKind, OffsetRange, Result, Verdict};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// What was done, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A source was opened and goes on with this number.
    SourceOpened(i64),
    /// A source was told that everything below this number is durable.
    SourceTold(i64),
    /// So many rows of a partition were put.
    Put(i32, usize),
    /// The same, as lines.
    PutLines(i32, usize),
    Revoked(Vec<i32>),
    Discarded(i32, OffsetRange),
    /// The work of a flush began, with these ranges.
    FlushBegan(BTreeMap<i32, OffsetRange>),
    /// These ranges are durable.
    Durable(BTreeMap<i32, OffsetRange>),
    /// A hook was called with so many artifacts.
    Hook(usize),
    HookAtEnd,
    /// The group committed: by partition the offset, and where the planned range ends, if one is noted.
    Committed(BTreeMap<i32, (i64, Option<i64>)>),
    /// The call does something else than to pass.
    Failed(Call),
    /// Partitions are assigned to this member, counted over all members of the test.
    Assigned(u64, Vec<i32>),
}

/// A call that can be told to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    OpenSource,
    Poll,
    OpenSink,
    Put,
    /// The sink's call, which detaches the work.
    Flush,
    Discard,
    /// The detached work, after it has made its first range durable.
    FlushWork,
    Hook,
    HookAtEnd,
    GroupCommit,
    ProducerCommit,
    /// What the topic holds, asked of the broker.
    Bounds,
}

impl Call {
    /// Those that storms let fail.
    pub(crate) const ALL: [Self; 10] = [
        Self::OpenSource,
        Self::Poll,
        Self::OpenSink,
        Self::Put,
        Self::Flush,
        Self::FlushWork,
        Self::Hook,
        Self::HookAtEnd,
        Self::GroupCommit,
        Self::ProducerCommit,
    ];
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Pass,
    Fail(ErrorKind),
    Panic,
    /// Only a broker's: somebody else owns it now.
    Fence,
    /// Only a broker's: it is done, and the answer is lost.
    LoseAnswer,
    /// Only a discard's: it takes so long.
    Take(Duration),
    /// It waits for ever.
    Wait,
    /// It holds its thread for ever.
    Block,
}

pub(crate) const RETRIABLE: Step = Step::Fail(ErrorKind::Retriable);
pub(crate) const FATAL: Step = Step::Fail(ErrorKind::Fatal);

/// A durable object: the numbers that lie in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) partition: i32,
    pub(crate) offsets: OffsetRange,
    pub(crate) numbers: Vec<i64>,
    /// The version of the file that wrote it.
    pub(crate) version: u32,
}

#[derive(Debug)]
pub(crate) struct State {
    events: Mutex<Vec<(Instant, Event)>>,
    changed: watch::Sender<()>,
    objects: Mutex<BTreeMap<String, Object>>,
    script: Mutex<HashMap<Call, Script>>,
    refused: Mutex<BTreeSet<i64>>,
    takes_lines: AtomicBool,
    verdicts: Mutex<VecDeque<Verdict>>,
    gate: watch::Sender<bool>,
    flush_takes: Mutex<Duration>,
    transaction_takes: Mutex<Duration>,
    polls: AtomicU64,
    buffered: AtomicU64,
    members: AtomicU64,
}

#[derive(Debug)]
struct Script {
    next: VecDeque<Step>,
    then: Step,
}

static STATES: LazyLock<Mutex<Vec<Arc<State>>>> = LazyLock::new(Mutex::default);

impl State {
    /// A new state, and the number under which plugins find it.
    pub(crate) fn register() -> (usize, Arc<Self>) {
        let state = Arc::new(Self {
            events: Mutex::default(),
            changed: watch::Sender::new(()),
            objects: Mutex::default(),
            script: Mutex::default(),
            refused: Mutex::default(),
            takes_lines: AtomicBool::new(false),
            verdicts: Mutex::default(),
            gate: watch::Sender::new(true),
            flush_takes: Mutex::default(),
            transaction_takes: Mutex::default(),
            polls: AtomicU64::new(0),
            buffered: AtomicU64::new(0),
            members: AtomicU64::new(0),
        });
        let mut states = lock(&STATES);
        states.push(state.clone());
        (states.len() - 1, state)
    }

    pub(crate) fn find(test: usize) -> Arc<Self> {
        lock(&STATES)[test].clone()
    }

    pub(crate) fn record(&self, event: Event) {
        lock(&self.events).push((Instant::now(), event));
        self.changed.send_replace(());
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        lock(&self.events).iter().map(|(_, event)| event.clone()).collect()
    }

    /// When events happened.
    pub(crate) fn times(&self, is_meant: impl Fn(&Event) -> bool) -> Vec<Instant> {
        lock(&self.events).iter().filter(|(_, event)| is_meant(event)).map(|(at, _)| *at).collect()
    }

    pub(crate) fn forget_events(&self) {
        lock(&self.events).clear();
    }

    /// Waits until the events are as wanted.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&[Event]) -> bool) {
        let mut changed = self.changed.subscribe();
        let wait = async {
            while !holds(&self.events()) {
                changed.changed().await.unwrap();
            }
        };
        let waited = timeout(Duration::from_secs(3600), wait).await;
        assert!(waited.is_ok(), "never {what}, but: {:#?}", self.events());
    }

    /// What the next calls do, one after the other.
    pub(crate) fn script(&self, call: Call, steps: impl IntoIterator<Item = Step>) {
        lock(&self.script).insert(call, Script { next: steps.into_iter().collect(), then: Step::Pass });
    }

    /// The sink takes lines too.
    pub(crate) fn take_lines(&self) {
        self.takes_lines.store(true, Ordering::Relaxed);
    }

    pub(crate) fn takes_lines(&self) -> bool {
        self.takes_lines.load(Ordering::Relaxed)
    }

    /// What every call does from now on.
    pub(crate) fn always(&self, call: Call, step: Step) {
        lock(&self.script).insert(call, Script { next: VecDeque::new(), then: step });
    }

    pub(crate) fn next(&self, call: Call) -> Step {
        let step = match lock(&self.script).get_mut(&call) {
            Some(script) => script.next.pop_front().unwrap_or(script.then),
            None => Step::Pass,
        };
        if step != Step::Pass {
            self.record(Event::Failed(call));
        }
        step
    }

    pub(crate) async fn until_failed(&self, call: Call) {
        self.until("a failure", |events| events.contains(&Event::Failed(call))).await;
    }

    pub(crate) fn act(&self, call: Call) -> Result<()> {
        self.take(call, self.next(call))
    }

    /// The same for a call that may be told to wait.
    pub(crate) async fn perform(&self, call: Call) -> Result<()> {
        let step = self.next(call);
        if step == Step::Wait {
            std::future::pending::<()>().await;
        }
        self.take(call, step)
    }

    fn take(&self, call: Call, step: Step) -> Result<()> {
        match step {
            Step::Fail(kind) => Err(Error::new(kind, format!("{call:?} fails as told"))),
            Step::Panic => panic!("{call:?} panics as told"),
            Step::Block => loop {
                std::thread::park();
            },
            Step::Pass | Step::Fence | Step::LoseAnswer | Step::Take(_) | Step::Wait => Ok(()),
        }
    }

    /// The sink accepts no batch with one of these numbers.
    pub(crate) fn refuse(&self, numbers: impl IntoIterator<Item = i64>) {
        *lock(&self.refused) = numbers.into_iter().collect();
    }

    pub(crate) fn is_refused(&self, number: i64) -> bool {
        lock(&self.refused).contains(&number)
    }

    /// What the next calls of the hook find.
    pub(crate) fn judge(&self, verdicts: impl IntoIterator<Item = Verdict>) {
        *lock(&self.verdicts) = verdicts.into_iter().collect();
    }

    pub(crate) fn next_verdict(&self) -> Option<Verdict> {
        lock(&self.verdicts).pop_front()
    }

    /// From now on the work of every flush waits for `open_gate`.
    pub(crate) fn shut_gate(&self) {
        self.gate.send_replace(false);
    }

    pub(crate) fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    /// From now on the work of every flush takes so long.
    pub(crate) fn slow_down(&self, by: Duration) {
        *lock(&self.flush_takes) = by;
    }

    pub(crate) fn was_polled(&self) {
        self.polls.fetch_add(1, Ordering::Relaxed);
    }

    /// How often sources were polled.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// From now on the commit of every transaction takes so long, also one that fails.
    pub(crate) fn slow_down_transactions(&self, by: Duration) {
        *lock(&self.transaction_takes) = by;
    }

    pub(crate) async fn wait_as_a_transaction_does(&self) {
        let takes = *lock(&self.transaction_takes);
        tokio::time::sleep(takes).await;
    }

    pub(crate) async fn pass_gate(&self) {
        let takes = *lock(&self.flush_takes);
        tokio::time::sleep(takes).await;
        self.gate.subscribe().wait_for(|open| *open).await.unwrap();
    }

    pub(crate) fn store(&self, name: String, object: Object) {
        let stored = lock(&self.objects).entry(name.clone()).or_insert(object.clone()).clone();
        assert_eq!(stored, object, "`{name}` was written with other rows before");
    }

    pub(crate) fn remove(&self, name: &str) {
        lock(&self.objects).remove(name);
    }

    pub(crate) fn objects(&self) -> Vec<Object> {
        lock(&self.objects).values().cloned().collect()
    }

    /// The most rows that a sink has held at once.
    pub(crate) fn most_buffered(&self) -> u64 {
        self.buffered.load(Ordering::SeqCst)
    }

    pub(crate) fn holds(&self, rows: u64) {
        self.buffered.fetch_max(rows, Ordering::SeqCst);
    }

    pub(crate) fn next_member(&self) -> u64 {
        self.members.fetch_add(1, Ordering::SeqCst)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
