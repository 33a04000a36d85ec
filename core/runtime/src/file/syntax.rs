//! What is no YAML, as a person says it.

/// What the parser says, in part, and what a person should do.
const WORDS: [(&str, &str); 17] = [
    (
        "mapping values are not allowed",
        "a `:` stands where no field can begin, expected `name: value` alone on its line, or the text in quotes",
    ),
    ("must be followed by a valid YAML whitespace", "expected a blank behind `:`"),
    ("invalid indentation in quoted scalar", "a quoted text does not end where it should, expected a closing quote"),
    (
        "unknown escape character",
        "an escape that there is not, expected `\\\\` for a backslash, or the text in single quotes",
    ),
    ("unexpected character", "a text cannot begin with this character, expected it in quotes"),
    ("unknown anchor", "an alias of nothing, expected `&name` before `*name`, or the text in quotes"),
    ("while scanning an anchor or alias", "expected a name behind `&` or `*`, or the text in quotes"),
    (
        "<document start>",
        "this line is not indented like those before it, expected all fields of a mapping below each other",
    ),
    (
        "while parsing a block collection",
        "this line is not indented like those before it, expected all entries of a list below each other",
    ),
    (
        "while parsing a block mapping",
        "this line is not indented like those before it, expected all fields of a mapping below each other",
    ),
    ("while parsing a flow sequence", "the list is not closed here, expected `,` or `]`, or the text in quotes"),
    ("while parsing a flow mapping", "the mapping is not closed here, expected `,` or `}`, or the text in quotes"),
    ("misplaced bracket", "nothing is open that this bracket closes, expected it to be left out"),
    ("expected node content", "expected a value here"),
    ("while scanning a block scalar", "expected nothing else behind `|` or `>`, and the text in the lines below"),
    ("illegal placement of ':'", "a `:` stands where no field can begin, expected a closing bracket before it"),
    ("found a tab", "a tab stands where blanks belong, expected blanks"),
];

/// Why `text` is no YAML, where the parser stopped `at` a byte and said `info`, and at which byte a person should look.
pub(super) fn explain(text: &str, at: usize, info: &str) -> (usize, String) {
    if let Some(tab) = tab_in_indentation(text, at) {
        return (tab, "a tab indents this line, expected blanks".into());
    }
    let line = text[line_start(text, at)..].lines().next().unwrap_or_default();
    if line.contains("${env:") && info.contains("while parsing a flow") {
        return (at, "a placeholder between brackets, expected it in quotes: '${env:NAME}'".into());
    }
    match WORDS.iter().find(|(part, _)| info.contains(part)) {
        Some((_, words)) => (at, (*words).to_owned()),
        None => (at, info.to_owned()),
    }
}

/// The first tab in what indents the line of `at`, or the one behind it, which the parser has seen already.
fn tab_in_indentation(text: &str, at: usize) -> Option<usize> {
    let mut start = line_start(text, at);
    for line in text[start..].split_inclusive('\n').take(2) {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indentation].find('\t') {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}
