//! What a file will do, said before a run.

use pipeline_api::Timestamp;
use pipeline_runtime::ahead::{Ahead, Assumptions, Due, FilesAhead, Rate, SaidBy, Spread};

use crate::{File, GOOD};

const NOTHING_SAID: Assumptions = Assumptions { rate: None, record_bytes: None, at: Timestamp::UNIX_EPOCH };

async fn ahead(text: &str, assumed: Assumptions) -> Ahead {
    Ahead::of(&File::new(text).loaded().await.plan, &assumed).await.unwrap()
}

/// The good file with the records of seven symbols, of which `rate` come a second, each of 100 bytes.
async fn ahead_at(rate: f64, flush: &str) -> Ahead {
    let text = GOOD.replace("stocks.csv", "7000/7") + flush;
    ahead(&text, Assumptions { rate: Some(rate), record_bytes: Some(100.0), ..NOTHING_SAID }).await
}

fn files(ahead: &Ahead) -> &FilesAhead {
    ahead.sinks[0].files.as_ref().unwrap()
}

#[tokio::test]
async fn the_setting_that_is_reached_first_makes_a_flush_due() {
    for (rate, flush, due, rows, pause) in [
        (1000.0, "", Due::Every, 60_000.0, 60.0),
        (1000.0, "    flush: { every: 2m }\n", Due::Every, 120_000.0, 120.0),
        (1000.0, "    flush: { rows: 30_000 }\n", Due::Rows, 30_000.0, 30.0),
        (1000.0, "    flush: { bytes: 1kB }\n", Due::Bytes, 10.0, 0.01),
        (1000.0, "    flush: { memory: 2kB, bytes: 1kB }\n    tasks: 2\n", Due::Bytes, 10.0, 0.02),
        (1_000_000.0, "", Due::Memory, 167_772.16, 0.167_772_16),
        // A flush has a record at least.
        (0.001, "", Due::Every, 1.0, 1000.0),
    ] {
        let flush = ahead_at(rate, flush).await.sinks[0].flush;
        assert_eq!((flush.due, flush.rows, flush.bytes), (due, rows, rows * 100.0));
        assert!((flush.pause.unwrap() - pause).abs() < 1e-9, "{flush:?}");
    }
}

#[tokio::test]
async fn files_are_those_of_the_records_that_come_between_two_flushes() {
    // A symbol is the key, so it is in one partition alone.
    let seven = ahead_at(100.0, "").await;
    assert_eq!((seven.sampled, seven.sinks[0].spread), (Some(7000), Some(Spread { rows: 7000, folders: 7 })));
    let found = files(&seven);
    assert_eq!((found.a_flush, found.a_day, found.at_least), (7.0, Some(7.0 * 1440.0), false));
    assert!((found.bytes - 600_000.0 / 7.0).abs() < 1e-6, "{found:?}");
    assert_eq!(found.requests, [("PUT", 1)]);
    assert!(found.examples[0].starts_with("file:///lake/stocks/S"), "{found:?}");
    // Two tasks make half of them each, every time.
    let halves = ahead_at(100.0, "    tasks: 2\n").await;
    assert_eq!((files(&halves).a_flush, files(&halves).a_day), (3.5, Some(7.0 * 1440.0)));
    // With three records between two flushes there are three symbols.
    assert_eq!(files(&ahead_at(0.05, "").await).a_flush, 3.0);
    // Of more records than were looked at nobody knows how many symbols they have.
    assert!(files(&ahead_at(1000.0, "").await).at_least);
    // Without a key every partition has some of each symbol.
    let text = GOOD.replace("stocks.csv", "7000/7").replace("  key: symbol\n", "");
    let spread = ahead(&text, Assumptions { rate: Some(100.0), ..NOTHING_SAID }).await;
    assert_eq!(files(&spread).a_flush, 42.0);
    let large = ahead_at(200_000.0, "    flush: { memory: 1GiB, bytes: 1GiB, every: 3s }\n").await;
    assert_eq!((files(&large).a_flush, &files(&large).requests[..]), (7.0, &[("PUT", 1)][..]));
    let larger = ahead_at(200_000.0, "    flush: { memory: 4GiB, bytes: 1GiB, every: 9s }\n").await;
    assert_eq!(files(&larger).requests, [("PUT", 3)]);
}

