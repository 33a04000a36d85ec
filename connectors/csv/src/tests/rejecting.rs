use super::*;

#[tokio::test]
async fn a_malformed_record_is_rejected_and_reading_goes_on_with_the_next() {
    let fixture = Fixture::new(&[("n", "int")]);
    for (record, place, reason) in [
        (&b"1,2"[..], "a.csv:2:4", "the record has 2 fields, expected 3"),
        (b"1,2,3,4", "a.csv:2:7", "the record has 4 fields, expected 3"),
        (b"1,2,3,", "a.csv:2:7", "the record has 4 fields, expected 3"),
        (b",,,,,,", "a.csv:2:4", "the record has 7 fields, expected 3"),
        (b"   ", "a.csv:2:4", "the record has 1 fields, expected 3"),
        (b"1;2;3", "a.csv:2:6", "the record has 1 fields, expected 3"),
        (b"1,\xff,3", "a.csv:2:3", "the field is not UTF-8, expected UTF-8 text"),
        (b"1,x,\xe9", "a.csv:2:5", "the field is not UTF-8, expected UTF-8 text"),
        (b"1,\xc3,\xa9", "a.csv:2:3", "the field is not UTF-8, expected UTF-8 text"),
        (b"1,\xed\xa0\x80,3", "a.csv:2:3", "the field is not UTF-8, expected UTF-8 text"),
        (b"1,a\0b,3", "a.csv:2:3", "the field holds a NUL byte, expected text"),
        (b"\0\0\0\0", "a.csv:2:5", "the record has 1 fields, expected 3"),
        (b"1,\"a\"b,3", "a.csv:2:6", "text follows a closing quote, expected the delimiter or the end of the line"),
        (b"1,\"a\" ,3", "a.csv:2:6", "text follows a closing quote, expected the delimiter or the end of the line"),
        (b"1,\"a\nb\",x,y", "a.csv:3:6", "the record has 4 fields, expected 3"),
        (b"\"1\n\"2,a,b", "a.csv:3:2", "text follows a closing quote, expected the delimiter or the end of the line"),
    ] {
        fixture.write("a.csv", [b"n,a,b\n", record, b"\n7,x,y\n"].concat());
        let read = fixture.read(json!({ "path": "a.csv" })).await;
        let (found_place, _, found_reason) = read.misfit();
        assert_eq!((found_place, found_reason), (place, reason));
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
