//! Variables from a file: `--env-file`.

use std::collections::BTreeMap;
use std::path::Path;

use pipeline_api::{Error, Result};

/// The variables of a file of `NAME=value` lines, as shells and Docker write it: `#` begins a comment line, `export` may
/// stand before a name, and a value may be in single or double quotes. The command line lays the process environment over
/// them.
///
/// Errors: the file cannot be read, or a line is no assignment; its text is not shown.
pub fn read_env_file(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = super::text::read(path).map_err(|why| Error::config(format!("{} {why}", path.display())))?;
    let mut variables = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = assignment(line).ok_or_else(|| {
            Error::config(format!("{}:{}: this is no variable, expected NAME=value", path.display(), index + 1))
        })?;
        variables.insert(name.into(), value.into());
    }
    Ok(variables)
}

fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    Some((name, quoted('"').or_else(|| quoted('\'')).unwrap_or(value)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_env_file_reads_as_a_shell_reads_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# keys\nexport A=1\nB = \"x = y\"\nC='#'\n\nD=\n").unwrap();
        let variables = read_env_file(file.path()).unwrap();
        let expected = [("A", "1"), ("B", "x = y"), ("C", "#"), ("D", "")];
        assert_eq!(variables, expected.map(|(name, value)| (name.into(), value.into())).into());
    }

    #[test]
    fn a_line_that_is_no_variable_is_named_by_its_number_and_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "A=1\nhunter2\n").unwrap();
        let message = read_env_file(file.path()).unwrap_err().to_string();
        assert!(message.ends_with(":2: this is no variable, expected NAME=value"), "{message}");
        assert!(!message.contains("hunter2"));
    }
}
