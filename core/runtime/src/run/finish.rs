//! The end of a bounded run, as the tasks of one sink see it.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

/// What the tasks of one sink know together about the end of a bounded run.
#[derive(Clone)]
pub(super) struct Finish {
    ends: watch::Receiver<Option<Arc<[i64]>>>,
    done: watch::Sender<BTreeSet<i32>>,
    seen: watch::Receiver<BTreeSet<i32>>,
}

impl Finish {
    pub(super) fn new(ends: watch::Receiver<Option<Arc<[i64]>>>) -> Self {
        let (done, seen) = watch::channel(BTreeSet::new());
        Self { ends, done, seen }
    }

    /// The topic's end offsets, once the sources have ended.
    pub(super) fn ends(&self) -> Option<Arc<[i64]>> {
        self.ends.borrow().clone()
    }

    /// These partitions are committed up to the end. That stays so.
    pub(super) fn report(&self, partitions: impl Iterator<Item = i32>) {
        let mut partitions = partitions.peekable();
        if partitions.peek().is_some() {
            self.done.send_if_modified(|done| {
                let before = done.len();
                done.extend(partitions);
                done.len() > before
            });
        }
    }

    /// Whether all partitions of the topic are committed up to the end.
    pub(super) fn is_complete(&self) -> bool {
        self.ends.borrow().as_ref().is_some_and(|ends| self.done.borrow().len() >= ends.len())
    }

    /// The partitions that nobody has reported yet, once the ends are known, with these.
    pub(super) fn missing(&self) -> Vec<(i32, i64)> {
        let (ends, done) = (self.ends(), self.done.borrow());
        let all = (0..).zip(ends.iter().flat_map(|ends| ends.iter().copied()));
        all.filter(|(partition, _)| !done.contains(partition)).collect()
    }

    /// Waits until any of this changes. Dropping the call loses nothing.
    pub(super) async fn changed(&mut self) {
        tokio::select! {
            Ok(()) = self.ends.changed() => {}
            Ok(()) = self.seen.changed() => {}
            else => std::future::pending().await,
        }
    }
}
