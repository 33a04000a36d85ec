//! Named places at which a test kills the process.

/// The environment variable that arms a crash point: `NAME`, or `NAME:n` for the n-th time it is reached.
pub const CRASH_POINT_VARIABLE: &str = "PIPELINE_CRASH";

/// Kills the process with SIGKILL if the crash point `name` is armed: no destructor runs, nothing is flushed.
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
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ARMED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);

    pub(super) fn reached(name: &str) {
        let armed = ARMED.get_or_init(|| parse(&std::env::var(super::CRASH_POINT_VARIABLE).ok()?));
        let Some((point, nth)) = armed else { return };
        if point == name && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *nth {
            kill();
        }
    }

    fn parse(text: &str) -> Option<(String, u64)> {
        match text.split_once(':') {
            Some((name, nth)) => Some((name.to_owned(), nth.parse().ok()?)),
            None => Some((text.to_owned(), 1)),
        }
    }

    #[allow(unsafe_code, reason = "no safe call ends a process without running any of its code")]
    fn kill() {
        // SAFETY: both calls take and return plain integers.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        // The signal may take a moment to arrive; nothing may run meanwhile.
        loop {
            std::thread::park();
        }
    }
}
