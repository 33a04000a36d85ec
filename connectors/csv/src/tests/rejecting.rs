use super::*;

#[tokio::test]
async fn a_field_that_does_not_fit_is_rejected_with_its_place_and_its_neighbours_stay() {
    let fixture = Fixture::new(&[("s", "string"), ("v", "string not null")]);
    for (of, text) in [
        ("double", "abc"),
        ("double", "NaN"),
        ("double", "inf"),
        ("double", "9007199254740993"),
        ("bigint", "1.5"),
        ("bigint", "9223372036854775808"),
        ("int", " 1"),
        ("tinyint", "128"),
        ("decimal(9,2)", "1.001"),
        ("decimal(9,2)", "12345678"),
        ("date", "2026-02-30"),
        ("timestamp", "2026-01-02T25:00:00"),
        ("timestamp", "2026-01-02T10:00:00.0001"),
        ("boolean", "yes"),
        ("bigint not null", ""),
        ("string not null", ""),
    ] {
        let good = match of.split(['(', ' ']).next().unwrap() {
            "date" | "timestamp" => "2026-01-02",
            _ => "1",
        };
        fixture.write("a.csv", format!("s,v,w\nα,{good},x\nβ,\"{text}\",y\nγ,{good},z\n"));
        let read = fixture.read(json!({ "path": "a.csv", "types": { "v": of } })).await;
        let (place, field, reason) = read.misfit();
        assert_eq!((place, field), ("a.csv:3:3", Some("v")), "{of} {text}");
        assert!(reason.starts_with(&format!("`{text}` ")), "{reason}");
        assert_eq!(read.rejected[0].record, format!("β,\"{text}\",y"));
        let kept: Vec<&str> = read.rows.iter().map(|row| row.split('|').next().unwrap()).collect();
        assert_eq!(kept, ["α", "γ"], "{of} {text}");
    }
}

#[tokio::test]
async fn a_malformed_record_is_rejected_and_reading_goes_on_with_the_next() {
    let fixture = Fixture::new(&[("n", "int")]);
    for (record, place, reason) in [
        (&b"1,2"[..], "a.csv:2:4", "2 fields, expected 3"),
        (b"1,2,3,4", "a.csv:2:7", "4 fields, expected 3"),
        (b"   ", "a.csv:2:4", "1 fields, expected 3"),
        (b"1,\xff,3", "a.csv:2:3", "not UTF-8"),
        (b"1,\xc3,\xa9", "a.csv:2:3", "not UTF-8"),
        (b"1,a\0b,3", "a.csv:2:3", "NUL"),
        (b"1,\"a\"b,3", "a.csv:2:6", "closing quote"),
        (b"1,\"a\nb\",x,y", "a.csv:3:6", "4 fields"),
        (b"\"1\n\"2,a,b", "a.csv:3:2", "closing quote"),
    ] {
        fixture.write("a.csv", [b"n,a,b\n", record, b"\n7,x,y\n"].concat());
        let read = fixture.read(json!({ "path": "a.csv" })).await;
        let (found_place, _, found_reason) = read.misfit();
        assert_eq!(found_place, place, "{found_reason}");
        assert!(found_reason.contains(reason), "{found_reason}");
        assert_eq!(read.rejected[0].record, record);
        assert_eq!(read.rows, ["7|x|y"]);
    }
}

#[tokio::test]
async fn lines_are_counted_through_quoted_line_breaks_and_rejected_records() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("a.csv", "n,t\r\n1,\"a\r\nb\r\nc\"\r\n\r\nx,\"\r\n\"\r\n2,z\r\ny,z\r\n");
    let read = fixture.read(json!({ "path": "a.csv" })).await;
    let places: Vec<&str> = read.rejected.iter().map(|rejected| rejected.place.as_str()).collect();
    assert_eq!(places, ["a.csv:6:1", "a.csv:9:1"]);
}

#[tokio::test]
async fn a_quote_that_never_closes_takes_the_rest_of_the_file_as_one_rejected_record() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("a.csv", "n,t\n1,a\n2,\"b\n3,c\n");
    let read = fixture.read(json!({ "path": "a.csv" })).await;
    assert_eq!(read.rows, ["1|a"]);
    let (place, _, reason) = read.misfit();
    assert_eq!((place, reason), ("a.csv:3:3", "the quote that opens here never closes"));
    assert_eq!(read.rejected[0].record, "2,\"b\n3,c\n");
}

