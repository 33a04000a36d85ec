//! What the file says, and where.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{outline_builder, pointer};

/// The tree of a YAML document with the place of every key and value. Aliases share what they stand for, so that a file
/// which multiplies itself costs no more than its own size here, and is refused before anything expands it.
pub(super) struct Outline {
    root: Arc<Node>,
    mistakes: Vec<Mistake>,
}

/// A mistake in the YAML itself, and the bytes at which it is.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) bytes: Range<usize>,
    pub(super) message: String,
}

/// A value and its place.
pub(super) struct Node {
    pub(super) bytes: Range<usize>,
    pub(super) content: Content,
    /// How many values it stands for, with every alias expanded.
    pub(super) size: usize,
}

/// What a value is.
pub(super) enum Content {
    Scalar(Value),
    List(Vec<Arc<Node>>),
    Mapping(Vec<Entry>),
}

/// A key of a mapping and its value.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_bytes: Range<usize>,
    pub(super) value: Arc<Node>,
}

impl Outline {
    /// Reads the outline of the only document in `text`. Errors: the mistake because of which the text is no YAML
    /// document.
    pub(super) fn read(text: &str) -> Result<Self, Mistake> {
        let (root, mistakes) = outline_builder::build(text)?;
        Ok(Self { root, mistakes })
    }

    /// The mistakes that leave a document: repeated keys, of which the first counts, and values without meaning, which
    /// count as nothing.
    pub(super) fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// What the document says, with every alias and merge key expanded.
    pub(super) fn value(&self) -> Value {
        self.root.value()
    }

    /// Whether there is something at `pointer`.
    pub(super) fn has(&self, pointer: &str) -> bool {
        self.find(pointer).is_some()
    }

    /// The bytes of the scalar at `pointer`, if there is one.
    pub(super) fn scalar(&self, pointer: &str) -> Option<Range<usize>> {
        let (_, node) = self.find(pointer)?;
        matches!(node.content, Content::Scalar(_)).then(|| node.bytes.clone())
    }

    /// The bytes of the key at `pointer`, or of an entry's beginning; where that does not stand in the file, of the
    /// nearest thing around it.
    pub(super) fn key(&self, pointer: &str) -> Range<usize> {
        let mut pointer = pointer;
        loop {
            if let Some((key, node)) = self.find(pointer) {
                return key.unwrap_or_else(|| node.beginning());
            }
            match pointer::split(pointer) {
                Some((parent, _)) => pointer = parent,
                None => return self.root.beginning(),
            }
        }
    }

    /// The bytes of the value at `pointer` if it is a scalar, else those of its [`key`](Self::key).
    pub(super) fn value_or_key(&self, pointer: &str) -> Range<usize> {
        self.scalar(pointer).filter(|bytes| !bytes.is_empty()).unwrap_or_else(|| self.key(pointer))
    }

    fn find(&self, pointer: &str) -> Option<(Option<Range<usize>>, &Node)> {
        let mut found = (None, self.root.as_ref());
        for segment in pointer::segments(pointer) {
            found = found.1.child(&segment)?;
        }
        Some(found)
    }
}

