use std::io::Write;

use super::*;

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[tokio::test]
async fn bytes_that_are_not_what_the_name_says_are_refused() {
    let fixture = Fixture::new(&[]);
    let csv = b"n\n1\n".to_vec();
    for (name, bytes, refusal) in [
        ("a.csv", gzip(&csv), "a.csv: the file holds gzip data, expected a name that ends in .gz"),
        ("b.csv", zstd(&csv), "b.csv: the file holds zstd data, expected a name that ends in .zst"),
        (
            "c.csv.gz",
            csv.clone(),
            "c.csv.gz: the name ends in .gz, but the file holds no gzip data; compress it, or name it .csv",
        ),
        (
            "d.csv.gz",
            zstd(&csv),
            "d.csv.gz: the name ends in .gz, but the file holds no gzip data; compress it, or name it .csv",
        ),
        (
            "e.csv.gz",
            Vec::new(),
            "e.csv.gz: the name ends in .gz, but the file holds no gzip data; compress it, or name it .csv",
        ),
        (
            "f.csv.zst",
            csv.clone(),
            "f.csv.zst: the name ends in .zst, but the file holds no zstd data; compress it, or name it .csv",
        ),
        ("g.csv", b"PK\x03\x04".to_vec(), "g.csv: the file holds a zip archive, expected csv, .gz or .zst"),
        ("h.csv", b"BZh9".to_vec(), "h.csv: the file holds bzip2 data, expected csv, .gz or .zst"),
        ("i.csv", b"\xfd7zXZ\0".to_vec(), "i.csv: the file holds xz data, expected csv, .gz or .zst"),
        ("j.csv", b"PAR1".to_vec(), "j.csv: the file holds a Parquet file, expected csv"),
        ("k.csv", b"\xff\xfen\0".to_vec(), "k.csv: the file holds UTF-16 text, expected UTF-8"),
        ("l.csv", b"\xfe\xff\0n".to_vec(), "l.csv: the file holds UTF-16 text, expected UTF-8"),
        ("m.csv", b"n\0\n\0".to_vec(), "m.csv:1:1: the header holds a NUL byte, expected text"),
    ] {
        fixture.write(name, bytes);
        assert_eq!(fixture.refusal(json!({ "path": name })).await, refusal);
    }
    for (path, refusal) in [
        (
            "z.csv",
            "z.csv: there is no such file, expected one; relative paths start from the folder of the pipeline file",
        ),
        (
            "*.txt",
            "path: there is no csv file at `*.txt`, expected one; relative paths start from the folder of the pipeline file",
        ),
    ] {
        assert_eq!(fixture.refusal(json!({ "path": path })).await, refusal);
    }
}

#[tokio::test]
async fn a_compressed_file_that_is_cut_anywhere_is_never_taken_for_a_whole_one() {
    let fixture = Fixture::new(&[("n", "int")]);
    let text = b"n\n1\n22\n333\n";
    for (name, bytes) in [("a.csv.gz", gzip(text)), ("a.csv.zst", zstd(text))] {
        for cut in 0..bytes.len() {
            fixture.write(name, &bytes[..cut]);
            let refusal = fixture.refusal(json!({ "path": name })).await;
            let cut_off = refusal.starts_with(&format!(
                "{name}: the {} data ends in the middle",
                &name[6..].replace("gz", "gzip").replace("zst", "zstd")
            ));
            assert!(cut_off || (cut < 4 && refusal.contains("the file holds no")), "{cut}: {refusal}");
        }
        fixture.write(name, bytes);
        assert_eq!(fixture.read(json!({ "path": name })).await.rows, ["1", "22", "333"]);
    }
}

#[tokio::test]
async fn a_flipped_bit_of_a_gzip_file_is_an_error_or_changes_nothing() {
    let fixture = Fixture::new(&[("n", "int")]);
    let bytes = gzip(b"n\n1\n22\n333\n");
    let mut noticed = 0;
    for at in 2..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            fixture.write("a.csv.gz", damaged);
            match fixture.try_read(json!({ "path": "a.csv.gz" }), SourceOffsets::new()).await {
                Ok(read) => assert_eq!(read.rows, ["1", "22", "333"], "byte {at}, bit {bit}"),
                Err(error) => {
                    assert!(error.to_string().starts_with("a.csv.gz:"), "{error}");
                    noticed += 1;
                }
            }
        }
    }
    // What a gzip file says of its time, its system and its level is no part of the data.
    assert!(noticed > (bytes.len() - 10) * 8, "{noticed}");
}

#[tokio::test]
async fn several_members_are_one_file_and_garbage_behind_them_is_damage() {
    let fixture = Fixture::new(&[("n", "int")]);
    let config = json!({ "path": "a.csv.gz" });
    for parts in [&[&b"n\n1\n"[..], b"2\n"][..], &[b"n", b"\n", b"1", b"\n2\n"], &[b"", b"n\n1\n2", b""]] {
        let members: Vec<u8> = parts.iter().flat_map(|part| gzip(part)).collect();
        fixture.write("a.csv.gz", &members);
        assert_eq!(fixture.read(config.clone()).await.rows, ["1", "2"]);
        fixture.append("a.csv.gz", "garbage behind the last member");
        assert_eq!(fixture.refusal(config.clone()).await, "a.csv.gz: the gzip data is damaged: invalid gzip header");
    }
    fixture.write("a.csv.zst", [zstd(b"n\n1"), zstd(b"\n2\n")].concat());
    assert_eq!(fixture.read(json!({ "path": "a.csv.zst" })).await.rows, ["1", "2"]);
}

#[tokio::test]
async fn a_compressed_file_that_is_cut_is_an_error_behind_its_rows() {
    let fixture = Fixture::new(&[("n", "bigint")]);
    let text: String =
        std::iter::once("n\n".to_owned()).chain((0..200_000u64).map(|n| format!("{}\n", n * 7919 % 65_537))).collect();
    for (name, bytes) in [("a.csv.gz", gzip(text.as_bytes())), ("a.csv.zst", zstd(text.as_bytes()))] {
        fixture.write(name, &bytes[..bytes.len() - 10]);
        let mut source = fixture.open(json!({ "path": name }), SourceOffsets::new()).await.unwrap();
        let mut rows = 0;
        let error = loop {
            match source.poll().await {
                Ok(Some(batch)) => rows += batch.records.num_rows(),
                Ok(None) => panic!("{name} ended"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("data ends in the middle"), "{error}");
        assert!((1..200_000).contains(&rows), "{rows}");
    }
}
