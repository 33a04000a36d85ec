//! What is no YAML, or YAML without a meaning here.

use super::{assert_accepted, assert_said, assert_text_said};

#[tokio::test]
async fn what_is_no_yaml_is_told_with_its_place() {
    assert_said(&[
        ("  key: symbol", "\tkey: symbol", "p.yaml:8:1: error: this is no YAML: a tab indents this line, expected blanks"),
        ("  key: symbol", "  \tkey: symbol", "p.yaml:8:3: error: this is no YAML: a tab indents this line, expected blanks"),
        ("name: stocks", "name:\tstocks\t", "p.yaml:1:7: error: this is no YAML: expected a blank behind `:`"),
        ("name: stocks", "name stocks", "p.yaml:2:8: error: this is no YAML: a `:` stands where no field can begin, expected `name: value` alone on its line, or the text in quotes"),
        ("name: stocks", "name:stocks", "p.yaml:2:8: error: this is no YAML: a `:` stands where no field can begin, expected `name: value` alone on its line, or the text in quotes"),
        ("name: stocks", "name: 'stocks", "p.yaml:1:7: error: this is no YAML: a quoted text does not end where it should, expected a closing quote"),
        ("name: stocks", "name: \"stocks", "p.yaml:1:7: error: this is no YAML: a quoted text does not end where it should, expected a closing quote"),
        ("name: stocks", "name: \"a\\qb\"", "p.yaml:1:7: error: this is no YAML: an escape that there is not, expected `\\\\` for a backslash, or the text in single quotes"),
        ("name: stocks", "name: a: b", "p.yaml:1:8: error: this is no YAML: a `:` stands where no field can begin, expected `name: value` alone on its line, or the text in quotes"),
        ("name: stocks", "name: @stocks", "p.yaml:1:7: error: this is no YAML: a text cannot begin with this character, expected it in quotes"),
        ("name: stocks", "name: `stocks`", "p.yaml:1:7: error: this is no YAML: a text cannot begin with this character, expected it in quotes"),
        ("name: stocks", "name: %stocks", "p.yaml:1:7: error: this is no YAML: a text cannot begin with this character, expected it in quotes"),
        ("name: stocks", "name: *stocks", "p.yaml:1:7: error: this is no YAML: an alias of nothing, expected `&name` before `*name`, or the text in quotes"),
        ("name: stocks", "name: &", "p.yaml:1:7: error: this is no YAML: expected a name behind `&` or `*`, or the text in quotes"),
        ("name: stocks", "  name: stocks", "p.yaml:2:1: error: this is no YAML: this line is not indented like those before it, expected all fields of a mapping below each other"),
        ("  - type: csv", "  -type: csv", "p.yaml:4:11: error: this is no YAML: a `:` stands where no field can begin, expected `name: value` alone on its line, or the text in quotes"),
        ("    config: { path", "   config: { path", "p.yaml:4:4: error: this is no YAML: this line is not indented like those before it, expected all entries of a list below each other"),
        ("[symbol] }", "[symbol }", "p.yaml:16:63: error: this is no YAML: the list is not closed here, expected `,` or `]`, or the text in quotes"),
        ("[symbol] }", "[symbol]", "p.yaml:17:1: error: this is no YAML: the mapping is not closed here, expected `,` or `}`, or the text in quotes"),
        ("[symbol] }", "[symbol] } }", "p.yaml:16:66: error: this is no YAML: nothing is open that this bracket closes, expected it to be left out"),
        ("path: stocks.csv", "path: C:\\data: x", "p.yaml:4:28: error: this is no YAML: the mapping is not closed here, expected `,` or `}`, or the text in quotes"),
        ("path: stocks.csv", "path: {{ file }}", "p.yaml:4:22: error: a list or mapping stands where a key belongs, expected a text"),
        ("path: stocks.csv", "path: stocks.csv,, x: 1", "p.yaml:4:32: error: this is no YAML: expected a value here"),
        ("name: stocks", "name: stocks\n...\nrest", "p.yaml:3:1: error: the file holds a second document, expected one pipeline in a file"),
        ("name: stocks", "{{ if }}\nname: stocks", "p.yaml:1:2: error: a list or mapping stands where a key belongs, expected a text"),
        ("name: stocks", "name: |x\n  stocks", "p.yaml:1:7: error: this is no YAML: expected nothing else behind `|` or `>`, and the text in the lines below"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_yaml_but_no_mapping_with_text_keys_is_told() {
    assert_text_said(&[
        ("", "p.yaml:1:1: error: the file is empty, expected a pipeline"),
        ("\n\n", "p.yaml:1:1: error: the file is empty, expected a pipeline"),
        ("# nothing\n", "p.yaml:1:1: error: the file is empty, expected a pipeline"),
        ("---\n", "p.yaml:2:1: error: found nothing, expected a mapping"),
        ("--- # nothing\n...\n", "p.yaml:2:1: error: found nothing, expected a mapping"),
        ("~\n", "p.yaml:1:1: error: found nothing, expected a mapping"),
        ("hello", "p.yaml:1:1: error: found the text `hello`, expected a mapping"),
        ("5", "p.yaml:1:1: error: found `5`, expected a mapping"),
        ("[]", "p.yaml:1:1: error: found an empty list, expected a mapping"),
        ("- name: stocks\n", "p.yaml:1:1: error: found a list, expected a mapping"),
        ("{}", "p.yaml:1:1: error: name: missing, expected a text\np.yaml:1:1: error: topic: missing, expected a mapping"),
        ("{ name: stocks, }", "p.yaml:1:3: error: topic: missing, expected a mapping"),
        ("a: 1\n---\nb: 2\n", "p.yaml:2:1: error: the file holds a second document, expected one pipeline in a file"),
        ("a: 1\n...\n---\n", "p.yaml:3:1: error: the file holds a second document, expected one pipeline in a file"),
        ("%YAML 3.0\n---\na: 1\n", "p.yaml:3:1: error: a: unknown field, expected one of name, delivery, sources, topic, sinks, memory, errors, embedded, kafka, report\np.yaml:3:1: error: name: missing, expected a text\np.yaml:3:1: error: topic: missing, expected a mapping"),
        ("%YAML 1.2\na: 1\n", "p.yaml:2:1: error: this is no YAML: this line is not indented like those before it, expected all fields of a mapping below each other"),
        ("? [a]\n: b\n", "p.yaml:1:3: error: a list or mapping stands where a key belongs, expected a text"),
        ("? { a: 1 }\n: b\n", "p.yaml:1:3: error: a list or mapping stands where a key belongs, expected a text"),
        ("name: a\nname: b\n", "p.yaml:1:1: error: topic: missing, expected a mapping\np.yaml:2:1: error: `name` is given twice, first in line 1; expected it once"),
        ("\"name\": a\n'name': b\nname: c\n", "p.yaml:1:1: error: topic: missing, expected a mapping\np.yaml:2:1: error: `name` is given twice, first in line 1; expected it once\np.yaml:3:1: error: `name` is given twice, first in line 1; expected it once"),
        ("{ \"name\": \"a\", \"name\": \"b\" }", "p.yaml:1:3: error: topic: missing, expected a mapping\np.yaml:1:16: error: `name` is given twice, first in line 1; expected it once"),
        (": a\n", "p.yaml:1:1: error: \"\": unknown field, expected one of name, delivery, sources, topic, sinks, memory, errors, embedded, kafka, report\np.yaml:1:1: error: name: missing, expected a text\np.yaml:1:1: error: topic: missing, expected a mapping"),
        ("~: a\n", "p.yaml:1:1: error: ~: unknown field, expected one of name, delivery, sources, topic, sinks, memory, errors, embedded, kafka, report\np.yaml:1:1: error: name: missing, expected a text\np.yaml:1:1: error: topic: missing, expected a mapping"),
        ("true: a\n", "p.yaml:1:1: error: true: unknown field, expected one of name, delivery, sources, topic, sinks, memory, errors, embedded, kafka, report\np.yaml:1:1: error: name: missing, expected a text\np.yaml:1:1: error: topic: missing, expected a mapping"),
    ])
    .await;
}

#[tokio::test]
async fn anchors_and_merge_keys_are_followed_and_what_they_cannot_be_is_told() {
    let base = "path: stocks.csv";
    assert_accepted(&[("name: stocks", "name: &n stocks"), ("name: demo_testing2", "name: *n")], "/topic", "stocks")
        .await;
    assert_accepted(&[("name: stocks", "&n name: stocks"), (base, "path: *n")], "/sources/0/config/path", "name").await;
    assert_said(&[
        (base, "<<: { path: a.csv, pth: 1 }", "p.yaml:4:34: error: sources[0].config.pth: unknown field, expected one of path, delimiter, follow"),
        (base, "<<: { delimiter: ; }", "p.yaml:4:5: error: sources[0].config.path: missing, expected a text"),
        (base, "<<: stocks.csv", "p.yaml:4:5: error: sources[0].config.path: missing, expected a text\np.yaml:4:19: error: `<<` takes in mappings, expected one, or a list of them"),
        (base, "<<: [{ path: a.csv }, b.csv]", "p.yaml:4:19: error: `<<` takes in mappings, expected one, or a list of them"),
        (base, "<<: [[{ path: a.csv }]]", "p.yaml:4:19: error: `<<` takes in mappings, expected one, or a list of them"),
        (base, "<<: { path: a.csv }, <<: { path: b.csv }", "p.yaml:4:36: error: `<<` is given twice, first in line 4; expected it once"),
        (base, "<<: *nowhere", "p.yaml:4:19: error: this is no YAML: an alias of nothing, expected `&name` before `*name`, or the text in quotes"),
        (base, "<<: &a { path: *a }", "p.yaml:4:30: error: this alias stands for something that holds it, expected a value"),
        (base, "path: &a [*a]", "p.yaml:4:25: error: this alias stands for something that holds it, expected a value"),
        (base, "path: &a x, *a : 1", "p.yaml:4:27: error: an alias stands where a key belongs, expected a text"),
        (base, "path: *a", "p.yaml:4:21: error: this is no YAML: an alias of nothing, expected `&name` before `*name`, or the text in quotes"),
    ])
    .await;
}

#[tokio::test]
async fn tags_name_types_that_nobody_makes() {
    assert_said(&[
        ("name: stocks", "name: !!python/object:os.system stocks", "p.yaml:1:7: error: the tag `python/object:os.system` has no meaning here, expected the value without it"),
        ("name: stocks", "name: !!python/object/apply:os.system ['rm -rf /']", "p.yaml:1:1: error: name: found a list, expected a text\np.yaml:1:7: error: the tag `python/object/apply:os.system` has no meaning here, expected the value without it"),
        ("name: stocks", "name: !stocks x", "p.yaml:1:7: error: the tag `stocks` has no meaning here, expected the value without it"),
        ("name: stocks", "name: !<tag:example.com,2026:x> x", "p.yaml:1:7: error: the tag `tag:example.com,2026:x` has no meaning here, expected the value without it"),
        ("name: stocks", "name: !!binary aGVsbG8=", "p.yaml:1:7: error: the tag `binary` has no meaning here, expected the value without it"),
        ("name: stocks", "!!python/name:x name: stocks", "p.yaml:1:1: error: the tag `python/name:x` has no meaning here, expected the value without it"),
        ("path: stocks.csv", "path: !include x.yaml", "p.yaml:4:21: error: the tag `include` has no meaning here, expected the value without it"),
        ("path: stocks.csv", "path: !!set { x }", "p.yaml:4:15: error: sources[0].config.path: found a mapping, expected a text\np.yaml:4:21: error: the tag `set` has no meaning here, expected the value without it"),
        ("partitions: 6", "partitions: !!int x", "p.yaml:7:15: error: topic.partitions: found the text `x`, expected an integer from 1 to 10000"),
        ("partitions: 6", "partitions: !!int '6'", "p.yaml:7:15: error: topic.partitions: found the text `6`, expected an integer from 1 to 10000, without quotes"),
    ])
    .await;
    assert_accepted(&[("path: stocks.csv", "path: !!str 5")], "/sources/0/config/path", "5").await;
}