impl Node {
    fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(entries) => Value::Array(entries.iter().map(|entry| entry.value()).collect()),
            Content::Mapping(entries) => {
                let mut fields = Map::new();
                for entry in entries.iter().filter(|entry| entry.key != "<<") {
                    fields.entry(entry.key.as_str()).or_insert_with(|| entry.value.value());
                }
                for entry in entries.iter().filter(|entry| entry.key == "<<") {
                    entry.value.merge_into(&mut fields);
                }
                Value::Object(fields)
            }
        }
    }

    /// Whether a merge key can take it in.
    pub(super) fn is_mergeable(&self) -> bool {
        let is_mapping = |node: &Self| matches!(node.content, Content::Mapping(_));
        match &self.content {
            Content::List(entries) => entries.iter().all(|entry| is_mapping(entry)),
            _ => is_mapping(self),
        }
    }

    fn merge_into(&self, fields: &mut Map<String, Value>) {
        match (&self.content, self.value()) {
            (Content::List(entries), _) => entries.iter().for_each(|entry| entry.merge_into(fields)),
            (_, Value::Object(merged)) => {
                merged.into_iter().for_each(|(name, value)| _ = fields.entry(name).or_insert(value));
            }
            _ => {}
        }
    }

    fn child(&self, name: &str) -> Option<(Option<Range<usize>>, &Node)> {
        match &self.content {
            Content::Scalar(_) => None,
            Content::List(entries) => Some((None, entries.get(name.parse::<usize>().ok()?)?)),
            Content::Mapping(entries) => match entries.iter().find(|entry| entry.key == name) {
                Some(entry) => Some((Some(entry.key_bytes.clone()), &entry.value)),
                None => entries.iter().filter(|entry| entry.key == "<<").find_map(|entry| entry.value.merged(name)),
            },
        }
    }

    /// The child that a merge of this node brings.
    fn merged(&self, name: &str) -> Option<(Option<Range<usize>>, &Node)> {
        match &self.content {
            Content::List(entries) => entries.iter().find_map(|entry| entry.child(name)),
            _ => self.child(name),
        }
    }

    /// What to point at for the whole: the first thing in it.
    fn beginning(&self) -> Range<usize> {
        match &self.content {
            Content::Scalar(_) => self.bytes.clone(),
            Content::Mapping(entries) => entries.first().map_or(self.bytes.clone(), |entry| entry.key_bytes.clone()),
            Content::List(_) => self.bytes.start..self.bytes.start + 1,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(text: &str) -> String {
        Outline::read(text).map(|_| ()).unwrap_err().message
    }

    #[test]
    fn every_key_and_value_is_found_where_it_stands() {
        let text = "# größer\r\nsinks:\r\n  - type: console\r\n    config: { formt: 'jsön' }\r\n";
        let outline = Outline::read(text).unwrap();
        assert_eq!(&text[outline.key("/sinks/0/config/formt")], "formt");
        assert_eq!(&text[outline.value_or_key("/sinks/0/config/formt")], "'jsön'");
        assert_eq!(&text[outline.key("/sinks/0/config/url")], "config", "what is missing is shown around it");
        assert_eq!(&text[outline.key("/sinks/0")], "type", "an entry is shown by its first key");
    }

    #[test]
    fn what_an_alias_or_a_merge_brings_is_found_where_it_was_written() {
        let text = "base: &b { rows: 5 }\nother: *b\nmerged: { <<: *b, bytes: 1 }\n";
        let outline = Outline::read(text).unwrap();
        for pointer in ["/base/rows", "/other/rows", "/merged/rows"] {
            assert_eq!(outline.value_or_key(pointer), 17..18, "{pointer}");
        }
    }

    #[test]
    fn a_repeated_key_is_reported_at_its_second_place() {
        let outline = Outline::read("name: a\ntopic: {}\nname: b\n").unwrap();
        let [mistake] = outline.mistakes() else { panic!("{:?}", outline.mistakes()) };
        assert_eq!(
            (mistake.bytes.clone(), mistake.message.as_str()),
            (18..22, "`name` is given twice, first in line 1; expected it once")
        );
    }

    #[test]
    fn merge_keys_are_expanded_and_what_is_nearer_wins() {
        let outline = Outline::read("b: &b { rows: 5, bytes: 1 }\nm: { <<: *b, bytes: 2 }\nl: { <<: [*b] }\n").unwrap();
        let value = outline.value();
        assert_eq!(value["m"], json!({ "bytes": 2, "rows": 5 }));
        assert_eq!(value["l"], value["b"]);
    }

    #[test]
    fn quotes_make_a_text_of_anything_and_blocks_keep_their_lines() {
        let outline = Outline::read("a: '5'\nb: 5\nc: !!str 5\nd: |\n  x\n  y\ne:\n").unwrap();
        assert_eq!(outline.value(), json!({ "a": "5", "b": 5, "c": "5", "d": "x\ny\n", "e": null }));
    }

    #[test]
    fn values_without_meaning_are_all_named() {
        let outline = Outline::read("a: .nan\nb: [!!python/object x]\nc: .inf\nd: !x {}\ne: { <<: 1 }\n").unwrap();
        assert_eq!(outline.mistakes().len(), 5, "{:?}", outline.mistakes());
    }

    #[test]
    fn files_that_multiply_themselves_are_refused_at_once() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for level in 1..10 {
            let below = format!("*a{},", level - 1).repeat(9);
            bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        assert!(refusal(&bomb).contains("more than 10000 values"));
        assert!(refusal(&format!("a: &a [{}]\nb: [{}]", "1,".repeat(1000), "*a,".repeat(100_000))).contains("values"));
        assert!(refusal(&"[".repeat(1 << 20)).contains("deeper than 64"));
        assert!(refusal(&"- ".repeat(10_000)).contains("deeper than 64"));
        assert!(refusal("a: &a { b: *a }").contains("stands for something that holds it"));
    }

    #[test]
    fn what_is_no_single_document_of_text_keys_is_refused() {
        assert_eq!(refusal(""), "the file is empty, expected a pipeline");
        assert_eq!(refusal("# only\n# comments\n"), "the file is empty, expected a pipeline");
        assert!(refusal("a: 1\n---\nb: 2\n").contains("second document"));
        assert!(refusal("? [a]\n: b\n").contains("where a key belongs"));
        assert!(refusal("a: 1\n\tb: 2\n").contains("no YAML"));
    }
}
