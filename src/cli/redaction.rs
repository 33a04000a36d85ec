//! The doors through which texts leave the program: no secret of a pipeline file goes through them.

use std::io::{self, Write};
use std::sync::RwLock;

use pipeline_runtime::Redactor;

/// The secrets of all files that were loaded.
static SECRETS: RwLock<Option<Redactor>> = RwLock::new(None);

/// From now on these secrets are taken out as well.
pub(super) fn hide(secrets: &Redactor) {
    let mut hidden = SECRETS.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    *hidden = Some(Redactor::of_all(hidden.iter().chain([secrets])));
}

/// `text` without any secret.
pub(super) fn redacted(text: &str) -> String {
    let secrets = SECRETS.read().unwrap_or_else(|poisoned| poisoned.into_inner());
    secrets.as_ref().map_or_else(|| Redactor::default().redact(text), |secrets| secrets.redact(text))
}

/// Lets a panic say what it says without any secret. Called first thing in `main`.
pub(super) fn guard_panics(say: fn(&str)) {
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current().name().unwrap_or("without a name").to_owned();
        say(&redacted(&format!("thread '{thread}' {panic}")));
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            say(&redacted(&trace.to_string()));
        }
    }));
}

/// Passes on lines, each of which comes in one piece, without any secret.
pub(super) struct Redacted<W>(pub(super) W);

impl<W: Write> Write for Redacted<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(redacted(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[test]
    fn no_secret_goes_through_a_log_line_or_a_panic() {
        hide(&Redactor::new([("hunter-one", "***")]));
        hide(&Redactor::new([("hunter-two", "${env:TWO}")]));
        let mut lines = Redacted(Vec::new());
        lines.write_all(b"hunter-one, hunter-two and s3://me:pass@lake\n").unwrap();
        assert_eq!(String::from_utf8(lines.0).unwrap(), "***, ${env:TWO} and s3://***@lake\n");

        let before = std::panic::take_hook();
        guard_panics(|line| SAID.lock().unwrap().push(line.to_owned()));
        let panicked =
            std::thread::Builder::new().name("one".into()).spawn(|| panic!("with hunter-one")).unwrap().join();
        std::panic::set_hook(before);
        let said = SAID.lock().unwrap().join("\n");
        assert!(panicked.is_err() && said.contains("thread 'one' panicked at ") && said.contains("with ***"), "{said}");
        assert!(!said.contains("hunter"), "{said}");
    }
}
