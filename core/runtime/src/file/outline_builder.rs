//! From the YAML parser's events to an outline.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use super::outline::{Content, Entry, Mistake, Node};
use super::problems::MOST;
use super::{scalar, syntax};

/// Deeper nesting than this is no pipeline.
const DEEPEST: usize = 64;

/// More values than this are no pipeline.
const LARGEST: usize = 10_000;

/// The tags of plain values.
const CORE_TAGS: [&str; 7] = ["str", "int", "float", "bool", "null", "seq", "map"];

/// The root of the only document in `text`, and the mistakes that leave a document. Errors: the mistake because of which
/// the text is no YAML document.
pub(super) fn build(text: &str) -> Result<(Arc<Node>, Vec<Mistake>), Mistake> {
    let mut builder = Builder::new(text);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let at = builder.offsets.byte(error.marker().index());
            match error.info() {
                "recursion limit exceeded" => too_deep(at..at),
                info => {
                    let (at, why) = syntax::explain(text, at, info);
                    mistake(at..at, &format!("this is no YAML: {why}"))
                }
            }
        })?;
        builder.take(event, span)?;
    }
    let root = builder.root.ok_or_else(|| mistake(0..0, "the file is empty, expected a pipeline"))?;
    Ok((root, builder.mistakes))
}

struct Builder<'t> {
    text: &'t str,
    offsets: Offsets,
    open: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
    root: Option<Arc<Node>>,
    mistakes: Vec<Mistake>,
}

/// A list or mapping whose end has not come.
struct Open {
    start: usize,
    anchor: usize,
    content: Content,
    key: Option<(String, Range<usize>)>,
    /// Where each key was first.
    keys: HashMap<String, usize>,
    size: usize,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        let (offsets, open) = (Offsets::new(text), Vec::new());
        Self { text, offsets, open, anchors: HashMap::new(), root: None, mistakes: Vec::new() }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Mistake> {
        let start = self.offsets.byte(span.start.index());
        // The parser counts blanks behind a value to it.
        let length = self.text.get(start..self.offsets.byte(span.end.index())).map_or(0, |text| text.trim_end().len());
        let bytes = start..start + length;
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(mistake(bytes, "the file holds a second document, expected one pipeline in a file"))
            }
            Event::Scalar(text, _, anchor, tag) if self.expects_key() => {
                self.check_tag(tag.as_deref(), &bytes);
                self.take_key(text.into_owned(), bytes, anchor);
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.resolve(&text, style, tag.as_deref(), &bytes);
                self.put(Node { bytes, content: Content::Scalar(value), size: 1 }, anchor)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(mistake(bytes, "this alias stands for something that holds it, expected a value"));
                };
                self.attach(node, bytes)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Content::List(Vec::new()), anchor, tag.as_deref(), bytes),
            Event::MappingStart(anchor, tag) => self.begin(Content::Mapping(Vec::new()), anchor, tag.as_deref(), bytes),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let bytes = open.start..bytes.end.max(open.start);
                    self.put(Node { bytes, content: open.content, size: open.size }, open.anchor)
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| matches!(open.content, Content::Mapping(_)) && open.key.is_none())
    }

    fn take_key(&mut self, key: String, bytes: Range<usize>, anchor: usize) {
        if anchor > 0 {
            let content = Content::Scalar(Value::String(key.clone()));
            self.anchors.insert(anchor, Arc::new(Node { bytes: bytes.clone(), content, size: 1 }));
        }
        let Some(open) = self.open.last_mut() else { return };
        let first = *open.keys.entry(key.clone()).or_insert(bytes.start);
        let repeated = (first != bytes.start).then(|| key.clone());
        open.key = Some((key, bytes.clone()));
        if let Some(key) = repeated {
            let line = self.offsets.line(first);
            self.note(mistake(bytes, &format!("`{key}` is given twice, first in line {line}; expected it once")));
        }
    }

    fn resolve(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, bytes: &Range<usize>) -> Value {
        self.check_tag(tag, bytes);
        if style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str") {
            return Value::String(text.into());
        }
        scalar::resolve(text).unwrap_or_else(|| {
            self.note(mistake(bytes.clone(), &format!("`{text}` is no number, expected a finite one")));
            Value::Null
        })
    }

    fn note(&mut self, mistake: Mistake) {
        if self.mistakes.len() < MOST {
            self.mistakes.push(mistake);
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, bytes: &Range<usize>) {
        let core = |tag: &&Tag| tag.is_yaml_core_schema() && CORE_TAGS.contains(&tag.suffix.as_str());
        if let Some(tag) = tag.filter(|tag| !core(tag)) {
            let message = format!("the tag `{}` has no meaning here, expected the value without it", tag.suffix);
            self.note(mistake(bytes.clone(), &message));
        }
    }

    fn begin(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<&Tag>,
        bytes: Range<usize>,
    ) -> Result<(), Mistake> {
        self.check_tag(tag, &bytes);
        if self.expects_key() {
            return Err(mistake(bytes, "a list or mapping stands where a key belongs, expected a text"));
        }
        if self.open.len() == DEEPEST {
            return Err(too_deep(bytes));
        }
        self.open.push(Open { start: bytes.start, anchor, content, key: None, keys: HashMap::new(), size: 1 });
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Mistake> {
        let bytes = node.bytes.clone();
        let node = Arc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.attach(node, bytes)
    }

    fn attach(&mut self, node: Arc<Node>, bytes: Range<usize>) -> Result<(), Mistake> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.size = open.size.saturating_add(node.size);
        if open.size > LARGEST {
            let message = format!("the file stands for more than {LARGEST} values, expected a pipeline");
            return Err(mistake(bytes, &message));
        }
        match &mut open.content {
            Content::List(entries) => entries.push(node),
            Content::Mapping(entries) => match open.key.take() {
                Some((key, key_bytes)) => {
                    let merges_nothing = key == "<<" && !node.is_mergeable();
                    entries.push(Entry { key, key_bytes, value: node });
                    if merges_nothing {
                        self.note(mistake(bytes, "`<<` takes in mappings, expected one, or a list of them"));
                    }
                }
                None => return Err(mistake(bytes, "an alias stands where a key belongs, expected a text")),
            },
            Content::Scalar(_) => {}
        }
        Ok(())
    }
}

fn mistake(bytes: Range<usize>, message: &str) -> Mistake {
    Mistake { bytes, message: message.into() }
}

fn too_deep(bytes: Range<usize>) -> Mistake {
    mistake(bytes, &format!("the file nests deeper than {DEEPEST} levels, expected a pipeline"))
}

/// From the parser's positions, which count characters, to bytes.
struct Offsets {
    /// The byte at which each character begins; empty if each is one byte.
    bytes: Vec<usize>,
    lines: Vec<usize>,
    length: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let bytes = if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        let lines = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { bytes, lines, length: text.len() }
    }

    fn byte(&self, character: usize) -> usize {
        let byte = if self.bytes.is_empty() { character } else { *self.bytes.get(character).unwrap_or(&self.length) };
        byte.min(self.length)
    }

    fn line(&self, byte: usize) -> usize {
        1 + self.lines.partition_point(|end| *end < byte)
    }
}
