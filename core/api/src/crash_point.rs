//! Named places at which a test kills the process, or stops it for a while.

/// The environment variable that arms a crash point: `NAME`, or `NAME:n` for the n-th time it is reached.
pub const CRASH_POINT_VARIABLE: &str = "PIPELINE_CRASH";

/// The same, but the process stops there (SIGSTOP) until somebody lets it go on (SIGCONT).
pub const PAUSE_POINT_VARIABLE: &str = "PIPELINE_PAUSE";

/// The same, but the thread that reaches it says so on standard error and hangs there, while all others go on, until a file
/// of the point's name lies in the working directory.
pub const HANG_POINT_VARIABLE: &str = "PIPELINE_HANG";

/// Kills the process with SIGKILL if the crash point `name` is armed: no destructor runs, nothing is flushed. Stops it if
/// a pause is armed there, and its thread if a hang is.
///
/// Stands before and after each durable effect, so that tests can prove that a crash there loses and doubles nothing.
/// Does nothing in release builds.
#[inline]
pub fn crash_at(name: &str) {
    if cfg!(debug_assertions) {
        armed::reached(name);
    }
}

mod armed {
    use std::io::Write;
    use std::path::Path;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    static CRASH: LazyLock<Option<Armed>> = LazyLock::new(|| Armed::by(super::CRASH_POINT_VARIABLE));
    static PAUSE: LazyLock<Option<Armed>> = LazyLock::new(|| Armed::by(super::PAUSE_POINT_VARIABLE));
    static HANG: LazyLock<Option<Armed>> = LazyLock::new(|| Armed::by(super::HANG_POINT_VARIABLE));

    /// A point at which something happens.
    struct Armed {
        point: String,
        nth: u64,
        reached: AtomicU64,
    }

    pub(super) fn reached(name: &str) {
        if CRASH.as_ref().is_some_and(|armed| armed.is_due(name)) {
            signal(libc::SIGKILL);
            // The signal may take a moment to arrive; nothing may run meanwhile.
            loop {
                std::thread::park();
            }
        }
        if PAUSE.as_ref().is_some_and(|armed| armed.is_due(name)) {
            signal(libc::SIGSTOP);
        }
        if HANG.as_ref().is_some_and(|armed| armed.is_due(name)) {
            _ = writeln!(std::io::stderr(), "hangs at {name}");
            while !Path::new(name).exists() {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    impl Armed {
        fn by(variable: &str) -> Option<Self> {
            let text = std::env::var(variable).ok()?;
            let (point, nth) = match text.split_once(':') {
                Some((point, nth)) => (point.to_owned(), nth.parse().ok()?),
                None => (text, 1),
            };
            Some(Self { point, nth, reached: AtomicU64::new(0) })
        }

        fn is_due(&self, name: &str) -> bool {
            self.point == name && self.reached.fetch_add(1, Ordering::SeqCst) + 1 == self.nth
        }
    }

    #[allow(unsafe_code, reason = "no safe call ends or stops a process without running any of its code")]
    fn signal(signal: i32) {
        // SAFETY: both calls take and return plain integers.
        unsafe { libc::kill(libc::getpid(), signal) };
    }
}
