//! What is wrong with a config, and where.

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file runs; a person should know.
    Warning,
}

/// One thing that is wrong with a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the file is refused for it.
    pub severity: Severity,
    /// Where, as a JSON pointer relative to the config: `/partition_by/0`; the empty text is the config itself.
    pub pointer: String,
    /// What was found and what would be right.
    pub message: String,
}

/// Collects everything that is wrong with a config, so that a person sees all of it at once.
#[derive(Clone, Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// The file is refused because of what is at `pointer`.
    pub fn error(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Error, pointer: pointer.into(), message: message.into() });
    }

    /// The file runs, but a person should know about what is at `pointer`.
    pub fn warning(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Warning, pointer: pointer.into(), message: message.into() });
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All findings, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The word of `known` that a person who wrote `word` most likely meant, if one is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length == 0 {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count().min(length) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_another_word_finds_none() {
        let known = ["format", "url", "partition_by"];
        assert_eq!(nearest("formt", known), Some("format"));
        assert_eq!(nearest("partitionby", known), Some("partition_by"));
        assert_eq!(nearest("bucket", known), None);
        assert_eq!(nearest("", ["o"]), None);
    }
}
