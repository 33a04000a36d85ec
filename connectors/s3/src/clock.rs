//! This machine's clock beside a server's.

use std::time::Duration;

use jiff::fmt::rfc2822;
use pipeline_api::{Error, HumanDuration, Result, Timestamp};

/// How far clocks may differ. AWS takes requests that were signed within 5 minutes of its own time ("AWS Identity and Access
/// Management User Guide", elements of a signature); S3 takes somewhat more.
const MOST: Duration = Duration::from_secs(5 * 60);

/// What a server said of the time, between two looks at this machine's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerClock {
    /// As in the header `Date`, in whole seconds.
    pub(crate) date: String,
    pub(crate) asked: Timestamp,
    pub(crate) answered: Timestamp,
}

impl ServerClock {
    /// What is worth knowing of the two clocks.
    ///
    /// Errors: they differ too much.
    pub(crate) fn judge(&self) -> Result<String> {
        let Ok(date) = rfc2822::parse(&self.date).map(|date| date.timestamp()) else {
            return Ok("the server's clock cannot be read".into());
        };
        // The second that it said had begun, and was not over.
        let ahead = millis(self.asked) - millis(date) - 999;
        let behind = millis(date) - millis(self.answered);
        let (apart, side) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
        let Some(apart) = u64::try_from(apart).ok().filter(|apart| *apart > 0) else {
            return Ok("the clocks agree".into());
        };
        let said = format!("this machine's clock is {} {side} the server's", HumanDuration::millis(apart));
        match Duration::from_millis(apart) > MOST {
            true => Err(Error::config(format!(
                "{said}: beyond 5 minutes servers refuse what is signed (RequestTimeTooSkewed); set the clock, best by NTP"
            ))),
            false => Ok(said),
        }
    }
}

fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said where this machine's clock shows `ours`, and the answer takes half a second.
    fn judged(ours: &str) -> Result<String> {
        let asked: Timestamp = ours.parse().unwrap();
        let answered = asked.checked_add(jiff::SignedDuration::from_millis(500)).unwrap();
        ServerClock { date: "Fri, 27 Nov 2026 16:00:00 GMT".into(), asked, answered }.judge()
    }

    #[test]
    fn clocks_agree_as_far_as_a_second_and_the_way_allow_to_say() {
        for agree in ["2026-11-27T15:59:59.5Z", "2026-11-27T16:00:00Z", "2026-11-27T16:00:00.9Z"] {
            assert_eq!(judged(agree).unwrap(), "the clocks agree", "{agree}");
        }
        assert_eq!(judged("2026-11-27T16:00:02.999Z").unwrap(), "this machine's clock is 2s ahead of the server's");
        assert_eq!(judged("2026-11-27T15:59:56.5Z").unwrap(), "this machine's clock is 3s behind the server's");
    }

    #[test]
    fn a_clock_that_makes_servers_refuse_is_wrong_on_either_side() {
        for (ours, side) in [("2026-11-27T16:10:00.999Z", "10m ahead of"), ("2026-11-27T15:49:59.5Z", "10m behind")] {
            let error = judged(ours).unwrap_err().to_string();
            assert!(error.starts_with(&format!("this machine's clock is {side} the server's: ")), "{error}");
            assert!(error.contains("set the clock"), "{error}");
        }
        assert!(judged("2026-11-27T16:04:59Z").is_ok());
    }

    #[test]
    fn a_server_that_says_no_time_is_no_reason_to_stop() {
        let now = Timestamp::now();
        let clock = ServerClock { date: "yesterday".into(), asked: now, answered: now };
        assert_eq!(clock.judge().unwrap(), "the server's clock cannot be read");
    }
}