#[tokio::test]
async fn where_the_data_is_not_known_a_record_of_each_partition_is_made_up() {
    let found = ahead(GOOD, NOTHING_SAID).await;
    assert_eq!((found.rate, found.sampled, found.sinks[0].spread), (None, None, None));
    // A text of 16 bytes, a double and a timestamp.
    assert_eq!((found.sinks[0].record_bytes, found.sinks[0].flush.due), (32.0, Due::Memory));
    let files = files(&found);
    assert_eq!((files.a_flush, files.at_least, files.a_day), (6.0, true, None));
    let names: Vec<String> =
        (0..3).map(|partition| format!("file:///lake/stocks/SYMBOL/demo_testing2/{partition}")).collect();
    let shown: Vec<String> = files.examples.iter().map(|url| url.replace('+', "/")).collect();
    assert_eq!(shown, names);
    assert!(!ahead(&GOOD.replace("[symbol]", "[]"), NOTHING_SAID).await.sinks[0].files.as_ref().unwrap().at_least);
    assert!(
        ahead(
            &GOOD.replace(
                "type: lake\n    config: { url: file:///lake/stocks, partition_by: [symbol] }",
                "type: console"
            ),
            NOTHING_SAID
        )
        .await
        .sinks[0]
            .files
            .is_none()
    );
}

#[tokio::test]
async fn who_asks_knows_the_rate_better_than_the_file_and_the_file_better_than_its_sources() {
    let socket = GOOD.replace("type: csv\n    config: { path: stocks.csv }", "type: socket\n    config: { port: 80 }");
    let rated = socket.replace("  key:", "  rate: 500\n  key:");
    let said = |records, said_by| Some(Rate { records, said_by });
    let asked = Assumptions { rate: Some(7.5), ..NOTHING_SAID };
    assert_eq!(ahead(&rated, asked).await.rate, said(7.5, SaidBy::Assumption));
    assert_eq!(ahead(&rated, NOTHING_SAID).await.rate, said(500.0, SaidBy::Topic));
    assert_eq!(ahead(&socket, NOTHING_SAID).await.rate, said(80.0, SaidBy::Sources));
    // One that says nothing may be faster than all others.
    let two = socket.replace("topic:", "  - type: csv\n    config: { path: stocks.csv }\ntopic:");
    assert_eq!(ahead(&two, NOTHING_SAID).await.rate, None);
}

#[tokio::test]
async fn a_hook_is_asked_about_the_files_of_one_flush_and_its_calls_add_up() {
    let found = ahead_at(100.0, "    hooks: [{ type: table, config: { table: t } }]\n").await;
    let hook = found.sinks[0].hooks[0].as_ref().unwrap();
    assert_eq!(hook.makes, ["TABLE t"]);
    let [register, count, check] = &hook.calls[..] else { panic!("{hook:?}") };
    assert_eq!((register.calls.count, register.a_day, register.scanned), (7, Some(7.0 * 1440.0), None));
    // A quarter of an hour of a hundred records a second of a hundred bytes.
    assert_eq!((count.a_day, count.scanned), (Some(7.0 * 96.0), Some(9_000_000.0)));
    // A quarter of a record is the price: 8 of 32 bytes.
    assert_eq!((check.a_day, check.growing), (None, Some(100.0 * 86_400.0 * 25.0)));
}

async fn advice(text: String) -> Vec<String> {
    let file = File::new(text).advised();
    let lines = file.loaded().await.warnings.to_string();
    let folder = format!("{}/", file.folder.path().display());
    lines.lines().map(|line| line.replace(&folder, "")).collect()
}