#[tokio::test]
async fn an_open_quote_that_takes_more_than_the_limit_is_an_error_behind_the_good_rows() {
    let fixture = Fixture::new(&[("n", "int")]);
    fixture.write("a.csv", format!("n,t\n1,a\n2,\"b\n{}", "3,c\n".repeat(300_000)));
    let mut source =
        fixture.open(json!({ "path": "a.csv", "max_record": "64KiB" }), SourceOffsets::new()).await.unwrap();
    let batch = source.poll().await.unwrap().unwrap();
    assert_eq!(rows(&batch.records), ["1|a"]);
    let error = source.poll().await.unwrap_err();
    assert_eq!(error.kind(), pipeline_api::ErrorKind::Fatal);
    assert!(error.to_string().starts_with("a.csv:3:3: a quote that opens in this record never closes"), "{error}");
    // The error stays, and the offset is that before the record.
    let position: crate::position::Position = batch.offsets.get("a.csv").unwrap().unwrap();
    assert_eq!((position.byte, position.line, position.done), (8, 3, false));
    assert!(source.poll().await.is_err());
}

#[tokio::test]
async fn a_record_beyond_the_limit_is_rejected_by_its_beginning_and_the_next_one_is_read() {
    let fixture = Fixture::new(&[("n", "int")]);
    let long = "x".repeat(3_000_000);
    let quoted = "x\n".repeat(1_000_000);
    for (record, line) in
        [(format!("1,{long}"), 3), (format!("1,\"{quoted}\""), 1_000_003), ("1,".to_owned() + &long[..5000], 3)]
    {
        fixture.write("a.csv", format!("n,t\r\n{record}\r\nz,t\r\n7,y"));
        let read = fixture.read(json!({ "path": "a.csv", "max_record": "4KiB" })).await;
        assert_eq!(read.rows, ["7|y"]);
        let [long, next] = &read.rejected[..] else { panic!("{} rejected", read.rejected.len()) };
        assert_eq!((long.place.as_str(), long.record.len()), ("a.csv:2:1", 4096));
        assert!(long.reason.contains("longer than 4096 bytes"), "{}", long.reason);
        assert_eq!(next.place, format!("a.csv:{line}:1"));
    }
    fixture.write("a.csv", format!("n,t\n1,{long}"));
    let read = fixture.read(json!({ "path": "a.csv", "max_record": "4KiB" })).await;
    assert_eq!(read.misfit().0, "a.csv:2:1");
}

#[tokio::test]
async fn bytes_that_are_not_what_the_name_says_are_refused() {
    let fixture = Fixture::new(&[]);
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    fixture.write("a.csv", gzip).write("b.csv.gz", "n\n1\n").write("c.csv.zst", "n\n").write("d.csv", b"\xff\xfea\0");
    fixture.write("e.csv.gz", "");
    for (path, reason) in [
        ("a.csv", "a.csv: the file holds gzip data, expected a name that ends in .gz"),
        ("b.csv.gz", "holds no gzip data"),
        ("c.csv.zst", "holds no zstd data"),
        ("d.csv", "UTF-16"),
        ("e.csv.gz", "holds no gzip data"),
        ("f.csv", "f.csv: there is no such file"),
        ("*.txt", "there is no csv file at `*.txt`"),
    ] {
        let refusal = fixture.refusal(json!({ "path": path })).await;
        assert!(refusal.contains(reason), "{refusal}");
    }
}

#[tokio::test]
async fn a_compressed_file_that_is_cut_is_an_error_behind_its_rows() {
    use std::io::Write;
    let fixture = Fixture::new(&[("n", "bigint")]);
    let text: String =
        std::iter::once("n\n".to_owned()).chain((0..200_000u64).map(|n| format!("{}\n", n * 7919 % 65_537))).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for (name, bytes) in [("a.csv.gz", gzip), ("a.csv.zst", zstd)] {
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

#[tokio::test]
async fn headers_that_are_wrong_or_differ_are_refused() {
    let fixture = Fixture::new(&[]);
    for (text, reason) in [
        ("a,b,a\n", "a.csv:1:5: the header names `a` twice"),
        ("a,,b\n", "a.csv:1:3: a column has no name"),
        ("a,__b\n", "reserved"),
        ("a,\"b\n", "a.csv:1:3: in the header: the quote that opens here never closes"),
    ] {
        fixture.write("a.csv", text);
        let refusal = fixture.refusal(json!({ "path": "a.csv" })).await;
        assert!(refusal.contains(reason), "{refusal}");
    }
    fixture.write("data/1.csv", "x,y\n1,2\n").write("data/2.csv", "y,x\n1,2\n");
    let refusal = fixture.refusal(json!({ "path": "data" })).await;
    assert!(refusal.contains("data/2.csv:1:1: the header is `y,x`, but that of data/1.csv is `x,y`"), "{refusal}");
}
