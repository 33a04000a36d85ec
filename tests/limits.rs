//! What the program takes to refuse files that are made to be expensive. A program of its own, because the system counts
//! in the memory of the one that starts another, up to that moment, and this one keeps small.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use wait4::Wait4;

const MEMORY: u64 = 64 * 1024 * 1024;

/// The code of a program that is not optimised is half of this, and more with whatever is linked.
const MEMORY_IN_DEBUG: u64 = 96 * 1024 * 1024;

/// Of processor time, which a busy machine does not lengthen.
const TIME: Duration = Duration::from_millis(100);

/// A program that is not optimised takes about ten times as long. Whatever is quadratic takes minutes.
const TIME_IN_DEBUG: Duration = Duration::from_secs(2);

const GOOD: &str = "\
name: stocks
sources:
  - type: csv
    config: { path: stocks.csv }
topic: { name: stocks, schema: { symbol: string } }
sinks:
  - type: s3_json
    config: { url: out }
";

/// What it is, and how its text is made.
type Expensive = (&'static str, fn() -> String);

const EXPENSIVE: [Expensive; 16] = [
    ("a bomb of nine levels", bomb),
    ("a hundred thousand aliases", || format!("a: &a 1\nb: [{}]", "*a,".repeat(100_000))),
    ("ten thousand brackets", || "[".repeat(10_000)),
    ("a mebibyte of brackets", || "[".repeat(1 << 20)),
    ("ten megabytes of comment", || "#".repeat(10_000_000)),
    ("ten megabytes that are no text", || "\0\u{1}".repeat(5_000_000)),
    ("a mebibyte of one text", || format!("name: '{}", "x".repeat((1 << 20) - 10))),
    ("ninety thousand fields", || format!("{GOOD}{}", many(90_000, |n| format!("x{n}: 1\n")))),
    ("nine thousand fields", || format!("{GOOD}{}", many(9_000, |n| format!("x{n}: 1\n")))),
    ("nine thousand fields of a plugin", || in_sink(&many(9_000, |n| format!(", x{n}: 1")))),
    ("nine thousand columns without a type", || {
        GOOD.replace("symbol: string", &many(9_000, |n| format!("c{n}: strng, ")))
    }),
    ("nine thousand columns", || GOOD.replace("symbol: string", &many(9_000, |n| format!("c{n}: string, ")))),
    ("nine thousand variables", || in_sink(&format!(", partition_by: [{}]", "'${env:NONE}', ".repeat(9_000)))),
    ("nine thousand columns in folders", || in_sink(&format!(", partition_by: [{}]", "symbl, ".repeat(9_000)))),
    ("two thousand sinks", || format!("{GOOD}{}", "  - { type: s3_json, config: { url: out } }\n".repeat(2_000))),
    ("a type of a hundred thousand levels", || {
        GOOD.replace("string", &format!("{}int{}", "array<".repeat(100_000), ">".repeat(100_000)))
    }),
];

fn bomb() -> String {
    let level = |n: usize| format!("a{n}: &a{n} [{}]\n", format!("*a{},", n - 1).repeat(9));
    (1..10).fold(String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n"), |text, n| text + &level(n))
}

fn many(count: usize, of: fn(usize) -> String) -> String {
    (0..count).map(of).collect()
}

fn in_sink(settings: &str) -> String {
    GOOD.replace("url: out", &format!("url: out{settings}"))
}

#[test]
fn an_expensive_file_is_refused_at_once_and_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pipeline.yaml");
    let (most_memory, most_time) =
        if cfg!(debug_assertions) { (MEMORY_IN_DEBUG, TIME_IN_DEBUG) } else { (MEMORY, TIME) };
    let mut wrong = Vec::new();
    for (what, text) in EXPENSIVE {
        fs::write(&file, text()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        command.arg("validate").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let used = command.spawn().unwrap().wait4().unwrap();
        let (memory, time) = (used.rusage.maxrss, used.rusage.utime + used.rusage.stime);
        if used.status.code() != Some(78) || memory > most_memory || time > most_time {
            wrong.push(format!("{what}: {}, {} MB, {time:.0?}", used.status, memory >> 20));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
