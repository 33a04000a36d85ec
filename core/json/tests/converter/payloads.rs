use super::*;

/// Payloads that are no record of a topic with the columns `a: bigint, b: string, l: array<array<int>>`: the field that is
/// named, and what is said of it.
fn refused() -> Vec<(Vec<u8>, &'static str, String)> {
    let texts: [(&str, &str, &str); 31] = [
        ("", "", "is empty, expected a JSON object"),
        (" \r\n\t", "", "is empty, expected a JSON object"),
        ("{", "", "is no JSON: it ends at byte 1, expected a text within quotes"),
        (r#"{"a"#, "", "is no JSON: it ends at byte 3, expected the end of the string"),
        (r#"{"a":"#, "a", "is no JSON: it ends at byte 5, expected a value"),
        (r#"{"a":1"#, "", "is no JSON: it ends at byte 6, expected `,` or `}`"),
        (r#"{"a":tru}"#, "a", "is no JSON at byte 5: found `t`, expected true"),
        (r#"{"a":1,}"#, "", "is no JSON at byte 7: found `}`, expected a text within quotes"),
        (r#"{"a" 1}"#, "", "is no JSON at byte 5: found `1`, expected `:`"),
        (r#"{"a":1 "b":"x"}"#, "", "is no JSON at byte 7: found `\"`, expected `,` or `}`"),
        ("{a:1}", "", "is no JSON at byte 1: found `a`, expected a text within quotes"),
        ("{'a':1}", "", "is no JSON at byte 1: found `'`, expected a text within quotes"),
        ("// {}", "", "is no JSON at byte 0: found `/`, expected a value"),
        ("\u{feff}{}", "", "begins with a byte order mark, expected a JSON object"),
        ("{}{}", "", "goes on behind its object with `{}`, expected one object a record"),
        ("{}\n{}", "", "goes on behind its object with `{}`, expected one object a record"),
        ("{},{}", "", "goes on behind its object with `,{}`, expected one object a record"),
        ("{} x", "", "goes on behind its object with `x`, expected one object a record"),
        ("{}\0", "", "goes on behind its object with `\\u{0}`, expected one object a record"),
        ("\0{}", "", "is no JSON at byte 0: found `\\u{0}`, expected a value"),
        (r#"[{"a":1}]"#, "", r#"is `[{"a":1}]`, expected a JSON object"#),
        ("10", "", "is `10`, expected a JSON object"),
        ("null", "", "is `null`, expected a JSON object"),
        (r#""{}""#, "", r#"is `"{}"`, expected a JSON object"#),
        ("rubbish", "", "is no JSON at byte 0: found `r`, expected a value"),
        (r#"{"a":1,"a":1}"#, "a", "occurs twice, expected each field once"),
        (r#"{"a":1,"\u0061":2}"#, "a", "occurs twice, expected each field once"),
        (r#"{"a":null,"b":"x","a":2}"#, "a", "occurs twice, expected each field once"),
        (r#"{"x":[1,}"#, "", "is no JSON at byte 8: found `}`, expected a value"),
        (r#"{"x":"\ud800"}"#, "", "is no JSON at byte 12: \\ud800 is half a character"),
        (r#"{"\ud800":1}"#, "", "is no JSON at byte 8: \\ud800 is half a character"),
    ];
    let bytes: [(&[u8], &str, &str); 5] = [
        (b"\xff\xfe{\0}\0", "", "is not UTF-8 at byte 0, expected JSON"),
        (b"{\"b\":\"\xff\"}", "", "is not UTF-8 at byte 6, expected JSON"),
        (b"{\"b\":\"\xed\xa0\x80\"}", "", "is not UTF-8 at byte 6, expected JSON"),
        (b"{\"b\":\"\xc3", "", "is not UTF-8 at byte 6, expected JSON"),
        (b"{\"b\":\"\x01\"}", "b", "is no JSON at byte 6: found `\\u{1}`, expected the end of the string"),
    ];
    let deep = |name: &str, open: &str| format!("{{\"{name}\":{}", open.repeat(10_000));
    let deeper = |byte: usize| format!("is nested deeper than 128 levels at byte {byte}");
    let sizes = [
        (deep("x", "["), "", deeper(5 + 127)),
        (deep("x", "{\"x\":"), "", deeper(5 + 5 * 127)),
        (deep("b", "["), "b", deeper(5 + 127)),
        (deep("l", "["), "l[0][0]", deeper(5 + 127)),
        (
            format!("{{\"b\":{}}}", "9".repeat(10_000_000)),
            "b",
            format!("`{}…` is a number, expected a text (string)", "9".repeat(60)),
        ),
        (
            format!("{{\"a\":{}}}", "9".repeat(10_000_000)),
            "a",
            format!("`{}…` is out of range, expected a whole number (bigint)", "9".repeat(60)),
        ),
    ];
    let texts = texts.map(|(text, field, reason)| (text.into(), field, reason.into()));
    let bytes = bytes.map(|(bytes, field, reason)| (bytes.into(), field, reason.into()));
    let sizes = sizes.map(|(text, field, reason)| (text.into(), field, reason));
    texts.into_iter().chain(bytes).chain(sizes).collect()
}

const COLUMNS: [(&str, &str); 3] = [("a", "bigint"), ("b", "string"), ("l", "array<array<int>>")];

#[test]
fn a_payload_that_is_no_record_is_refused_with_its_place_and_its_neighbours_stay() {
    let refused = refused();
    let good: Vec<String> = (0..=refused.len()).map(|n| format!("{{\"a\":{n},\"b\":\"{n}\",\"l\":[[{n}]]}}")).collect();
    let mut payloads = vec![good[0].as_bytes()];
    for ((payload, ..), good) in refused.iter().zip(&good[1..]) {
        payloads.extend([&payload[..], good.as_bytes()]);
    }
    let decoded = decode_payloads(&COLUMNS, &payloads);
    for (at, ((payload, field, reason), found)) in refused.iter().zip(&decoded.rejected).enumerate() {
        let field = (!field.is_empty()).then(|| (*field).to_owned());
        let expected = RejectedRow { row: 2 * at + 1, field, reason: reason.clone() };
        assert_eq!(*found, expected, "{}", String::from_utf8_lossy(&payload[..payload.len().min(100)]));
    }
    assert_eq!(decoded.rejected.len(), refused.len());
    assert_eq!(decoded.records, decode(&COLUMNS, &good.iter().map(String::as_str).collect::<Vec<_>>()).records);
}

#[test]
fn an_object_may_be_written_in_any_layout_order_and_length() {
    let long = "x".repeat(10_000_000);
    for payload in [
        r#"{"a":1,"b":"x","l":[[1]]}"#.to_owned(),
        r#"{"l":[[1]],"b":"x","a":1}"#.to_owned(),
        "\r\n{\n  \"b\" : \"x\",\n\n  \"a\"\t: 1, \"l\": [ [ 1 ] ]\n}\n".to_owned(),
        r#"{"\u0061":1.0,"\u0062":"\u0078","l":[[1e0]],"c":null}"#.to_owned(),
        format!(r#"{{"a":1,"b":"x","l":[[1]],"unknown":["{long}",{{"a":2}}]}}"#),
    ] {
        let decoded = decode(&COLUMNS, &[&payload]);
        assert_eq!(decoded.rejected, []);
        assert_eq!(encoded(&decoded.records), [r#"{"a":1,"b":"x","l":[[1]]}"#]);
    }
    let decoded = decode(&COLUMNS, &[&format!("{{\"b\":\"{long}\"}}")]);
    assert!(decoded.records.column(1).as_string::<i32>().value(0) == long);
}

#[test]
fn a_tombstone_is_refused_and_its_neighbours_stay() {
    let converter = JsonConverter::new(schema(&COLUMNS), UnknownFields::Ignore).unwrap();
    let decoded = converter.decode(&BinaryArray::from(vec![None, Some(&b"{\"a\":1}"[..]), None])).unwrap();
    assert_eq!(encoded(&decoded.records), [r#"{"a":1}"#]);
    let reason = "is a tombstone (a record without a value), expected a JSON object";
    assert_eq!(decoded.rejected, [0, 2].map(|row| RejectedRow { row, field: None, reason: reason.into() }));
}

/// All payloads of a batch are checked for UTF-8 at once, and lie in one buffer with others.
#[test]
fn a_character_that_goes_on_in_the_next_payload_spoils_both_and_no_other() {
    let values = BinaryArray::from_iter_values([
        &b"\xff"[..],
        "{\"b\":\"é\"}".as_bytes(),
        b"{\"b\":\"\xc3",
        b"\xa9\"}",
        b"{\"a\":1}",
        b"\xff",
    ]);
    let converter = JsonConverter::new(schema(&COLUMNS), UnknownFields::Ignore).unwrap();
    let decoded = converter.decode(&values.slice(1, 4)).unwrap();
    assert_eq!(encoded(&decoded.records), ["{\"b\":\"é\"}", "{\"a\":1}"]);
    let found: Vec<_> = decoded.rejected.iter().map(|refused| (refused.row, refused.reason.as_str())).collect();
    let reason = |byte: usize| format!("is not UTF-8 at byte {byte}, expected JSON");
    assert_eq!(found, [(1, &reason(6)[..]), (2, &reason(0)[..])]);
}

/// Debug builds take the most: about 1 KiB a level.
const STACK: usize = 256 * 1024;

#[test]
fn the_deepest_payload_takes_less_than_256_kib_of_stack() {
    let read = || {
        let nested = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let decoded = decode(&COLUMNS, &[&nested(127), &nested(128), &nested(10_000)]);
        assert_eq!(decoded.rejected.iter().map(|refused| refused.row).collect::<Vec<_>>(), [1, 2]);
    };
    std::thread::Builder::new().stack_size(STACK).spawn(read).unwrap().join().unwrap();
}
