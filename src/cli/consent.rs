//! What cannot be undone is asked for.

use std::io::{self, BufRead, IsTerminal, Write};

use super::Failure;

/// Tells a person what `command` is about to do, a line each, and asks whether to go on.
///
/// Errors: nobody is there to answer.
pub(super) fn ask(out: &mut impl Write, command: &str, lines: &[String]) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{command}, and nobody is there to answer: add --yes")));
    }
    for line in lines {
        writeln!(out, "{line}")?;
    }
    write!(out, "Go on? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
