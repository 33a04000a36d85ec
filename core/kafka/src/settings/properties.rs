//! librdkafka's own list of properties.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};
use std::ptr;
use std::sync::OnceLock;

use rdkafka::bindings::rd_kafka_conf_properties_show;

/// One property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    /// Its name; of several for one thing, the one that the others stand for.
    pub(super) name: String,
    /// Which clients it means something to.
    pub(super) scope: Scope,
    /// The form of its values.
    pub(super) form: Form,
}

/// The clients that a property means something to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Consumer,
    Producer,
}

/// The form of a property's values, as far as it can be said beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Truth,
    Whole {
        least: i64,
        most: i64,
    },
    Number {
        range: String,
    },
    OneOf(Vec<String>),
    /// Several of these, with commas between.
    Flags(Vec<String>),
    Text,
    /// What only a program can set: functions and pointers.
    Code,
}

/// The properties of the librdkafka that is linked, by every name that they have.
pub(super) fn all() -> &'static BTreeMap<String, Property> {
    static ALL: OnceLock<BTreeMap<String, Property>> = OnceLock::new();
    ALL.get_or_init(|| parse(&shown()))
}

/// The property called `name`. A topic's may be called by `topic.` and its name as well.
pub(super) fn find(name: &str) -> Option<&'static Property> {
    let all = all();
    all.get(name).or_else(|| all.get(name.strip_prefix("topic.")?))
}

/// The name under which a property is known besides others for the same; an unknown one's own.
pub(super) fn canonical(name: &str) -> &str {
    find(name).map_or(name, |property| property.name.as_str())
}

/// The list as librdkafka shows it: a table for the properties of clients, and one for those of topics.
#[allow(unsafe_code, reason = "librdkafka writes its list to a C stream and nowhere else")]
fn shown() -> String {
    let (mut text, mut length): (*mut c_char, libc::size_t) = (ptr::null_mut(), 0);
    // SAFETY: both places outlive the stream, which is closed before they are read; the text then ends with a zero and is
    // ours to free.
    unsafe {
        let stream = libc::open_memstream(&mut text, &mut length);
        if stream.is_null() {
            return String::new();
        }
        rd_kafka_conf_properties_show(stream);
        libc::fclose(stream);
        if text.is_null() {
            return String::new();
        }
        let shown = CStr::from_ptr(text).to_string_lossy().into_owned();
        libc::free(text.cast());
        shown
    }
}

fn parse(shown: &str) -> BTreeMap<String, Property> {
    let mut properties = BTreeMap::new();
    for line in shown.lines() {
        let Some((name, property)) = parse_line(line) else { continue };
        // A client's property comes first, and is the one that its name sets.
        properties.entry(name).or_insert(property);
    }
    properties
}

/// `name | C/P | range | default | importance | description <br>*Type: …*`
fn parse_line(line: &str) -> Option<(String, Property)> {
    let mut columns = line.splitn(4, " | ");
    let name = columns.next()?.trim();
    let scope = match columns.next()?.trim() {
        "*" => Scope::All,
        "C" => Scope::Consumer,
        "P" => Scope::Producer,
        _ => return None,
    };
    let range = columns.next()?.trim();
    let rest = columns.next()?;
    let kind = rest.rsplit_once("*Type: ")?.1.trim_end_matches('*');
    let alias = rest.split_once("Alias for `").and_then(|(_, rest)| rest.split('`').next());
    let form = match name {
        // Shown as a text, but not any.
        "partitioner" => Form::OneOf(PARTITIONERS.map(str::to_owned).to_vec()),
        _ => form(kind, range),
    };
    let property = Property { name: alias.unwrap_or(name).to_owned(), scope, form };
    Some((name.to_owned(), property))
}

const PARTITIONERS: [&str; 7] =
    ["random", "consistent", "consistent_random", "murmur2", "murmur2_random", "fnv1a", "fnv1a_random"];

fn form(kind: &str, range: &str) -> Form {
    let options = || range.split(", ").map(str::to_owned).filter(|option| !option.is_empty()).collect::<Vec<_>>();
    let bounds = range.split_once(" .. ").and_then(|(least, most)| Some((least.parse().ok()?, most.parse().ok()?)));
    match (kind, bounds) {
        ("boolean", _) => Form::Truth,
        ("integer", Some((least, most))) => Form::Whole { least, most },
        ("float", _) => Form::Number { range: range.replace(" .. ", " to ") },
        ("enum value", _) => Form::OneOf(options()),
        ("CSV flags", _) => Form::Flags(options()),
        ("see dedicated API", _) => Form::Code,
        _ => Form::Text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_that_of_the_linked_librdkafka() {
        assert!(all().len() > 150, "{}", all().len());
        let whole = |least, most| Form::Whole { least, most };
        for (name, canonical, scope, form) in [
            ("bootstrap.servers", "metadata.broker.list", Scope::All, Form::Text),
            ("metadata.broker.list", "metadata.broker.list", Scope::All, Form::Text),
            ("fetch.min.bytes", "fetch.min.bytes", Scope::Consumer, whole(1, 100_000_000)),
            ("linger.ms", "queue.buffering.max.ms", Scope::Producer, Form::Number { range: "0 to 900000".into() }),
            ("check.crcs", "check.crcs", Scope::Consumer, Form::Truth),
            ("error_cb", "error_cb", Scope::All, Form::Code),
            ("acks", "request.required.acks", Scope::Producer, whole(-1, 1000)),
            ("topic.acks", "request.required.acks", Scope::Producer, whole(-1, 1000)),
            ("topic.metadata.refresh.sparse", "topic.metadata.refresh.sparse", Scope::All, Form::Truth),
            ("compression.type", "compression.codec", Scope::Producer, Form::OneOf(Vec::new())),
        ] {
            let mut found = find(name).unwrap().clone();
            if let Form::OneOf(options) = &mut found.form {
                assert!(options.iter().any(|option| option == "lz4"), "{options:?}");
                options.clear();
            }
            assert_eq!(found, Property { name: canonical.into(), scope, form }, "{name}");
        }
        assert_eq!(
            (find("fetch.min.byte"), find("topic.fetch.min"), find("test.mock.num.brokers")),
            (None, None, None)
        );
    }
}
