//! Files that are made to be expensive.

use std::time::{Duration, Instant};

use pipeline_runtime::file::Color;

use super::TEN_MISTAKES;
use crate::{File, GOOD};

/// A name for each, and its text.
fn expensive() -> Vec<(&'static str, String)> {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..10 {
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", format!("*a{},", level - 1).repeat(9)));
    }
    let many = |count: usize, of: fn(usize) -> String| (0..count).map(of).collect::<String>();
    let in_config = |text: String| GOOD.replace("path: stocks.csv", &format!("path: stocks.csv, {text}"));
    let in_schema = |text: String| GOOD.replace("    price: double\n", &text);
    vec![
        ("ten mistakes", TEN_MISTAKES.to_owned()),
        ("a bomb of nine levels", bomb),
        ("a list a hundred thousand times", format!("a: &a [{}]\nb: [{}]", "1,".repeat(1000), "*a,".repeat(100_000))),
        ("a hundred thousand aliases", format!("a: &a 1\nb: [{}]", "*a,".repeat(100_000))),
        (
            "merge keys of merge keys",
            many(60, |n| format!("m{n}: &m{n} {{ <<: [*m{0}, *m{0}] }}\n", n.max(1) - 1))
                .replacen("*m0, *m0", "{ a: 1 }", 1),
        ),
        ("a mebibyte of brackets", "[".repeat(1 << 20)),
        ("ten thousand braces", "{".repeat(10_000)),
        ("ten thousand mappings", "{a: ".repeat(10_000)),
        ("ten thousand dashes", "- ".repeat(10_000)),
        ("ten thousand keys", "? ".repeat(10_000)),
        ("a text that never ends", format!("name: '{}", "x".repeat(1_000_000))),
        ("a long list", format!("{GOOD}x: [{}]", "1,".repeat(90_000))),
        ("many unknown fields", format!("{GOOD}{}", many(90_000, |n| format!("x{n}: 1\n")))),
        ("many fields that nearly fit", format!("{GOOD}{}", many(9_000, |n| format!("sourcs{n}: 1\n")))),
        ("many unknown fields of a plugin", in_config(many(9_000, |n| format!("x{n}: 1, ")))),
        ("one key many times", format!("{GOOD}{}", "x: 1\n".repeat(90_000))),
        ("many columns without a type", in_schema(many(9_000, |n| format!("    c{n}: strng\n")))),
        (
            "many columns of one name",
            in_schema(many(9_000, |n| {
                format!("    {}: string\n", "c".repeat(1 + n % 2).to_uppercase() + &"c".repeat(n % 90))
            })),
        ),
        ("many sinks of one name", GOOD.to_owned() + &"  - { type: lake, config: { url: file:///x } }\n".repeat(2_000)),
        ("many wrong sinks", GOOD.to_owned() + &"  - { type: lake, config: { ulr: 1 } }\n".repeat(2_000)),
        ("many placeholders", GOOD.replace("[symbol]", &format!("[{}]", "'${env:X}',".repeat(9_000)))),
        ("a placeholder many times", GOOD.replace("stocks.csv", &format!("'{}'", "${env:X".repeat(100_000)))),
        ("a wide mistake", GOOD.replace("stocks.csv", &format!("{{ x: '{}' }}", "ü".repeat(400_000)))),
        ("a deep type", GOOD.replace("price: double", &format!("price: {}", "array<".repeat(9_000)))),
        ("a wide type", GOOD.replace("price: double", &format!("price: 'struct<{}>'", "a:int,".repeat(100_000)))),
        ("many tags", format!("{GOOD}x: [{}]", "!x y,".repeat(9_000))),
    ]
}

#[tokio::test]
async fn an_expensive_file_is_refused_at_once() {
    for (what, text) in expensive() {
        let file = File::new(&text);
        let start = Instant::now();
        let drawn = file.refused().await.render(Color::Never);
        // The promise is 100 ms; a debug build on a busy machine gets more, and whatever is quadratic takes minutes.
        assert!(start.elapsed() < Duration::from_secs(10), "{what}: {:?}", start.elapsed());
        assert!(drawn.starts_with("error: "), "{what}: {drawn}");
        assert!(drawn.len() < 100_000, "{what}: {} bytes of answer", drawn.len());
    }
}
