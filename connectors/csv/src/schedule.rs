//! When records are released.

use std::time::Duration;

use tokio::time::Instant;

/// Gives each record an absolute deadline, so that a slow reader catches up instead of drifting.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// The column of the record's time.
    pub(crate) column: usize,
    speed: f64,
    origin: Option<Origin>,
}

/// When the first record of the run was released, and its time.
#[derive(Clone, Copy, Debug)]
struct Origin {
    released: Instant,
    micros: i64,
}

/// What is beyond this many seconds is as good as never, and safe to add to a clock.
const FAR: f64 = 1e9;

impl Schedule {
    pub(crate) fn new(column: usize, speed: f64) -> Self {
        Self { column, speed, origin: None }
    }

    /// When a record of the time `micros` (in microseconds since 1970) is due, if that is after `now`.
    pub(crate) fn wait_until(&mut self, micros: i64, now: Instant) -> Option<Instant> {
        let origin = *self.origin.get_or_insert(Origin { released: now, micros });
        let later = micros.saturating_sub(origin.micros);
        if later <= 0 {
            return None;
        }
        let seconds = (later as f64 / 1e6 / self.speed).min(FAR);
        let due = origin.released + Duration::from_secs_f64(seconds);
        (due > now).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_follows_from_the_first_record_alone() {
        let start = Instant::now();
        let mut schedule = Schedule::new(0, 60.0);
        assert_eq!(schedule.wait_until(1_000_000, start), None);
        let late = start + Duration::from_millis(900);
        assert_eq!(schedule.wait_until(61_000_000, late), Some(start + Duration::from_secs(1)));
        assert_eq!(schedule.wait_until(61_000_000, start + Duration::from_secs(1)), None);
        assert_eq!(schedule.wait_until(0, late), None);
        assert!(schedule.wait_until(i64::MAX, late).is_some());
    }
}
