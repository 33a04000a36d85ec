//! Lines as they come in.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, OnceLock};

use pipeline_api::{Error, Result};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};

/// The most lines that come at once.
const AT_ONCE: usize = 1024;
/// The longest line, so that input without line ends cannot fill the memory.
pub(crate) const LONGEST: usize = 1024 * 1024;

/// Lines that have come in, as many as there were.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    text: Vec<u8>,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// From 1.
    number: u64,
    /// Where it ends in the text.
    end: usize,
    is_cut: bool,
}

impl Lines {
    /// Each line without its end: its number, its text, and whether it was cut because it is longer than [`LONGEST`].
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &[u8], bool)> {
        let starts = std::iter::once(0).chain(self.lines.iter().map(|line| line.end));
        self.lines.iter().zip(starts).map(|(line, start)| (line.number, &self.text[start..line.end], line.is_cut))
    }
}

/// Where lines come from. Only one source holds it.
pub(crate) struct Input(OwnedMutexGuard<mpsc::Receiver<io::Result<Lines>>>);

type Receiver = Arc<Mutex<mpsc::Receiver<io::Result<Lines>>>>;

impl Input {
    /// Standard input. Errors: another source has it.
    ///
    /// It is read by one thread for the whole life of the process: nothing can interrupt a read of a terminal, so a task
    /// that waited in one could not be stopped; and a source that is opened again finds the lines that its predecessor
    /// had not taken.
    pub(crate) fn stdin() -> Result<Self> {
        static STDIN: OnceLock<Receiver> = OnceLock::new();
        let receiver = STDIN.get_or_init(|| read(io::stdin()));
        let held = receiver.clone().try_lock_owned();
        held.map(Self).map_err(|_| Error::config("standard input has two console sources, expected one"))
    }

    #[cfg(test)]
    pub(crate) fn of(input: impl Read + Send + 'static) -> Result<Self> {
        read(input).try_lock_owned().map(Self).map_err(|error| Error::fatal(error.to_string()))
    }

    /// Waits until there is a line, and returns what there is. `None` means that the input has ended. A dropped call
    /// loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Lines>> {
        let lines = self.0.recv().await.transpose();
        lines.map_err(|error| Error::fatal("standard input cannot be read").with_source(error))
    }
}

/// Reads lines in a thread of their own, a few batches ahead.
fn read(input: impl Read + Send + 'static) -> Receiver {
    let (sender, receiver) = mpsc::channel(2);
    std::thread::spawn(move || {
        let mut reader = LineReader { input: BufReader::with_capacity(64 * 1024, input), number: 0 };
        while let Some(lines) = reader.read_available().transpose() {
            let failed = lines.is_err();
            if sender.blocking_send(lines).is_err() || failed {
                return;
            }
        }
    });
    Arc::new(Mutex::new(receiver))
}

struct LineReader<R> {
    input: BufReader<R>,
    number: u64,
}

impl<R: Read> LineReader<R> {
    /// Waits for one line, and takes those that came with it. Blank lines are counted and left out.
    fn read_available(&mut self) -> io::Result<Option<Lines>> {
        let mut lines = Lines::default();
        while self.read_line(&mut lines)? {
            let is_line_waiting = self.input.buffer().contains(&b'\n');
            if !lines.lines.is_empty() && (!is_line_waiting || lines.lines.len() == AT_ONCE) {
                return Ok(Some(lines));
            }
        }
        Ok((!lines.lines.is_empty()).then_some(lines))
    }

    /// Whether there was a line.
    fn read_line(&mut self, lines: &mut Lines) -> io::Result<bool> {
        let start = lines.text.len();
        let mut length = 0;
        loop {
            let available = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                available => available?,
            };
            if available.is_empty() && length == 0 {
                return Ok(false);
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            let room = (LONGEST + 1).saturating_sub(lines.text.len() - start);
            lines.text.extend_from_slice(&part[..part.len().min(room)]);
            let is_over = end.is_some() || available.is_empty();
            let consumed = part.len() + usize::from(end.is_some());
            self.input.consume(consumed);
            length += consumed;
            if is_over {
                break;
            }
        }
        self.number += 1;
        self.finish_line(start, lines);
        Ok(true)
    }

    fn finish_line(&self, start: usize, lines: &mut Lines) {
        if lines.text[start..].ends_with(b"\r") {
            lines.text.pop();
        }
        let is_cut = lines.text.len() - start > LONGEST;
        lines.text.truncate(start + LONGEST.min(lines.text.len() - start));
        if lines.text[start..].trim_ascii().is_empty() {
            lines.text.truncate(start);
            return;
        }
        lines.lines.push(Line { number: self.number, end: lines.text.len(), is_cut });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what was typed, one piece a read.
    struct Typed(std::vec::IntoIter<&'static str>);

    impl Read for Typed {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let piece = self.0.next().unwrap_or_default().as_bytes();
            into[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn reader<R: Read>(input: R) -> LineReader<R> {
        LineReader { input: BufReader::new(input), number: 0 }
    }

    fn texts(lines: &Lines) -> Vec<(u64, String)> {
        lines.iter().map(|(number, text, _)| (number, String::from_utf8_lossy(text).into_owned())).collect()
    }

    #[test]
    fn a_line_is_handed_over_as_soon_as_no_other_whole_line_is_there() {
        let typed = Typed(vec!["a\nb\nc", "c\n", "\n\r\n", "d\r\ne"].into_iter());
        let mut reader = reader(typed);
        assert_eq!(texts(&reader.read_available().unwrap().unwrap()), [(1, "a".into()), (2, "b".into())]);
        assert_eq!(texts(&reader.read_available().unwrap().unwrap()), [(3, "cc".into())]);
        assert_eq!(texts(&reader.read_available().unwrap().unwrap()), [(6, "d".into())]);
        assert_eq!(texts(&reader.read_available().unwrap().unwrap()), [(7, "e".into())]);
        assert!(reader.read_available().unwrap().is_none());
    }

    #[test]
    fn no_more_than_1024_lines_come_at_once() {
        let mut reader = reader(io::Cursor::new("x\n".repeat(1500)));
        let counts: Vec<usize> =
            std::iter::from_fn(|| reader.read_available().unwrap()).map(|lines| lines.iter().count()).collect();
        assert_eq!(counts, [1024, 476]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_next_one_is_whole() {
        let mut reader =
            reader(io::Cursor::new(format!("{}\nshort\n{}", "x".repeat(3 * LONGEST), "y".repeat(LONGEST))));
        let mut lines = Vec::new();
        while let Some(some) = reader.read_available().unwrap() {
            lines.extend(some.iter().map(|(number, text, is_cut)| (number, text.len(), is_cut)).collect::<Vec<_>>());
        }
        assert_eq!(lines, [(1, LONGEST, true), (2, 5, false), (3, LONGEST, false)]);
    }
}
