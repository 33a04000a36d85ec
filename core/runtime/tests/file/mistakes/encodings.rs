//! Bytes that are no text, and things that are no file.

use std::os::unix::fs::FileTypeExt;

use pipeline_runtime::file::{LoadOptions, load};

use super::{assert_bytes_said, assert_table, assert_text_said};
use crate::{File, GOOD, fakes};

#[tokio::test]
async fn marks_line_ends_and_blank_lines_of_other_systems_are_accepted() {
    let crlf = GOOD.replace('\n', "\r\n");
    for text in [
        format!("\u{feff}{GOOD}"),
        crlf.clone(),
        format!("\u{feff}{crlf}"),
        GOOD.replace("stocks.csv", "größe-日本-🦀.csv"),
        format!("\n\n# a comment\n---\n{GOOD}...\n"),
        GOOD.trim_end().to_owned(),
    ] {
        File::new(text).loaded().await;
    }
}

#[tokio::test]
async fn a_mistake_is_placed_by_lines_and_characters_whatever_the_line_ends() {
    let wrong = GOOD.replace("path: stocks.csv", "path: größe🦀.csv, pth: 1").replace("partitions: 6", "partitions: x");
    let lines = File::new(&wrong).lines().await;
    assert_eq!(File::new(wrong.replace('\n', "\r\n")).lines().await, lines);
    assert_eq!(File::new(format!("\u{feff}{wrong}")).lines().await, lines);
    assert_text_said(&[(&wrong, "p.yaml:4:33: error: sources[0].config.pth: unknown field, expected one of path, delimiter, follow\np.yaml:7:15: error: topic.partitions: found the text `x`, expected an integer from 1 to 10000")]).await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_told_with_what_they_are() {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| GOOD.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
    let marked = |mark: [u8; 2], bytes: &[u8]| [&mark, bytes].concat();
    let latin1 = GOOD.replace("stocks.csv", "gr*sse.csv").replace('*', "\u{fc}");
    let latin1: Vec<u8> = latin1.chars().map(|c| c as u8).collect();
    assert_bytes_said(&[
        (&marked([0xff, 0xfe], &little), "p.yaml: error: the file is UTF-16, expected UTF-8: save it again in that encoding"),
        (&marked([0xfe, 0xff], &big), "p.yaml: error: the file is UTF-16, expected UTF-8: save it again in that encoding"),
        (&little, "p.yaml: error: the file is UTF-16, expected UTF-8: save it again in that encoding"),
        (&big, "p.yaml: error: the file is UTF-16, expected UTF-8: save it again in that encoding"),
        (&latin1, "p.yaml: error: the file is not UTF-8: line 4 holds a byte that is no character, expected it to be saved in that encoding"),
        (b"PK\x03\x04\0\0\x08", "p.yaml: error: the file is binary, expected text"),
        (b"\x7fELF\x02\x01\x01\0", "p.yaml: error: the file is binary, expected text"),
        (b"\x1f\x8b\x08\x08\x9c", "p.yaml: error: the file is not UTF-8: line 1 holds a byte that is no character, expected it to be saved in that encoding"),
        (b"name: a\0b\n", "p.yaml: error: the file is binary, expected text"),
        (b"name: \x1b[31mred\n", "p.yaml:1:1: error: topic: missing, expected a mapping\np.yaml:1:7: error: name: `\\u{1b}[31mred` has `\\u{1b}` in it, expected letters, digits, `-` and `_` only"),
        (b"\xed\xa0\x80", "p.yaml: error: the file is not UTF-8: line 1 holds a byte that is no character, expected it to be saved in that encoding"),
        (&vec![b'#'; (1 << 20) + 1], "p.yaml: error: the file is larger than 1 MiB, expected a smaller one"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_file_is_told_without_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("file"), GOOD).unwrap();
    std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
    std::os::unix::fs::symlink("circle", at("circle")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success() && std::fs::metadata(at("pipe")).unwrap().file_type().is_fifo());
    let mut said = Vec::new();
    for (path, expected) in [
        (at(""), "p.yaml: error: the file is a folder, expected a file"),
        (at("missing.yaml"), "p.yaml: error: the file does not exist, expected the path of one"),
        (at("missing/p.yaml"), "p.yaml: error: the file does not exist, expected the path of one"),
        (at("file/p.yaml"), "p.yaml: error: the file lies below a file, expected a path through folders"),
        (at("dangling"), "p.yaml: error: the file does not exist, expected the path of one"),
        (
            at("circle"),
            "p.yaml: error: the file cannot be read (Too many levels of symbolic links (os error 40)), expected one that can",
        ),
        ("/dev/zero".into(), "p.yaml: error: the file is a pipe, a socket or a device, expected a file"),
        (at("socket"), "p.yaml: error: the file is a pipe, a socket or a device, expected a file"),
        (at("pipe"), "p.yaml: error: the file is a pipe, a socket or a device, expected a file"),
        // Everybody may open it, and nobody may read its first page.
        (
            "/proc/self/mem".into(),
            "p.yaml: error: the file cannot be read (Input/output error (os error 5)), expected one that can",
        ),
    ] {
        let refused = load(&path, &LoadOptions::default(), &fakes::registry()).await.map(|_| ()).unwrap_err();
        let path = path.display().to_string();
        let found = refused.to_string().trim_end().replace(&path, "p.yaml");
        said.push((path, expected.to_owned(), found));
    }
    assert_table(said);
}

#[tokio::test]
async fn a_link_to_a_file_is_that_file() {
    let file = File::new(GOOD);
    let link = file.folder.path().join("link.yaml");
    std::os::unix::fs::symlink("p.yaml", &link).unwrap();
    load(&link, &LoadOptions::default(), &fakes::registry()).await.unwrap_or_else(|said| panic!("{said}"));
}
