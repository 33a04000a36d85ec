//! Where the records of a batch were found.

/// The files and lines of the records of a batch.
#[derive(Default)]
pub(crate) struct Places {
    /// The first row of each file, and its name.
    files: Vec<(usize, String)>,
    lines: Vec<u64>,
}

impl Places {
    /// The next record begins on this line.
    pub(crate) fn push(&mut self, file: &str, line: u64) {
        if self.files.last().is_none_or(|(_, last)| last != file) {
            self.files.push((self.lines.len(), file.to_owned()));
        }
        self.lines.push(line);
    }

    /// The place of a record: `stocks.csv:17`.
    pub(crate) fn of(&self, row: usize) -> Option<String> {
        let line = self.lines.get(row)?;
        let (_, file) = self.files.iter().rev().find(|(first, _)| *first <= row)?;
        Some(format!("{file}:{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn each_record_is_found_in_its_file() {
        let mut places = Places::default();
        for (file, line) in [("a.csv", 2), ("a.csv", 3), ("b.csv", 2), ("a.csv", 7)] {
            places.push(file, line);
        }
        let found: Vec<_> = (0..5).map(|row| places.of(row)).collect();
        let expected = [Some("a.csv:2"), Some("a.csv:3"), Some("b.csv:2"), Some("a.csv:7"), None];
        assert_eq!(found, expected.map(|place| place.map(str::to_owned)));
    }
}
