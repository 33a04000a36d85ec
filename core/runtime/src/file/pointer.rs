//! Places in a tree of values, as JSON pointers (RFC 6901).

/// The pointer of the field `name` of what is at `pointer`.
pub(super) fn field(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The pointer of entry `index` of the list at `pointer`.
pub(super) fn entry(pointer: &str, index: usize) -> String {
    format!("{pointer}/{index}")
}

/// The pointer of what holds the thing at `pointer`, and the thing's name in it. `None` for the root.
pub(super) fn split(pointer: &str) -> Option<(&str, String)> {
    let (parent, name) = pointer.rsplit_once('/')?;
    Some((parent, unescape(name)))
}

/// The names on the way from the root.
pub(super) fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(unescape)
}

/// Whether `pointer` is `ancestor`, or lies below it.
pub(super) fn is_within(pointer: &str, ancestor: &str) -> bool {
    pointer.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The pointer as a person writes it: `sinks[0].config.format`. Names that would not be told apart are in quotes.
pub(super) fn readable(pointer: &str) -> String {
    let mut text = String::new();
    for segment in segments(pointer) {
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push_str(&format!("[{segment}]"));
            continue;
        }
        if !text.is_empty() {
            text.push('.');
        }
        if segment.trim().is_empty() || segment.contains(['.', '[', '"']) || segment.contains(char::is_control) {
            text.push_str(&format!("{segment:?}"));
        } else {
            text.push_str(&segment);
        }
    }
    text
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_reads_as_a_person_writes_it() {
        assert_eq!(readable("/sinks/0/config/formt"), "sinks[0].config.formt");
        assert_eq!(readable(""), "");
        let odd = field("/topic/schema", "a/b~c");
        assert_eq!(readable(&odd), "topic.schema.a/b~c");
        assert_eq!(readable("/config/a.b//\n"), r#"config."a.b"."".  "\n""#.replace(" ", ""));
        assert_eq!(split(&odd).unwrap(), ("/topic/schema", "a/b~c".to_owned()));
    }

    #[test]
    fn a_name_that_only_begins_alike_lies_elsewhere() {
        assert!(is_within("/sinks/1/config", "/sinks/1"));
        assert!(!is_within("/sinks/10", "/sinks/1"));
    }
}
