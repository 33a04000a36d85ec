use pipeline_testkit::source_conformance::{Subject, run};

use super::*;

/// Three files of some batches together, two of them compressed; with a byte order mark, both kinds of line breaks, one
/// of them missing at the end, and records that are rejected.
fn files() -> Fixture {
    let fixture = Fixture::new(&[("n", "int"), ("at", "timestamp")]);
    let text = |first: u32, line_break: &str| {
        let line = |n: u32| match n % 1000 {
            7 => format!("none,\"{n}\nü\","),
            _ => format!("{n},\"{n}\nü\",2026-01-02 00:00:{:02}", n % 60),
        };
        let lines: Vec<String> = (first..first + 9_000).map(line).collect();
        format!("\u{feff}n,t,at{line_break}{}", lines.join(line_break))
    };
    fixture.write("data/a.csv", text(0, "\r\n"));
    fixture.write("data/b.csv.zst", zstd::encode_all(text(10_000, "\n").as_bytes(), 1).unwrap());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, text(20_000, "\r\n").as_bytes()).unwrap();
    fixture.write("data/c.csv.gz", gzip.finish().unwrap());
    fixture
}

#[tokio::test]
async fn a_folder_of_files_conforms() {
    let files = files();
    let subject = Subject::of::<CsvSource>(json!({ "path": "data" }), files.schema.clone());
    run(subject.in_folder(files.folder.path())).await;
}

#[tokio::test(start_paused = true)]
async fn a_replay_at_the_pace_of_the_records_conforms() {
    let fixture = Fixture::new(&[("at", "timestamp")]);
    let lines = (0..300).map(|n| format!("2026-01-02 00:{:02}:{:02}\n", n / 60, n % 60));
    fixture.write("a.csv", std::iter::once("at\n".to_owned()).chain(lines).collect::<String>());
    let config = json!({ "path": "a.csv", "replay": { "by": "at", "speed": 100 } });
    run(Subject::of::<CsvSource>(config, fixture.schema.clone()).in_folder(fixture.folder.path())).await;
}
