//! When a flush is due.

use pipeline_api::Buffered;
use tokio::time::Instant;

use crate::plan::FlushPolicy;

/// Watches what was put since the last flush.
#[derive(Debug)]
pub(super) struct FlushTrigger {
    policy: FlushPolicy,
    rows: u64,
    first_put: Option<Instant>,
    last_put: Option<Instant>,
}

impl FlushTrigger {
    pub(super) fn new(policy: FlushPolicy) -> Self {
        Self { policy, rows: 0, first_put: None, last_put: None }
    }

    /// So many rows were put just now.
    pub(super) fn put(&mut self, rows: u64, now: Instant) {
        self.rows += rows;
        self.first_put.get_or_insert(now);
        self.last_put = Some(now);
    }

    /// Everything that was put is being flushed, or was forgotten.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.policy);
    }

    /// Whether a flush is due.
    pub(super) fn is_due(&self, buffered: Buffered, now: Instant) -> bool {
        self.policy.rows.is_some_and(|rows| self.rows >= rows)
            || buffered.encoded >= self.policy.bytes.bytes()
            || self.is_full(buffered)
            || self.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// Whether the sink holds as much as it may while an earlier flush is under way: both together keep within the budget.
    pub(super) fn is_full(&self, buffered: Buffered) -> bool {
        buffered.memory >= self.policy.memory.bytes() / 2
    }

    /// When a flush becomes due if nothing more is put; `None` if nothing was put.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let aged = self.first_put? + self.policy.every;
        let idle = self.policy.idle.zip(self.last_put).map(|(idle, last)| last + idle);
        Some(idle.map_or(aged, |idle| idle.min(aged)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipeline_api::ByteSize;
    use proptest::prelude::*;

    use super::*;

    const NOTHING: Buffered = Buffered { encoded: 0, memory: 0 };

    fn policy() -> FlushPolicy {
        FlushPolicy {
            rows: Some(10),
            bytes: ByteSize::mib(1),
            every: Duration::from_secs(60),
            idle: Some(Duration::from_secs(5)),
            memory: ByteSize::mib(8),
        }
    }

    #[test]
    fn each_bound_alone_makes_a_flush_due() {
        let (policy, now) = (policy(), Instant::now());
        let mut trigger = FlushTrigger::new(policy);
        assert!(!trigger.is_due(NOTHING, now + Duration::from_secs(3600)), "nothing was put");
        trigger.put(9, now);
        assert!(!trigger.is_due(NOTHING, now));
        assert!(trigger.is_due(Buffered { encoded: 1 << 20, ..NOTHING }, now), "bytes");
        assert!(trigger.is_due(Buffered { memory: 4 << 20, ..NOTHING }, now), "memory");
        assert!(trigger.is_due(NOTHING, now + Duration::from_secs(5)), "idle");
        trigger.put(1, now);
        assert!(trigger.is_due(NOTHING, now), "rows");
        trigger.restart();
        assert!(!trigger.is_due(NOTHING, now));
    }

    #[test]
    fn a_trickle_that_is_never_idle_is_flushed_by_age() {
        let (mut policy, now) = (policy(), Instant::now());
        policy.rows = None;
        let mut trigger = FlushTrigger::new(policy);
        for second in 0..60 {
            assert!(!trigger.is_due(NOTHING, now + Duration::from_secs(second)), "{second}");
            trigger.put(1, now + Duration::from_secs(second));
        }
        assert!(trigger.is_due(NOTHING, now + Duration::from_secs(60)));
    }

    proptest! {
        #[test]
        fn how_puts_are_cut_makes_no_difference(
            puts in proptest::collection::vec((0..5u64, 0..20u64), 1..9), after in 0..90u64, memory in 0..8u64 << 20,
        ) {
            let (policy, start) = (policy(), Instant::now());
            let mut seconds = 0;
            let times: Vec<(u64, Instant)> = puts
                .iter()
                .map(|(rows, later)| {
                    seconds += later;
                    (*rows, start + Duration::from_secs(seconds))
                })
                .collect();
            let mut trigger = FlushTrigger::new(policy);
            let mut singly = FlushTrigger::new(policy);
            for (rows, at) in &times {
                trigger.put(*rows, *at);
                singly.put(0, *at);
                (0..*rows).for_each(|_| singly.put(1, *at));
            }
            let (rows, first, last) = (puts.iter().map(|put| put.0).sum::<u64>(), times[0].1, times[times.len() - 1].1);
            let deadline = (first + policy.every).min(last + Duration::from_secs(5));
            prop_assert_eq!(trigger.deadline(), Some(deadline));
            prop_assert_eq!(singly.deadline(), Some(deadline));
            let (buffered, now) = (Buffered { memory, ..NOTHING }, last + Duration::from_secs(after));
            let expected = rows >= 10 || memory >= 4 << 20 || now >= deadline;
            prop_assert_eq!(trigger.is_due(buffered, now), expected);
            prop_assert_eq!(singly.is_due(buffered, now), expected);
        }
    }
}