#[tokio::test]
async fn a_file_that_will_be_regretted_is_warned_of_with_the_numbers() {
    let rated = |rate: &str, flush: &str| GOOD.replace("  key:", &format!("  rate: {rate}\n  key:")) + flush;
    let sampled = |text: String, path: &str| text.replace("stocks.csv", path);
    let small = "p.yaml:16:5: warning: sinks[0].flush: at";
    let folders = "p.yaml:17:5: warning: sinks[0].config: the first";
    for (text, expected) in [
        (GOOD.to_owned(), vec![]),
        (sampled(GOOD.to_owned(), "7000/7"), vec![]),
        (sampled(GOOD.to_owned(), "99/99"), vec![]),
        (sampled(GOOD.to_owned(), "100/50"), vec![]),
        (
            sampled(GOOD.to_owned(), "100/51"),
            vec![format!(
                "{} 100 records fall into 51 folders, and each flush writes a file for each of them; expected a \
                 `partition_by` whose values more records share, such as date(…) of a timestamp",
                folders.replace("17:", "16:")
            )],
        ),
        (
            sampled(GOOD.to_owned(), "20000/1001"),
            vec![format!(
                "{} 10000 records fall into 1001 folders, and each flush writes a file for each of them; expected a \
                 `partition_by` whose values more records share, such as date(…) of a timestamp",
                folders.replace("17:", "16:")
            )],
        ),
        (rated("50_000", ""), vec![]),
        (
            sampled(rated("500", ""), "7000/7"),
            vec![format!(
                "{small} 500 records/s of about 32 B a flush comes every 1m and leaves at least 7 files of about 137 kB; \
                 expected files of at least 1 MB: `flush: {{ every: 8m }}`, fewer partitions of the topic or fewer folders"
            )],
        ),
        (
            rated("10_000", "    flush: { rows: 100_000, every: 2m }\n").replace("[symbol]", "[]"),
            vec![format!(
                "{} 10000 records/s of about 32 B a flush comes every 10s and leaves 6 files of about 533 kB; expected files \
                 of at least 1 MB: `flush: {{ rows: 187500 }}`, fewer partitions of the topic or fewer folders",
                small.replace("16:5", "18:5")
            )],
        ),
        (
            rated("100_000", "    flush: { bytes: 1MiB, memory: 2MiB }\n").replace("[symbol]", "[]"),
            vec![format!(
                "{} 100000 records/s of about 32 B a flush comes every 1s and leaves 6 files of about 175 kB; expected files \
                 of at least 1 MB: `flush: {{ bytes: 6MiB, memory: 12MiB }}`, fewer partitions of the topic or fewer folders",
                small.replace("16:5", "18:5")
            )],
        ),
        (
            rated("0.5", "").replace("[symbol]", "[]").replace("partitions: 6", "partitions: 1"),
            vec![format!(
                "{small} 0.5 records/s of about 32 B a flush comes every 1m and leaves 1 file of about 960 B; expected files of at \
                 least 1 MB: one takes 17h22m to fill"
            )],
        ),
        // What would take hours is not asked for.
        (
            rated("0.5", "").replace("[symbol]", "[]"),
            vec![format!(
                "{small} 0.5 records/s of about 32 B a flush comes every 1m and leaves 6 files of about 160 B; expected files \
                 of at least 1 MB: fewer partitions of the topic or fewer folders"
            )],
        ),
    ] {
        assert_eq!(advice(text.clone()).await, expected, "{text}");
    }
    // Who did not ask is not told.
    let unasked = File::new(sampled(rated("500", ""), "100/51")).loaded().await.warnings;
    assert!(unasked.is_empty(), "{unasked}");
}

#[tokio::test]
async fn what_a_hook_would_refuse_when_it_is_opened_is_a_mistake_of_the_file() {
    let hook = |table: &str| format!("    hooks: [{{ type: table, config: {{ table: {table} }} }}]\n");
    let elsewhere = File::new(GOOD.to_owned() + &hook("elsewhere"));
    assert!(elsewhere.lines().await.is_empty());
    let expected = "p.yaml:17:28: error: sinks[0].hooks[0].config: no table reads what lies there";
    assert_eq!(elsewhere.advised().lines().await, [expected]);
    let flat = File::new(GOOD.replace("[symbol]", "[]") + &hook("partitioned"));
    let expected = "p.yaml:17:45: error: sinks[0].hooks[0].config.table: a partitioned table without partitions";
    assert_eq!(flat.lines().await, [expected]);
}

#[tokio::test]
async fn a_rate_is_a_number_above_zero() {
    for (rate, found) in [("0", "found `0`"), ("-1", "found `-1`"), ("many", "found the text `many`")] {
        let text = GOOD.replace("  key:", &format!("  rate: {rate}\n  key:"));
        let expected = format!("p.yaml:8:9: error: topic.rate: {found}, expected a number above 0");
        assert_eq!(File::new(text).lines().await, [expected]);
    }
}
